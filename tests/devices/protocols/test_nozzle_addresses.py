"""The controller's end of AZT and 正星 against simulated heads, byte for byte but without a port."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.protocols import asks, azt, base
from devices.protocols import zhengxing as z
from devices.protocols.asks import Command
from devices.protocols.base import (
    Accepted,
    Condition,
    Damaged,
    Decimals,
    Delivered,
    GaveUp,
    Identity,
    Malformed,
    NozzleSelected,
    PricesRead,
    PumpAlarm,
    Silence,
    Status,
    TotalsRead,
    TransactionRead,
    Unsupported,
)
from devices.protocols.turns import MAX_TRIES
from devices.simulator.azt import AztOptions, AztPump
from devices.simulator.bus import Answer, Faults
from devices.simulator.panel import Phase
from devices.simulator.zhengxing import ZhengxingOptions, ZhengxingPump
from tests.devices.protocols.turning import A, Talk, every, spoiling

D = Decimal
PRICE = D("7.52")


@dataclass(frozen=True, slots=True)
class Make:
    """What differs."""

    codec: Any
    pump: Callable[..., Any]
    words: Callable[[bytes], str]
    status: str
    litres: tuple[str, ...]  # what is said for 2.00 litres at 7.52
    yuan: tuple[str, ...]  # for 100.00 yuan
    full: tuple[str, ...]  # without a limit
    stop: str
    close: str
    lie: bytes  # a state that is not so
    holds_price: bool

    def talk(self, faults: Faults | None = None, count: int = 1, **fields: Any) -> Talk:
        pumps = [self.pump(A + number, **fields) for number in range(count)]
        for pump in pumps:
            pump.price, pump.closed = 752, False
        return Talk(self.codec, *pumps, words=self.words, faults=faults)


def _azt_pump(address: int, **fields: Any) -> AztPump:
    return AztPump(address, AztOptions(**fields))


def _zhengxing_pump(address: int, **fields: Any) -> ZhengxingPump:
    return ZhengxingPump(address, ZhengxingOptions(**fields))


MAKES = {
    "azt": Make(
        azt.AztCodec,
        _azt_pump,
        lambda raw: azt.asked(azt.decode(raw, from_master=True))[1],
        "1",
        ("Q0752", "T00200", "2"),
        ("Q0752", "S010000", "2"),
        ("Q0752", "S999999", "2"),
        "3",
        "8",
        azt.encode(azt.Frame(azt.STX, "3")),
        False,
    ),
    "zhengxing": Make(
        z.ZhengxingCodec,
        _zhengxing_pump,
        lambda raw: f"{raw[1]:02X} {raw[3:-1].hex()}".strip(),
        "0D",
        ("02 0002000000", "06"),
        ("01 010000000000", "06"),
        ("01 999999000000", "06"),
        "05",
        "17 0001",
        z.answer(z.STATUS, A, z.FUELLING | z.OUT),
        True,
    ),
}


@pytest.fixture(params=sorted(MAKES))
def make(request: pytest.FixtureRequest) -> Make:
    return MAKES[request.param]


def _authorise(nozzle: int = 1, price: Decimal | None = PRICE, **limits: Decimal) -> Command:
    return asks.Authorise(address=A, nozzles=(nozzle,), price=price, **limits)


CLOSE, STOP = asks.CloseTransaction(address=A), asks.Stop(address=A)
FILL, TOTALS = asks.ReadTransaction(address=A), asks.ReadTotals(address=A, nozzle=1)
PRICES = asks.SetPrices(address=A, prices=((1, PRICE),))
LITRES = {"limit_litres": D("2.00")}


def fuelling(talk: Talk, litres: int = 1, **limits: Decimal) -> Talk:
    """A customer with the fuel flowing."""
    talk.pump.lift(1)
    talk.until(Condition.CALLING)
    assert every(talk.do(_authorise(**limits)), Accepted)
    talk.pump.squeeze(D(1))
    enough = min(litres * 100, 100)
    for _ in range(400):  # a head may say that it fuels before the first drop
        fuels = every(talk.events, Status)[-1].condition is Condition.FUELLING
        if fuels and not talk.pump.metered and talk.pump.shown.volume >= enough:
            break
        talk.turn()
    while talk.pump.open and talk.pump.shown.volume < litres * 100:
        talk.turn()
    return talk


def ended(talk: Talk) -> Talk:
    """Hung up, and seen to be over."""
    talk.pump.hang()
    for _ in range(200):
        if every(talk.events, Status)[-1].unclosed:
            return talk
        talk.turn()
    raise AssertionError(f"never over: {talk.events[-3:]}")


# --------------------------------------------------------------------------- a sale


@pytest.mark.req("DEV-01")
def test_a_whole_sale_from_lift_to_the_next_idle_state(make: Make) -> None:
    talk = fuelling(make.talk(), litres=3)
    live = every(talk.events, Delivered)
    assert len(live) > 5 and live[-1].amount > 0
    assert [one.litres for one in live] == sorted(one.litres for one in live)
    ended(talk)
    told = every(talk.events, Status)[-1]
    assert (told.condition, told.nozzle_out) == (Condition.IDLE, False)
    [fill] = every(talk.do(FILL), TransactionRead)
    [totals] = every(talk.do(TOTALS), TotalsRead)
    assert fill.litres == totals.litres >= 3 and fill.amount == totals.amount
    assert fill.price == PRICE and fill.nozzle == 1
    assert abs(fill.amount - fill.litres * PRICE) <= D("0.01")
    assert every(talk.do(CLOSE), Accepted)
    assert not every(talk.events, Status)[-1].unclosed
    assert talk.pump.phase is Phase.RESTS and make.close in talk.sent


@pytest.mark.req("SAL-03")
@pytest.mark.parametrize(
    ("limits", "which"),
    [
        ({"limit_litres": D("2.00")}, "litres"),
        ({"limit_yuan": D("100.00")}, "yuan"),
        ({}, "full"),
        ({"limit_litres": D(90), "limit_yuan": D("100.00")}, "yuan"),
        ({"limit_litres": D("2.00"), "limit_yuan": D("100.00")}, "litres"),
    ],
)
def test_a_limit_and_leave_go_out_once_and_in_order(
    make: Make, limits: dict[str, Decimal], which: str
) -> None:
    talk = make.talk()
    events = talk.do(_authorise(**limits))
    assert every(events, Accepted) and talk.pump.phase is Phase.LEAVE
    assert every(events, Status)[-1].condition is Condition.AUTHORISED
    assert tuple(one for one in talk.sent if one != make.status) == getattr(make, which)
    assert talk.sent[-1] == make.status  # the state was read back before it was believed


@pytest.mark.req("SAL-03")
def test_a_preset_is_never_passed(make: Make) -> None:
    for limits, volume, amount in (
        ({"limit_litres": D("2.00")}, 200, 1504),
        ({"limit_yuan": D("20.00")}, 266, 2000),
    ):
        talk = fuelling(make.talk(), **limits)
        talk.run(60)
        assert (talk.pump.shown.volume, talk.pump.shown.amount) == (volume, amount)


def test_what_the_wire_cannot_carry_is_refused_before_it_is_sent(make: Make) -> None:
    talk = make.talk()
    for wrong in (
        _authorise(limit_litres=D("2.005")),
        _authorise(limit_yuan=D(0)),
        _authorise(limit_yuan=D(10_000)),
        _authorise(limit_litres=D(10_000)),
        _authorise(price=D(100)),
        _authorise(price=None),
        asks.Authorise(address=A, nozzles=(1, 2), price=PRICE),
        asks.SetPrices(address=A, prices=((1, PRICE), (2, PRICE))),
        asks.SetPrices(address=A, prices=((1, D(0)),)),
    ):
        with pytest.raises(Malformed):
            talk.codec.submit(wrong)
    for unknown in (
        asks.Suspend(address=A),
        asks.Resume(address=A),
        asks.ReadParameters(address=A),
        asks.SwitchOff(address=A),
        asks.ReadTotals(address=A, nozzle=2),
    ):
        with pytest.raises(Unsupported):
            talk.codec.submit(unknown)
    talk.run()
    assert set(talk.sent) == {make.status}
    assert talk.codec.stop_all() is None and not talk.codec.abilities.suspends


def test_decimals_are_a_setting_of_the_head(make: Make) -> None:
    talk = make.talk(decimals=Decimals(volume=3, amount=1, totals=1, totals_amount=1))
    pump = talk.pump
    pump.shown.nozzle, pump.shown.price, pump.shown.volume, pump.shown.amount = 1, 752, 12345, 928
    pump.phase, pump.meters[1].volume, pump.meters[1].amount = Phase.STORED, 77, 99
    [fill] = every(talk.do(FILL), TransactionRead)
    assert (fill.litres, fill.amount) == (D("12.345"), D("92.8"))
    [totals] = every(talk.do(TOTALS), TotalsRead)
    assert (totals.litres, totals.amount) == (D("7.7"), D("9.9"))


def test_a_price_is_set_at_rest_and_read_back_where_it_can_be(make: Make) -> None:
    talk = make.talk()
    dearer = asks.SetPrices(address=A, prices=((1, D("8.03")),))
    assert every(talk.do(dearer), Accepted) and talk.pump.price == 803
    if make.holds_price:
        [read] = every(talk.do(asks.ReadPrices(address=A)), PricesRead)
        assert read.prices == ((1, D("8.03")),)
    else:
        with pytest.raises(Unsupported):
            talk.codec.submit(asks.ReadPrices(address=A))
    fuelling(talk)
    talk.sent.clear()
    assert every(talk.do(PRICES), GaveUp)
    assert talk.pump.price in (752, 803) and not [one for one in talk.sent if one[:1] == "Q"]


# --------------------------------------------------------------------------- stop


def test_a_stop_goes_out_before_all_that_waits_and_is_read_back(make: Make) -> None:
    talk = fuelling(make.talk())
    talk.codec.submit(TOTALS)
    talk.codec.submit(FILL)
    assert talk.codec.preempt(A) == (TOTALS, FILL)
    talk.codec.forget(A)
    talk.sent.clear()
    assert every(talk.do(STOP), Accepted)
    assert talk.sent[0] == make.stop and talk.pump.phase is Phase.STORED
    # with its nozzle still out the head does not call, though it says so
    talk.do(FILL)
    assert every(talk.do(CLOSE), Accepted)
    talk.run(3)
    told = every(talk.events, Status)[-1]
    assert (told.condition, told.nozzle_out, told.unclosed) == (Condition.ENDED, True, False)
    talk.pump.hang()
    talk.until(Condition.IDLE)
    talk.pump.lift(1)
    talk.until(Condition.CALLING)


def test_a_stop_takes_leave_back_and_one_that_is_not_obeyed_is_given_up(make: Make) -> None:
    talk = make.talk()
    talk.do(_authorise())
    assert every(talk.do(STOP), Accepted) and talk.pump.phase is Phase.RESTS
    fuelling(talk)
    talk.pump.halt = lambda: False
    talk.sent.clear()
    assert every(talk.do(STOP, turns=60), GaveUp)
    assert 1 < talk.sent.count(make.stop) <= MAX_TRIES


# --------------------------------------------------------------------------- nothing blindly


def test_a_limit_is_only_sent_where_the_head_may_take_it(make: Make) -> None:
    talk = fuelling(make.talk())
    talk.sent.clear()
    assert every(talk.do(_authorise()), GaveUp)
    ended(talk)
    assert every(talk.do(_authorise()), GaveUp)  # not before the last fill is closed
    assert not {*make.full} & set(talk.sent)


@pytest.mark.req("DEV-01")
@pytest.mark.parametrize("command", ["leave", "stop", "close", "price"])
@pytest.mark.parametrize("lost", ["unheard", "lost"])
def test_after_a_silence_the_state_is_read_before_anything_is_said_again(
    make: Make, command: str, lost: str
) -> None:
    talk = make.talk() if command in ("leave", "price") else fuelling(make.talk())
    if command == "close":
        ended(talk).do(FILL)
    talk.run(3)
    wanted, last = {
        "leave": (_authorise(**LITRES), make.litres[-1]),
        "stop": (STOP, make.stop),
        "close": (CLOSE, make.close),
        "price": (PRICES, "03 0752" if make.holds_price else "Q0752"),
    }[command]
    feed, silent = talk.bus.feed, 0

    def feeding(data: bytes) -> list[Answer]:
        nonlocal silent
        if make.words(data) == last and last not in talk.sent[:-1]:
            silent = 4  # from the decisive word on
        silent -= 1
        answers = [] if silent > 0 and lost == "unheard" else feed(data)
        return [] if silent > 0 else answers

    talk.bus.feed = feeding  # type: ignore[method-assign]
    talk.sent.clear()
    talk.codec.submit(wanted)
    assert every(talk.run(60), Accepted)
    said = [number for number, one in enumerate(talk.sent) if one == last]
    heard = lost == "lost" and command != "price"  # nothing shows that a price was taken
    assert len(said) == (1 if heard else 2)
    for number in said[1:]:
        first = number - (len(make.litres) - 1 if command == "leave" else 0)
        assert talk.sent[first - 2 : first] == [make.status, make.status]
    if command == "leave":
        assert (talk.pump.phase, talk.pump._preset_volume) == (Phase.LEAVE, 200)


def test_a_command_that_finds_no_answer_in_time_is_given_up_and_never_sent_late(
    make: Make,
) -> None:
    talk = make.talk()
    talk.run(3)
    talk.bus.faults.dead.add(A)
    assert every(talk.do(_authorise(), turns=80), GaveUp)
    talk.bus.faults.dead.clear()
    talk.sent.clear()
    talk.run(10)
    assert set(talk.sent) == {make.status} and talk.pump.phase is Phase.RESTS
    talk.bus.faults.dead.add(A)
    assert every(talk.do(FILL, turns=80), GaveUp)


def test_what_a_head_refuses_is_tried_again_by_its_state_and_given_up(make: Make) -> None:
    talk = make.talk()
    talk.pump.allow = lambda: False
    assert every(talk.do(_authorise(), turns=60), GaveUp)
    assert talk.sent.count(make.full[-1]) == MAX_TRIES


def test_leave_that_is_over_before_it_was_believed_is_told_as_one_that_ran(make: Make) -> None:
    talk = make.talk()
    talk.run(3)
    talk.codec.submit(_authorise(limit_litres=D("0.05")))
    while talk.pump.phase is not Phase.LEAVE:
        talk.turn()
    talk.pump.lift(1)
    talk.pump.squeeze(D(4))
    talk.pump.advance(talk.now + 0.02)
    talk.pump.advance(talk.now + 0.04)
    talk.pump.hang()
    told = every(talk.run(8), Status)
    assert [one.condition for one in told] == [Condition.AUTHORISED, Condition.IDLE]
    assert told[-1].unclosed


def test_states_fills_and_totals_are_believed_when_they_are_said_twice(make: Make) -> None:
    talk = make.talk()
    talk.run(4)
    once = [make.lie]
    talk.spoil = lambda data: once.pop() if once else data
    assert every(talk.run(6), Status) == []
    talk.spoil = lambda data: data
    ended(fuelling(talk))
    shown, turns = talk.pump.shown, iter(range(100))

    def restless(data: bytes) -> bytes:
        shown.volume += next(turns) + 1
        return data

    talk.spoil = restless
    before, asked = shown.volume, talk.do(FILL, turns=40)
    assert every(asked, GaveUp) and every(asked, TransactionRead) == []
    shown.volume, talk.spoil = before, lambda data: data
    assert every(talk.do(FILL), TransactionRead)[0].litres == D(before) / 100


# --------------------------------------------------------------------------- what one of them has


def test_type_and_version_of_an_azt_head_are_read() -> None:
    talk = MAKES["azt"].talk()
    [told] = every(talk.do(asks.ReadIdentity(address=A)), Identity)
    assert told.text == "TRK-1 20030001"
    talk.pump._answer = lambda command, text: None  # it does not know the question
    assert every(talk.do(asks.ReadIdentity(address=A)), GaveUp)
    with pytest.raises(Unsupported):
        MAKES["zhengxing"].talk().codec.submit(asks.ReadIdentity(address=A))


def test_an_end_out_of_order_is_an_alarm_once() -> None:
    talk = fuelling(MAKES["azt"].talk(reason="1"))
    ended(talk)
    [alarm] = every(talk.events, PumpAlarm)
    assert (alarm.code, alarm.raw) == (azt.OVERRUN, 4)
    other = MAKES["zhengxing"].talk()
    other.run(4)
    other.pump.options.out_of_order = True
    told = other.run(6)
    assert [one.code for one in every(told, PumpAlarm)] == ["INOPERATIVE"]
    assert every(told, Status)[-1].condition is Condition.ERROR


def test_a_dose_that_was_keyed_at_the_pump_is_let_go_and_not_put_over() -> None:
    talk = MAKES["azt"].talk()
    talk.pump.key_in(300)
    talk.until(Condition.CALLING)
    talk.sent.clear()
    assert every(talk.do(_authorise(limit_yuan=D(10))), GaveUp)
    assert set(talk.sent) == {"1"}
    assert every(talk.do(_authorise()), Accepted)
    assert [one for one in talk.sent if one != "1"] == ["2"]
    assert talk.pump._preset_volume == 300


def test_a_closed_zhengxing_head_gets_its_price_and_is_opened() -> None:
    talk = MAKES["zhengxing"].talk()
    talk.pump.cut_power()
    talk.pump.give_power()
    talk.until(Condition.UNPROGRAMMED)
    [read] = every(talk.do(asks.ReadPrices(address=A)), PricesRead)
    assert read.prices == ()
    assert every(talk.do(_authorise()), GaveUp)
    assert every(talk.do(PRICES), Accepted)
    assert (talk.pump.price, talk.pump.closed) == (752, False)
    assert every(talk.do(_authorise()), Accepted)


def test_a_stored_zhengxing_fill_is_acknowledged_by_its_own_bytes_and_nothing_else() -> None:
    talk = MAKES["zhengxing"].talk()
    [none] = every(talk.do(FILL), TransactionRead)
    assert (none.litres, none.transaction_id) == (0, "")
    with pytest.raises(Malformed):
        talk.codec.submit(CLOSE)  # nothing was read
    ended(fuelling(talk))
    with pytest.raises(Malformed):
        talk.codec.submit(CLOSE)
    [fill] = every(talk.do(FILL), TransactionRead)
    assert fill.transaction_id == "0001"
    talk.pump.number = 2  # another one is stored meanwhile
    assert every(talk.do(CLOSE, turns=60), GaveUp) and talk.pump.phase is Phase.STORED
    talk.do(FILL)
    assert every(talk.do(CLOSE), Accepted) and talk.pump.phase is Phase.RESTS
    with pytest.raises(Malformed):
        talk.codec.submit(CLOSE)


# --------------------------------------------------------------------------- a bad wire


def test_two_heads_on_a_line_are_kept_apart(make: Make) -> None:
    talk = make.talk(count=2)
    talk.run(3, 1)
    talk.run(3, 2)
    talk.pumps[1].lift(1)
    assert every(talk.run(3, 1), Status) == []
    [status] = every(talk.run(3, 2), Status)
    assert (status.address, status.condition) == (2, Condition.CALLING)


def test_answers_to_another_question_and_of_another_panel_are_never_taken(make: Make) -> None:
    talk = make.talk()
    talk.run(3)
    strange = [azt.encode(azt.Frame(azt.STX, "00020000001504000752")), azt.encode(azt.Frame(6))]
    if make.holds_price:
        strange = [z.answer(z.LIVE, A, 3, z.Fill(5, 5, 5)), z.answer(z.STATUS, 2, 3)]
    for one in strange:
        talk.spoil = lambda data, one=one: one
        assert every(talk.turn(), Damaged)
    talk.spoil = lambda data: data[:-1]
    assert [one.why for one in every(talk.turn(), Damaged)] == ["cut off"]


def test_an_answer_that_comes_twice_counts_once_and_noise_in_front_is_no_harm(make: Make) -> None:
    talk = ended(fuelling(make.talk(faults=Faults(doubled=1, noise=1)), litres=2))
    assert len(every(talk.do(FILL), TransactionRead)) == 1
    assert every(talk.events, Silence) == []


def test_an_echoing_converter_is_told_by_the_line_and_without_that_it_is_no_answer(
    make: Make,
) -> None:
    talk = make.talk(faults=Faults(echo=True))
    talk.run(6)
    assert {one.why for one in every(talk.events, Damaged)} <= {
        "our own question came back",
        "no frame",
        "no message",
        "not as long as its command says",
        "check byte",
    }
    assert every(talk.do(TOTALS, 40), TotalsRead)[0].litres == 0
    strip = base.Echo()
    own = talk.ask().data
    strip.sent(own)
    assert strip.strip(own + make.lie) == make.lie


def test_a_lift_and_a_hang_are_told_once(make: Make) -> None:
    talk = make.talk()
    talk.run(3)
    talk.pump.lift(1)
    talk.until(Condition.CALLING)
    talk.pump.hang()
    talk.until(Condition.IDLE)
    seen = [(one.nozzle, one.nozzle_out) for one in every(talk.events, NozzleSelected)]
    assert seen == [(0, False), (1, True), (0, False)]
    assert talk.run(4) == []


@settings(max_examples=60, deadline=None)
@given(
    st.builds(random.Random, st.integers(0, 2**32)),
    st.sampled_from(["bit", "cut", "column", "noise", "join"]),
    st.sampled_from(sorted(MAKES)),
)
def test_no_damaged_answer_becomes_a_fact(dice: random.Random, kind: str, key: str) -> None:
    """A fill read over a wire that damages half of what is said, in one manner at a time."""
    talk = ended(fuelling(MAKES[key].talk(), litres=1))
    talk.spoil = spoiling(kind, dice)
    events = talk.do(FILL, turns=60) + talk.do(TOTALS, turns=60)
    shown, meter = talk.pump.shown, talk.pump.meters[1]
    for fill in every(events, TransactionRead):
        assert (fill.litres, fill.amount) == (D(shown.volume) / 100, D(shown.amount) / 100)
    for totals in every(events, TotalsRead):
        assert (totals.litres, totals.amount) == (D(meter.volume) / 100, D(meter.amount) / 100)
