"""Cancelling and moving a prepay: its money is free when the pump can deliver nothing for it."""

from __future__ import annotations

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.urls import reverse

from devices.models import Authorisation, Command, Fill
from devices.services import authorising
from devices.services.facts import FillFact, record_fill
from sales.models import Prepay, PrepayChange
from sales.queries.prepays import open_prepays
from sales.queries.unpaid import unpaid_fills
from sales.services import prepay_changes, prepaying
from sales.services.prepaying import PrepayRefused
from sales.tasks import settle_prepays
from station.models import AuditEntry, Nozzle, TillSession
from tests import make
from tests.sales.test_prepaying import deliver, prepay, ready

pytestmark = [pytest.mark.django_db, pytest.mark.req("SAL-03")]
LATER = timedelta(seconds=40)


def taken() -> tuple[TillSession, Nozzle, Prepay]:
    """A prepay whose authorisation the pump holds."""
    till, gun = ready()
    paid = prepay(till, gun)
    Command.objects.update(status="DONE")
    Authorisation.objects.update(status="SENT")
    return till, gun, paid


def cancel(paid: Prepay, till: TillSession, at=make.NOW) -> PrepayChange:
    return prepay_changes.cancel(prepay=paid, reason="不加了", actor=till.cashier, at=at)


def pump_says(paid: Prepay, status: str) -> None:
    Authorisation.objects.filter(pk=paid.authorisation_id).update(status=status)


def test_what_no_pump_knows_of_is_cancelled_at_once_and_due_back_whole() -> None:
    till, gun = ready()
    paid = prepay(till, gun)
    with pytest.raises(PrepayRefused, match="原因"):
        prepay_changes.cancel(prepay=paid, reason=" ", actor=till.cashier, at=make.NOW)
    assert cancel(paid, till).status == "DONE"
    paid.refresh_from_db()
    assert (paid.status, paid.refund_due) == ("CANCELLED", Decimal("200.00"))
    with pytest.raises(PrepayRefused, match="已取消"):
        cancel(paid, till)


def test_a_prepay_moves_at_once_where_no_pump_knows_of_it() -> None:
    till, gun = ready()
    other = make.nozzle(till.station)
    make.nozzle_state(other, unit_price=Decimal("8.00"))
    paid = prepay(till, gun)
    first = paid.authorisation
    change = prepay_changes.move(prepay=paid, nozzle=other, actor=till.cashier, at=make.NOW)
    first.refresh_from_db()
    paid.refresh_from_db()
    assert (change.status, first.status, paid.nozzle) == ("DONE", "CANCELLED", other)
    assert (paid.authorisation.nozzle, paid.authorisation.limit_amount) == (other, paid.amount)
    deliver(paid, "10.00")
    with pytest.raises(PrepayRefused, match="已经加了油"):
        prepay_changes.move(prepay=paid, nozzle=gun, actor=till.cashier, at=make.NOW)


def test_the_money_is_not_free_before_the_pump_has_said_that_it_delivered_nothing() -> None:
    till, _, paid = taken()
    assert cancel(paid, till).status == "WAITING"
    assert cancel(paid, till).pk == PrepayChange.objects.get().pk  # twice is once
    paid.refresh_from_db()
    assert (paid.status, paid.refund_due) == ("OPEN", Decimal(0))
    with pytest.raises(PrepayRefused, match="没有应退的钱"):
        prepaying.pay_refund(
            prepay=paid, reference="", session=till, actor=till.cashier, at=make.NOW
        )
    assert prepay_changes.follow_up(at=make.NOW) == 0
    # A 取消授权 that is done is no proof: a litre may have run before the head stopped.
    Command.objects.filter(kind="CANCEL").update(status="DONE", answer="已停")
    assert prepay_changes.follow_up(at=make.NOW) == 0
    pump_says(paid, "CANCELLED")
    assert prepay_changes.follow_up(at=make.NOW) == 1
    paid.refresh_from_db()
    assert (paid.status, paid.refund_due) == ("CANCELLED", Decimal("200.00"))
    assert prepay_changes.follow_up(at=make.NOW) == 0
    told = AuditEntry.objects.filter(document=paid.number, action__startswith="sales.")
    assert list(told.order_by("pk").values_list("action", "reason")) == [
        ("sales.prepay.asked", "不加了"),
        ("sales.prepay.cancelled", "不加了"),
    ]


def test_a_fill_that_began_meanwhile_belongs_to_the_prepay() -> None:
    till, _, paid = taken()
    cancel(paid, till)
    pump_says(paid, "CANCELLED")  # it stopped, but two litres had run
    make.fill(paid.nozzle, "2.00", "8.00", authorisation=paid.authorisation)
    settle_prepays()
    paid.refresh_from_db()
    assert (paid.status, paid.sale.due, paid.refund_due) == (
        "SETTLED",
        Decimal("16.00"),
        Decimal("184.00"),
    )
    change = PrepayChange.objects.get()
    assert (change.status, change.answer) == ("FAILED", "1 号枪已经加了油，按实际加油结算")
    assert not unpaid_fills(station=till.station).exists()


