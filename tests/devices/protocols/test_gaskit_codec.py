"""The controller's end of GasKitLink against simulated heads, byte for byte but without a port."""

import random
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.protocols import asks, base
from devices.protocols.asks import Command
from devices.protocols.base import (
    Accepted,
    Condition,
    Damaged,
    Decimals,
    Delivered,
    GaveUp,
    Malformed,
    NozzleSelected,
    Silence,
    Status,
    TotalsRead,
    TransactionRead,
    Unsupported,
)
from devices.protocols.gaskit import codec as codec_room
from devices.protocols.gaskit import messages as m
from devices.protocols.gaskit.codec import GasKitCodec
from devices.protocols.gaskit.frames import ANSWERS, decode, encode
from devices.protocols.turns import MAX_TRIES
from devices.simulator.bus import Faults
from devices.simulator.gaskit import GasKitOptions, GasKitPump
from tests.devices.protocols import turning
from tests.devices.protocols.turning import A, every, spoiling

D = Decimal
PRICE = D("7.52")


class Talk(turning.Talk):
    """One exchange after the other; every event is in `events`, every question in `sent`."""

    def __init__(
        self, *pumps: GasKitPump, faults: Faults | None = None, options: GasKitOptions | None = None
    ) -> None:
        own = pumps or (GasKitPump(A, 2, options),)
        super().__init__(GasKitCodec, *own, words=lambda raw: raw[3:-1].decode(), faults=faults)


def _authorise(nozzle: int = 1, price: Decimal | None = PRICE, **limits: Decimal) -> Command:
    return asks.Authorise(address=A, nozzles=(nozzle,), price=price, **limits)


STATUS = asks.ReadStatus(address=A)
CLOSE = asks.CloseTransaction(address=A)
FILL, TOTALS = asks.ReadTransaction(address=A), asks.ReadTotals(address=A, nozzle=1)
STOP, PAUSE, GO = asks.Stop(address=A), asks.Suspend(address=A), asks.Resume(address=A)


def fuelling(talk: Talk, litres: int = 1, **limits: Decimal) -> Talk:
    """A customer at nozzle 1 with the fuel flowing."""
    talk.pump.lift(1)
    talk.until(Condition.CALLING)
    assert every(talk.do(_authorise(**limits)), Accepted)
    talk.pump.squeeze(D(1))
    talk.until(Condition.FUELLING)
    while talk.pump.shown.volume < litres * 100:
        talk.turn()
    return talk


# --------------------------------------------------------------------------- a sale


@pytest.mark.req("DEV-01")
def test_a_whole_sale_from_lift_to_the_next_idle_state() -> None:
    talk = fuelling(Talk(), litres=3)
    live = every(talk.events, Delivered)
    assert len(live) > 5
    assert [one.litres for one in live] == sorted(one.litres for one in live)
    talk.pump.hang()
    talk.until(Condition.IDLE)
    [fill] = every(talk.do(FILL), TransactionRead)
    [totals] = every(talk.do(TOTALS), TotalsRead)
    assert fill.litres == totals.litres >= 3 and totals.amount is None
    assert fill.price == PRICE and (fill.nozzle, fill.transaction_id) == (1, "a")
    assert abs(fill.amount - fill.litres * PRICE) <= D("0.01")
    assert every(talk.events, Status)[-1].unclosed
    assert every(talk.do(CLOSE), Accepted)
    assert not every(talk.events, Status)[-1].unclosed
    assert (talk.pump.status, talk.pump.id) == (m.IDLE, "b")


def test_ids_go_round_from_z_to_a() -> None:
    talk = Talk()
    talk.pump.id = "z"
    fuelling(talk)
    talk.pump.hang()
    talk.until(Condition.IDLE)
    assert every(talk.do(FILL), TransactionRead)[0].transaction_id == "z"
    talk.do(CLOSE)
    assert talk.pump.id == "a"


def test_a_lift_and_a_hang_name_the_nozzle() -> None:
    talk = Talk()
    talk.run(3)
    talk.pump.lift(2)
    talk.until(Condition.CALLING)
    talk.pump.hang()
    talk.until(Condition.IDLE)
    seen = [(one.nozzle, one.nozzle_out) for one in every(talk.events, NozzleSelected)]
    assert seen == [(0, False), (2, True), (0, False)]
    assert talk.run(4) == []  # what did not change is not told again


