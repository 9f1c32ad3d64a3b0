"""日结: what stops it, what is frozen, and that nothing is added after it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction

from devices.services.alarms import raise_alarm
from finance.models import (
    DayClose,
    DayDifference,
    DayFigures,
    DayHour,
    DayProduct,
    DayTank,
    DayTender,
)
from finance.queries.closing import readiness
from finance.queries.figures import (
    day_figures,
    differences_of,
    figures_of_facts,
    frozen_figures,
)
from finance.services.closing import (
    DayAlreadyClosed,
    DayNotReady,
    NoSuchDifference,
    ReasonMissing,
    accept_difference,
    close_day,
    close_days,
)
from inventory.models import TankBook
from inventory.services.dips import record_dip
from sales.models import Discrepancy, Payment
from station.models import AuditEntry, BusinessDay
from tests import make
from tests.finance import days
from tests.finance.days import Site, end_day

D = Decimal
TOMORROW = make.at(23, day=make.TODAY + timedelta(days=1))


def sold(site: Site) -> None:
    water = make.item(on_hand="50", at=site.station)
    make.sale(site.session, [make.fill_at(site.station)], [(water, 1)])
    make.sale(site.session, [make.fill_at(site.station, "31.20")], tenders=[("WECHAT", "244.92")])


@pytest.mark.req("FIN-01", "RPT-05")
def test_a_close_freezes_the_day_and_its_rows(site: Site) -> None:
    sold(site)
    day = end_day(site, counted="680.02")

    close = close_day(day=day, at=make.at(22, 30), actor=site.manager, remarks="正常")

    assert day.status == BusinessDay.Status.CLOSED
    head = DayFigures.objects.get(day=day)
    assert (head.fuel_litres, head.fuel_net, head.shop_net) == (D("56.680"), D("444.94"), D("2.00"))
    assert head.over_short == D("-22.00")
    assert {(row.kind, row.net) for row in DayProduct.objects.filter(day=day)} == {
        ("FUEL", D("444.94")),
        ("GOODS", D("2.00")),
    }
    assert sum(row.net for row in DayTender.objects.filter(day=day)) == head.due
    assert sum(row.litres for row in DayHour.objects.filter(day=day)) == head.fuel_litres
    assert DayTank.objects.get(day=day).book_l == TankBook.objects.get(day=day, shift=None).book_l
    entry = AuditEntry.objects.get(action="finance.day.closed")
    assert (entry.document, entry.actor) == (close.number, site.manager)


@pytest.mark.req("FIN-01")
def test_a_frozen_day_equals_the_same_question_asked_of_the_facts(site: Site) -> None:
    sold(site)
    make.fill_at(site.station, "5.00")
    day = end_day(site)
    for row in readiness(day=day, figures=figures_of_facts(day=day)).undecided:
        accept_difference(
            day=day,
            kind=row.kind,
            subject=row.subject,
            reason="次日追收",
            at=make.at(22),
            actor=site.owner,
        )
    close_day(day=day, at=make.at(22, 30), actor=site.manager)
    frozen = frozen_figures(day)
    assert frozen is not None
    assert day_figures(day=day) == frozen

    after = make.session(site.station, make.cashier(site.station), make.till(site.station))
    make.sale(after, [make.fill_at(site.station, "9.00")])
    assert differences_of(frozen, figures_of_facts(day=day)) == []


@pytest.mark.req("FIN-01")
def test_an_alarm_told_after_the_close_does_not_change_the_frozen_day(site: Site) -> None:
    sold(site)
    told = {"station": site.station, "kind": "SILENCE", "text": "1 号机没有应答"}
    raise_alarm(subject="line:1", at=make.at(10), **told)
    day = end_day(site)
    close_day(day=day, at=make.at(22, 30), actor=site.manager)
    frozen = frozen_figures(day)
    assert frozen is not None
    assert [row.count for row in frozen.alarms] == [1]

    raise_alarm(subject="line:2", at=make.at(11), **told)  # the poller had it in its spool
    assert differences_of(frozen, figures_of_facts(day=day)) == []
    today = BusinessDay.objects.get(station=site.station, status="OPEN")
    assert [row.count for row in figures_of_facts(day=today).alarms] == [1]


@pytest.mark.req("FIN-01")
def test_no_dip_is_added_to_a_closed_day(site: Site) -> None:
    sold(site)
    day = end_day(site)
    tank = site.station.tanks.first()
    dip = {"tank": tank, "source": "DIP", "net_l": D(19000), "total_height_mm": None}
    record_dip(at=make.at(21), actor=site.manager, day=day, **dip)
    close_day(day=day, at=make.at(22), actor=site.manager)
    with pytest.raises(IntegrityError, match="closed"), transaction.atomic():
        record_dip(at=make.at(21), actor=site.manager, day=day, **dip)


def test_a_frozen_figure_that_was_tampered_with_is_found(site: Site) -> None:
    sold(site)
    day = end_day(site)
    close_day(day=day, at=make.at(22, 30), actor=site.manager)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # no guard, no memory
        cursor.execute(
            "UPDATE sales_saleline SET quantity = quantity + 1 WHERE kind = 'FUEL' AND position = 1"
            " AND day_id = %s AND quantity = 31.2",
            [day.pk],
        )
    frozen = frozen_figures(day)
    assert frozen is not None
    assert "products/0/quantity" in differences_of(frozen, figures_of_facts(day=day))


@pytest.mark.req("FIN-01")
def test_an_open_shift_stops_the_close_and_is_named(site: Site) -> None:
    with pytest.raises(DayNotReady, match="早班"):
        close_day(day=site.day, at=make.at(22), actor=site.manager)


@pytest.mark.req("FIN-01")
@pytest.mark.parametrize("status", ["PENDING", "UNKNOWN", "CREATED"])
def test_a_payment_that_is_not_known_stops_the_close(site: Site, status: str) -> None:
    sold(site)
    payment = Payment.objects.filter(tender__code="WECHAT").get()
    Payment.objects.filter(pk=payment.pk).update(status=status)
    day = end_day(site)
    with pytest.raises(DayNotReady, match="微信"):
        close_day(day=day, at=make.at(22), actor=site.manager)
    Payment.objects.filter(pk=payment.pk).update(status="SUCCESS")
    close_day(day=day, at=make.at(22), actor=site.manager)


def test_days_close_in_their_order(site: Site) -> None:
    first = end_day(site)
    session = make.session(site.station, make.cashier(site.station), make.till(site.station))
    second = end_day(Site(site.station, site.owner, site.manager, session), at=TOMORROW)
    with pytest.raises(DayNotReady, match="还没有日结"):
        close_day(day=second, at=TOMORROW, actor=site.manager)
    close_day(day=first, at=TOMORROW, actor=site.manager)
    close_day(day=second, at=TOMORROW, actor=site.manager)


def two_days(site: Site) -> list[tuple[BusinessDay, datetime]]:
    """Two cut days: a fill of the first is not paid and accepted, and passes into the second."""
    sold(site)
    unpaid = make.fill_at(site.station, "10.00")
    first = end_day(site, counted="680.02")
    accept_difference(
        day=first, kind="UNPAID", subject=str(unpaid.pk), reason="熟客", at=make.at(22), actor=site.owner
    )  # fmt: skip
    session = make.session(site.station, make.cashier(site.station), make.till(site.station))
    make.sale(session, [make.fill_at(site.station, "40.00")])
    second = end_day(Site(site.station, site.owner, site.manager, session), at=TOMORROW)
    return [(first, make.at(22, 30)), (second, TOMORROW)]


def frozen_rows() -> list[object]:
    """What a close leaves, but for the keys and who gave them."""
    kept = DayFigures.objects.order_by("date").values_list("date", "due", "sha256", "frozen_at")
    books = TankBook.objects.filter(shift=None).order_by("day__date")
    return [
        *kept,
        *DayProduct.objects.order_by("date", "code").values_list("date", "code", "net", "count"),
        *books.values_list("day__date", "opening_l", "pumped_l", "book_l", "frozen_at"),
        *DayClose.objects.order_by("number").values_list("number", "closed_at"),
    ]


@pytest.mark.req("FIN-01")
def test_days_closed_together_are_frozen_as_if_one_after_the_other(site: Site) -> None:
    closings = two_days(site)
    before = transaction.savepoint()
    for day, at in closings:
        close_day(day=day, at=at, actor=site.manager)
    alone = frozen_rows()
    transaction.savepoint_rollback(before)
    assert frozen_rows() == []
    for day, _ in closings:
        day.refresh_from_db()

    close_days(days=closings, actor=site.manager)
    assert frozen_rows() == alone
    assert {day.status for day, _ in closings} == {BusinessDay.Status.CLOSED}
    assert [row.date for row in day_figures(day=closings[1][0]).unpaid] == [make.TODAY]


@pytest.mark.req("FIN-01")
def test_one_day_that_is_not_ready_keeps_those_before_it_from_being_frozen(site: Site) -> None:
    (first, at), (second, later) = two_days(site)
    open_discrepancy(site, second)
    with pytest.raises(DayNotReady, match=f"{second.date} 还不能日结.*两台收银机都收了"):
        close_days(days=[(first, at), (second, later)], actor=site.manager)
    assert frozen_rows() == []
    first.refresh_from_db()
    assert first.status == BusinessDay.Status.CUT


def test_a_day_is_closed_once(site: Site) -> None:
    day = end_day(site)
    close_day(day=day, at=make.at(22), actor=site.manager)
    with pytest.raises(DayAlreadyClosed):
        close_day(day=day, at=make.at(22), actor=site.manager)
    assert DayClose.objects.count() == 1


def test_a_close_that_fails_half_way_leaves_nothing(site: Site) -> None:
    sold(site)
    day = end_day(site)
    with connection.cursor() as cursor:  # the last row that a close writes cannot be written
        cursor.execute("ALTER TABLE finance_dayclose ADD CONSTRAINT no CHECK (remarks <> 'x')")
    with pytest.raises(IntegrityError), transaction.atomic():
        close_day(day=day, at=make.at(22), actor=site.manager, remarks="x")
    day.refresh_from_db()
    assert day.status == BusinessDay.Status.CUT
    assert not DayFigures.objects.exists() and not TankBook.objects.filter(shift=None).exists()


@pytest.mark.req("FIN-01")
def test_a_difference_is_worked_off_or_accepted_by_the_owner_and_carried(site: Site) -> None:
    unpaid = make.fill_at(site.station, "10.00")
    day = end_day(site)
    with pytest.raises(DayNotReady, match="未收款"):
        close_day(day=day, at=make.at(22), actor=site.manager)
    with pytest.raises(ReasonMissing):
        accept_difference(
            day=day,
            kind="UNPAID",
            subject=str(unpaid.pk),
            reason=" ",
            at=make.at(22),
            actor=site.owner,
        )
    for _ in range(2):  # twice is once
        accept_difference(
            day=day,
            kind="UNPAID",
            subject=str(unpaid.pk),
            reason="熟客，明日补交",
            at=make.at(22),
            actor=site.owner,
        )
    assert AuditEntry.objects.filter(action="finance.difference.accepted").count() == 1
    close_day(day=day, at=make.at(22), actor=site.manager)

    session = make.session(site.station, make.cashier(site.station), make.till(site.station))
    second = end_day(Site(site.station, site.owner, site.manager, session), at=TOMORROW)
    (carried,) = readiness(day=second, figures=figures_of_facts(day=second)).differences
    assert carried.is_carried_into(second)
    close_day(day=second, at=TOMORROW, actor=site.manager)


def test_a_difference_of_a_day_that_still_sells_is_not_accepted(site: Site) -> None:
    fill = make.fill_at(site.station, "10.00")
    with pytest.raises(DayNotReady, match="还在营业"):
        accept_difference(
            day=site.day,
            kind="UNPAID",
            subject=str(fill.pk),
            reason="追收",
            at=make.at(12),
            actor=site.owner,
        )


def test_a_fill_paid_on_the_next_day_before_the_close_is_no_difference(site: Site) -> None:
    fill = make.fill_at(site.station, "10.00")
    day = end_day(site)
    session = make.session(site.station, make.cashier(site.station), make.till(site.station))
    make.sale(session, [fill])
    with pytest.raises(NoSuchDifference):
        accept_difference(
            day=day,
            kind="UNPAID",
            subject=str(fill.pk),
            reason="追收",
            at=make.at(22),
            actor=site.owner,
        )
    close_day(day=day, at=make.at(22), actor=site.manager)
    assert [row.fill for row in day_figures(day=day).unpaid] == [fill.pk]
    assert day_figures(day=session.shift.day).unpaid == ()


def open_discrepancy(site: Site, day: BusinessDay) -> None:
    Discrepancy.objects.create(
        station=site.station,
        kind="SECOND_CLAIM",
        document="S-9",
        subject="fill 7",
        amount=D("200.00"),
        text="两台收银机都收了 1 号枪",
        day=day,
        raised_at=make.NOW,
    )


def test_an_open_discrepancy_stops_the_close(site: Site) -> None:
    open_discrepancy(site, site.day)
    day = end_day(site)
    with pytest.raises(DayNotReady, match="两台收银机都收了"):
        close_day(day=day, at=make.at(22), actor=site.manager)


@pytest.mark.req("FIN-01")
@pytest.mark.parametrize(
    "table", ["sales_payment", "sales_sale", "devices_fill", "finance_dayproduct"]
)
def test_no_row_of_a_closed_day_is_added(site: Site, table: str) -> None:
    sold(site)
    day = end_day(site)
    close_day(day=day, at=make.at(22), actor=site.manager)
    with pytest.raises(IntegrityError, match=r"closed|counted"), transaction.atomic():
        _write_one_more(table, day)


def _write_one_more(table: str, day: BusinessDay) -> None:
    """A row like one of the day's, with another key."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMP TABLE copy ON COMMIT DROP AS SELECT * FROM {table}"
            " WHERE day_id = %s LIMIT 1",
            [day.pk],
        )
        cursor.execute("UPDATE copy SET id = 987654321")
        cursor.execute(f"INSERT INTO {table} SELECT * FROM copy")