def test_once_fuel_flows_nothing_is_taken_back() -> None:
    till, gun, paid = taken()
    cancel(paid, till)
    pump_says(paid, "FUELLING")
    assert prepay_changes.follow_up(at=make.NOW) == 1
    assert PrepayChange.objects.get().answer == "1 号枪已经开始加油，按实际加油结算"
    with pytest.raises(PrepayRefused, match="已经开始加油"):
        cancel(paid, till)
    with pytest.raises(PrepayRefused, match="已经开始加油"):
        prepay_changes.move(prepay=paid, nozzle=gun, actor=till.cashier, at=make.NOW)
    pump_says(paid, "USED")  # hung up again without a drop
    assert cancel(paid, till).status == "DONE"


def test_a_move_authorises_the_other_nozzle_when_the_first_is_out_of_it() -> None:
    till, gun, paid = taken()
    other = make.nozzle(till.station)
    with pytest.raises(authorising.NotAuthorised, match="离线"):
        prepay_changes.move(prepay=paid, nozzle=other, actor=till.cashier, at=make.NOW)
    assert not PrepayChange.objects.exists()
    make.nozzle_state(other, unit_price=Decimal("8.00"))
    prepay_changes.move(prepay=paid, nozzle=other, actor=till.cashier, at=make.NOW)
    paid.refresh_from_db()
    assert paid.nozzle == gun
    assert not Authorisation.objects.filter(nozzle=other).exists()
    pump_says(paid, "CANCELLED")
    assert prepay_changes.follow_up(at=make.NOW) == 1
    paid.refresh_from_db()
    assert (paid.nozzle, paid.authorisation.nozzle) == (other, other)


def test_a_move_to_a_nozzle_that_is_taken_meanwhile_leaves_the_prepay_for_another_word() -> None:
    till, _, paid = taken()
    other = make.nozzle(till.station)
    make.nozzle_state(other, unit_price=Decimal("8.00"))
    prepay_changes.move(prepay=paid, nozzle=other, actor=till.cashier, at=make.NOW)
    make.nozzle_state(other, "FUELLING", unit_price=Decimal("8.00"))
    pump_says(paid, "CANCELLED")
    assert prepay_changes.follow_up(at=make.NOW) == 1
    [row] = open_prepays(station=till.station, at=make.NOW, patience=30)
    assert row["open"] and "没有换枪：2 号枪 未授权：它正处于加油中状态" in row["told"]
    assert cancel(paid, till).status == "DONE"


def test_another_wish_takes_the_place_of_the_one_that_waits() -> None:
    till, _, paid = taken()
    other = make.nozzle(till.station)
    make.nozzle_state(other, unit_price=Decimal("8.00"))
    prepay_changes.move(prepay=paid, nozzle=other, actor=till.cashier, at=make.NOW)
    assert cancel(paid, till).status == "WAITING"
    assert Command.objects.filter(kind="CANCEL").count() == 1
    pump_says(paid, "CANCELLED")
    assert prepay_changes.follow_up(at=make.NOW) == 1
    paid.refresh_from_db()
    assert paid.status == "CANCELLED"
    assert not Authorisation.objects.filter(nozzle=other).exists()


def test_the_page_says_what_it_waits_for_and_the_pump_is_asked_again(
    django_assert_max_num_queries,
) -> None:
    till, _, paid = taken()
    cancel(paid, till)
    Command.objects.filter(kind="CANCEL").update(status="VOID", answer="超时未执行：加油机离线")
    with django_assert_max_num_queries(3):
        [row] = open_prepays(station=till.station, at=make.NOW + timedelta(seconds=12), patience=30)
    assert row["waits"] == (
        "等 1 号枪确认没有加油，再全额可退（已等 12 秒；加油机：超时未执行：加油机离线）"
    )
    assert row["cancels"] and not row["may_give_up"]
    prepay_changes.follow_up(at=make.NOW + timedelta(seconds=9))
    assert Command.objects.filter(kind="CANCEL").count() == 1
    prepay_changes.follow_up(at=make.NOW + timedelta(seconds=11))
    assert Command.objects.filter(kind="CANCEL").count() == 2


def test_for_a_pump_that_does_not_answer_a_second_person_signs() -> None:
    till, _, paid = taken()
    boss = make.manager(till.station)
    late = make.NOW + LATER
    with pytest.raises(PrepayRefused, match="先按“取消”"):
        prepay_changes.give_up(prepay=paid, approver=boss, actor=till.cashier, at=late)
    cancel(paid, till)
    for at, approver, words in (
        (make.NOW, boss, "30 秒没有应答"),
        (late, till.cashier, "另一人看过"),
    ):
        with pytest.raises(PrepayRefused, match=words):
            prepay_changes.give_up(prepay=paid, approver=approver, actor=till.cashier, at=at)
    assert open_prepays(station=till.station, at=late, patience=30)[0]["may_give_up"]
    prepay_changes.give_up(prepay=paid, approver=boss, actor=till.cashier, at=late)
    paid.refresh_from_db()
    assert (paid.status, paid.refund_due) == ("CANCELLED", Decimal("200.00"))
    entry = AuditEntry.objects.get(action="sales.prepay.cancelled")
    assert entry.after["approver"] == boss.name
    # It delivered after all: the fill is not lost with the prepay, it is to be paid.
    make.fill(paid.nozzle, "2.00", "8.00", authorisation=paid.authorisation)
    assert unpaid_fills(station=till.station).count() == 1


