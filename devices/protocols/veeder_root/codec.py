"""The questioner's end of a console: one question at a time, three tries, two formats.

What came damaged, late, for another question or half is no answer. The sum of the computer format
lets two flips pass that make up for each other, so what is new in an answer (a delivery, an alarm,
a level that has jumped) is asked once more, and believed when two answers say it. A console that
does not know the computer format, or never answers it, is asked in display format; there two answers
in a row must always say the same, since nothing else tells a good one from a damaged one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from devices.protocols import base
from devices.protocols.base import Damaged, Heard, Malformed, Outcome, Request, Seconds, Silence
from devices.protocols.veeder_root import display, frames
from devices.protocols.veeder_root import messages as m
from devices.protocols.veeder_root.believing import alike
from devices.protocols.veeder_root.units import metric

SERIAL = base.SerialSettings(baud=9600)
TRIES = 3
WINDOW: Seconds = 5.0  # to the first byte of an answer
TAIL: Seconds = 2.0  # silence within an answer that ends the waiting for the rest
TURNAROUND: Seconds = 0.02
MOST_READINGS = 6  # of one question, until two agree
SLACK = 2  # an answer may take so many times what its bytes need
# The longest answer, in bytes, that a full console gives to each; others are short.
_LONGEST = {m.INVENTORY: 1500, m.DELIVERIES: 16_000, m.LAST_DELIVERY: 2500, m.LABELS: 1000}
_SHORT = 800
NEVER = frozenset({"051"})  # clears the console's delivery reports
SETS = frozenset({m.CLOCK})
# Said by two answers before it is believed. A clock goes on between two answers, and a text decides
# nothing.
CONFIRMED = (m.InventoryRead, m.DeliveriesRead, m.TankAlarmsRead, m.SystemRead, m.UnitsRead)


@dataclass(frozen=True, slots=True)
class Ask:
    """One question: the function, the tank (00: all) and what is to be set."""

    function: str
    device: str = "00"
    data: str = ""

    def code(self, format: m.Format) -> str:
        letter = "s" if self.data else "i"
        code = f"{letter}{self.function}{self.device}"
        return code if format is m.Format.COMPUTER else code.upper()


def set_clock(stamp: str) -> Ask:
    """Set the console's clock to YYMMDDHHmm."""
    frames.read_stamp(stamp)
    return Ask(m.CLOCK, data=stamp)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotKnown(base.Event):
    """The console knows the function in neither format."""

    function: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent(Silence):
    """No answer after all tries."""

    function: str


@dataclass(slots=True)
class _Under:
    """The question under way."""

    ask: Ask
    format: m.Format
    tries: int = 0
    refused: bool = False  # in computer format, by the console itself
    seen: list[m.Said] = field(default_factory=list)  # not believed yet


