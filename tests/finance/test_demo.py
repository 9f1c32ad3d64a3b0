"""The demo station ties out, and what does not is what was planted."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from itertools import pairwise

import pytest
from django.db.models import Max, Sum

from devices.models import Fill
from finance.queries.figures import day_figures, figures_of_facts
from finance.services.demonstration import plan
from finance.services.demonstration.build import Demo
from finance.services.demonstration.freezing import freeze_demo_day
from finance.services.demonstration.site import Site, opening_totalizer
from finance.services.demonstration.trade import LOCAL
from inventory.models import StockBalance, StockMove, TankBook
from members.models import Purchase
from sales.models import FillClaim, Payment, Sale, SaleLine, SessionTender, ShiftNozzle
from sales.queries.runs import nozzle_runs
from sales.queries.shifts import shift_runs
from station.models import BusinessDay, Shift

UNTIL = datetime(2026, 11, 20, 17, 30, tzinfo=LOCAL)


@pytest.fixture(scope="module")
def site(django_db_setup, django_db_blocker, tmp_path_factory):  # type: ignore[no-untyped-def]
    from django.conf import settings
    from django.db import connection, transaction

    with django_db_blocker.unblock():
        atomic = transaction.atomic()
        atomic.__enter__()
        before, settings.VAR_DIR = settings.VAR_DIR, tmp_path_factory.mktemp("var")
        demo = Demo(days=8, until=UNTIL, busy=0.5)
        yield demo.build(
            freeze=lambda day, at: freeze_demo_day(
                day=day, at=at, owner=demo.site.owner, manager=demo.site.manager
            ),
            progress=lambda *_: None,
        )
        settings.VAR_DIR = before
        connection.check_constraints()
        transaction.set_rollback(True)
        atomic.__exit__(None, None, None)


@pytest.mark.django_db
def test_every_litre_of_the_totalizers_is_a_fill(site: Site) -> None:
    for number, nozzle in site.nozzles.items():
        facts = Fill.objects.filter(nozzle=nozzle).aggregate(
            total=Sum("litres"), last=Max("totalizer_after")
        )
        assert facts["last"] == opening_totalizer(number) + facts["total"], number


@pytest.mark.django_db
def test_every_fill_but_the_last_three_is_claimed_and_every_sold_litre_is_a_fill(
    site: Site,
) -> None:
    claimed = FillClaim.objects.filter(released_at=None).values("fill")
    assert Fill.objects.exclude(pk__in=claimed).count() == 3
    sold = SaleLine.objects.filter(kind="FUEL").aggregate(total=Sum("quantity"), money=Sum("net"))
    fills = Fill.objects.filter(claims__kind="SALE").aggregate(
        total=Sum("litres"), money=Sum("amount")
    )
    assert (sold["total"], sold["money"]) == (fills["total"], fills["money"])


@pytest.mark.django_db
def test_payments_drawers_and_purchases_equal_the_sales(site: Site) -> None:
    due = Sale.objects.aggregate(total=Sum("due"))["total"]
    assert Payment.objects.aggregate(total=Sum("amount"))["total"] == due
    assert Purchase.objects.aggregate(total=Sum("net"))["total"] == due
    for row in SessionTender.objects.exclude(tender__code="CASH").select_related(
        "tender", "session"
    ):
        taken = Payment.objects.filter(session=row.session, tender=row.tender).aggregate(
            total=Sum("amount")
        )
        assert row.expected == taken["total"]


@pytest.mark.django_db
def test_nozzle_rows_chain_and_equal_their_fills(site: Site) -> None:
    for nozzle in site.nozzles.values():
        rows = list(ShiftNozzle.objects.filter(nozzle=nozzle).order_by("shift_id"))
        for before, after in pairwise(rows):
            assert after.opening == before.closing
        for row in rows:
            fills = Fill.objects.filter(nozzle=nozzle, shift=row.shift).aggregate(
                total=Sum("litres")
            )["total"]
            assert row.run == (fills or 0)


@pytest.mark.django_db
def test_tank_books_chain_on_what_was_measured(site: Site) -> None:
    for tank in site.tanks.values():
        rows = list(TankBook.objects.filter(tank=tank, shift__isnull=False).order_by("shift_id"))
        for before, after in pairwise(rows):
            assert after.opening_l == before.physical_l
        assert all(abs(row.variance_l) < 60 for row in rows if row.variance_l is not None)


@pytest.mark.django_db
def test_shelves_equal_their_ledger(site: Site) -> None:
    for balance in StockBalance.objects.filter(station=site.station):
        assert (
            balance.quantity
            == StockMove.objects.filter(item=balance.item).aggregate(total=Sum("quantity"))["total"]
        )


@pytest.mark.django_db
def test_exactly_the_planted_oddities_are_there(site: Site) -> None:
    short = SessionTender.objects.exclude(difference=0).get()
    assert (short.difference, short.reason) == (plan.SHORT_AMOUNT, plan.SHORT_REASON)
    assert FillClaim.objects.filter(kind="DRIVE_OFF").count() == 1
    missed = Fill.objects.get(source=Fill.Source.MANUAL)
    assert missed.litres == plan.MISSED_LITRES
    assert site.station.price_changes.filter(downloads__isnull=False).distinct().count() == 1


@pytest.mark.django_db
@pytest.mark.req("RPT-05")
def test_every_frozen_shift_and_day_equals_the_same_question_asked_of_the_facts(site: Site) -> None:
    for shift in Shift.objects.filter(station=site.station, status=Shift.Status.CLOSED):
        for frozen, live in zip(shift_runs(shift), nozzle_runs(shift), strict=True):
            for name in ("opening", "closing", "run", "tests", "sold", "claimed", "difference"):
                assert getattr(frozen, name) == getattr(live, name), (shift, frozen.nozzle, name)
            assert abs(frozen.sold_amount - live.sold_amount) <= Decimal("0.50")
    for day in BusinessDay.objects.filter(station=site.station, status=BusinessDay.Status.CLOSED):
        assert day_figures(day=day) == figures_of_facts(day=day), day
