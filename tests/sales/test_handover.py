"""交班: what passes on, what is carried forward, what is refused, and what races."""

from __future__ import annotations

import threading
import time as time_module
from collections.abc import Callable
from datetime import time
from decimal import Decimal

import pytest
from django.db import connection, transaction

from devices.models import Fill, MeterChange, TotalizerReading
from devices.services.facts import FillFact, record_fill
from sales.models import Payment, Sale, ShiftAdvance
from sales.queries.runs import nozzle_runs, opening_readings
from sales.queries.shifts import days_blockers
from sales.services import sessions, shifts
from sales.services.sessions import NoOpenShift, TillTaken
from sales.services.settling import SessionEnded
from sales.services.shifts import AlreadyHandedOver, BadCrew, Member, NotReadyToOpen
from station.errors import Refusal
from station.models import BusinessDay, Shift, ShiftPattern, TillSession
from station.services import patterns
from station.services.patterns import BadPattern, Slot
from tests import make

D = Decimal
pytestmark = [pytest.mark.django_db, pytest.mark.req("SAL-06")]


def hand_over(shift: Shift, hour: int = 16, **fields: object) -> Shift:
    fields.setdefault("receiver", make.cashier(shift.station))
    fields.setdefault("ends_day", False)
    return shifts.hand_over(shift=shift, crew=[], at=make.at(hour), actor=shift.leader, **fields)


def at_work() -> tuple[Shift, TillSession]:
    """An open shift with one nozzle read at 1000 and one till."""
    station = make.station()
    nozzle = make.nozzle(station)
    make.reading(nozzle, "1000", make.at(7), kind="OPENING", document="OPEN")
    make.tenders()
    session = make.session(station)
    return session.shift, session


def test_the_first_shift_wants_an_opening_reading_of_every_nozzle():
    station = make.station()
    make.nozzle(station)
    make.day(station)
    leader = make.cashier(station)
    with pytest.raises(NotReadyToOpen, match="1 号枪 没有上线初值"):
        shifts.open_shift(station=station, leader=leader, crew=[], at=make.NOW, actor=leader)


def test_the_first_shift_is_opened_once():
    shift, _ = at_work()
    with pytest.raises(Refusal, match="已有班次"):
        shifts.open_shift(
            station=shift.station, leader=shift.leader, crew=[], at=make.NOW, actor=shift.leader
        )


def test_opening_readings_are_carried_forward_from_the_handover():
    shift, _ = at_work()
    nozzle = shift.station.nozzles.get()
    make.fill(nozzle, "30.00", totalizer_after="1030")
    following = hand_over(shift)
    assert opening_readings(following)[nozzle.pk].litres == D("1030.000")
    kept = TotalizerReading.objects.get(kind="HANDOVER")
    assert (kept.document, kept.litres, kept.occurred_at) == (
        shift.number,
        D("1030.000"),
        make.at(16),
    )


def test_a_fill_under_way_passes_whole_to_the_next_shift():
    shift, _ = at_work()
    nozzle = shift.station.nozzles.get()
    make.nozzle_state(nozzle, "FUELLING", litres=D("12.50"), amount=D("98.13"))
    following = hand_over(shift)
    passed = ShiftAdvance.objects.get(from_shift=shift)
    assert (passed.under_way, passed.fill, passed.litres) == (True, None, D("12.500"))
    make.fill(nozzle, "40.00", totalizer_after="1040", shift=following)
    assert nozzle_runs(shift)[0].run == 0
    assert nozzle_runs(following)[0].run == D("40.000")