@pytest.mark.req("SAL-03")
@pytest.mark.parametrize(
    ("limits", "sent"),
    [
        ({"limit_litres": D("2.00")}, "V1;000200;0752"),
        ({"limit_yuan": D("100.00")}, "M1;010000;0752"),
        ({}, "M1;999999;0752"),
        ({"limit_litres": D(10), "limit_yuan": D(50)}, "M1;005000;0752"),
        ({"limit_litres": D(10), "limit_yuan": D(90)}, "V1;001000;0752"),
    ],
)
def test_the_price_travels_in_the_preset_and_a_fill_up_is_the_largest_sum(
    limits: dict[str, Decimal], sent: str
) -> None:
    talk = Talk()
    events = talk.do(_authorise(**limits))
    assert sent in talk.sent
    assert every(events, Accepted) and talk.pump.status == m.AUTHORISED
    assert every(events, Status)[-1].condition is Condition.AUTHORISED
    assert talk.sent.count(sent) == 1
    assert talk.sent[-1] == "S"  # the state was read back before it was believed


@pytest.mark.req("SAL-03")
def test_a_preset_is_never_passed() -> None:
    for limits, volume, amount in (
        ({"limit_litres": D("2.00")}, 200, 1504),
        ({"limit_yuan": D("20.00")}, 266, 2000),
    ):
        talk = fuelling(Talk(), **limits)
        talk.until(Condition.ENDED)
        assert (talk.pump.shown.volume, talk.pump.shown.amount) == (volume, amount)


@pytest.mark.parametrize(
    ("wrong", "limits"),
    [
        (PRICE, {"limit_litres": D("2.005")}),
        (PRICE, {"limit_yuan": D("0")}),
        (PRICE, {"limit_yuan": D("10000")}),
        (PRICE, {"limit_litres": D("2000")}),  # worth more than six digits of yuan
        (D("100.00"), {}),
        (None, {}),
    ],
)
def test_a_preset_that_the_wire_cannot_carry_is_refused_before_it_is_sent(
    wrong: Decimal | None, limits: dict[str, Decimal]
) -> None:
    talk = Talk()
    with pytest.raises(Malformed):
        talk.codec.submit(_authorise(price=wrong, **limits))
    with pytest.raises(Malformed):
        talk.codec.submit(asks.Authorise(address=A, nozzles=(1, 2), price=PRICE))
    talk.run()
    assert set(talk.sent) == {"S"}


def test_what_the_protocol_has_no_words_for_is_unsupported() -> None:
    talk = Talk()
    for command in (
        asks.SetPrices(address=A, prices=((1, PRICE),)),
        asks.ReadPrices(address=A),
        asks.ReadParameters(address=A),
        asks.ReadIdentity(address=A),
        asks.SwitchOff(address=A),
    ):
        with pytest.raises(Unsupported):
            talk.codec.submit(command)
    assert talk.codec.stop_all() is None
    told = talk.codec.abilities
    assert (told.sets_prices, told.reads_prices, told.amount_totals) == (False, False, False)
    assert told.closes_transactions and told.transaction_ids and told.suspends


def test_decimals_are_a_setting_of_the_head() -> None:
    talk = Talk(GasKitPump(A, 2, GasKitOptions(decimals=Decimals(volume=3, amount=1, totals=1))))
    talk.pump.shown.nozzle, talk.pump.shown.price = 1, 752
    talk.pump.shown.volume, talk.pump.shown.amount = 12345, 928
    talk.pump.meters[1].volume = 77
    [fill] = every(talk.do(FILL), TransactionRead)
    assert (fill.litres, fill.amount) == (D("12.345"), D("92.8"))
    assert every(talk.do(TOTALS), TotalsRead)[0].litres == D("7.7")


# --------------------------------------------------------------------------- stop, pause, go on


