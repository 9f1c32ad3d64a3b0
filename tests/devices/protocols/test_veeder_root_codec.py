"""The questioner's end: one question at a time, three tries, and the display format where it must be."""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from devices.protocols.base import Damaged, Event, Malformed, Unsupported
from devices.protocols.veeder_root import frames
from devices.protocols.veeder_root import messages as m
from devices.protocols.veeder_root.believing import alike
from devices.protocols.veeder_root.codec import (
    CONFIRMED,
    TRIES,
    WINDOW,
    Ask,
    NotKnown,
    Silent,
    VeederRootCodec,
    set_clock,
)
from devices.simulator.console import Console, ConsoleOptions
from devices.simulator.probes import Probe

WHEN = datetime(2026, 11, 22, 2, 54, tzinfo=UTC)
ALL = [Ask(function) for function in ("517", "201", "202", "20C", "205", "101", "501")]


@dataclass
class Talk:
    """A codec and a console in virtual time."""

    console: Console
    codec: VeederRootCodec = field(default_factory=VeederRootCodec)
    now: float = 0.0
    said: list[bytes] = field(default_factory=list)
    piece: int = 64

    def ask(self, *asks: Ask) -> list[Event]:
        """Until nothing waits any more."""
        for one in asks:
            self.codec.submit(one)
        events: list[Event] = []
        while (request := self.codec.next(self.now)) is not None:
            self.said.append(request.data)
            events += self._exchange(request.data)
        return events

    def _exchange(self, data: bytes) -> list[Event]:
        events: list[Event] = []
        for answer in self.console.feed(data):
            for at in range(0, len(answer), self.piece):
                self.now += 0.05
                outcome = self.codec.feed(answer[at : at + self.piece], self.now)
                events += outcome.events
                if outcome.finished:
                    return events
        self.now = self.codec.until
        outcome = self.codec.expire(self.now)
        assert outcome.finished
        return [*events, *outcome.events]


def console(**options: object) -> Console:
    probes = [
        Probe(1, "1", "92#", volume=Decimal("19324.971")),
        Probe(2, "2", "0#", volume=Decimal(8000), water_mm=Decimal("12.5")),
    ]
    probes[0].deliver(Decimal(3000), Decimal(10), "2611220200")
    probes[0].advance(10, "2611220210")
    probes[0].advance(30, "2611220211")
    made = ConsoleOptions(**options)  # type: ignore[arg-type]
    return Console(probes, clock=lambda: WHEN, options=made, dice=random.Random(1))


def kinds(events: list[Event]) -> list[type]:
    return [type(one) for one in events]


def test_every_question_is_answered_once_and_in_order() -> None:
    talk = Talk(console())
    events = talk.ask(*ALL, ALL[1])
    assert kinds(events) == [
        m.UnitsRead, m.InventoryRead, m.DeliveriesRead, m.DeliveriesRead, m.TankAlarmsRead,
        m.SystemRead, m.ClockRead,
    ]  # fmt: skip
    # What is new is asked twice, a clock and what was believed already are not.
    assert len(talk.said) == 2 * len(ALL) - 1
    talk.said.clear()
    assert len(talk.ask(*ALL)) == len(talk.said) == len(ALL)
    assert talk.codec.units is m.Units.METRIC and not talk.codec.busy


def test_what_clears_or_sets_is_not_sent() -> None:
    codec = VeederRootCodec()
    for wrong in (Ask("051"), Ask("051", data="149"), Ask("602", data="x")):
        with pytest.raises(Unsupported):
            codec.submit(wrong)
    assert codec.next(0) is None


def test_the_clock_is_set_and_the_answer_says_so() -> None:
    talk = Talk(console())
    talk.console.off = timedelta(minutes=7)
    (read,) = talk.ask(Ask("501"))
    assert isinstance(read, m.ClockRead) and read.time == "2611220301"
    (read,) = talk.ask(set_clock("2611220254"))
    assert isinstance(read, m.ClockRead) and read.was_set and read.time == "2611220254"
    assert talk.console.off == timedelta(0)


def test_three_tries_and_then_silence() -> None:
    talk = Talk(console())
    talk.ask(Ask("101"))
    talk.console.faults.silent = True
    said = len(talk.said)
    assert kinds(talk.ask(Ask("201"))) == [Silent]
    assert len(talk.said) - said == TRIES
    talk.console.faults.silent = False
    assert kinds(talk.ask(Ask("201"))) == [m.InventoryRead]


@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.parametrize("terse", [False, True])
def test_a_console_without_the_computer_format_is_asked_in_display_format(
    bare: bool, terse: bool
) -> None:
    talk = Talk(console(display_only=True, bare=bare, terse_unknown=terse))
    events = talk.ask(*ALL)
    assert kinds(events) == [
        m.UnitsRead, m.InventoryRead, m.DeliveriesRead, m.DeliveriesRead, m.TankAlarmsRead,
        m.SystemRead, m.ClockRead,
    ]  # fmt: skip
    assert all(isinstance(one, m.Said) and one.format is m.Format.DISPLAY for one in events)
    assert kinds(talk.ask(Ask("902"))) == [NotKnown] or kinds(talk.ask(Ask("902")))[-1] is Silent


