"""班结: what has to be explained, counted and signed before a shift is frozen, and stays so after."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse

from devices.models import TotalizerGap
from inventory.models import TankBook
from inventory.services.dips import record_dip
from sales.models import (
    CashMovement,
    Payment,
    SessionCount,
    SessionTender,
    ShiftExplanation,
    ShiftNozzle,
    ShiftSignature,
)
from sales.queries.fairness import fairness
from sales.queries.sessions import tender_dues
from sales.queries.shifts import litres_to_explain, shift_runs
from sales.services import cash, closing, sessions
from sales.services.closing import (
    BadSignature,
    LitresLeft,
    NotHandedOver,
    NothingToExplain,
    TankUnmeasured,
    TillsUnfinished,
)
from sales.services.sessions import (
    BadCount,
    NotTheSamePerson,
    PaymentsUnderWay,
    ReasonMissing,
    SlipCount,
    WrongSessionState,
)
from station.models import AuditEntry, Shift, TillSession, User
from tests import make
from tests.sales.test_handover import at_once, at_work, hand_over
from tests.sales.test_worked_shift import closed, counted, handed_over, worked

D = Decimal
pytestmark = [pytest.mark.django_db, pytest.mark.req("SAL-06")]


def dipped(shift: Shift, litres: str = "10000") -> None:
    """Every tank measured at the handover, with what its book says."""
    for tank in shift.station.tanks.order_by("number"):
        record_dip(
            tank=tank,
            source="DIP",
            purpose="HANDOVER",
            net_l=D(litres),
            shift=shift,
            day=shift.day,
            at=make.at(16, 5),
            actor=shift.leader,
        )


def quiet() -> Shift:
    """A shift handed over with its till accepted and nothing sold; tank books are at zero."""
    shift, session = at_work()
    hand_over(shift)
    finish(session, make.cashier(shift.station))
    shift.refresh_from_db()
    return shift


def finish(session: TillSession, receiver: User) -> None:
    session.refresh_from_db()
    sessions.count_session(
        session=session,
        denominations={"100": 5},
        slips={},
        at=make.at(16, 10),
        actor=session.cashier,
    )
    sessions.accept_count(
        session=session, receiver=receiver, reasons={}, at=make.at(16, 15), actor=receiver
    )


def close(shift: Shift, **fields: object) -> None:
    shift.refresh_from_db()
    said = {"giver": shift.leader, "receiver": shift.receiver, "actor": shift.leader, **fields}
    closing.close_shift(shift=shift, at=make.at(17), **said)


# --------------------------------------------------------------------------------- litres


def test_litres_without_a_fill_are_a_number_that_must_reach_nothing():
    shift, session = at_work()
    nozzle = shift.station.nozzles.get()
    make.fill(nozzle, "20.00", totalizer_after="1020")
    make.reading(nozzle, "1032.500", make.at(15))
    hand_over(shift)
    [row] = litres_to_explain(shift)
    assert (row.run, row.fills, row.passed_on, row.left) == (
        D("32.500"),
        D("20.000"),
        D("20.000"),
        D("12.500"),
    )
    finish(session, make.cashier(shift.station))
    dipped(shift, "0")
    with pytest.raises(LitresLeft, match=r"92# 12\.50 升"):
        close(shift)
    closing.explain(shift=shift, nozzle=nozzle, reason="LOST", at=make.at(16), actor=shift.leader)
    [row] = litres_to_explain(shift)
    assert (row.left, row.explained, row.share) == (D(0), D("12.500"), 100)
    assert AuditEntry.objects.filter(action="sales.shift.litres_explained").count() == 1


def test_an_explanation_needs_something_to_explain_and_words_for_other():
    shift, _ = at_work()
    nozzle = shift.station.nozzles.get()
    who = shift.leader
    with pytest.raises(NothingToExplain):
        closing.explain(shift=shift, nozzle=nozzle, reason="LOST", at=make.NOW, actor=who)
    make.reading(nozzle, "1003", make.at(15))
    with pytest.raises(LitresLeft, match="写明原因"):
        closing.explain(shift=shift, nozzle=nozzle, reason="OTHER", at=make.NOW, actor=who)
    closing.explain(
        shift=shift, nozzle=nozzle, reason="OTHER", note="维修试枪", at=make.NOW, actor=who
    )
    assert shift_runs(shift)[0].reasons == ("维修试枪 3.00 升",)


def test_a_reason_given_to_the_gap_itself_counts_once():
    shift, _ = at_work()
    nozzle = shift.station.nozzles.get()
    make.reading(nozzle, "1008", make.at(15))
    TotalizerGap.objects.create(
        nozzle=nozzle,
        station=shift.station,
        shift=shift,
        litres_from=D(1000),
        litres_to=D(1005),
        found_at=make.at(12),
        explained_at=make.at(13),
        explained_by=shift.leader,
        reason="断线漏采",
    )
    assert shift_runs(shift)[0].unexplained == D("3.000")
    litres = closing.explain(
        shift=shift, nozzle=nozzle, reason="METER", at=make.NOW, actor=shift.leader
    )
    assert litres == D("3.000")
    assert shift_runs(shift)[0].explained == D("8.000")


def test_explaining_a_nozzle_answers_the_gap_that_its_meter_reported():
    shift, _ = at_work()
    nozzle = shift.station.nozzles.get()
    make.reading(nozzle, "1008", make.at(15))
    gap = TotalizerGap.objects.create(
        nozzle=nozzle,
        station=shift.station,
        shift=shift,
        litres_from=D(1000),
        litres_to=D(1005),
        found_at=make.at(12),
    )
    closing.explain(shift=shift, nozzle=nozzle, reason="LOST", at=make.NOW, actor=shift.leader)
    gap.refresh_from_db()
    assert gap.reason == "漏采且无法补录"
    assert ShiftExplanation.objects.get(shift=shift).litres == D("3.000")
    assert shift_runs(shift)[0].unexplained == 0


def test_the_meters_own_rounding_needs_no_words():
    shift, _ = at_work()
    nozzle = shift.station.nozzles.get()
    make.reading(nozzle, "1000.100", make.at(15))
    run = shift_runs(shift)[0]
    assert (run.difference, run.unexplained) == (D("0.100"), D(0))
    make.reading(nozzle, "1000.110", make.at(16))
    assert shift_runs(shift)[0].unexplained == D("0.110")


def test_two_nozzles_that_miss_opposite_litres_are_both_left_to_explain():
    shift, _ = at_work()
    first = shift.station.nozzles.get()
    second = make.nozzle(shift.station, tank=first.tank)
    make.reading(second, "500", make.at(7), kind="OPENING", document="OPEN")
    make.reading(first, "1005", make.at(15))
    make.fill(second, "5.00", totalizer_after="500", shift=shift)
    [row] = litres_to_explain(shift)
    assert row.left == D("10.000")


# ---------------------------------------------------------------------------------- tills


def test_a_shift_waits_for_its_tills():
    shift, _session = at_work()
    hand_over(shift)
    with pytest.raises(TillsUnfinished, match="待点款"):
        close(shift)
    assert not ShiftNozzle.objects.exists()


@pytest.mark.req("FIN-01")
def test_a_count_knows_only_notes_that_exist_and_numbers_that_can_be():
    _, session = at_work()
    sessions.end_session(session=session, at=make.NOW, actor=session.cashier)
    for bad in ({"30": 1}, {"100": -1}):
        with pytest.raises(BadCount):
            sessions.count_session(
                session=session, denominations=bad, slips={}, at=make.NOW, actor=session.cashier
            )
    count = sessions.count_session(
        session=session,
        denominations={"100": 1, "50": 2, "20": 3, "10": 4, "5": 5, "1": 6, "0.5": 7, "0.1": 8},
        slips={"CARD": SlipCount(D("12.00"), 2)},
        at=make.NOW,
        actor=session.cashier,
    )
    assert count.cash_counted == D("335.30")


def test_a_till_that_sells_is_not_counted():
    _, session = at_work()
    with pytest.raises(WrongSessionState, match="先结束收银"):
        sessions.count_session(
            session=session, denominations={}, slips={}, at=make.NOW, actor=session.cashier
        )


def test_counting_again_needs_somebody_else_and_keeps_the_first_count_in_the_audit():
    day = worked()
    handed_over(day)
    counted(day)
    with pytest.raises(NotTheSamePerson):
        counted(day)
    sessions.count_session(
        session=day.session,
        denominations={"100": 13, "50": 1, "20": 1, "10": 1, "1": 4, "0.5": 1},
        slips={},
        at=make.at(16, 15),
        actor=day.leader,
        approver=day.manager,
    )
    count = SessionCount.objects.get(session=day.session)
    assert (count.attempt, count.cash_counted) == (2, D("1384.50"))
    entry = AuditEntry.objects.filter(action="sales.session.counted").latest("pk")
    assert entry.before["cash"] == "1364.50"


@pytest.mark.req("FIN-01")
def test_a_difference_over_the_limit_needs_its_reason_an_approver_and_another_receiver():
    day = worked()
    handed_over(day)
    counted(day)
    said = {"session": day.session, "at": make.at(16, 20), "actor": day.leader}
    with pytest.raises(NotTheSamePerson, match="接收现金"):
        sessions.accept_count(receiver=day.leader, reasons={"CASH": "x"}, **said)
    with pytest.raises(ReasonMissing, match=r"现金短 20\.00 元"):
        sessions.accept_count(
            receiver=day.receiver, reasons={"CARD": "x"}, approver=day.manager, **said
        )
    with pytest.raises(NotTheSamePerson, match="审批"):
        sessions.accept_count(receiver=day.receiver, reasons={"CASH": "找错"}, **said)
    assert not SessionTender.objects.filter(session=day.session).exists()
    accepted_rows = sessions.accept_count(
        receiver=day.receiver, reasons={"CASH": "找错"}, approver=day.manager, **said
    )
    assert {row.tender.code: row.difference for row in accepted_rows} == {
        "CASH": D("-20.00"),
        "CARD": D("2.00"),
        "WECHAT": D("0.00"),
    }


def test_who_counted_for_an_absent_cashier_does_not_receive_the_cash_himself():
    shift, session = at_work()
    hand_over(shift)
    manager = make.manager(shift.station)
    sessions.count_session(
        session=session,
        denominations={"100": 5},
        slips={},
        at=make.at(16, 10),
        actor=manager,
    )
    page = reverse("sales:session_accept", args=[session.pk])
    client = make.signed_in(manager)
    shown = client.get(page).context["form"].fields["receiver"].choices
    assert manager.username not in dict(shown)
    with pytest.raises(NotTheSamePerson, match="点款人"):
        sessions.accept_count(
            session=session, receiver=manager, reasons={}, at=make.at(16, 15), actor=manager
        )
    receiver = make.cashier(shift.station)
    sessions.accept_count(
        session=session, receiver=receiver, reasons={}, at=make.at(16, 15), actor=manager
    )


def test_a_payment_of_unknown_outcome_stops_the_acceptance():
    day = worked()
    handed_over(day)
    counted(day)
    Payment.objects.filter(session=day.session, tender__code="WECHAT").update(status="UNKNOWN")
    with pytest.raises(PaymentsUnderWay, match="1 笔"):
        sessions.accept_count(
            session=day.session,
            receiver=day.receiver,
            reasons={"CASH": "x"},
            approver=day.manager,
            at=make.NOW,
            actor=day.leader,
        )


def test_a_counted_drawer_takes_no_more_money_not_even_past_the_services():
    day = worked()
    handed_over(day)
    counted(day)
    with pytest.raises(cash.DrawerCounted):
        cash.move(
            session=day.session,
            kind="DROP",
            amount=D(1),
            at=make.NOW,
            actor=day.leader,
            client_key="late",
        )
    paid = Payment.objects.filter(session=day.session).first()
    paid.pk, paid.number = None, "P-late"
    with pytest.raises(DatabaseError, match="is counted"), transaction.atomic():
        paid.save(force_insert=True)
    moved = CashMovement.objects.filter(session=day.session).first()
    moved.pk, moved.number, moved.client_key = None, "C-late", "c-late"
    with pytest.raises(DatabaseError, match="is counted"), transaction.atomic():
        moved.save(force_insert=True)


def test_an_accepted_count_and_an_explanation_never_change():
    day = worked()
    closed(day)
    with pytest.raises(DatabaseError), transaction.atomic():
        SessionCount.objects.filter(session=day.session).update(cash_counted=D(1))
    SessionCount.objects.filter(session=day.session).update(deposit_slip="A-1")
    with pytest.raises(DatabaseError), transaction.atomic():
        ShiftNozzle.objects.filter(shift=day.shift).update(closing=D(1))


@pytest.mark.req("FIN-01")
def test_an_accepted_session_keeps_its_float_and_is_not_opened_again():
    day = worked()
    closed(day)
    session = TillSession.objects.filter(pk=day.session.pk)
    for changed in ({"float_amount": D(0)}, {"status": TillSession.Status.OPEN}):
        with pytest.raises(DatabaseError, match="closed and frozen"), transaction.atomic():
            session.update(**changed)


# -------------------------------------------------------------------- tanks and signatures


def test_every_tank_is_measured_or_somebody_says_why_not():
    shift = quiet()
    with pytest.raises(TankUnmeasured, match="没有交班罐存"):
        close(shift)
    tank = shift.station.tanks.get()
    close(shift, tank_reasons={tank.pk: "量油尺送检"})
    book = TankBook.objects.get(shift=shift)
    assert (book.physical_l, book.reason) == (None, "量油尺送检")


def test_a_variance_over_both_limits_needs_words_and_the_manager():
    shift = quiet()
    dipped(shift, "100")  # the book says nothing is there
    tank = shift.station.tanks.get()
    with pytest.raises(TankUnmeasured, match=r"溢 100\.00 升"):
        close(shift)
    words = {tank.pk: "罐底油首次入账"}
    with pytest.raises(BadSignature, match="站长审核"):
        close(shift, tank_reasons=words)
    with pytest.raises(BadSignature, match="审核人须为站长"):
        close(shift, tank_reasons=words, approver=make.cashier(shift.station))
    close(shift, tank_reasons=words, approver=make.manager(shift.station))
    assert TankBook.objects.get(shift=shift).variance_l == D("100.000")


def test_giver_and_receiver_sign_and_are_not_the_same():
    shift = quiet()
    dipped(shift, "0")
    with pytest.raises(BadSignature, match="不能是同一人"):
        close(shift, receiver=shift.leader)
    with pytest.raises(BadSignature, match="接班人应为"):
        close(shift, receiver=make.cashier(shift.station))
    with pytest.raises(BadSignature, match="交班人应为"):
        close(shift, giver=make.cashier(shift.station))
    close(shift)
    assert {row.role: row.user for row in ShiftSignature.objects.filter(shift=shift)} == {
        "GIVER": shift.leader,
        "RECEIVER": shift.receiver,
    }


def test_shifts_close_in_their_order_since_books_chain():
    shift, _session = at_work()
    second = hand_over(shift, 12)
    hand_over(second, 18)
    dipped(second, "0")
    with pytest.raises(Exception, match="前一班还没有班结"):
        close(second)


def test_a_closed_shift_is_closed():
    shift = quiet()
    dipped(shift, "0")
    close(shift)
    with pytest.raises(NotHandedOver):
        close(shift)
    with pytest.raises(NotHandedOver, match="订正"):
        closing.explain(
            shift=shift,
            nozzle=shift.station.nozzles.get(),
            reason="LOST",
            at=make.NOW,
            actor=shift.leader,
        )
    with pytest.raises(DatabaseError), transaction.atomic():
        Shift.objects.filter(pk=shift.pk).update(status="OPEN", closed_at=None)


@pytest.mark.django_db(transaction=True)
def test_two_people_close_one_shift_once():
    shift = quiet()
    dipped(shift, "0")
    shift.refresh_from_db()
    found = at_once(*[lambda: close(Shift.objects.get(pk=shift.pk))] * 3)
    assert sorted(type(one).__name__ for one in found) == [
        "NoneType",
        "NotHandedOver",
        "NotHandedOver",
    ]
    assert ShiftNozzle.objects.filter(shift=shift).count() == 1
    assert TankBook.objects.filter(shift=shift).count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_count_accepted_by_two_at_once_is_frozen_once():
    shift, session = at_work()
    hand_over(shift)
    session.refresh_from_db()
    sessions.count_session(
        session=session, denominations={"100": 5}, slips={}, at=make.NOW, actor=session.cashier
    )
    receivers = [make.cashier(shift.station), make.cashier(shift.station)]
    found = at_once(
        *[
            lambda who=who: sessions.accept_count(
                session=session, receiver=who, reasons={}, at=make.NOW, actor=who
            )
            for who in receivers
        ]
    )
    assert sorted(type(one).__name__ for one in found) == ["WrongSessionState", "list"]
    assert SessionTender.objects.filter(session=session).count() == 1


# ------------------------------------------------------------------------------- fairness


@pytest.mark.req("FIN-01")
def test_over_and_short_stand_beside_the_median_and_are_never_netted():
    day = worked()
    closed(day)
    told = fairness(station=day.shift.station, cashier=day.leader, at=make.at(18))
    assert (told.count, told.over, told.short) == (1, D("2.00"), D("-20.00"))
    assert (told.short_each, told.over_each, told.exact) == (D("20.00"), D("2.00"), 0)
    assert "只有你一位" in told.verdict
    other = fairness(station=day.shift.station, cashier=day.receiver, at=make.at(18))
    assert (other.count, other.median_short) == (0, D("20.00"))


def test_refunds_stand_apart_from_what_was_received():
    day = worked()
    rows = {due.tender.code: due for due in tender_dues(day.session)}
    assert (rows["CASH"].received, rows["CASH"].refunded) == (D("1900.00"), D(0))
    assert rows["CASH"].moved == D("-1015.50")


def test_the_close_page_explains_a_nozzle_with_one_button():
    shift, _ = at_work()
    nozzle = shift.station.nozzles.get()
    make.reading(nozzle, "1012.500", make.at(15))
    hand_over(shift)
    client = make.signed_in(shift.leader) if shift.leader.assignments.exists() else None
    assert client is not None
    page = client.get(reverse("sales:shift_close", args=[shift.pk])).content.decode()
    assert "待说明 12.50 升" in page and "漏采且无法补录" in page
    explain = reverse("sales:shift_explain", args=[shift.pk])
    assert client.post(explain, {"nozzle": nozzle.pk, "reason": "OTHER"}).status_code == 422
    answer = client.post(explain, {"nozzle": nozzle.pk, "reason": "LOST"})
    assert answer.status_code == 302
    row = ShiftExplanation.objects.get(shift=shift)
    assert (row.reason, row.litres) == ("LOST", D("12.500"))
    assert "已对上" in client.get(reverse("sales:shift_close", args=[shift.pk])).content.decode()