def test_a_late_fill_is_litres_of_its_own_shift_and_money_of_today():
    shift, _ = at_work()
    nozzle = shift.station.nozzles.get()
    make.reading(nozzle, "1050", make.at(15))  # the totalizer was heard, the fill was not yet
    following = hand_over(shift, ends_day=True)
    assert nozzle_runs(shift)[0].unexplained == D("50.000")
    late = make.fill(
        nozzle, "50.00", at=make.at(14), totalizer_after="1050", shift=shift, day=following.day
    )
    run = nozzle_runs(shift)[0]
    assert (run.unexplained, run.passed_on) == (D(0), D("50.000"))
    session = make.session(shift.station)
    sale = make.sale(session, [late], at=make.at(17))
    assert (sale.shift, sale.day) == (following, following.day)
    today = nozzle_runs(following)[0]
    assert (today.run, today.passed_in, today.claimed, today.difference) == (
        D(0),
        D("50.000"),
        D("50.000"),
        D(0),
    )


def test_an_unpaid_fill_passes_on_from_shift_to_shift_until_somebody_pays():
    shift, _ = at_work()
    nozzle = shift.station.nozzles.get()
    fill = make.fill(nozzle, "20.00", totalizer_after="1020")
    second = hand_over(shift, 12)
    third = hand_over(second, 20)
    assert list(ShiftAdvance.objects.order_by("pk").values_list("fill", flat=True)) == [fill.pk] * 2
    middle = nozzle_runs(second)[0]
    assert (middle.passed_in, middle.passed_on, middle.difference) == (D(20), D(20), D(0))
    make.sale(make.session(shift.station), [fill], at=make.at(21))
    assert nozzle_runs(third)[0].claimed == D("20.000")


def test_a_roll_over_and_a_meter_swap_are_part_of_the_run():
    shift, _ = at_work()
    nozzle = shift.station.nozzles.get()
    make.fill(nozzle, "50.00", totalizer_after="99999990", at=make.at(9))
    MeterChange.objects.create(
        nozzle=nozzle,
        kind="ROLL_OVER",
        epoch=1,
        last_litres=D("100000000"),
        first_litres=D(0),
        occurred_at=make.at(10),
    )
    MeterChange.objects.create(
        nozzle=nozzle,
        kind="SWAP",
        epoch=2,
        last_litres=D(120),
        first_litres=D(5),
        occurred_at=make.at(11),
    )
    make.fill(nozzle, "35.00", totalizer_after="40", meter_epoch=2, at=make.at(12))
    run = nozzle_runs(shift)[0]
    # 99 999 000 up to the roll-over, 120 to the swap, 35 since
    assert run.meter_adjustment == D("100000115")
    assert run.run == D("99999000") + D(120) + D(35)


def test_the_last_shift_of_the_pattern_cuts_the_day():
    shift, _ = at_work()
    station = shift.station
    pattern = ShiftPattern.objects.create(name="两班倒")
    for ordinal, name in enumerate(("早班", "晚班"), start=1):
        pattern.slots.create(ordinal=ordinal, name=name, starts_at="08:00", ends_at="20:00")
    station.shift_pattern = pattern
    station.save()
    evening = hand_over(shift, 12, ends_day=None)
    assert (evening.name, evening.day) == ("晚班", shift.day)
    morning = hand_over(evening, 20, ends_day=None)
    assert (morning.name, morning.ordinal) == ("早班", 1)
    assert morning.day != shift.day
    assert BusinessDay.objects.get(pk=shift.day_id).status == BusinessDay.Status.CUT
    assert morning.day.status == BusinessDay.Status.OPEN


def test_one_may_not_hand_over_to_oneself_or_to_a_stranger():
    shift, _ = at_work()
    with pytest.raises(BadCrew, match="不能是交班人本人"):
        hand_over(shift, receiver=shift.leader)
    with pytest.raises(BadCrew, match="不是本站人员"):
        hand_over(shift, receiver=make.stranger())
    shift.refresh_from_db()
    assert shift.status == Shift.Status.OPEN
    assert not TotalizerReading.objects.filter(kind="HANDOVER").exists()


def test_a_second_handover_is_refused():
    shift, _ = at_work()
    hand_over(shift)
    with pytest.raises(AlreadyHandedOver, match="已经交班"):
        hand_over(shift)


