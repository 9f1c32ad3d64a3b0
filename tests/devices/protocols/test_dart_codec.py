"""The controller's end of DART against simulated heads, byte for byte but without a port."""

from decimal import Decimal
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.protocols import asks, base
from devices.protocols.base import (
    Accepted,
    Condition,
    Damaged,
    Delivered,
    Event,
    GaveUp,
    NozzleSelected,
    Silence,
    Status,
    TotalsRead,
    TransactionRead,
)
from devices.protocols.dart.frames import Control, Frame, encode
from devices.simulator.bus import Faults
from devices.simulator.pump import Options, Pump
from tests.devices.protocols.talk import PRICES, Talk, priced, three_places

A = 0x50
E = TypeVar("E", bound=Event)


def _all(events: list[Event], kind: type[E]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def _conditions(events: list[Event]) -> list[Condition]:
    out: list[Condition] = []
    for event in _all(events, Status):
        if not out or out[-1] is not event.condition:
            out.append(event.condition)
    return out


def _is(condition: Condition):  # type: ignore[no-untyped-def]
    return lambda event: isinstance(event, Status) and event.condition is condition


def _authorise(talk: Talk, **limits: Decimal) -> None:
    talk.do(asks.Authorise(address=A, nozzles=(1,), **limits))


def test_a_head_without_prices_is_unprogrammed_until_it_gets_them() -> None:
    talk = Talk()
    talk.do(asks.ReadStatus(address=A))
    assert _conditions(talk.events) == [Condition.UNPROGRAMMED]
    events = talk.do(asks.SetPrices(address=A, prices=PRICES))
    assert _all(events, Accepted)
    assert _conditions(events)[-1] is Condition.IDLE
    assert talk.pump.prices == {1: 752, 2: 803, 3: 910, 4: 711}
    assert talk.pump.allowed == (1, 2, 3, 4)  # a head without programme gets CD2 again
    [read] = _all(talk.do(asks.ReadPrices(address=A)), base.PricesRead)
    assert read.prices == PRICES


@pytest.mark.req("DEV-01")
def test_a_whole_sale_from_lift_to_totals() -> None:
    talk = priced(Talk(Pump(A, options=three_places())))
    talk.pump.lift(1)
    lifted = talk.until(lambda event: isinstance(event, NozzleSelected))
    assert lifted == NozzleSelected(address=A, nozzle=1, nozzle_out=True, price=Decimal("7.52"))
    _authorise(talk)
    assert _conditions(talk.events)[-1] is Condition.AUTHORISED
    talk.pump.squeeze(Decimal("0.6"))
    talk.until(_is(Condition.FUELLING))
    live = _all(talk.run(60), Delivered)
    assert [one.litres for one in live] == sorted(one.litres for one in live)
    assert len(live) > 3
    talk.pump.hang()
    talk.until(_is(Condition.IDLE))
    [fill] = _all(talk.do(asks.ReadTransaction(address=A)), TransactionRead)
    [totals] = _all(talk.do(asks.ReadTotals(address=A, nozzle=1)), TotalsRead)
    assert fill.litres == totals.litres > 1
    assert abs(fill.amount - fill.litres * Decimal("7.52")) <= Decimal("0.01")
    assert fill.price == Decimal("7.52")
    assert fill.nozzle == 1


@pytest.mark.req("SAL-03")
@pytest.mark.parametrize("places", [base.Decimals(), base.Decimals(volume=3, totals=3)])
def test_a_preset_by_amount_is_never_passed(places: base.Decimals) -> None:
    talk = priced(Talk(Pump(A, options=Options(decimals=places))))
    talk.pump.lift(1)
    _authorise(talk, limit_yuan=Decimal("200.00"))
    talk.pump.squeeze(Decimal("2"))
    talk.until(_is(Condition.LIMIT), turns=900)
    talk.pump.hang()
    talk.until(_is(Condition.IDLE))
    [fill] = _all(talk.do(asks.ReadTransaction(address=A)), TransactionRead)
    assert Decimal("199.93") <= fill.amount <= 200
    if places.volume == 3:
        assert fill.amount == 200


@pytest.mark.req("SAL-03")
def test_a_preset_by_volume_stops_at_it() -> None:
    talk = priced(Talk())
    talk.pump.lift(2)
    talk.do(asks.Authorise(address=A, nozzles=(2,), limit_litres=Decimal("2.00")))
    talk.pump.squeeze(Decimal("0.5"))
    talk.until(_is(Condition.LIMIT))
    talk.pump.hang()
    talk.until(_is(Condition.IDLE))
    [fill] = _all(talk.do(asks.ReadTransaction(address=A)), TransactionRead)
    assert (fill.litres, fill.amount, fill.nozzle) == (Decimal("2.00"), Decimal("16.06"), 2)


def test_the_authorisation_comes_in_the_order_that_keeps_the_preset() -> None:
    talk = priced(Talk())
    sent: list[str] = []
    talk.codec.submit(asks.Authorise(address=A, nozzles=(1,), limit_yuan=Decimal(100)))
    for _ in range(12):
        request = talk.codec.next(A, 0.0)
        if request.command:
            sent.append(request.data[2:-4].hex())
        outcome = talk.codec.feed(b"".join(one.data for one in talk.bus.feed(request.data)), 0.0)
        if outcome.reply:
            talk.bus.feed(outcome.reply.data)
    assert sent == ["010105", "020101", "040400010000", "010106"]


def test_stop_ends_a_delivery_and_the_fill_can_be_read() -> None:
    talk = priced(Talk())
    talk.pump.lift(1)
    _authorise(talk)
    talk.pump.squeeze(Decimal("0.6"))
    talk.until(_is(Condition.FUELLING))
    talk.run(30)
    events = talk.do(asks.Stop(address=A))
    assert _conditions(events)[-1] is Condition.ENDED  # over, but the nozzle is still out
    litres = talk.pump.shown.volume
    talk.run(30)
    assert talk.pump.shown.volume == litres
    talk.pump.hang()
    talk.until(_is(Condition.IDLE))


def test_suspend_and_resume_keep_the_fill() -> None:
    talk = priced(Talk())
    talk.pump.lift(1)
    _authorise(talk)
    talk.pump.squeeze(Decimal("0.6"))
    talk.until(_is(Condition.FUELLING))
    assert _conditions(talk.do(asks.Suspend(address=A)))[-1] is Condition.SUSPENDED
    held = talk.pump.shown.volume
    talk.run(20)
    assert talk.pump.shown.volume == held
    talk.do(asks.Resume(address=A))
    talk.run(20)
    assert talk.pump.shown.volume > held


def test_a_wrong_nozzle_gets_no_fuel() -> None:
    talk = priced(Talk())
    _authorise(talk)
    talk.pump.lift(2)
    talk.pump.squeeze(Decimal("0.6"))
    talk.run(40)
    assert talk.pump.shown.volume == 0


def test_a_head_that_says_authorised_while_fuel_flows_is_seen_fuelling() -> None:
    talk = priced(Talk(Pump(A, options=Options(says_authorized_while_filling=True))))
    talk.pump.lift(1)
    _authorise(talk)
    talk.pump.squeeze(Decimal("0.6"))
    talk.until(_is(Condition.FUELLING))
    talk.pump.hang()
    talk.until(_is(Condition.IDLE))
    assert _all(talk.do(asks.ReadTransaction(address=A)), TransactionRead)


def test_both_lengths_of_the_totals_block_are_read() -> None:
    talk = priced(Talk(Pump(A, options=Options(domestic_totals=True))))
    talk.pump.sell_locally(3, Decimal("12.34"), Decimal("9.10"))
    [totals] = _all(talk.do(asks.ReadTotals(address=A, nozzle=3)), TotalsRead)
    assert totals == TotalsRead(
        address=A, nozzle=3, litres=Decimal("12.34"), amount=Decimal("112.29")
    )


def test_identity_parameters_and_alarms_are_told() -> None:
    talk = priced(Talk())
    [identity] = _all(talk.do(asks.ReadIdentity(address=A)), base.Identity)
    assert identity.text == "0000000001"
    [held] = _all(talk.do(asks.ReadParameters(address=A)), base.Parameters)
    assert held.decimals.volume == 2
    assert held.max_amount == Decimal("999999.99")
    talk.pump.cut_power()
    assert all(isinstance(event, Silence) for event in talk.run(3))
    talk.codec.forget(A)
    talk.pump.give_power()
    events = talk.run(5)
    assert _all(events, base.PumpAlarm)[0].code == "POWER_FAIL"
    assert _conditions(events) == [Condition.UNPROGRAMMED]


def test_a_head_keeps_its_fill_through_a_power_cut() -> None:
    talk = priced(Talk())
    talk.pump.lift(1)
    _authorise(talk)
    talk.pump.squeeze(Decimal("0.6"))
    talk.until(_is(Condition.FUELLING))
    talk.run(20)
    talk.pump.cut_power()
    talk.run(5)
    talk.pump.hang()
    talk.codec.forget(A)
    talk.pump.give_power()
    talk.run(5)
    talk.do(asks.SetPrices(address=A, prices=PRICES))
    [fill] = _all(talk.do(asks.ReadTransaction(address=A)), TransactionRead)
    [totals] = _all(talk.do(asks.ReadTotals(address=A, nozzle=1)), TotalsRead)
    assert fill.litres == totals.litres > 0


def test_a_lost_acknowledgement_is_not_executed_twice() -> None:
    talk = priced(Talk())
    talk.codec.submit(asks.Suspend(address=A))
    request = talk.codec.next(A, 0.0)
    talk.bus.feed(request.data)  # the head acts, its ACK gets lost
    talk.codec.expire(0.0)
    again = talk.codec.next(A, 0.0)
    assert again.data == request.data
    before = talk.pump.link.backlog
    talk.bus.feed(again.data)
    assert talk.pump.link.backlog == before


def test_a_block_whose_acknowledgement_was_lost_is_no_second_event() -> None:
    talk = priced(Talk())
    talk.pump.lift(1)
    request = talk.codec.next(A, 0.0)
    [answer] = talk.bus.feed(request.data)
    first = talk.codec.feed(answer.data, 0.0)
    assert _all(list(first.events), NozzleSelected)
    request = talk.codec.next(A, 0.0)  # our ACK never reached the head
    [again] = talk.bus.feed(request.data)
    assert again.data == answer.data
    second = talk.codec.feed(again.data, 0.0)
    assert second.events == ()
    assert second.reply is not None and second.reply.data[1] & 0xF0 == Control.ACK


def test_after_a_restart_of_the_controller_no_command_is_swallowed() -> None:
    talk = priced(Talk())
    for _ in range(3):
        fresh = Talk(talk.pump)  # block numbers start at 0 again, the head's do not
        [read] = _all(fresh.do(asks.ReadPrices(address=A)), base.PricesRead)
        assert read.prices == PRICES


def test_a_refused_number_is_answered_with_a_harmless_question_as_number_nought() -> None:
    talk = priced(Talk())
    talk.codec.submit(asks.Stop(address=A))
    talk.codec.next(A, 0.0)
    talk.codec.feed(encode(Frame(A, Control.NAK, 3)), 0.0)
    question = talk.codec.next(A, 0.0).data
    assert question == encode(Frame(A, Control.DATA, 0, b"\x01\x01\x00"))
    talk.codec.feed(encode(Frame(A, Control.ACK, 0)), 0.0)
    stop = talk.codec.next(A, 0.0).data
    assert stop == encode(Frame(A, Control.DATA, 1, b"\x01\x01\x08"))


def test_a_dead_head_is_silence_and_a_command_to_it_fails_after_five_tries() -> None:
    talk = Talk(faults=Faults(dead={A}))
    events = talk.do(asks.ReadStatus(address=A), turns=10)
    assert len(_all(events, Silence)) == 6
    [failed] = _all(events, GaveUp)
    assert failed.command == asks.ReadStatus(address=A)
    assert not talk.codec.busy(A)


def test_a_head_that_always_refuses_makes_the_command_fail() -> None:
    talk = Talk()
    talk.codec.submit(asks.Stop(address=A))
    failed: list[Event] = []
    for _ in range(40):
        request = talk.codec.next(A, 0.0)
        control = Control.NAK if request.command else Control.EOT
        failed += talk.codec.feed(encode(Frame(A, control, 0)), 0.0).events
    assert [type(event) for event in failed] == [GaveUp]


def test_an_authorisation_that_the_head_ignores_fails() -> None:
    talk = priced(Talk())
    talk.pump.status = 8  # suspended: RESET is not taken
    events = talk.do(asks.Authorise(address=A, nozzles=(1,)), turns=60)
    assert [event.why for event in _all(events, GaveUp)] == ["the head did not follow"]
    assert not talk.codec.busy(A)


def test_an_urgent_stop_takes_the_place_of_what_waits() -> None:
    talk = priced(Talk())
    waiting = asks.Authorise(address=A, nozzles=(1,))
    talk.codec.submit(waiting)
    talk.turn()
    assert talk.codec.preempt(A) == (waiting,)
    events = talk.do(asks.Stop(address=A))
    assert _all(events, Accepted)[0].command == asks.Stop(address=A)
    assert talk.pump.status == 5


def test_switching_off_and_closing_are_spoken() -> None:
    talk = priced(Talk())
    assert _conditions(talk.do(asks.SwitchOff(address=A)))[-1] is Condition.OFF
    talk.do(asks.CloseTransaction(address=A))
    assert talk.pump.status == 1


def test_what_dart_cannot_say_is_refused_before_it_is_sent() -> None:
    talk = Talk()
    with pytest.raises(base.Unsupported):
        talk.codec.submit(asks.Command(address=A))
    with pytest.raises(base.Malformed, match="no price for nozzles"):
        talk.codec.submit(asks.SetPrices(address=A, prices=PRICES[:2]))
    with pytest.raises(base.Malformed, match="decimals"):
        talk.codec.submit(asks.Authorise(address=A, nozzles=(1,), limit_litres=Decimal("1.2345")))


def test_a_head_that_does_not_tell_prices_is_not_asked() -> None:
    talk = Talk()
    silent = base.DeviceSettings(address=A, nozzles=(1,), reads_prices=False)
    codec = type(talk.codec)([silent])
    with pytest.raises(base.Unsupported):
        codec.submit(asks.ReadPrices(address=A))
    assert codec.stop_all() is None


def test_bytes_before_the_address_are_switching_noise() -> None:
    talk = priced(Talk(faults=Faults(noise=1)))
    assert not _all(talk.run(10), Damaged)


def test_another_address_that_answers_is_not_believed() -> None:
    talk = Talk(Pump(0x50), Pump(0x51))
    talk.codec.next(0x50, 0.0)
    late = encode(Frame(0x51, Control.DATA, 0, b"\x01\x01\x05"))
    outcome = talk.codec.feed(late, 0.0)
    assert [type(event) for event in outcome.events] == [Damaged]
    assert not outcome.finished


def test_a_block_with_a_good_checksum_and_no_sense_is_acknowledged_and_no_fact() -> None:
    talk = Talk()
    talk.codec.next(A, 0.0)
    outcome = talk.codec.feed(encode(Frame(A, Control.DATA, 0, b"\x02\x08\xaa")), 0.0)
    assert [type(event) for event in outcome.events] == [Damaged]
    assert outcome.reply is not None
    talk.codec.next(A, 0.0)
    assert [type(e) for e in talk.codec.feed(encode(Frame(A, Control.POLL)), 0.0).events] == [
        Damaged
    ]


def test_a_converter_that_echoes_is_understood() -> None:
    talk = priced(Talk(faults=Faults(echo=True), echo=True))
    assert talk.pump.prices
    echo = base.Echo()
    echo.sent(b"abc")
    assert echo.strip(b"ab") + echo.strip(b"cxyz") == b"xyz"
    echo.sent(b"abc")
    assert echo.strip(b"aXc") == b"Xc"  # somebody else spoke


@pytest.mark.req("DEV-01")
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), damage=st.sampled_from([3, 5, 20, 50]))
def test_no_fault_on_the_wire_changes_litres_or_money(seed: int, damage: int) -> None:
    """A sale over a bad line: whatever is read in the end is what the display shows."""
    faults = Faults(damaged=damage, unheard=damage, lost=damage, doubled=damage, noise=damage)
    pump = Pump(A, options=three_places())
    talk = priced(Talk(pump, faults=Faults()))
    talk.bus.faults = faults
    talk.bus._dice.seed(seed)
    pump.lift(1)
    for _ in range(30):
        if pump.status == 2:
            break
        talk.do(asks.Authorise(address=A, nozzles=(1,), limit_litres=Decimal("5.5")), turns=60)
    pump.squeeze(Decimal("1"))
    talk.run(200)
    pump.hang()
    talk.run(40)
    for _ in range(30):
        talk.do(asks.ReadTransaction(address=A))
        talk.do(asks.ReadTotals(address=A, nozzle=1))
    fills = {(one.litres, one.amount) for one in _all(talk.events, TransactionRead) if one.nozzle}
    assert fills <= {(Decimal(0), Decimal(0)), (Decimal("5.5"), Decimal("41.36"))}
    totals = {one.litres for one in _all(talk.events, TotalsRead)}
    assert totals <= {Decimal(0), Decimal("5.5")}
    assert all(one.litres <= Decimal("5.5") for one in _all(talk.events, Delivered))