class VeederRootCodec:
    """One console. `units` is None until it has said what it counts in; `window` is to the first byte."""

    def __init__(
        self,
        *,
        security: str = "",
        units: m.Units | None = None,
        tries: int = TRIES,
        window: Seconds = WINDOW,
    ) -> None:
        self.settings = SERIAL
        self.tries, self.window = tries, window
        self.units = units
        self._told_units = units
        self._security = security
        self._waiting: deque[Ask] = deque()
        self._under: _Under | None = None
        self._buffer = b""
        self._until: Seconds = 0.0
        self._sent: Seconds = 0.0
        self._format = m.Format.COMPUTER
        self._answered = False  # in computer format, since the port was opened
        self._believed: dict[Ask, m.Said] = {}  # in computer format, the last answer to each

    # ------------------------------------------------------------------ asking

    def submit(self, ask: Ask) -> None:
        """Queue a question, once. Raises Unsupported for what is never sent."""
        if ask.function in NEVER or (ask.data and ask.function not in SETS):
            raise base.Unsupported(f"{ask.function} is not sent")
        if ask not in self._waiting and (self._under is None or self._under.ask != ask):
            self._waiting.append(ask)

    @property
    def busy(self) -> bool:
        return self._under is not None or bool(self._waiting)

    @property
    def until(self) -> Seconds:
        """When waiting for the answer under way ends."""
        return self._until

    def next(self, now: Seconds) -> Request | None:
        """The next thing to say: a retry or the oldest question; nothing where none waits."""
        if self._under is None:
            if not self._waiting:
                return None
            self._under = _Under(self._waiting.popleft(), self._format)
        under = self._under
        under.tries += 1
        self._buffer = b""
        self._sent, self._until = now, now + self.window
        data = frames.question(under.ask.code(under.format), under.ask.data, self._security)
        secret = (base.Span(1, 1 + len(self._security)),) if self._security else ()
        return Request(0, data, TURNAROUND, self.window, secret=secret)

    def forget(self) -> None:
        """The port was lost: nothing is under way, and the console may be another."""
        self._under, self._buffer = None, b""
        self._waiting.clear()
        self._believed.clear()
        self._format, self._answered = m.Format.COMPUTER, False
        self.units = self._told_units

    # ------------------------------------------------------------------ hearing

    def feed(self, data: bytes, now: Seconds) -> Outcome:
        """Bytes that came in answer to the question under way."""
        under = self._under
        if under is None:
            return Outcome(heard=(Heard(data, good=False),), finished=True)
        self._buffer += data
        if frames.SOH in self._buffer or display.begins(self._buffer, under.ask.code(under.format)):
            longest = _LONGEST.get(under.ask.function, _SHORT) * self.settings.byte_time() * SLACK
            self._until = min(now + TAIL, self._sent + self.window + longest)
        junk: list[Heard] = []
        while (frame := frames.cut(self._buffer)) is not None:
            before, _, rest = self._buffer.partition(frame)
            self._buffer = rest
            if under.format is m.Format.DISPLAY:
                frame = before + frame
            elif before.strip(b"\x00\r\n\xff"):
                junk.append(Heard(before, good=False))
            outcome = self._whole(under, frame)
            if outcome is not None:
                return replace(outcome, heard=(*junk, *outcome.heard))
            junk.append(Heard(frame, good=False))
        return Outcome(heard=tuple(junk))

    def expire(self, now: Seconds) -> Outcome:
        """Waiting is over: what came without an end is read as far as its format allows."""
        under, left = self._under, self._buffer
        self._buffer = b""
        if under is None:
            return Outcome(finished=True)
        if frames.is_unknown(left):
            return self._unknown(under, left)
        if under.format is m.Format.DISPLAY and display.begins(left, under.ask.code(under.format)):
            outcome = self._whole(under, left)
            if outcome is not None:
                return outcome
        heard = (Heard(left, good=False),) if left else ()
        return self._missed(under, heard, "half an answer" if left else "")

    def _whole(self, under: _Under, frame: bytes) -> Outcome | None:
        """What a whole message brings; None where it answers another question."""
        if frames.is_unknown(frame):
            return self._unknown(under, frame)
        try:
            events = tuple(self._read(under, frame))
        except Malformed as wrong:
            return self._missed(under, (Heard(frame, good=False),), str(wrong))
        if not events:
            return None
        heard = (Heard(frame, good=True),)
        if under.format is m.Format.COMPUTER:
            self._answered = True
            if not self._confirmed(under, events[0]):
                return self._once_more(under, heard)
        else:
            agreed = self._agreed(under, events[0])
            if agreed is None:
                return self._once_more(under, heard)
            events = (agreed,)
            self._format = m.Format.DISPLAY if not under.refused else self._format
        if isinstance(events[0], m.UnitsRead):
            self.units = events[0].units
        self._under = None
        return Outcome(events, heard, finished=True)

    def _read(self, under: _Under, frame: bytes) -> Iterator[m.Said]:
        code = under.ask.code(under.format)
        if under.format is m.Format.DISPLAY:
            yield from display.heard(code, frame)
            return
        answer = frames.read_computer(frame)
        if answer.code != code:
            return
        yield from m.heard(answer.code, answer.stamp, answer.data)

    def _confirmed(self, under: _Under, said: m.Said) -> bool:
        """Whether another answer says what this one does: the last believed, or the one before it."""
        if not isinstance(said, CONFIRMED):
            return True
        others = [*under.seen[-1:], *([last] if (last := self._believed.get(under.ask)) else [])]
        under.seen.append(said)
        if not any(alike(said, other, self.units or m.Units.METRIC) for other in others):
            return False
        self._believed[under.ask] = said
        return True

    def _agreed(self, under: _Under, said: m.Said) -> m.Said | None:
        """What two answers in a row say alike; of an inventory, the tanks that they do."""
        under.seen.append(said)
        if len(under.seen) < 2:
            return None
        last = under.seen[-2]
        if isinstance(said, m.InventoryRead) and isinstance(last, m.InventoryRead):
            same = tuple(one for one in said.tanks if one in last.tanks)
            every = len(same) == len(said.tanks) == len(last.tanks)
            enough = every or (same and len(under.seen) >= MOST_READINGS)
            return replace(said, tanks=same) if enough else None
        return said if replace(said, stamp=last.stamp) == last else None

    def _once_more(self, under: _Under, heard: tuple[Heard, ...]) -> Outcome:
        if len(under.seen) >= MOST_READINGS:
            return self._over(under, heard, "no two answers agree")
        under.tries = 0
        return Outcome(heard=heard, finished=True)

    def _unknown(self, under: _Under, frame: bytes) -> Outcome:
        """The other format may know it."""
        heard = (Heard(frame, good=True),)
        if under.format is m.Format.COMPUTER:
            self._answered = True
            under.format, under.tries, under.refused = m.Format.DISPLAY, 0, True
            return Outcome(heard=heard, finished=True)
        self._under = None
        event = NotKnown(address=0, function=under.ask.function)
        return Outcome((event,), heard, finished=True)

    def _missed(self, under: _Under, heard: tuple[Heard, ...], why: str) -> Outcome:
        """No answer, or a damaged one: again, three times in all; then perhaps in display format."""
        events: tuple[base.Event, ...] = (Damaged(address=0, why=why),) if why else ()
        if under.tries < self.tries:
            return Outcome(events, heard, finished=True)
        if under.format is m.Format.COMPUTER and not self._answered and not under.ask.data:
            under.format, under.tries = m.Format.DISPLAY, 0
            return Outcome(events, heard, finished=True)
        return self._over(under, heard, why)

    def _over(self, under: _Under, heard: tuple[Heard, ...], why: str) -> Outcome:
        self._under = None
        silent: base.Event = Silent(address=0, function=under.ask.function)
        events = (Damaged(address=0, why=why), silent) if why else (silent,)
        if under.format is m.Format.DISPLAY and not under.refused:
            self._format = m.Format.COMPUTER  # the console may be another by now
        return Outcome(events, heard, finished=True)

    # ------------------------------------------------------------------ in metric units

    def in_metric(self, said: m.InventoryRead | m.DeliveriesRead) -> m.Said | None:
        """The figures in litres, mm and ℃; None while the console's units are not known."""
        units = self.units
        if units is None:
            return None
        if isinstance(said, m.InventoryRead):
            return replace(said, tanks=tuple(metric(one, units) for one in said.tanks))
        return replace(said, deliveries=tuple(metric(one, units) for one in said.deliveries))