@pytest.mark.parametrize("pauses", [True, False])
def test_a_delivery_is_paused_and_goes_on_and_is_stopped(pauses: bool) -> None:
    talk = fuelling(Talk(options=GasKitOptions(pauses=pauses)))
    assert every(talk.do(PAUSE), Accepted)
    assert every(talk.events, Status)[-1].condition is Condition.SUSPENDED
    held = talk.pump.shown.volume
    talk.run(20)
    assert talk.pump.shown.volume == held
    assert talk.do(PAUSE) and talk.pump.status in (m.SUSPENDED_FUELLING, m.STOPPED)
    assert every(talk.do(GO), Accepted)
    talk.run(6)
    assert every(talk.events, Status)[-1].condition is Condition.FUELLING
    assert talk.pump.shown.volume > held
    assert every(talk.do(STOP), Accepted)
    assert talk.pump.status == m.STOPPED
    assert every(talk.events, Status)[-1].condition is Condition.ENDED
    assert every(talk.do(GO), GaveUp)


def test_a_head_authorised_with_its_nozzle_out_may_say_3_for_a_while() -> None:
    """Taken for hung at once, whoever holds the nozzle would lose his authorisation."""
    talk = Talk()
    talk.pump.lift(1)
    talk.until(Condition.CALLING)
    talk.pump.advance = lambda now: None  # type: ignore[method-assign]
    assert every(talk.do(_authorise()), Accepted)
    told = every(talk.events, Status)[-1]
    assert (told.condition, told.nozzle_out) == (Condition.AUTHORISED, True)
    assert every(talk.run(80), Status) == []
    [hung] = every(talk.run(40), NozzleSelected)
    assert not hung.nozzle_out


def test_a_stop_takes_an_authorisation_back() -> None:
    talk = Talk()
    talk.do(_authorise())
    events = talk.do(STOP)
    assert every(events, Accepted) and every(events, Status)[-1].condition is Condition.IDLE
    assert talk.pump.status == m.IDLE


def test_a_stop_goes_out_before_anything_is_known_and_before_all_that_waits() -> None:
    talk = fuelling(Talk())
    talk.codec.submit(TOTALS)
    talk.codec.submit(FILL)
    assert talk.codec.preempt(A) == (TOTALS, FILL)
    talk.codec.forget(A)
    talk.sent.clear()
    assert every(talk.do(STOP), Accepted)
    assert talk.sent[0] == "B"
    assert talk.pump.status == m.STOPPED


def test_a_head_that_does_not_stop_is_told_so_and_then_given_up() -> None:
    talk = fuelling(Talk())
    talk.pump._stop = lambda: None  # type: ignore[method-assign]
    talk.sent.clear()
    assert every(talk.do(STOP), GaveUp)
    assert talk.sent.count("B") == MAX_TRIES


def test_pausing_what_does_not_flow_is_given_up_without_a_word_to_the_head() -> None:
    talk = Talk()
    talk.run()
    for command in (PAUSE, GO):
        assert every(talk.do(command), GaveUp)
    assert set(talk.sent) == {"S"}
    assert every(talk.do(CLOSE), Accepted)  # nothing to close
    assert set(talk.sent) == {"S"}


# --------------------------------------------------------------------------- nothing blindly


def test_a_preset_is_only_sent_where_the_head_may_take_it() -> None:
    talk = fuelling(Talk())
    talk.sent.clear()
    assert every(talk.do(_authorise()), GaveUp)
    talk.pump.hang()
    talk.until(Condition.IDLE)
    [gave] = every(talk.do(_authorise()), GaveUp)
    assert "state 9" in gave.why
    assert not [one for one in talk.sent if one[0] in "VM"]


def test_a_preset_that_is_over_before_it_was_believed_is_told_as_one_that_ran() -> None:
    talk = Talk()
    talk.run(3)
    talk.codec.submit(_authorise(limit_litres=D("0.05")))
    while talk.pump.status != m.AUTHORISED:
        talk.turn()
    talk.pump.lift(1)
    talk.pump.squeeze(D(4))
    talk.pump.advance(talk.now + 0.02)
    talk.pump.hang()
    events = talk.run(6)
    assert [one.condition for one in every(events, Status)] == [
        Condition.AUTHORISED,
        Condition.IDLE,
    ]
    assert every(events, Accepted)