def test_a_till_and_a_cashier_have_one_open_session():
    shift, session = at_work()
    station = shift.station
    with pytest.raises(TillTaken, match="使用中"):
        sessions.open_session(
            till=session.till,
            cashier=make.cashier(station),
            float_amount=D(0),
            at=make.NOW,
            actor=shift.leader,
        )
    with pytest.raises(TillTaken, match="正在"):
        sessions.open_session(
            till=make.till(station),
            cashier=session.cashier,
            float_amount=D(0),
            at=make.NOW,
            actor=shift.leader,
        )


def test_a_cashier_who_was_not_on_the_crew_joins_it_with_his_session():
    shift, _ = at_work()
    helper = make.manager(shift.station)
    sessions.open_session(
        till=make.till(shift.station),
        cashier=helper,
        float_amount=D("300"),
        at=make.NOW,
        actor=helper,
    )
    assert shift.crew.filter(user=helper, post="CASHIER").exists()


def test_without_a_shift_on_duty_no_till_opens():
    station = make.station()
    who = make.cashier(station)
    with pytest.raises(NoOpenShift):
        sessions.open_session(
            till=make.till(station), cashier=who, float_amount=D(0), at=make.NOW, actor=who
        )


def test_the_crew_changes_but_a_cashier_who_sells_stays():
    shift, session = at_work()
    station = shift.station
    helper = make.attendant(station)
    island = station.islands.first()
    with pytest.raises(BadCrew, match="正在收银"):
        shifts.change_crew(
            station=station, leader=shift.leader, crew=[], at=make.NOW, actor=shift.leader
        )
    crew = [Member(session.cashier, "CASHIER"), Member(helper, "ATTENDANT", island)]
    shifts.change_crew(
        station=station, leader=shift.leader, crew=crew, at=make.NOW, actor=shift.leader
    )
    assert shift.crew.get(user=helper).island == island


@pytest.mark.req("FIN-01")
def test_a_day_says_what_is_open_and_whose_it_is():
    shift, session = at_work()
    [still] = days_blockers([shift.day])[shift.day_id]
    assert (still.kind, still.whose, still.url_name) == ("shift", shift.leader.name, "sales:shift")
    hand_over(shift, ends_day=True)
    texts = {(one.kind, one.whose) for one in days_blockers([shift.day])[shift.day_id]}
    assert texts == {("shift", shift.leader.name), ("session", session.cashier.name)}
    assert [
        one.text for one in days_blockers([shift.day])[shift.day_id] if one.kind == "session"
    ] == [f"{session.till} {session.cashier}未点款"]


def test_slots_follow_each_other_and_fill_the_day():
    manager = make.manager(make.station())

    def save(*slots: Slot) -> ShiftPattern:
        return patterns.save_pattern(name="三班倒", slots=slots, at=make.NOW, actor=manager)

    day = Slot("早班", time(8), time(16))
    with pytest.raises(BadPattern, match="首尾相接"):
        save(day, Slot("夜班", time(17), time(8)))
    kept = save(day, Slot("中班", time(16), time(0)), Slot("夜班", time(0), time(8)))
    assert [slot.name for slot in kept.slots.order_by("ordinal")] == ["早班", "中班", "夜班"]


