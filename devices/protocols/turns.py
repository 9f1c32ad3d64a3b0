"""The controller's end of protocols where one question has one answer: what their codecs share.

A question that does something is never put again because its answer did not come: the state is
asked for first, and only a state that shows that nothing happened lets it go out again. A command
is accepted when the state says so, not when it was answered.

Checks of eight bits let some damage pass, and with digits the result is a digit again as often as
not. So a state, a fill, a totalizer, a price are believed when two answers in a row say the same.
What is only shown, litres and yuan while fuel flows, is believed at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from devices.protocols import asks, base
from devices.protocols.base import (
    Condition,
    Event,
    Heard,
    Malformed,
    Outcome,
    Request,
    Seconds,
)
from devices.protocols.cutting import Deframer
from devices.protocols.states import RUNS, Point, State

MAX_TRIES = 4
LASTS: Seconds = 2.5  # a command that did not come through by then is given up, never sent late
SETTLES: Seconds = 0.5  # what was acknowledged may take so long to show in the state
READS = (asks.ReadTransaction, asks.ReadTotals, asks.ReadPrices, asks.ReadIdentity)


@dataclass(frozen=True, slots=True)
class Taken:
    """An answer that says of a question only whether the head took it."""

    ok: bool


@dataclass(slots=True)
class Doing:
    """A command under way."""

    command: asks.Command
    until: Seconds
    steps: tuple[Any, ...] = ()
    step: int = 0  # which of them comes next; from the second on they follow at once
    tries: int = 0
    taken: bool = False  # the head acknowledged all of them
    again_at: Seconds = 0.0  # not before then, if the state shows nothing
    said: Any = None  # of a figure, the first time
    read: list[Any] = field(default_factory=list)

    @property
    def reads(self) -> bool:
        return isinstance(self.command, READS)

    @property
    def in_vain(self) -> bool:
        return self.reads and self.tries >= 2 * MAX_TRIES * max(1, len(self.steps))


@dataclass(slots=True)
class _Head:
    """What the controller remembers of one address."""

    point: Any
    waiting: deque[asks.Command] = field(default_factory=deque)
    doing: Doing | None = None
    turn: int = 0  # in the round of questions while fuel flows


class Turns(ABC):
    """One line of such heads. A protocol says which questions there are and what answers mean."""

    settings: base.SerialSettings
    abilities: base.Abilities
    usual: ClassVar[base.Timing]
    status: ClassVar[Any]  # the question for the state
    round: ClassVar[tuple[Any, ...]]  # asked in turn while fuel flows
    point: ClassVar[type[Point]]
    streams: ClassVar[bool] = False  # behind an answer a message may begin that nobody asked for

    def __init__(
        self, devices: Iterable[base.DeviceSettings], timing: base.Timing | None = None
    ) -> None:
        self.timing = timing or self.usual
        self._heads = {device.address: _Head(self.point(device)) for device in devices}
        self._deframer = self.deframer()
        self._asked = 0
        self._question: Any = self.status
        self._sent = b""

    # ------------------------------------------------------------------ what a protocol says

    @abstractmethod
    def deframer(self) -> Deframer[Any]:
        """How answers are cut."""

    @abstractmethod
    def write(self, address: int, question: Any) -> bytes:
        """A question as bytes."""

    @abstractmethod
    def read(self, frame: Any, question: Any, point: Any) -> Any:
        """The answer: a State, Taken, a figure, what is shown, or None where more has to be asked.

        Raises Malformed for what answers another question or another head's.
        """

    @abstractmethod
    def steps(self, command: asks.Command, point: Any) -> tuple[Any, ...]:
        """The questions that do it, in order. Raises Unsupported, or Malformed where a number does not fit."""

    @abstractmethod
    def figure(self, command: asks.Command, point: Any, read: list[Any]) -> Event:
        """What was asked for, out of the answers to each of its questions."""

    def over(self, doing: Doing, point: Any) -> bool:
        """The state shows what the command wanted. Of a preset: only after it was sent."""
        state: State = point.known
        match doing.command:
            case asks.Authorise():
                ran = state.unclosed or state.condition in (*RUNS, Condition.ENDED)
                return doing.tries > 0 and ran
            case asks.Stop():
                return state.condition not in RUNS
            case asks.CloseTransaction():
                return not state.unclosed
            case asks.SetPrices():
                return doing.taken
        return True

    def possible(self, doing: Doing, point: Any) -> bool:
        """Whether the command can still do something in this state."""
        state: State = point.known
        match doing.command:
            case asks.Authorise():
                rests = state.condition in (Condition.IDLE, Condition.CALLING)
                return rests and not state.unclosed
            case asks.SetPrices():
                return state.condition not in RUNS
        return True

    def done(self, doing: Doing, point: Any) -> None:
        """It was accepted."""
        return

    def answers(self, frame: Any) -> bool:
        """Whether it answers this question, and was not said by itself or to an earlier one."""
        return True

    # ------------------------------------------------------------------ commands

    def submit(self, command: asks.Command) -> None:
        head = self._heads[command.address]
        if not isinstance(command, asks.ReadStatus):
            self.steps(command, head.point)  # refuses before it waits
        head.waiting.append(command)

    def preempt(self, address: int) -> tuple[asks.Command, ...]:
        head = self._heads[address]
        dropped = ([head.doing.command] if head.doing else []) + list(head.waiting)
        if head.doing is not None:
            head.point.doubt()
        head.doing = None
        head.waiting.clear()
        return tuple(dropped)

    def busy(self, address: int) -> bool:
        head = self._heads[address]
        return bool(head.doing or head.waiting or not head.point.sure)

    def forget(self, address: int) -> None:
        self._heads[address].point.forget()

    def stop_all(self) -> Request | None:
        return None  # there is no broadcast: a stop goes to each address

    # ------------------------------------------------------------------ speaking

    def next(self, address: int, now: Seconds) -> Request:
        if not self.streams:
            self._deframer.flush()
        self._asked = address
        head = self._heads[address]
        if head.doing is None and head.waiting:
            head.doing = Doing(head.waiting.popleft(), now + LASTS)
            if isinstance(head.doing.command, asks.ReadStatus):
                head.point.doubt()  # a state from before the question is no answer to it
        self._question = self._choose(head, now)
        self._sent = self.write(address, self._question)
        return Request(
            address=address,
            data=self._sent,
            turnaround=self.timing.turnaround,
            window=self.timing.window,
            command=head.doing.command if head.doing else None,
        )

    def _choose(self, head: _Head, now: Seconds) -> Any:
        point, doing = head.point, head.doing
        if doing is not None and self._goes_out(point, doing, now):
            if not doing.step:
                doing.steps, doing.taken = self.steps(doing.command, point), False
            doing.tries += doing.reads or not doing.step
            if not doing.reads:
                point.doubt()  # what it did is seen in the states that follow
            return doing.steps[doing.step]
        if doing is None and point.sure and point.moving:
            head.turn = (head.turn + 1) % len(self.round)
            return self.round[head.turn]
        return self.status

    def _goes_out(self, point: Point, doing: Doing, now: Seconds) -> bool:
        """Now, or only when the state is known. A stop does not wait for that the first time."""
        match doing.command:
            case asks.ReadStatus():
                return False
            case asks.Stop() if doing.tries == 0:
                return True
        if doing.reads or doing.step:
            return True
        ready = point.sure and now >= doing.again_at
        return ready and self.possible(doing, point) and not self.over(doing, point)

    # ------------------------------------------------------------------ listening

    def feed(self, data: bytes, now: Seconds) -> Outcome:
        heard: list[Heard] = []
        events: list[Event] = []
        done = False
        for piece in self._deframer.feed(data):
            heard.append(Heard(piece.raw, good=piece.frame is not None))
            if piece.frame is not None and not self.answers(piece.frame):
                continue
            if done:
                continue  # one question has one answer; what follows is a repetition
            if piece.frame is None:
                events.append(base.Damaged(address=self._asked, why=piece.why))
                continue
            try:
                if piece.raw == self._sent:
                    raise Malformed("our own question came back")
                events += self._answered(piece.frame, now)
                done = True
            except Malformed as wrong:
                events.append(base.Damaged(address=self._asked, why=str(wrong)))
        return Outcome(tuple(events), tuple(heard), finished=done)

    def expire(self, now: Seconds) -> Outcome:
        left = self._deframer.flush()
        heard = (Heard(left, good=False),) if left else ()
        events: list[Event] = [base.Silence(address=self._asked)]
        if left:
            events.insert(0, base.Damaged(address=self._asked, why="cut off"))
        head = self._heads[self._asked]
        doing = head.doing
        if doing is not None:
            doing.step = doing.step if doing.reads else 0  # nobody knows what it made of it
            if now >= doing.until or doing.in_vain:
                events.append(self._give_up(head, "no answer"))
        return Outcome(tuple(events), heard, finished=True)

    def _answered(self, frame: Any, now: Seconds) -> list[Event]:
        """The answer's events. Raises Malformed for what answers another question or head."""
        head = self._heads[self._asked]
        said = self.read(frame, self._question, head.point)
        if said is None:
            return []  # half of an answer: more has to be asked
        if isinstance(said, State):
            return self._state(head, said, now)
        if isinstance(said, Taken):
            return self._taken(head, said, now)
        if head.doing is not None and head.doing.reads:
            return self._figures(head, said, now)
        events: list[Event] = head.point.live(said)
        return events

    def _taken(self, head: _Head, said: Taken, now: Seconds) -> list[Event]:
        """The head took this step, or not; what came of them all is seen in the state."""
        doing = head.doing
        if doing is None:
            return []
        if doing.reads:
            return [self._give_up(head, "refused")]
        doing.step = doing.step + 1 if said.ok else 0
        if doing.step == len(doing.steps):
            doing.step, doing.taken, doing.again_at = 0, True, now + SETTLES
        return []

    def _figures(self, head: _Head, said: Any, now: Seconds) -> list[Event]:
        """A fill, a totalizer, a price: believed when it is said twice in a row."""
        doing = head.doing
        assert doing is not None
        if said != doing.said:
            doing.said = said
            vain = now >= doing.until or doing.in_vain
            return [self._give_up(head, "no two answers agree")] if vain else []
        doing.read.append(said)
        doing.said, doing.step, doing.until = None, doing.step + 1, now + LASTS
        if doing.step < len(doing.steps):
            return []
        head.doing = None
        accepted = base.Accepted(address=self._asked, command=doing.command)
        return [self.figure(doing.command, head.point, doing.read), accepted]

    def _state(self, head: _Head, said: State, now: Seconds) -> list[Event]:
        doing, point = head.doing, head.point
        if not point.take(said, now):
            return []
        if doing is None or doing.reads:
            return list(point.news(now, asked=False))
        if self.over(doing, point):
            self.done(doing, point)
            head.doing = None
            accepted = base.Accepted(address=self._asked, command=doing.command)
            return [*_passed(doing, point), *point.news(now, asked=True), accepted]
        tried = doing.tries >= MAX_TRIES and now >= doing.again_at
        if tried or now >= doing.until or not self.possible(doing, point):
            why = f"state {point.known.raw}"
            return [*point.news(now, asked=True), self._give_up(head, why)]
        return list(point.news(now, asked=False))

    def _give_up(self, head: _Head, why: str) -> Event:
        assert head.doing is not None
        command, head.doing = head.doing.command, None
        return base.GaveUp(address=command.address, command=command, why=why)


def _passed(doing: Doing, point: Point) -> list[Event]:
    """A preset that was taken and is over before two answers agreed: it ran, all the same."""
    if not isinstance(doing.command, asks.Authorise) or point.known.condition in RUNS:
        return []
    ran = base.Status(
        address=doing.command.address,
        condition=Condition.AUTHORISED,
        nozzle=doing.command.nozzles[0],
        nozzle_out=True,
        raw=point.known.raw,
    )
    return [ran]
