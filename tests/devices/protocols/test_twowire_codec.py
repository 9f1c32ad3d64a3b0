"""The controller's end of Two-Wire against simulated pumps, byte for byte but without a port."""

import random
from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.protocols import asks, base
from devices.protocols.asks import Command
from devices.protocols.base import (
    FOREIGN,
    Accepted,
    Condition,
    Damaged,
    Decimals,
    Delivered,
    DeviceSettings,
    Event,
    GaveUp,
    Malformed,
    NozzleSelected,
    PricesRead,
    Request,
    Silence,
    Status,
    TotalsRead,
    TransactionRead,
    Unsupported,
)
from devices.protocols.twowire import codec as codec_room
from devices.protocols.twowire import frames as f
from devices.protocols.twowire import messages as m
from devices.protocols.twowire.codec import TwoWireCodec
from devices.protocols.twowire.reading import Point
from devices.protocols.twowire.tasks import task_of
from devices.simulator.bus import Bus, Faults
from devices.simulator.twowire import TwoWireOptions, TwoWirePump
from tests.devices.protocols.turning import spoiling

A = 1
D = Decimal
PRICE = D("7.52")
PLACES = Decimals(volume=3, totals=3)
E = TypeVar("E", bound=Event)


def pump(address: int = A, nozzles: int = 2, **options: object) -> TwoWirePump:
    """One that sells at 7.52 and 8.03."""
    own = {"decimals": PLACES, **options}
    made = TwoWirePump(address, nozzles, TwoWireOptions(**own))  # type: ignore[arg-type]
    for number, price in zip(made.meters, (752, 803, 910, 711), strict=False):
        second = price if made.options.second_level else 0
        made.prices[number] = [price, second]
    return made


_COMMANDS = ("status", "authorise", "data next", "stop", "transaction", "totals", "money")


def _said(raw: bytes) -> str:
    """What the controller said, as the tests name it."""
    if raw == f.ALL_STOP:
        return "all stop"
    if len(raw) == 1:
        return f"{raw[0] & 0x0F or 16} {_COMMANDS[raw[0] >> 4]}"
    return str(m.read_block(raw))


class Talk:
    """One exchange after the other; every event is in `events`, every message in `sent`."""

    def __init__(self, *pumps: TwoWirePump, faults: Faults | None = None, **options: object):
        self.pumps = pumps or (pump(**options),)
        self.bus = Bus(self.pumps, faults=faults, dice=random.Random(1))
        self.codec = TwoWireCodec(
            DeviceSettings(
                address=one.address, nozzles=tuple(one.meters), decimals=one.options.decimals
            )
            for one in self.pumps
        )
        self.now = 0.0
        self.events: list[Event] = []
        self.sent: list[str] = []
        self.spoil: Callable[[bytes], bytes] = lambda data: data

    @property
    def pump(self) -> TwoWirePump:
        return self.pumps[0]

    def turn(self, address: int = A) -> list[Event]:
        self.now += 0.05
        for one in self.pumps:
            one.advance(self.now)
        events = self.exchange(self.codec.next(address, self.now))
        self.events += events
        return events

    def exchange(self, request: Request) -> list[Event]:
        self.sent.append(_said(request.data))
        answers = [answer.data for answer in self.bus.feed(request.data)]
        data = b"".join(answers)
        echo = base.Echo()
        if self.bus.faults.echo:
            echo.sent(request.data)
            data = echo.strip(data)
        data = self.spoil(data)
        outcome = self.codec.feed(data, self.now)
        events = list(outcome.events)
        if not outcome.finished:
            events += self.codec.expire(self.now).events
        return events + (self.exchange(outcome.reply) if outcome.reply is not None else [])

    def run(self, turns: int = 6, address: int = A) -> list[Event]:
        return [event for _ in range(turns) for event in self.turn(address)]

    def do(self, command: Command, turns: int = 60) -> list[Event]:
        """Submit, and turn until it is accepted or given up."""
        self.codec.submit(command)
        out: list[Event] = []
        for _ in range(turns):
            out += self.turn(command.address)
            ends = [one for one in out if isinstance(one, Accepted | GaveUp)]
            if ends:
                assert [one.command for one in ends] == [command]
                return out
        return out

    def until(self, condition: Condition, turns: int = 400) -> None:
        for _ in range(turns):
            if any(isinstance(e, Status) and e.condition is condition for e in self.turn()):
                return
        raise AssertionError(f"never {condition}: {self.events[-3:]}")


