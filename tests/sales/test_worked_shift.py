"""A shift as on paper, with its figures to the fen and the millilitre.

早班 at one station. 92# costs 7.85 until 11:00, then 7.95; 0# costs 7.50 throughout.

    枪  接班泵码     调价点      交班泵码     走字     检定   自用   销售升数  销售金额
    1   100000.000  100120.000  100260.000  260.000  20.00   -      240.000   1898.00
    2    50000.000   50000.000   50080.000   80.000   -      -       80.000    636.00
    3    80000.000      -        80410.250  410.250   -     30.00   380.250   2851.88

One fill of 40.000 L at nozzle 3 is unpaid at the handover and passes to the next shift.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import pytest

from devices.models import Fill
from inventory.services.dips import record_dip
from sales.models import SessionTender, ShiftAdvance, ShiftNozzle, Tender
from sales.queries.runs import nozzle_runs
from sales.queries.sessions import tender_dues
from sales.queries.shifts import litres_to_explain, shift_report, shift_runs
from sales.services import cash, closing, sessions, shifts
from sales.services.disposals import use_fill
from sales.services.sessions import SlipCount
from station.models import Nozzle, Shift, TillSession, User
from tests import make

D = Decimal
pytestmark = [pytest.mark.django_db, pytest.mark.req("SAL-06")]


@dataclass
class Day:
    """The shift after its last sale, before the handover."""

    shift: Shift
    session: TillSession
    nozzles: list[Nozzle]
    unpaid: Fill
    leader: User
    receiver: User
    manager: User


def worked() -> Day:
    station = make.station()
    manager, leader, receiver = make.manager(station), make.cashier(station), make.cashier(station)
    petrol, diesel = make.grade("92#"), make.grade("0#")
    tanks = [make.tank(station, petrol, 1), make.tank(station, diesel, 2)]
    make.price(station, petrol, "7.85")
    make.price(station, diesel, "7.50")
    nozzles = [
        make.nozzle(station, petrol, tanks[0]),
        make.nozzle(station, petrol, tanks[0]),
        make.nozzle(station, diesel, tanks[1]),
    ]
    for nozzle, litres in zip(nozzles, ("100000", "50000", "80000"), strict=True):
        make.reading(nozzle, litres, make.at(7), kind="OPENING", document="OPEN")
    make.day(station, opened_at=make.at(8))
    make.tenders()
    shift = shifts.open_shift(
        station=station, leader=leader, crew=[], at=make.at(8), actor=leader, name="早班"
    )
    session = sessions.open_session(
        till=make.till(station),
        cashier=leader,
        float_amount=D("500.00"),
        at=make.at(8),
        actor=leader,
    )
    fills = _before_the_change(nozzles)
    _change_price(station, petrol, nozzles)
    fills += _after_the_change(nozzles)
    return _sell(shift, session, nozzles, fills, leader, receiver, manager)


def _before_the_change(nozzles: list[Nozzle]) -> list[Fill]:
    first, _, third = nozzles
    return [
        make.fill(first, "100.00", "7.85", make.at(9), "100100.000"),
        make.fill(first, "20.00", "7.85", make.at(10), "100120.000"),  # the pump test
        make.fill(third, "340.25", "7.50", make.at(10), "80340.250"),
    ]


def _after_the_change(nozzles: list[Nozzle]) -> list[Fill]:
    first, second, third = nozzles
    return [
        make.fill(first, "140.00", "7.95", make.at(12), "100260.000"),
        make.fill(second, "80.00", "7.95", make.at(13), "50080.000"),
        make.fill(third, "30.00", "7.50", make.at(14), "80370.250"),  # own use
        make.fill(third, "40.00", "7.50", make.at(15), "80410.250"),  # nobody pays before T
    ]


def _change_price(station, grade, nozzles: list[Nozzle]) -> None:
    line = make.price(station, grade, "7.95", since=make.at(11))
    for nozzle, litres in zip(nozzles[:2], ("100120.000", "50000.000"), strict=True):
        make.reading(nozzle, litres, make.at(11), kind="PRICE", document=line.change.number)


def _sell(shift, session, nozzles, fills, leader, receiver, manager) -> Day:
    sold_early, test, diesel, sold_late, second, own_use, unpaid = fills
    water = make.item("矿泉水", price="2.00", on_hand="10", at=shift.station)
    make.sale(session, [sold_early], at=make.at(9, 5))  # 785.00 in cash
    make.sale(session, [diesel], tenders=[("CARD", "2551.88", "P-001")], at=make.at(10, 5))
    make.sale(session, [sold_late], [(water, 1)], at=make.at(12, 5))  # 1113.00 + 2.00 in cash
    make.sale(session, [second], tenders=[("WECHAT", "636.00")], at=make.at(13, 5))
    for fill, kind in ((test, "TEST"), (own_use, "OWN_USE")):
        use_fill(
            fill=fill,
            kind=kind,
            reason="周检" if kind == "TEST" else "发电机加油",
            session=session,
            actor=leader,
            approver=manager,
            at=make.at(14, 5),
        )
    cash.move(
        session=session,
        kind="DROP",
        amount=D("1000.00"),
        at=make.at(13),
        actor=leader,
        client_key="drop-1",
    )
    cash.move(
        session=session,
        kind="PAID_OUT",
        amount=D("15.50"),
        reason="买扫帚",
        witness=manager,
        at=make.at(14),
        actor=leader,
        client_key="out-1",
    )
    return Day(shift, session, nozzles, unpaid, leader, receiver, manager)


def handed_over(day: Day) -> Shift:
    return shifts.hand_over(
        shift=day.shift,
        receiver=day.receiver,
        crew=[],
        at=make.at(16),
        actor=day.leader,
        name="中班",
        ends_day=False,
    )


def counted(day: Day) -> None:
    """应有现金 1384.50; the drawer holds 1364.50: twenty yuan short. The card machine says 2 more."""
    notes = {"100": 13, "50": 1, "10": 1, "1": 4, "0.5": 1}
    sessions.count_session(
        session=day.session,
        denominations=notes,
        slips={"CARD": SlipCount(D("2553.88"), 1), "WECHAT": SlipCount(D("636.00"), 1)},
        at=make.at(16, 10),
        actor=day.leader,
    )


def accepted(day: Day) -> list[SessionTender]:
    counted(day)
    return sessions.accept_count(
        session=day.session,
        receiver=day.receiver,
        reasons={"CASH": "找错零钱，已调监控"},
        approver=day.manager,
        at=make.at(16, 20),
        actor=day.leader,
    )


def closed(day: Day) -> None:
    handed_over(day)
    accepted(day)
    for tank in day.shift.station.tanks.order_by("number"):
        record_dip(
            tank=tank,
            source="DIP",
            purpose="HANDOVER",
            net_l=D("0.000"),
            shift=day.shift,
            day=day.shift.day,
            at=make.at(16, 5),
            actor=day.leader,
        )
    closing.close_shift(
        shift=day.shift,
        giver=day.leader,
        receiver=day.receiver,
        approver=day.manager,
        tank_reasons={tank.pk: "首班，罐存未建账" for tank in day.shift.station.tanks.all()},
        at=make.at(16, 30),
        actor=day.leader,
    )


def test_each_nozzles_run_is_split_at_the_price_change_and_worth_what_the_paper_says():
    day = worked()
    handed_over(day)
    first, second, third = nozzle_runs(day.shift)
    assert (first.opening, first.closing, first.run) == (D("100000"), D("100260.000"), D("260.000"))
    assert (first.tests, first.own_use, first.sold) == (D("20.000"), D(0), D("240.000"))
    assert [(part.litres, part.price) for part in first.segments] == [
        (D("120.000"), D("7.85")),
        (D("140.000"), D("7.95")),
    ]
    assert first.sold_amount == D("785.00") + D("1113.00")
    assert (second.sold, second.sold_amount) == (D("80.000"), D("636.00"))
    assert [part.price for part in second.segments] == [D("7.95")]
    assert (third.run, third.own_use, third.sold) == (D("410.250"), D("30.000"), D("380.250"))
    assert third.sold_amount == D("2851.88")  # 2851.875, rounded once


def test_documents_and_meter_agree_but_for_the_fill_that_passes_on():
    day = worked()
    handed_over(day)
    first, second, third = nozzle_runs(day.shift)
    assert (first.claimed, first.claimed_amount) == (D("240.000"), D("1898.00"))
    assert (second.claimed, second.claimed_amount) == (D("80.000"), D("636.00"))
    assert (third.claimed, third.passed_on) == (D("340.250"), D("40.000"))
    assert [run.difference for run in (first, second, third)] == [D(0)] * 3
    passed = ShiftAdvance.objects.get(from_shift=day.shift)
    assert (passed.fill, passed.litres, passed.amount) == (day.unpaid, D("40.000"), D("300.00"))


def test_the_next_shift_takes_the_passed_fill_as_its_own():
    day = worked()
    following = handed_over(day)
    session = sessions.open_session(
        till=day.session.till,
        cashier=day.receiver,
        float_amount=D("500"),
        at=make.at(16),
        actor=day.receiver,
    )
    make.sale(session, [day.unpaid], at=make.at(16, 5))
    third = nozzle_runs(following)[2]
    assert (third.run, third.passed_in, third.claimed) == (D(0), D("40.000"), D("40.000"))
    assert third.difference == 0
    assert nozzle_runs(day.shift)[2].claimed == D("340.250")


@pytest.mark.req("FIN-01")
def test_the_drawer_is_twenty_short_and_says_why():
    day = worked()
    handed_over(day)
    cash_row, card, wechat = accepted(day)
    # 500.00 float + 785.00 + 1115.00 − 1000.00 dropped − 15.50 paid out
    assert cash_row.expected == D("1384.50")
    assert cash_row.counted == D("1364.50")
    assert cash_row.difference == D("-20.00")
    assert cash_row.reason == "找错零钱，已调监控"
    assert (card.expected, card.difference) == (D("2551.88"), D("2.00"))
    assert (wechat.expected, wechat.difference) == (D("636.00"), D(0))


def test_a_surplus_on_cards_never_makes_up_for_a_shortage_in_cash():
    day = worked()
    handed_over(day)
    accepted(day)
    figures = shift_report(day.shift).over_short
    assert (figures.over, figures.short) == (D("2.00"), D("-20.00"))


def test_a_closed_shift_reads_from_its_frozen_rows_what_the_facts_said():
    day = worked()
    closed(day)
    frozen = shift_runs(day.shift)
    live = nozzle_runs(day.shift)
    assert day.shift.status == Shift.Status.CLOSED
    assert ShiftNozzle.objects.filter(shift=day.shift).count() == 3
    for told, asked in zip(frozen, live, strict=True):
        for name in ("opening", "closing", "run", "sold", "sold_amount", "claimed", "difference"):
            assert getattr(told, name) == getattr(asked, name), name
        assert [part.amount for part in told.segments] == [part.amount for part in asked.segments]
    assert [row.left for row in litres_to_explain(day.shift)] == [D(0), D(0)]


def test_litres_by_tender_add_up_to_what_was_sold():
    day = worked()
    handed_over(day)
    report = shift_report(day.shift)
    ids = {tender.code: tender.pk for tender in Tender.objects.all()}
    petrol, diesel = (row.grade.pk for row in litres_to_explain(day.shift))
    if report.mix.litres[petrol].get(ids["WECHAT"]) is None:
        petrol, diesel = diesel, petrol
    assert report.mix.litres[petrol] == {ids["CASH"]: D("240.000"), ids["WECHAT"]: D("80.000")}
    assert report.mix.litres[diesel] == {ids["CARD"]: D("340.250")}
    in_cash = report.mix.tenders[ids["CASH"]]
    assert (in_cash.fuel, in_cash.shop, in_cash.count) == (D("1898.00"), D("2.00"), 2)


def test_the_count_is_blind_until_it_is_made():
    day = worked()
    handed_over(day)
    assert all(due.counted is None and due.difference is None for due in tender_dues(day.session))