def test_what_was_under_way_when_everything_is_dropped_leaves_the_state_in_doubt() -> None:
    talk = Talk()
    talk.run(3)
    talk.codec.submit(_authorise())
    talk.bus.faults.lost = 1
    talk.turn()
    assert [type(one) for one in talk.codec.preempt(A)] == [asks.Authorise]
    talk.bus.faults.lost = 0
    assert talk.codec.busy(A)
    [status] = every(talk.run(4), Status)
    assert status.condition is Condition.AUTHORISED
    assert talk.sent[-4:] == ["S"] * 4


def test_a_head_that_ignores_a_preset_with_its_nozzle_out_is_given_up() -> None:
    talk = Talk(options=GasKitOptions(presets_when_lifted=False))
    talk.pump.lift(1)
    talk.until(Condition.CALLING)
    [gave] = every(talk.do(_authorise(), turns=60), GaveUp)
    assert "state 2" in gave.why
    assert talk.pump.status == m.CALLING


@pytest.mark.req("DEV-01")
@pytest.mark.parametrize(
    ("command", "ready", "letter"),
    [
        (_authorise(limit_litres=D(2)), "idle", "V"),
        (STOP, "fuelling", "B"),
        (PAUSE, "fuelling", "B"),
        (CLOSE, "finished", "N"),
    ],
)
@pytest.mark.parametrize("lost", ["question", "answer"])
def test_after_a_silence_the_state_is_read_before_anything_is_said_again(
    command: Command, ready: str, letter: str, lost: str
) -> None:
    talk = Talk() if ready == "idle" else fuelling(Talk())
    if ready == "finished":
        talk.pump.hang()
        talk.until(Condition.IDLE)
    talk.run(3)
    talk.sent.clear()
    talk.codec.submit(command)
    setattr(talk.bus.faults, "unheard" if lost == "question" else "lost", 1)
    while not talk.sent or talk.sent[-1][0] != letter:
        talk.turn()
    talk.run(3)
    talk.bus.faults = Faults()
    before, sent = talk.pump.id, len(talk.sent)
    out = talk.run(12)
    assert every(out, Accepted)
    acted = [number for number, one in enumerate(talk.sent) if one[0] == letter]
    # heard: never said again; unheard: said again after two answers that show the old state. A
    # stop that only paused is said a second time, by what the state shows.
    again = len(acted) - 1
    assert again == (1 if lost == "question" else 0) + (command == STOP)
    for number in acted[1:]:
        assert talk.sent[number - 1] == "S" and number > sent
    if lost == "question":
        assert talk.sent[acted[1] - 2 : acted[1]] == ["S", "S"]
    assert talk.pump.id == ("b" if command == CLOSE else before)


def test_a_command_that_finds_no_answer_in_time_is_given_up_and_never_sent_late() -> None:
    talk = Talk()
    talk.run(3)
    talk.bus.faults.dead.add(A)
    assert every(talk.do(_authorise(), turns=80), GaveUp)
    talk.bus.faults.dead.clear()
    talk.sent.clear()
    talk.run(10)
    assert set(talk.sent) == {"S"}
    talk.bus.faults.dead.add(A)
    assert every(talk.do(FILL, turns=80), GaveUp)


def test_a_state_a_fill_and_a_totalizer_are_believed_when_they_are_said_twice() -> None:
    talk = fuelling(Talk())
    talk.pump.hang()
    talk.until(Condition.IDLE)
    right, wrong = encode(m.answer_frame(A, talk.pump._transaction())), b""
    wrong = encode(m.answer_frame(A, m.Transaction(1, "a", m.FINISHED, 999, 99, 752)))
    told = [wrong, right, right]
    talk.spoil = lambda data: told.pop(0) if told and data[3:4] == b"T" else data
    [fill] = every(talk.do(FILL), TransactionRead)
    assert fill.litres == D(talk.pump.shown.volume) / 100
    turns = iter(range(100))
    talk.spoil = lambda data: encode(m.answer_frame(A, m.Totalizer(1, next(turns))))
    assert every(talk.do(TOTALS, turns=30), GaveUp)
    talk.spoil = lambda data: data
    talk.do(CLOSE)
    once = [encode(m.answer_frame(A, m.State(m.FUELLING, 1)))]
    talk.spoil = lambda data: once.pop() if once else data
    assert every(talk.run(6), Status) == []