# ---------------------------------------------------------------------------------- races


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Run acts in threads that start together; what each gave or raised."""
    gate = threading.Barrier(len(acts))
    found: list[object] = [None] * len(acts)

    def run(index: int, act: Callable[[], object]) -> None:
        try:
            gate.wait()
            found[index] = act()
        except Refusal as refusal:
            found[index] = refusal
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=one) for one in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@pytest.mark.django_db(transaction=True)
def test_two_managers_hand_over_one_shift_once():
    shift, _ = at_work()
    receivers = [make.cashier(shift.station), make.cashier(shift.station)]
    acts = [lambda who=who: hand_over(shift, receiver=who) for who in receivers]
    found = at_once(*acts)
    assert sorted(type(one).__name__ for one in found) == ["AlreadyHandedOver", "Shift"]
    assert Shift.objects.filter(station=shift.station).count() == 2
    assert TotalizerReading.objects.filter(kind="HANDOVER").count() == 1


def wait_until_blocked() -> None:
    """Until another connection waits for a lock of ours."""
    for _ in range(400):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        time_module.sleep(0.01)
    raise AssertionError("nobody waits")


@pytest.mark.django_db(transaction=True)
def test_a_handover_that_waited_for_a_new_leader_finds_its_shift():
    shift, session = at_work()
    leader = make.manager(shift.station)
    crew = [Member(session.cashier, "CASHIER")]
    found: list[object] = []
    thread = threading.Thread(
        target=lambda: found.extend(at_once(lambda: hand_over(shift, receiver=session.cashier)))
    )
    with transaction.atomic():
        shifts.change_crew(
            station=shift.station, leader=leader, crew=crew, at=make.NOW, actor=leader
        )
        thread.start()
        wait_until_blocked()
    thread.join()
    assert isinstance(found[0], Shift)
    assert Shift.objects.get(pk=shift.pk).leader == leader


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(4))
def test_a_sale_racing_a_handover_is_whole_on_one_side(attempt):
    shift, session = at_work()
    nozzle = shift.station.nozzles.get()
    fill = make.fill(nozzle, "20.00", totalizer_after="1020")
    receiver = make.cashier(shift.station)
    sold, following = at_once(
        lambda: make.sale(session, [fill], at=make.at(16)),
        lambda: hand_over(shift, receiver=receiver),
    )
    assert isinstance(following, Shift)
    session.refresh_from_db()
    assert session.status == TillSession.Status.ENDED
    run = nozzle_runs(shift)[0]
    passed = ShiftAdvance.objects.filter(from_shift=shift).count()
    if isinstance(sold, Sale):
        assert (run.claimed, run.passed_on, passed) == (D(20), D(0), 0)
        assert Payment.objects.get(sale=sold).shift == shift
    else:
        assert isinstance(sold, SessionEnded)
        assert (run.claimed, run.passed_on, passed) == (D(0), D(20), 1)
        assert not Sale.objects.exists()
    assert run.difference == 0


@pytest.mark.django_db(transaction=True)
def test_a_till_that_opens_during_a_handover_belongs_to_one_shift():
    shift, _ = at_work()
    receiver, cashier = make.cashier(shift.station), make.cashier(shift.station)
    till = make.till(shift.station)
    opened, following = at_once(
        lambda: sessions.open_session(
            till=till, cashier=cashier, float_amount=D(0), at=make.at(16), actor=cashier
        ),
        lambda: hand_over(shift, receiver=receiver),
    )
    assert isinstance(following, Shift) and isinstance(opened, TillSession)
    opened.refresh_from_db()
    if opened.shift == shift:
        assert opened.status == TillSession.Status.ENDED
    else:
        assert (opened.shift, opened.status) == (following, TillSession.Status.OPEN)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(3))
def test_a_fill_recorded_during_a_handover_stands_in_the_shift_whose_run_holds_it(attempt):
    shift, _ = at_work()
    nozzle = shift.station.nozzles.get()
    receiver = make.cashier(shift.station)
    fact = FillFact(
        nozzle=nozzle.pk,
        litres=D("20.00"),
        unit_price=D("7.85"),
        amount=D("157.00"),
        totalizer_after=D("1020.00"),
        occurred_at=make.at(15, 59),
    )
    fill, following = at_once(
        lambda: record_fill(fact), lambda: hand_over(shift, receiver=receiver)
    )
    assert isinstance(fill, Fill) and isinstance(following, Shift)
    before, after = nozzle_runs(shift)[0], nozzle_runs(following)[0]
    assert (before.run, after.run) == ((D(20), D(0)) if fill.shift == shift else (D(0), D(20)))
    assert (before.difference, after.difference) == (D(0), D(0))
    assert ShiftAdvance.objects.filter(fill=fill).exists() == (fill.shift == shift)
