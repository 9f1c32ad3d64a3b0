"""The controller's end of Gilbarco Two-Wire: `base.Codec` over bytes, words and blocks.

What an answer is follows from what was asked: a status is one byte, money six words, a fill and
the totals are blocks. A status whose low nibble names another pump is not taken. What a command
needs, and when it is over, is `tasks.py`; here is whose turn it is and what came back.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto

from devices.protocols import asks, base
from devices.protocols.base import Event, Heard, Malformed, Outcome, Request, Seconds
from devices.protocols.twowire import frames as f
from devices.protocols.twowire import messages as m
from devices.protocols.twowire.reading import Point
from devices.protocols.twowire.tasks import HANDLE, MONEY, STATUS, Ask, Read, Reprice, Task, task_of

TIMING = base.Timing(
    window=0.200,
    turnaround=0.005,
    reply_turnaround=0.005,
    idle_poll=0.300,
    busy_poll=0.100,
    misses_until_offline=5,
    tail=0.100,
    longest_answer=3.0,
)
TOTALS_WINDOW: Seconds = 0.500
AFTER: Seconds = 0.070  # quiet behind what has no answer, before the state is asked for
SERIAL = base.SerialSettings(baud=5787, bits=8, parity="E", stop=1)
ABILITIES = base.Abilities(stops_all_at_once=True, binds_nozzle=False, totals_decide=True)


class _Wait(Enum):
    """What is expected."""

    NOTHING = auto()
    STATUS = auto()
    LISTENS = auto()
    EXTENDED = auto()
    MONEY = auto()
    TRANSACTION = auto()
    TOTALS = auto()


_WAITS = {
    m.ASK_STATUS: _Wait.STATUS,
    m.AUTHORISE: _Wait.NOTHING,
    m.DATA_NEXT: _Wait.LISTENS,
    m.STOP: _Wait.NOTHING,
    m.ASK_TRANSACTION: _Wait.TRANSACTION,
    m.ASK_TOTALS: _Wait.TOTALS,
    m.ASK_MONEY: _Wait.MONEY,
}


@dataclass(slots=True)
class _Head:
    """What the controller remembers of one address."""

    point: Point
    waiting: deque[Task] = field(default_factory=deque)
    task: Task | None = None
    giving_up: str = ""  # why, while something is taken back
    turn: int = 0  # of what is asked besides the status: money, or which nozzle is out


class TwoWireCodec:
    """One loop of Two-Wire pumps."""

    settings = SERIAL
    abilities = ABILITIES

    def __init__(
        self, devices: Iterable[base.DeviceSettings], timing: base.Timing | None = None
    ) -> None:
        self.timing = timing or TIMING
        self._heads = {device.address: _Head(Point(device)) for device in devices}
        self._blocks = f.Blocks()
        self._words = bytearray()
        self._asked = 0
        self._ask = STATUS
        self._wait = _Wait.NOTHING

    # ------------------------------------------------------------------ commands

    def submit(self, command: asks.Command) -> None:
        head = self._heads[command.address]
        head.waiting.append(task_of(command, head.point.settings))

    def preempt(self, address: int) -> tuple[asks.Command, ...]:
        head = self._heads[address]
        dropped = ([head.task] if head.task else []) + list(head.waiting)
        if head.task is not None:
            head.point.doubt()
        head.task, head.giving_up = None, ""
        head.waiting.clear()
        return tuple(task.command for task in dropped)

    def busy(self, address: int) -> bool:
        head = self._heads[address]
        return bool(head.task or head.waiting or not head.point.known)

    def forget(self, address: int) -> None:
        self._heads[address].point.forget()

    def stop_all(self) -> Request | None:
        """FC: every pump of the loop stops. Each is told and read back by itself all the same."""
        self._asked, self._wait = 0, _Wait.NOTHING
        for head in self._heads.values():
            head.point.doubt()
        return Request(0, f.ALL_STOP, self.timing.turnaround, AFTER, unanswered=True)

    # ------------------------------------------------------------------ speaking

    def next(self, address: int, now: Seconds) -> Request:
        self._blocks.flush()
        self._words.clear()
        self._asked = address
        head = self._heads[address]
        if head.task is None and head.waiting:
            head.task = head.waiting.popleft()
            head.task.begin(head.point, now)
        self._ask = self._choose(head)
        self._wait = _WAITS[self._ask.command]
        return Request(
            address=address,
            data=f.single(self._ask.command, address),
            turnaround=self.timing.turnaround,
            window=self._window(),
            command=head.task.command if head.task else None,
            unanswered=self._wait is _Wait.NOTHING,
        )

    def _window(self) -> Seconds:
        if self._wait is _Wait.NOTHING:
            return AFTER
        return (
            max(TOTALS_WINDOW, self.timing.window)
            if self._wait is _Wait.TOTALS
            else (self.timing.window)
        )

    @staticmethod
    def _choose(head: _Head) -> Ask:
        if head.task is not None:
            waits = not head.giving_up and head.task.waits(head.point)
            return STATUS if waits else head.task.ask(head.point)
        if head.point.asks_handle:
            return HANDLE
        head.turn += 1
        if head.point.sure and head.point.state == m.BUSY and head.turn % 2:
            return MONEY
        if head.point.tells_handle and head.turn % 3 == 0:
            return HANDLE  # hung and another one lifted, faster than we ask
        return STATUS

    # ------------------------------------------------------------------ listening

    def feed(self, data: bytes, now: Seconds) -> Outcome:
        heard: list[Heard] = []
        events: list[Event] = []
        for raw, why in self._cut(data):
            said = None
            if not why:
                try:
                    said = self._read(raw)
                except Malformed as wrong:
                    why = str(wrong)
            heard.append(Heard(raw, good=not why))
            if said is None:
                events.append(base.Damaged(address=self._asked, why=why))
                continue
            if self._wait is _Wait.LISTENS:
                return self._listens(said, events, heard)
            events += self._answered(said, now)
            return Outcome(tuple(events), tuple(heard), finished=True)
        return Outcome(tuple(events), tuple(heard))

    def _cut(self, data: bytes) -> list[tuple[bytes, str]]:
        """The data as answers of the kind that is expected, and what is none."""
        match self._wait:
            case _Wait.NOTHING:
                return [(data, "nobody was asked")] if data else []
            case _Wait.STATUS | _Wait.LISTENS:
                return [(bytes((one,)), "") for one in data]
            case _Wait.MONEY:
                return self._words_of(data, range(f.DATA, f.DATA + 10), m.MONEY_SIZE)
            case _Wait.EXTENDED:
                return self._words_of(data, range(0x80, 0x100), m.EXTENDED_SIZE)
        return [(piece.raw, piece.why) for piece in self._blocks.feed(data)]

    def _words_of(self, data: bytes, words: range, size: int) -> list[tuple[bytes, str]]:
        out: list[tuple[bytes, str]] = []
        for one in data:
            begins = bool(self._words) or size != m.EXTENDED_SIZE or one == m.EXTENDED_FIRST
            if one not in words or not begins:
                out.append((bytes(self._words) + bytes((one,)), "a byte that is no word"))
                self._words.clear()
                continue
            self._words.append(one)
            if len(self._words) == size:
                out.append((bytes(self._words), ""))
                self._words.clear()
        return out

    def _read(self, raw: bytes) -> int | m.Report:
        """The answer. Raises Malformed for what is none, and for another pump's."""
        match self._wait:
            case _Wait.TRANSACTION:
                return m.read_transaction(raw)
            case _Wait.TOTALS:
                return m.read_totals(raw)
            case _Wait.MONEY:
                return m.Money(f.number(raw))
            case _Wait.EXTENDED:
                return m.read_extended(raw)
        state, pump = divmod(raw[0], 16)
        if state not in m.STATES:
            raise Malformed(f"no status {state:X}")
        if pump != f.nibble_of(self._asked):
            raise Malformed(base.FOREIGN)
        return state

    def _listens(self, said: int | m.Report, events: list[Event], heard: list[Heard]) -> Outcome:
        """The pump waits for the block, which goes out at once; or it does not listen."""
        assert self._ask.block is not None
        if said != m.LISTENING:
            self._missed()
            return Outcome(tuple(events), tuple(heard), finished=True)
        extended = isinstance(self._ask.block, m.AskExtended)
        self._wait = _Wait.EXTENDED if extended else _Wait.NOTHING
        reply = Request(
            address=self._asked,
            data=m.block(self._ask.block),
            turnaround=self.timing.reply_turnaround,
            window=self.timing.window if extended else AFTER,
            unanswered=not extended,
        )
        return Outcome(tuple(events), tuple(heard), reply, finished=True)

    def expire(self, now: Seconds) -> Outcome:
        left = self._blocks.flush() + bytes(self._words)
        self._words.clear()
        heard = (Heard(left, good=False),) if left else ()
        if not self._asked:
            return Outcome((), heard, finished=True)
        head, events = self._heads[self._asked], list[Event]()
        if left:
            events.append(base.Damaged(address=self._asked, why="cut off"))
        if self._wait is _Wait.NOTHING:
            if head.giving_up:
                events.append(self._gave_up(head))
            return Outcome(tuple(events), heard, finished=True)
        events.append(base.Silence(address=self._asked))
        self._missed()
        task = head.task
        if task is not None and (now >= task.until or (task.reads and task.why_not(head.point))):
            head.giving_up = "no answer"
            events.append(self._gave_up(head))
        return Outcome(tuple(events), heard, finished=True)

    # ------------------------------------------------------------------ what came

    def _missed(self) -> None:
        """No answer, or none that can be read: a block right before it was not taken for sure."""
        head = self._heads[self._asked]
        if self._ask == HANDLE:
            head.point.deaf += 1
        if head.task is not None:
            head.task.rejected(said=False)

    def _answered(self, said: int | m.Report, now: Seconds) -> list[Event]:
        head = self._heads[self._asked]
        point, task = head.point, head.task
        match said:
            case int():
                if said == m.ERROR and task is not None:
                    task.rejected(said=True)
                if point.take(said):
                    return self._state(head, now)
                late = task is not None and not task.reads and now >= task.until
                return self._refuse(head, "no two states agree") if late else []
            case m.Money():
                return [point.live(said)]
            case m.Extended():
                point.handle(said)
                return self._state(head, now) if point.known else []
        return self._figures(head, said, now)

    def _state(self, head: _Head, now: Seconds) -> list[Event]:
        point, task = head.point, head.task
        if task is None or task.reads:
            return point.news(asked=False)
        if task.over(point):
            return self._accepted(head)
        why = task.why_not(point) or ("too late" if now >= task.until else "")
        if not why:
            return point.news(asked=False)
        return self._refuse(head, why)

    def _figures(self, head: _Head, said: m.Report, now: Seconds) -> list[Event]:
        """A fill or the totals: believed when it is said twice in a row."""
        point, task = head.point, head.task
        assert isinstance(task, Read | Reprice)
        if said != task.seen:
            task.seen = said
            why = task.why_not(point) or ("no two answers agree" if now >= task.until else "")
            return self._refuse(head, why) if why else []
        task.seen = None
        try:
            events = task.figures(point, said)
        except Malformed as wrong:
            return self._refuse(head, str(wrong))
        if task.reads:
            head.task = None
            return [*events, base.Accepted(address=self._asked, command=task.command)]
        return self._state(head, now) if point.sure else []

    def _accepted(self, head: _Head) -> list[Event]:
        task, point = head.task, head.point
        assert task is not None
        head.task = None
        accepted = base.Accepted(address=self._asked, command=task.command)
        return [*_passed(task, point), *point.news(asked=True), accepted]

    def _refuse(self, head: _Head, why: str) -> list[Event]:
        """Given up; at once, or when what was said of it is taken back."""
        assert head.task is not None
        head.giving_up = why
        if head.task.undo(head.point, why):
            return []
        return [*head.point.news(asked=True), self._gave_up(head)]

    def _gave_up(self, head: _Head) -> Event:
        assert head.task is not None
        command, why = head.task.command, head.giving_up
        head.task, head.giving_up = None, ""
        return base.GaveUp(address=command.address, command=command, why=why)


def _passed(task: Task, point: Point) -> list[Event]:
    """Leave that was taken and is over before two answers agreed: it ran, all the same."""
    command = task.command
    runs = (m.AUTHORISED, m.BUSY)
    if not isinstance(command, asks.Authorise) or point.state in runs:
        return []
    ran = base.Status(
        address=command.address,
        condition=base.Condition.AUTHORISED,
        nozzle=command.nozzles[0],
        nozzle_out=True,
        raw=m.AUTHORISED,
    )
    return [ran]