def test_a_state_that_contradicts_itself_is_damage() -> None:
    talk = Talk()
    for state, nozzle in ((m.IDLE, 2), (m.FINISHED, 1), (m.FUELLING, 0)):
        wrong = encode(m.answer_frame(A, m.State(state, nozzle)))
        talk.spoil = lambda data, wrong=wrong: wrong
        events = talk.turn()
        assert every(events, Damaged) and every(events, Silence)


# --------------------------------------------------------------------------- a bad wire


def test_answers_of_another_head_or_to_another_question_are_never_taken() -> None:
    talk = Talk()
    talk.run(3)
    stranger = encode(m.answer_frame(2, m.State(m.IDLE, 0)))
    other = encode(m.answer_frame(A, m.Totalizer(2, 500)))
    talk.spoil = lambda data: stranger
    assert [one.why for one in every(talk.turn(), Damaged)] == ["another address answered"]
    talk.spoil = lambda data: other
    assert every(talk.turn(), Damaged)
    talk.codec.submit(TOTALS)
    events = talk.run(6)
    assert every(events, TotalsRead) == [] and every(events, Damaged)
    talk.spoil = lambda data: data[:-2]
    assert [one.why for one in every(talk.turn(), Damaged)] == ["cut off"]


def test_two_heads_on_a_line_are_kept_apart() -> None:
    talk = Talk(GasKitPump(1, 2), GasKitPump(2, 2))
    talk.run(3, 1)
    talk.run(3, 2)
    talk.pumps[1].lift(1)
    assert every(talk.run(3, 1), Status) == []
    [status] = every(talk.run(3, 2), Status)
    assert (status.address, status.condition) == (2, Condition.CALLING)


def test_an_answer_that_comes_twice_counts_once_and_noise_in_front_is_no_harm() -> None:
    talk = fuelling(Talk(faults=Faults(doubled=1, noise=1)), litres=2)
    talk.pump.hang()
    talk.until(Condition.IDLE)
    assert len(every(talk.do(FILL), TransactionRead)) == 1
    assert every(talk.events, Silence) == []
    assert len({e.why for e in every(talk.events, Damaged)}) == 1  # the noise is counted


def test_an_echoing_converter_is_told_by_the_line_and_without_that_nothing_is_believed() -> None:
    talk = Talk(faults=Faults(echo=True))
    talk.run(10)
    own = [bytes.fromhex("02 00 01 53 52")]
    assert all(own[0] not in encode(m.answer_frame(A, m.State(s, 0))) for s in range(10))
    assert all(isinstance(one, Status | NozzleSelected | Damaged | Silence) for one in talk.events)
    strip = base.Echo()
    strip.sent(own[0])
    left = strip.strip(own[0] + bytes.fromhex("02 00 01 53 31 30 53"))
    assert m.read_answer(decode(left, ANSWERS)) == m.State(m.IDLE, 0)


@settings(max_examples=60, deadline=None)
@given(
    st.builds(random.Random, st.integers(0, 2**32)),
    st.sampled_from(["bit", "cut", "column", "noise", "join"]),
)
def test_no_damaged_answer_becomes_a_fact(dice: random.Random, kind: str) -> None:
    """A fill read over a wire that damages half of what is said, in one manner at a time."""
    talk = fuelling(Talk(), litres=1)
    talk.pump.hang()
    talk.until(Condition.IDLE)
    talk.spoil = spoiling(kind, dice)
    facts = every(talk.do(FILL, turns=60) + talk.do(TOTALS, turns=60), TransactionRead)
    facts_totals = every(talk.events, TotalsRead)
    shown = talk.pump.shown
    for fill in facts:
        assert (fill.litres, fill.amount) == (D(shown.volume) / 100, D(shown.amount) / 100)
    for totals in facts_totals:
        assert totals.litres == D(talk.pump.meters[1].volume) / 100


def test_the_table_knows_the_codec_by_its_own_settings() -> None:
    assert (codec_room.SERIAL.baud, codec_room.SERIAL.parity) == (9600, "N")
    assert codec_room.TIMING.window == 0.1 and codec_room.TIMING.misses_until_offline == 10