def test_a_console_that_is_deaf_to_the_computer_format_is_asked_in_display_format() -> None:
    class Deaf(Console):
        def _line(self, line: bytes) -> bytes | None:
            return None if line[1:2].islower() else super()._line(line)

    talk = Talk(Deaf(console().probes.values(), clock=lambda: WHEN))
    first = talk.ask(Ask("201"))
    assert kinds(first) == [m.InventoryRead]
    said = len(talk.said)
    assert kinds(talk.ask(Ask("205"))) == [m.TankAlarmsRead]
    assert len(talk.said) - said == 2  # in display format at once, twice


def test_in_display_format_nothing_is_believed_that_is_said_once() -> None:
    talk = Talk(console(display_only=True))
    talk.console.faults.damaged = 2
    for turn in range(200):
        true = {n: Decimal(round(p.volume)) for n, p in talk.console.probes.items()}
        for event in talk.ask(Ask("201")):
            if isinstance(event, m.InventoryRead):
                assert all(one.volume == true[one.tank] for one in event.tanks), turn


@pytest.mark.parametrize("fault", ["damaged", "halved", "lost", "noise", "wrong_tank"])
def test_faults_bring_the_same_fact_or_none(fault: str) -> None:
    talk = Talk(console())
    talk.ask(Ask("517"))
    true = talk.ask(Ask("201"))[-1]
    setattr(talk.console.faults, fault, 2)
    seen = 0
    for _ in range(60):
        for event in talk.ask(Ask("201")):
            assert isinstance(event, Damaged | Silent) or event == true
            seen += event == true
    assert seen > 30
    setattr(talk.console.faults, fault, 1)
    last = talk.ask(Ask("201"))
    if fault != "noise":
        assert kinds(last)[-1] is Silent
    setattr(talk.console.faults, fault, 0)
    assert talk.ask(Ask("201"))[-1] == true


def test_waiting_follows_the_length_of_the_answer() -> None:
    codec = VeederRootCodec()
    codec.submit(Ask("202"))
    codec.next(100)
    assert codec.until == 100 + WINDOW
    now = 104.0
    codec.feed(frames.SOH + b"i20200", now)
    for _ in range(9):  # a full report at 9600 baud: more than five seconds, never a long pause
        now += 1
        assert codec.until > now
        codec.feed(b"0" * 900, now)
    codec.submit(Ask("101"))
    while not codec.expire(codec.until).events:
        assert codec.next(now) is not None


def test_late_and_foreign_answers_are_no_answer() -> None:
    talk = Talk(console())
    talk.ask(Ask("201"))
    (late,) = talk.console.feed(frames.question("i20500"))
    talk.codec.submit(Ask("201"))
    request = talk.codec.next(0)
    assert request is not None
    (own,) = talk.console.feed(request.data)
    outcome = talk.codec.feed(late + own, 0.1)
    assert kinds(list(outcome.events)) == [m.InventoryRead]
    assert [one.good for one in outcome.heard] == [False, True]
    assert talk.codec.feed(own, 0.2).events == ()  # nobody asked


def _two_flips(answer: bytes) -> Iterator[bytes]:
    """The answer with every pair of damaged figures that the sum does not see."""
    figures = [at for at in range(20, len(answer) - 7) if answer[at : at + 1].isalnum()]
    for one, other in itertools.combinations(figures, 2):
        spoilt = bytearray(answer)
        spoilt[one] ^= 1
        spoilt[other] ^= 1
        if sum(spoilt) == sum(answer) and spoilt != answer:
            yield bytes(spoilt)


@pytest.mark.req("DEV-01", "INV-02")
@pytest.mark.parametrize("function", ["201", "20C"])
@pytest.mark.parametrize("known", [False, True])
def test_what_the_sum_lets_pass_is_heard_twice_or_not_believed(function: str, known: bool) -> None:
    talk = Talk(console())
    talk.ask(Ask("517"))
    truth = talk.ask(Ask(function))[-1]
    assert isinstance(truth, CONFIRMED)
    (whole,) = talk.console.feed(frames.question(f"i{function}00"))
    passed = 0
    for spoilt in itertools.islice(_two_flips(whole), 0, None, 37):
        try:
            said = next(m.heard(f"i{function}00", whole[7:17].decode(), spoilt[17:-7].decode()))
        except (Malformed, StopIteration):
            continue
        if alike(said, truth, m.Units.METRIC):
            continue
        passed += 1
        if not known:
            talk.codec.forget()
            talk.codec.units = m.Units.METRIC
        talk.codec.submit(Ask(function))
        for answer in (spoilt, whole, whole):
            if talk.codec.next(talk.now) is None:
                break
            for event in talk.codec.feed(answer, talk.now).events:
                assert isinstance(event, CONFIRMED) and alike(event, truth, m.Units.METRIC)
        assert not talk.codec.busy
    assert passed > 20


def test_a_security_code_stands_before_the_question_and_in_no_record() -> None:
    talk = Talk(console(security="123456"), VeederRootCodec(security="123456"))
    assert kinds(talk.ask(Ask("101"))) == [m.SystemRead]
    talk.codec.submit(Ask("101"))
    request = talk.codec.next(0)
    assert request is not None and request.data == b"\x01123456i10100\r\n"
    assert (request.secret[0].start, request.secret[0].stop) == (1, 7)


def test_a_lost_port_forgets_the_units() -> None:
    talk = Talk(console(units=m.Units.US))
    talk.ask(Ask("517"), Ask("201"))
    assert talk.codec.units is m.Units.US
    talk.codec.forget()
    assert talk.codec.units is None
    read = talk.ask(Ask("201"))[-1]
    assert isinstance(read, m.InventoryRead) and talk.codec.in_metric(read) is None