@pytest.mark.req("FIN-01")
def test_no_payment_or_decision_of_a_closed_day_is_changed(site: Site) -> None:
    sold(site)
    make.fill_at(site.station, "5.00")
    day = end_day(site)
    (row,) = readiness(day=day, figures=figures_of_facts(day=day)).undecided
    accept_difference(
        day=day,
        kind=row.kind,
        subject=row.subject,
        reason="追收",
        at=make.at(22),
        actor=site.owner,
    )
    close_day(day=day, at=make.at(22), actor=site.manager)
    with pytest.raises(IntegrityError, match="closed"), transaction.atomic():
        Payment.objects.filter(day=day).update(status="REVERSED")
    with pytest.raises(IntegrityError, match="closed"), transaction.atomic():
        DayDifference.objects.filter(day=day).update(reason="改了")
    with pytest.raises(IntegrityError), transaction.atomic():
        DayFigures.objects.filter(day=day).update(fuel_litres=0)


@pytest.mark.req("FIN-01")
@pytest.mark.django_db
def test_every_row_that_carries_a_day_is_guarded() -> None:
    """A table with a business day refuses rows of a closed one, unless it is named here and why."""
    free = {
        "station_tillsession",  # has no day of its own; its shift is frozen
        "inventory_delivery",  # planned without a day; what it moves is guarded
        "finance_reportarchive",  # made after the close
        "inventory_varianceattribution",  # a cause may be told after the close
    }
    tables = {
        model._meta.db_table
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if field.name == "day" and getattr(field, "related_model", None) is BusinessDay
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'closed_day'")
        guarded = {name for (name,) in cursor.fetchall()}
    assert tables - guarded - free == set()


class Sellers:
    """Six tills that write payments of one day until they are refused."""

    def __init__(self, site: Site) -> None:
        self.rows = [
            (make.session(site.station, make.cashier(site.station), make.till(site.station)), n)
            for n in range(6)
        ]
        self.day = site.day
        self.go = threading.Barrier(7)
        self.written: list[Decimal] = []
        self.threads = [
            threading.Thread(target=self._sell, args=(session.pk, n)) for session, n in self.rows
        ]

    def _sell(self, session_id: int, n: int) -> None:
        self.go.wait()
        try:
            for serial in range(200):
                if not _drop(self.day.pk, session_id, f"{n}-{serial}"):
                    return
                self.written.append(D(1))
        finally:
            connection.close()


def _drop(day_id: int, session_id: int, key: str) -> bool:
    """A safe drop of one yuan in its own transaction; False where the closed day refused it."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO sales_cashmovement (station_id, number, session_id, day_id, kind,"
                " amount, reason, client_key, actor_id, occurred_at)"
                " SELECT station_id, %s, id, %s, 'DROP', -1, '', %s, cashier_id, opened_at"
                " FROM station_tillsession WHERE id = %s",
                [f"C-{key}", day_id, f"k-{key}", session_id],
            )
            cursor.execute("SELECT pg_sleep(0.002)")
    except IntegrityError:
        return False
    return True


def _seen_at_the_close(day: BusinessDay) -> int:
    """Rows of the day when it was locked, as the close would count them, and then it is closed."""
    with transaction.atomic(), connection.cursor() as cursor:
        BusinessDay.objects.select_for_update().get(pk=day.pk)
        cursor.execute("SELECT COUNT(*) FROM sales_cashmovement WHERE day_id = %s", [day.pk])
        (seen,) = cursor.fetchone()
        cursor.execute("SELECT pg_sleep(0.05)")
        BusinessDay.objects.filter(pk=day.pk).update(
            status="CLOSED", cut_at=make.at(22), closed_at=make.at(22)
        )
    return int(seen)


def _race(site: Site) -> tuple[int, int]:
    """How many rows the close saw, and how many there are when everybody has finished."""
    sellers = Sellers(site)
    for thread in sellers.threads:
        thread.start()
    sellers.go.wait()
    threading.Event().wait(0.1)
    seen = _seen_at_the_close(site.day)
    for thread in sellers.threads:
        thread.join()
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM sales_cashmovement WHERE day_id = %s", [site.day.pk])
        (there,) = cursor.fetchone()
    return seen, int(there)


@pytest.mark.req("FIN-01")
@pytest.mark.django_db(transaction=True)
def test_six_tills_selling_during_the_close_leave_no_late_row() -> None:
    seen, there = _race(days.site())
    assert seen > 0
    assert there == seen


@pytest.mark.django_db(transaction=True)
def test_without_the_shared_lock_the_same_race_leaves_late_rows(
    without_shared_lock: Callable[[], None],
) -> None:
    """The lock is what the test above rests on: take it away, and rows slip in behind the close."""
    without_shared_lock()
    seen, there = _race(days.site())
    assert there > seen