def test_nobody_signs_for_a_pump_that_delivers() -> None:
    till, _, paid = taken()
    cancel(paid, till)
    pump_says(paid, "FUELLING")
    with pytest.raises(PrepayRefused, match="已经开始加油"):
        prepay_changes.give_up(
            prepay=paid,
            approver=make.manager(till.station),
            actor=till.cashier,
            at=make.NOW + LATER,
        )


def test_the_till_asks_and_is_told_whether_it_waits() -> None:
    till, _, paid = taken()
    client = make.signed_in(till.cashier)

    def send(name: str, **data: str):
        address = reverse(f"sales:{name}", args=[paid.pk])
        return client.post(address, data, content_type="application/json")

    assert send("prepay_cancel", reason="不加了").json() == {"number": paid.number, "done": False}
    assert "确认没有加油" in client.get(reverse("sales:prepays")).json()["prepays"][0]["waits"]
    assert "账号和口令" in send("prepay_give_up").json()["error"]
    boss = make.manager(till.station)
    told = send("prepay_give_up", approver=boss.username, approver_secret=make.PIN)
    assert told.status_code == 422 and "30 秒" in told.json()["error"]
    other = make.nozzle(till.station)
    make.nozzle_state(other, unit_price=Decimal("8.00"))
    assert send("prepay_move", nozzle=str(other.pk)).json()["done"] is False


# ------------------------------------------------------------------------------------ races


def _elsewhere(act) -> None:
    """Run on a connection of its own, to its commit."""

    def run() -> None:
        try:
            act()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("at_statement", range(1, 9))
def test_an_end_told_between_any_two_questions_shows_its_fill_too(at_statement: int) -> None:
    """The line's facts commit right behind the n-th statement of the follow-up."""
    till, gun, paid = taken()
    cancel(paid, till)

    def line_tells() -> None:
        record_fill(
            FillFact(
                nozzle=gun.pk,
                litres=Decimal("2.00"),
                unit_price=Decimal("8.00"),
                amount=Decimal("16.00"),
                totalizer_after=Decimal("1002.00"),
                occurred_at=make.NOW,
                authorisation=paid.authorisation_id,
            )
        )
        pump_says(paid, "CANCELLED")

    seen = 0

    def meanwhile(execute, sql, params, many, context):
        nonlocal seen
        result = execute(sql, params, many, context)
        seen += 1
        if seen == at_statement:
            _elsewhere(line_tells)
        return result

    with connection.execute_wrapper(meanwhile):
        prepay_changes.follow_up(at=make.NOW)
    if seen < at_statement:
        line_tells()
    assert Fill.objects.count() == 1
    prepay_changes.follow_up(at=make.NOW)
    prepaying.settle_due(at=make.NOW)
    paid.refresh_from_db()
    assert (paid.status, paid.refund_due) == ("SETTLED", Decimal("184.00"))
    assert PrepayChange.objects.get().status == "FAILED"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", range(6))
def test_cancel_move_settle_and_the_line_at_once_give_the_money_one_way(round_: int) -> None:
    till, gun, paid = taken()
    other = make.nozzle(till.station)
    make.nozzle_state(other, unit_price=Decimal("8.00"))
    began = round_ % 2  # whether fuel ran before the head stopped

    def line_tells() -> None:
        if began:
            make.fill(gun, "2.00", "8.00", authorisation=paid.authorisation)
        pump_says(paid, "USED" if began else "CANCELLED")

    acts = [
        lambda: cancel(paid, till),
        lambda: prepay_changes.move(prepay=paid, nozzle=other, actor=till.cashier, at=make.NOW),
        line_tells,
        lambda: prepay_changes.follow_up(at=make.NOW),
        lambda: prepaying.settle_due(at=make.NOW),
    ]
    barrier = threading.Barrier(len(acts))

    def run(act) -> None:
        try:
            barrier.wait()
            act()
        except (PrepayRefused, authorising.NotAuthorised):
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for _ in range(2):
        prepay_changes.follow_up(at=make.NOW)
        prepaying.settle_due(at=make.NOW)
    paid.refresh_from_db()
    sold = Decimal("16.00") if began else Decimal(0)
    assert not unpaid_fills(station=till.station).exists()
    assert not PrepayChange.objects.filter(status="WAITING").exists()
    if began:
        assert (paid.status, paid.sale.due, paid.refund_due) == (
            "SETTLED",
            sold,
            paid.amount - sold,
        )
    elif paid.status == "CANCELLED":
        assert paid.refund_due == paid.amount
        assert not Authorisation.objects.filter(status__in=authorising.LIVE).exists()
    else:
        assert (paid.status, paid.refund_due, paid.nozzle) == ("OPEN", Decimal(0), other)