def _all(events: list[Event], kind: type[E]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def _authorise(nozzle: int = 1, **limits: Decimal) -> Command:
    return asks.Authorise(address=A, nozzles=(nozzle,), price=PRICE, **limits)


STATUS = asks.ReadStatus(address=A)
PRICES = asks.ReadPrices(address=A)
FILL, TOTALS = asks.ReadTransaction(address=A), asks.ReadTotals(address=A, nozzle=1)
STOP, PAUSE, GO = asks.Stop(address=A), asks.Suspend(address=A), asks.Resume(address=A)
DEARER = asks.SetPrices(address=A, prices=((1, D("7.60")), (2, D("8.10"))))


def fuelling(talk: Talk, litres: int = 1, nozzle: int = 1, **limits: Decimal) -> Talk:
    """A customer with the fuel flowing."""
    talk.pump.lift(nozzle)
    talk.until(Condition.CALLING)
    assert _all(talk.do(_authorise(nozzle, **limits)), Accepted)
    talk.pump.squeeze(D(1))
    talk.until(Condition.FUELLING) if talk.pump.status != m.BUSY else None
    while talk.pump.shown.volume < litres * 1000:
        talk.turn()
    return talk


# --------------------------------------------------------------------------- a sale


@pytest.mark.req("DEV-01")
@pytest.mark.parametrize("address", [1, 15, 16])
def test_a_whole_sale_from_lift_to_the_next_idle_state(address: int) -> None:
    talk = Talk(pump(address))
    head, at = talk.pump, address
    talk.run(3, at)
    head.lift(2)
    talk.run(10, at)
    assert _all(talk.events, NozzleSelected)[-1].nozzle == 2
    leave = asks.Authorise(address=at, nozzles=(2,), price=D("8.03"))
    assert _all(talk.do(leave), Accepted)
    head.squeeze(D(1))
    talk.run(60, at)
    live = _all(talk.events, Delivered)
    assert len(live) > 5 and [one.amount for one in live] == sorted(one.amount for one in live)
    head.hang()
    talk.run(8, at)
    assert _all(talk.events, Status)[-1].condition is Condition.IDLE
    [fill] = _all(talk.do(asks.ReadTransaction(address=at)), TransactionRead)
    [totals] = _all(talk.do(asks.ReadTotals(address=at, nozzle=2)), TotalsRead)
    assert fill.litres == totals.litres > 2 and totals.amount == fill.amount
    assert (fill.nozzle, fill.price, fill.transaction_id) == (2, D("8.03"), "")
    assert abs(fill.amount - fill.litres * fill.price) <= D("0.01")
    assert {event.address for event in talk.events} == {at}
    assert talk.run(6, at) == []  # what did not change is not told again


def test_the_statuses_are_conditions() -> None:
    talk = Talk(pump(nozzles=1))
    expected = {
        m.ERROR: Condition.ERROR,
        m.OFF: Condition.IDLE,
        m.CALL: Condition.CALLING,
        m.AUTHORISED: Condition.AUTHORISED,
        m.BUSY: Condition.FUELLING,
        m.PEOT: Condition.ENDED,
        m.FEOT: Condition.IDLE,
        m.STOPPED: Condition.ENDED,
        m.LISTENING: Condition.ERROR,
    }
    assert set(expected) == m.STATES
    for state, condition in expected.items():
        talk.spoil = lambda data, state=state: f.single(state, A)
        [status] = _all(talk.do(STATUS), Status)
        assert (status.condition, status.raw) == (condition, state)


def test_litres_while_fuel_flows_are_what_the_money_buys_at_the_price_that_was_read() -> None:
    talk = fuelling(Talk())
    assert _all(talk.events, Delivered)[-1].litres == 0  # no price read yet
    talk.do(PRICES)
    talk.run(4)
    shown = _all(talk.events, Delivered)[-1]
    assert abs(shown.litres * PRICE - shown.amount) < D("0.01")


@pytest.mark.req("SAL-03")
@pytest.mark.parametrize(
    ("limits", "sent"),
    [
        ({"limit_litres": D("2.00")}, "PresetVolume(level=1, grade=0, value=200)"),
        ({"limit_yuan": D("100.00")}, "PresetMoney(value=10000, size=6, level=0)"),
        ({}, ""),
        (
            {"limit_litres": D(10), "limit_yuan": D(50)},
            "PresetMoney(value=5000, size=6, level=0)",
        ),
        (
            {"limit_litres": D(10), "limit_yuan": D(90)},
            "PresetVolume(level=1, grade=0, value=1000)",
        ),
    ],
)
def test_a_limit_goes_in_a_block_before_the_leave(limits: dict[str, Decimal], sent: str) -> None:
    talk = Talk()
    talk.pump.lift(1)
    talk.until(Condition.CALLING)
    events = talk.do(_authorise(**limits))
    assert _all(events, Accepted)
    said = [one for one in talk.sent if one.startswith("Preset")]
    assert said == ([sent] if sent else [])
    assert talk.sent.count("1 authorise") == 1
    if sent:
        assert (
            talk.sent.index(sent) == talk.sent.index("1 data next", talk.sent.index(sent) - 1) + 1
        )
        assert (
            talk.sent.index("1 authorise") > talk.sent.index(sent) + 2
        )  # its status is read first
    assert talk.sent[-1] == "1 status"


@pytest.mark.req("SAL-03")
def test_a_preset_is_never_passed() -> None:
    for limits, volume, amount in (
        ({"limit_litres": D("2.00")}, 2000, 1504),
        ({"limit_yuan": D("20.00")}, 2660, 2000),
    ):
        talk = fuelling(Talk(), **limits)
        talk.until(Condition.ENDED)
        assert (talk.pump.shown.volume, talk.pump.shown.amount) == (volume, amount)


@pytest.mark.parametrize(
    "limits",
    [
        {"limit_litres": D("2.005")},
        {"limit_litres": D(1000)},
        {"limit_yuan": D(0)},
        {"limit_yuan": D(10_000)},
        {"limit_yuan": D("1.005")},
    ],
)
def test_a_limit_that_the_wire_cannot_carry_is_refused_before_it_is_sent(
    limits: dict[str, Decimal],
) -> None:
    talk = Talk()
    with pytest.raises(Malformed):
        talk.codec.submit(_authorise(**limits))
    with pytest.raises(Malformed):
        talk.codec.submit(asks.Authorise(address=A, nozzles=(1, 2)))
    with pytest.raises(Malformed):
        talk.codec.submit(
            asks.Authorise(address=A, nozzles=(1,), limit_litres=D(1), limit_yuan=D(1))
        )
    with pytest.raises(Malformed):
        talk.codec.submit(asks.SetPrices(address=A, prices=((1, D("100.00")),)))
    talk.run()
    assert set(talk.sent) == {"1 status"}


def test_a_display_of_five_digits_gets_its_limit_in_five() -> None:
    talk = Talk(money_digits=5)
    talk.pump.lift(1)
    talk.until(Condition.CALLING)
    assert _all(talk.do(_authorise(limit_yuan=D(200))), Accepted)
    sizes = [one for one in talk.sent if one.startswith("PresetMoney")]
    assert ["size=6" in one for one in sizes] == [True, False]
    assert talk.sent.count("1 authorise") == 1
    talk.pump.squeeze(D(10))
    talk.until(Condition.ENDED)
    assert talk.pump.shown.amount <= 20000


def test_what_the_protocol_has_no_words_for_is_unsupported() -> None:
    talk = Talk()
    for command in (
        asks.ReadParameters(address=A),
        asks.ReadIdentity(address=A),
        asks.SwitchOff(address=A),
        asks.CloseTransaction(address=A),
    ):
        with pytest.raises(Unsupported):
            talk.codec.submit(command)
    told = talk.codec.abilities
    assert told.sets_prices and told.reads_prices and told.suspends and told.stops_all_at_once
    assert told.totals_decide and not told.closes_transactions and not told.binds_nozzle


# --------------------------------------------------------------------------- which nozzle


def test_a_head_with_one_nozzle_is_never_asked_which() -> None:
    talk = Talk(pump(nozzles=1))
    talk.pump.lift(1)
    talk.until(Condition.CALLING)
    assert _all(talk.do(_authorise()), Accepted)
    assert "AskExtended()" not in talk.sent


def test_leave_is_only_for_the_nozzle_that_is_out() -> None:
    talk = Talk()
    talk.pump.lift(2)
    talk.until(Condition.CALLING)
    [gave] = _all(talk.do(_authorise(1)), GaveUp)
    assert gave.why == "another nozzle is out" and "1 authorise" not in talk.sent
    talk.pump.hang()
    talk.pump.lift(1)  # so fast that no status showed it
    assert _all(talk.do(_authorise(2)), GaveUp)
    assert "1 authorise" not in talk.sent
    assert _all(talk.do(_authorise(1)), Accepted)


def test_leave_for_a_hung_head_with_several_nozzles_must_name_the_product() -> None:
    talk = Talk()
    talk.run(3)
    for limits in ({}, {"limit_yuan": D(100)}):
        [gave] = _all(talk.do(_authorise(**limits)), GaveUp)
        assert gave.why == "leave would be for any nozzle"
    assert set(talk.sent) == {"1 status"}
    assert _all(talk.do(_authorise(limit_litres=D(2))), Accepted)
    assert not _all(talk.events, Status)[-1].nozzle_out
    talk.pump.lift(2)
    talk.pump.squeeze(D(1))
    talk.run(20)
    assert talk.pump.shown.volume == 0
    talk.pump.hang()
    talk.pump.lift(1)
    talk.pump.squeeze(D(1))
    talk.until(Condition.ENDED)
    assert talk.pump.shown.volume == 2000


def test_a_head_that_does_not_tell_which_nozzle_is_out_is_not_authorised() -> None:
    talk = Talk()
    talk.run(3)
    talk.spoil = lambda data: b"" if len(data) == m.EXTENDED_SIZE else data
    talk.pump.lift(2)
    talk.run(20)
    status = _all(talk.events, Status)[-1]
    assert (status.condition, status.nozzle) == (Condition.CALLING, 0)
    [gave] = _all(talk.do(_authorise(2)), GaveUp)
    assert "which nozzle" in gave.why and "1 authorise" not in talk.sent


def test_a_handle_that_is_down_already_is_asked_again_with_the_state() -> None:
    talk = Talk()
    talk.run(3)
    told = [m.report(m.Extended(False, 1)), m.report(m.Extended(True, 4))]
    talk.spoil = lambda data: told.pop() if told and len(data) == m.EXTENDED_SIZE else data
    talk.pump.lift(2)
    talk.until(Condition.CALLING)
    assert not told and _all(talk.events, NozzleSelected)[-1].nozzle == 2


# --------------------------------------------------------------------------- prices


@pytest.mark.req("SAL-05")
def test_prices_go_to_each_grade_and_level_and_are_read_back() -> None:
    talk = Talk()
    talk.run(3)
    [held] = _all(talk.do(PRICES), PricesRead)
    assert held.prices == ((1, PRICE), (2, D("8.03")))
    assert _all(talk.do(DEARER), Accepted)
    assert talk.pump.prices == {1: [760, 760], 2: [810, 810]}
    written = [one for one in talk.sent if one.startswith("SetPrice")]
    assert len(written) == 4
    assert talk.sent[-2:] == ["1 totals", "1 totals"]
    [held] = _all(talk.do(PRICES), PricesRead)
    assert held.prices == DEARER.prices
    talk.sent.clear()
    assert _all(talk.do(DEARER), Accepted)  # nothing differs: nothing is written
    assert not [one for one in talk.sent if one.startswith("SetPrice")]


def test_a_second_level_that_is_not_in_use_is_left_alone_and_one_that_differs_is_told() -> None:
    talk = Talk(second_level=False)
    talk.pump.prices[2][0] = 0
    assert _all(talk.do(PRICES), PricesRead)[0].prices == ((1, PRICE),)  # nought is no price
    assert _all(talk.do(DEARER), Accepted)
    assert talk.pump.prices == {1: [760, 0], 2: [810, 0]}
    talk = Talk()
    talk.pump.prices[1][1] = 700
    [held] = _all(talk.do(PRICES), PricesRead)
    assert held.prices[0] == (1, D("7.00"))


def test_a_block_that_is_rejected_goes_again_and_is_given_up_in_the_end() -> None:
    talk = Talk(rejects=2)
    assert _all(talk.do(DEARER, turns=120), Accepted)
    assert talk.pump.prices[1] == [760, 760]
    talk = Talk(rejects=1000)
    assert _all(talk.do(DEARER, turns=120), GaveUp)
    assert talk.pump.prices[1] == [752, 752]
    assert len([one for one in talk.sent if one.startswith("SetPrice")]) == 5
    talk = Talk(rejects=1000)
    talk.pump.lift(1)
    talk.until(Condition.CALLING)
    assert _all(talk.do(_authorise(limit_litres=D(2)), turns=120), GaveUp)
    assert "1 authorise" not in talk.sent and not talk.pump.open


def test_a_head_that_keeps_another_price_is_given_up() -> None:
    talk = Talk()
    keep = talk.pump._take
    talk.pump._take = (  # type: ignore[method-assign]
        lambda said: None if isinstance(said, m.SetPrice) else keep(said)
    )
    assert [one.why for one in _all(talk.do(DEARER, turns=300), GaveUp)] == [
        "the head keeps another price"
    ]


def test_prices_are_not_written_while_fuel_flows() -> None:
    talk = fuelling(Talk())
    assert _all(talk.do(DEARER), GaveUp)
    assert not [one for one in talk.sent if one.startswith("SetPrice")]


def test_a_grade_that_the_head_does_not_have_is_given_up() -> None:
    talk = Talk()
    assert _all(talk.do(asks.ReadTotals(address=A, nozzle=3)), GaveUp)
    assert _all(talk.do(asks.SetPrices(address=A, prices=((3, PRICE),))), GaveUp)


# --------------------------------------------------------------------------- stop, pause, go on


def test_a_delivery_is_paused_and_goes_on_and_is_stopped() -> None:
    talk = fuelling(Talk())
    assert _all(talk.do(PAUSE), Accepted)
    assert _all(talk.events, Status)[-1].condition is Condition.SUSPENDED
    held = talk.pump.shown.volume
    talk.run(20)
    assert talk.pump.shown.volume == held
    assert _all(talk.do(GO), Accepted)
    talk.run(6)
    assert _all(talk.events, Status)[-1].condition is Condition.FUELLING
    assert talk.pump.shown.volume > held
    assert _all(talk.do(STOP), Accepted)
    assert talk.pump.status == m.STOPPED
    assert _all(talk.events, Status)[-1].condition is Condition.ENDED
    assert _all(talk.do(GO), GaveUp) and _all(talk.do(PAUSE), GaveUp)
    assert talk.pump.status == m.STOPPED


def test_a_stop_takes_leave_and_limit_back() -> None:
    talk = Talk()
    assert _all(talk.do(_authorise(limit_litres=D(2))), Accepted)
    events = talk.do(STOP)
    assert _all(events, Accepted) and _all(events, Status)[-1].condition is Condition.IDLE
    assert not talk.pump.open and talk.pump._limit is None


def test_a_stop_goes_out_before_anything_is_known_and_before_all_that_waits() -> None:
    talk = fuelling(Talk())
    talk.codec.submit(TOTALS)
    talk.codec.submit(FILL)
    assert talk.codec.preempt(A) == (TOTALS, FILL)
    talk.codec.forget(A)
    talk.sent.clear()
    assert _all(talk.do(STOP), Accepted)
    assert talk.sent[0] == "1 stop" and talk.pump.status == m.STOPPED


def test_a_head_that_does_not_stop_is_told_so_and_then_given_up() -> None:
    talk = fuelling(Talk())
    talk.pump._stop = lambda: None  # type: ignore[method-assign]
    talk.sent.clear()
    assert _all(talk.do(STOP), GaveUp)
    assert talk.sent.count("1 stop") == 5


@pytest.mark.req("DEV-05")
def test_one_byte_stops_every_pump_of_the_loop() -> None:
    talk = Talk(pump(1), pump(2))
    for one in talk.pumps:
        one.lift(1)
        talk.run(10, one.address)
        assert _all(
            talk.do(asks.Authorise(address=one.address, nozzles=(1,), price=PRICE)), Accepted
        )
        one.squeeze(D(1))
    talk.run(4)
    request = talk.codec.stop_all()
    assert request is not None and request.data == b"\xfc" and request.unanswered
    assert talk.exchange(request) == []
    assert [one.status for one in talk.pumps] == [m.STOPPED, m.STOPPED]
    assert talk.codec.busy(1) and talk.codec.busy(2)  # read back before it is believed


# --------------------------------------------------------------------------- nothing blindly


@pytest.mark.req("DEV-01")
@pytest.mark.parametrize("lost", ["question", "answer"])
def test_after_a_silence_the_state_is_read_before_leave_is_given_again(lost: str) -> None:
    talk = Talk()
    talk.pump.lift(1)
    talk.until(Condition.CALLING)
    talk.sent.clear()
    talk.codec.submit(_authorise(limit_litres=D(2)))
    while "1 authorise" not in talk.sent:
        if talk.sent[-3:-2] == ["PresetVolume(level=1, grade=0, value=200)"] and lost == "question":
            talk.bus.faults.unheard = 1  # its two statuses were read; the leave is next
        talk.turn()
    talk.bus.faults = Faults(lost=1) if lost == "answer" else Faults()
    if lost == "answer":
        talk.run(3)
        talk.bus.faults = Faults()
    out = talk.run(30)
    assert _all(out, Accepted)
    leaves = [at for at, one in enumerate(talk.sent) if one == "1 authorise"]
    if lost == "answer":
        assert len(leaves) == 1
        return
    assert len(leaves) == 2
    between = talk.sent[leaves[0] + 1 : leaves[1]]
    assert between[:2] == ["1 status", "1 status"]
    assert "PresetVolume(level=1, grade=0, value=200)" in between  # never without its limit
    assert between[2] == "1 stop"  # what may be pending is cancelled first


def test_a_limit_whose_status_was_not_heard_is_given_again_before_the_leave() -> None:
    talk = Talk()
    talk.pump.lift(1)
    talk.until(Condition.CALLING)
    talk.codec.submit(_authorise(limit_litres=D(2)))
    while not any(one.startswith("Preset") for one in talk.sent):
        talk.turn()
    talk.bus.faults.lost = 1
    talk.turn()
    talk.bus.faults.lost = 0
    talk.run(20)
    assert len([one for one in talk.sent if one.startswith("Preset")]) == 2
    assert talk.sent.count("1 authorise") == 1


def test_a_block_never_goes_to_a_pump_that_does_not_listen() -> None:
    talk = Talk()
    talk.run(3)
    talk.spoil = lambda data: f.single(m.OFF, A) if data == f.single(m.LISTENING, A) else data
    assert _all(talk.do(_authorise(limit_litres=D(2)), turns=120), GaveUp)
    assert not [one for one in talk.sent if one.startswith("Preset")]


def test_leave_that_does_not_show_is_taken_back_before_it_is_given_up() -> None:
    """A head that hides it while the nozzle hangs would let the next one who lifts have it."""
    talk = Talk(pump(nozzles=1, skips_auth=True))
    talk.run(3)
    [gave] = _all(talk.do(_authorise(limit_litres=D(2)), turns=200), GaveUp)
    assert gave.why.startswith("state 6")
    assert not talk.pump.open and talk.pump._limit is None
    talk.pump.lift(1)
    talk.until(Condition.CALLING)
    assert _all(talk.do(_authorise()), Accepted)  # with the nozzle out it is busy at once
    talk.until(Condition.FUELLING) if talk.pump.status != m.BUSY else None


def test_leave_is_not_given_again_to_somebody_who_hung_up() -> None:
    talk = Talk(pump(nozzles=1))
    talk.pump.lift(1)
    talk.until(Condition.CALLING)
    talk.bus.faults.unheard = 1
    talk.codec.submit(_authorise())
    talk.turn()
    talk.bus.faults.unheard = 0
    talk.pump.hang()
    [gave] = _all(talk.run(8), GaveUp)
    assert gave.why == "hung up" and talk.sent.count("1 authorise") == 1
    assert talk.sent.count("1 stop") == 1 and not talk.pump.open


def test_a_sum_that_a_display_of_five_digits_cannot_hold_is_given_up() -> None:
    talk = Talk(pump(nozzles=1, money_digits=5))
    talk.run(3)
    assert _all(talk.do(_authorise(limit_yuan=D(1000)), turns=200), GaveUp)
    assert not [one for one in talk.sent if "size=5" in one]
    assert "1 authorise" not in talk.sent


def test_a_reading_is_over_by_its_figures_and_by_no_state() -> None:
    places = DeviceSettings(address=A, nozzles=(1,), decimals=PLACES)
    for command in (FILL, TOTALS, PRICES):
        assert not task_of(command, places).over(Point(places))


def test_leave_is_only_given_where_the_head_may_take_it() -> None:
    talk = fuelling(Talk())
    talk.sent.clear()
    assert _all(talk.do(_authorise()), GaveUp)
    assert "1 authorise" not in talk.sent


def test_leave_that_is_over_before_it_was_believed_is_told_as_one_that_ran() -> None:
    talk = Talk()
    talk.pump.lift(1)
    talk.until(Condition.CALLING)
    talk.codec.submit(_authorise())
    while "1 authorise" not in talk.sent:
        talk.turn()
    talk.pump.advance(talk.now + 0.01)
    talk.pump.squeeze(D(1))
    talk.pump.advance(talk.now + 0.04)
    talk.pump.hang()
    assert talk.pump.status == m.FEOT
    events = talk.run(6)
    told = [one.condition for one in _all(events, Status)]
    assert told[:2] == [Condition.AUTHORISED, Condition.IDLE] and _all(events, Accepted)


def test_a_command_that_finds_no_answer_in_time_is_given_up_and_never_sent_late() -> None:
    talk = Talk()
    talk.pump.lift(1)
    talk.until(Condition.CALLING)
    talk.bus.faults.dead.add(A)
    assert _all(talk.do(_authorise(), turns=120), GaveUp)
    talk.bus.faults.dead.clear()
    talk.sent.clear()
    talk.run(10)
    assert "1 authorise" not in talk.sent
    talk.bus.faults.dead.add(A)
    assert _all(talk.do(FILL, turns=80), GaveUp)


def test_a_command_whose_states_never_agree_is_given_up() -> None:
    talk = Talk()
    states = [m.OFF, m.CALL]
    talk.spoil = lambda data: f.single(states[len(talk.sent) % 2], A)
    [gave] = _all(talk.do(STATUS, turns=200), GaveUp)
    assert gave.why == "no two states agree"


def test_what_was_under_way_when_everything_is_dropped_leaves_the_state_in_doubt() -> None:
    talk = Talk()
    talk.pump.lift(1)
    talk.until(Condition.CALLING)
    talk.codec.submit(_authorise())
    talk.turn()
    assert [type(one) for one in talk.codec.preempt(A)] == [asks.Authorise]
    assert talk.codec.busy(A)


def test_a_state_a_fill_and_totals_are_believed_when_they_are_said_twice() -> None:
    talk = fuelling(Talk())
    talk.pump.hang()
    talk.until(Condition.IDLE)
    right = talk.pump._transaction()
    wrong = m.report(m.Transaction("B1002", 0, 1, 752, 99, 74))
    told = [wrong, right, right]
    talk.spoil = lambda data: told.pop(0) if told and len(data) == m.TRANSACTION_SIZE else data
    [fill] = _all(talk.do(FILL), TransactionRead)
    assert fill.litres == D(talk.pump.shown.volume) / 1000
    turns = iter(range(100))
    talk.spoil = lambda data: m.report(m.Totals((m.Grade(0, next(turns), 0, 1, 1),)))
    assert _all(talk.do(TOTALS), GaveUp)
    once = [f.single(m.BUSY, A), f.single(m.CALL, A)]
    talk.spoil = lambda data: once.pop() if once else data
    assert _all(talk.run(6), Status) == []


# --------------------------------------------------------------------------- a bad wire


def test_answers_of_another_pump_or_of_another_kind_are_never_taken() -> None:
    talk = Talk()
    talk.run(3)
    talk.spoil = lambda data: f.single(m.BUSY, 2)
    events = talk.turn()
    assert [one.why for one in _all(events, Damaged)] == [FOREIGN]
    assert _all(events, Silence)
    talk.spoil = lambda data: f.single(0xE, A)
    assert _all(talk.turn(), Damaged)
    talk.codec.submit(TOTALS)
    talk.spoil = lambda data: talk.pump._transaction()
    events = talk.run(6)
    assert _all(events, TotalsRead) == [] and _all(events, Damaged)
    talk.spoil = lambda data: data[:-2]
    assert "cut off" in [one.why for one in _all(talk.turn(), Damaged)]


def test_words_that_come_one_by_one_are_one_answer() -> None:
    talk = Talk()
    talk.run(3)
    talk.codec.submit(TOTALS)
    out: list[Event] = []
    for _ in range(2):
        talk.bus.feed(talk.codec.next(A, talk.now).data)
        for word in talk.pump._totals():
            outcome = talk.codec.feed(bytes((word,)), talk.now)
            out += outcome.events
        assert outcome.finished
    assert _all(out, TotalsRead) and _all(out, Damaged) == []


def test_two_heads_on_a_loop_are_kept_apart() -> None:
    talk = Talk(pump(1), pump(16))
    talk.run(3, 1)
    talk.run(3, 16)
    talk.pumps[1].lift(1)
    assert _all(talk.run(6, 1), Status) == []
    [status] = _all(talk.run(6, 16), Status)
    assert (status.address, status.condition) == (16, Condition.CALLING)


def test_an_echoing_converter_is_told_by_the_line() -> None:
    talk = fuelling(Talk(faults=Faults(echo=True)), limit_litres=D(2))
    talk.until(Condition.ENDED)
    talk.pump.hang()
    talk.until(Condition.IDLE)
    assert len(_all(talk.do(FILL), TransactionRead)) == 1
    assert _all(talk.do(DEARER), Accepted)
    assert _all(talk.events, Damaged) == []


def test_an_answer_that_comes_twice_counts_once_and_noise_in_front_is_no_harm() -> None:
    talk = fuelling(Talk(faults=Faults(doubled=1, noise=1)), litres=2)
    talk.pump.hang()
    talk.until(Condition.IDLE)
    assert len(_all(talk.do(FILL), TransactionRead)) == 1
    assert _all(talk.events, Damaged)  # the noise is counted


@settings(max_examples=60, deadline=None)
@given(
    st.builds(random.Random, st.integers(0, 2**32)),
    st.sampled_from(["bit", "cut", "pair", "noise", "join", "digits"]),
)
def test_no_damaged_answer_becomes_a_fact(dice: random.Random, kind: str) -> None:
    """A fill read over a wire that damages half of what is said, in one manner at a time."""
    talk = fuelling(Talk(), litres=1)
    talk.pump.hang()
    talk.until(Condition.IDLE)
    talk.spoil = spoiling(kind, dice, _hurt)
    facts = _all(talk.do(FILL, turns=60) + talk.do(TOTALS, turns=60), TransactionRead)
    shown, meter = talk.pump.shown, talk.pump.meters[1]
    for fill in facts:
        assert (fill.litres, fill.amount) == (D(shown.volume) / 1000, D(shown.amount) / 100)
    for totals in _all(talk.events, TotalsRead):
        assert (totals.litres, totals.amount) == (D(meter.volume) / 1000, D(meter.amount) / 100)


def _hurt(data: bytes, kind: str, dice: random.Random) -> bytes:
    out = bytearray(data)
    if not out:
        return data
    if kind == "bit":
        out[dice.randrange(len(out))] ^= 1 << dice.randrange(8)
    elif kind == "pair":
        bit = 1 << dice.randrange(8)
        for at in dice.sample(range(len(out)), min(2, len(out))):
            out[at] ^= bit
    elif kind == "digits":
        for at in dice.sample(range(len(out)), min(3, len(out))):
            out[at] = out[at] & 0xF0 | dice.randrange(10)
    elif kind == "cut":
        del out[dice.randrange(len(out)) :]
    elif kind == "noise":
        out[:0] = bytes(dice.randrange(256) for _ in range(dice.randrange(1, 8)))
    else:
        out += data[: dice.randrange(len(data))] + data
    return bytes(out)


def test_old_heads_that_skip_the_end_of_a_transaction_are_idle_all_the_same() -> None:
    talk = fuelling(Talk(skips_eot=True))
    talk.pump.hang()
    talk.until(Condition.IDLE)
    assert m.FEOT not in {one.raw for one in _all(talk.events, Status)}
    [fill] = _all(talk.do(FILL), TransactionRead)
    assert fill.litres == D(talk.pump.shown.volume) / 1000


def test_the_table_knows_the_codec_by_its_own_settings() -> None:
    assert (codec_room.SERIAL.baud, codec_room.SERIAL.parity) == (5787, "E")
    timing = codec_room.TIMING
    assert (timing.window, timing.tail, timing.turnaround) == (0.2, 0.1, 0.005)
    talk = Talk()
    talk.codec.submit(TOTALS)
    assert talk.codec.next(A, 0.0).window == 0.5
    talk.codec.preempt(A)
    talk.codec.submit(STOP)
    leave = talk.codec.next(A, 0.0)
    assert (leave.data, leave.unanswered, leave.window) == (b"\x31", True, 0.07)
