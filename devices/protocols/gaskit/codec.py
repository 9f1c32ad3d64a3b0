"""The controller's end of CENSTAR GasKitLink: `base.Codec` over frames and messages.

One question, one answer. A question that does something (V, M, B, G, N) is never put again because
its answer did not come: the state is asked for first, and only a state that shows that nothing
happened lets it go out again. A command is accepted when the state says so, not when it was
answered.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from devices.protocols import asks, base
from devices.protocols.base import Event, Heard, Malformed, Outcome, Request, Seconds, unscaled
from devices.protocols.gaskit import messages as m
from devices.protocols.gaskit.frames import ANSWERS, Deframer, Frame, encode
from devices.protocols.gaskit.reading import UNDER_WAY, Point

MAX_TRIES = 4
LASTS: Seconds = 2.5  # a command that did not come through by then is given up, never sent late
TIMING = base.Timing(
    window=0.100,
    turnaround=0.010,
    reply_turnaround=0.010,
    idle_poll=0.450,
    busy_poll=0.100,
    misses_until_offline=10,
)
SERIAL = base.SerialSettings(baud=9600, bits=8, parity="N", stop=1)
ABILITIES = base.Abilities(
    sets_prices=False,
    reads_prices=False,
    amount_totals=False,
    closes_transactions=True,
    transaction_ids=True,
)

_STATUS = m.Ask("S")
_ROUND = (_STATUS, m.Ask("L"), m.Ask("R"))  # while fuel flows
_PAUSABLE = frozenset({m.STARTED, m.FUELLING})
_SUSPENDED = frozenset({m.SUSPENDED_STARTED, m.SUSPENDED_FUELLING})
_READS = asks.ReadTransaction | asks.ReadTotals


@dataclass(slots=True)
class _Doing:
    """A command under way."""

    command: asks.Command
    question: m.Question
    until: Seconds
    tries: int = 0
    said: m.Answer | None = None  # of a fill or a totalizer, the first time


@dataclass(slots=True)
class _Head:
    """What the controller remembers of one address."""

    point: Point
    waiting: deque[asks.Command] = field(default_factory=deque)
    doing: _Doing | None = None
    turn: int = 0  # in the round of questions while fuel flows


class GasKitCodec:
    """One line of GasKitLink heads."""

    settings = SERIAL
    abilities = ABILITIES

    def __init__(
        self, devices: Iterable[base.DeviceSettings], timing: base.Timing | None = None
    ) -> None:
        self.timing = timing or TIMING
        self._heads = {device.address: _Head(Point(device)) for device in devices}
        self._deframer = Deframer(ANSWERS)
        self._asked = 0
        self._question: m.Question = _STATUS

    # ------------------------------------------------------------------ commands

    def submit(self, command: asks.Command) -> None:
        head = self._heads[command.address]
        _question_of(command, head.point.settings)  # refuses before it waits
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
        return None  # there is no broadcast: B goes to each address

    # ------------------------------------------------------------------ speaking

    def next(self, address: int, now: Seconds) -> Request:
        self._deframer.flush()
        self._asked = address
        head = self._heads[address]
        if head.doing is None and head.waiting:
            command = head.waiting.popleft()
            question = _question_of(command, head.point.settings)
            head.doing = _Doing(command, question, now + LASTS)
            if isinstance(command, asks.ReadStatus):
                head.point.doubt()  # a state from before the question is no answer to it
        self._question = self._choose(head)
        return Request(
            address=address,
            data=encode(m.ask_frame(address, self._question)),
            turnaround=self.timing.turnaround,
            window=self.timing.window,
            command=head.doing.command if head.doing else None,
        )

    def _choose(self, head: _Head) -> m.Question:
        point, doing = head.point, head.doing
        if doing is not None and self._goes_out(point, doing):
            doing.tries += 1
            if not isinstance(doing.command, _READS):
                point.doubt()  # what it did is seen in the states that follow
            return doing.question
        if doing is None and point.sure and point.moving:
            head.turn = (head.turn + 1) % len(_ROUND)
            return _ROUND[head.turn]
        return _STATUS

    @staticmethod
    def _goes_out(point: Point, doing: _Doing) -> bool:
        """Now, or only when the state is known. A stop does not wait for that the first time."""
        match doing.command:
            case asks.ReadStatus():
                return False
            case asks.Stop() if doing.tries == 0:
                return True
            case asks.ReadTransaction() | asks.ReadTotals():
                return True
        return point.sure and _possible(doing, point) and not _over(doing, point)

    # ------------------------------------------------------------------ listening

    def feed(self, data: bytes, now: Seconds) -> Outcome:
        heard: list[Heard] = []
        events: list[Event] = []
        done = False
        for piece in self._deframer.feed(data):
            heard.append(Heard(piece.raw, good=piece.frame is not None))
            if done:
                continue  # one question has one answer; what follows is a repetition
            if piece.frame is None:
                events.append(base.Damaged(address=self._asked, why=piece.why))
                continue
            try:
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
        if doing is not None and (now >= doing.until or self._read_in_vain(doing)):
            events.append(self._give_up(head, "no answer"))
        return Outcome(tuple(events), heard, finished=True)

    @staticmethod
    def _read_in_vain(doing: _Doing) -> bool:
        return isinstance(doing.command, _READS) and doing.tries >= 2 * MAX_TRIES

    def _answered(self, frame: Frame, now: Seconds) -> list[Event]:
        """The answer's events. Raises Malformed for what answers another question or head."""
        if frame.address != self._asked:
            raise Malformed("another address answered")
        head = self._heads[self._asked]
        said = m.read_answer(frame)
        match self._question, said:
            case m.Ask("L" | "R" as letter), m.Live() if said.letter == letter:
                return head.point.live(said)
            case m.Ask("T"), m.Transaction():
                return self._figures(head, said, now)
            case m.AskTotalizer(nozzle), m.Totalizer() if said.nozzle == nozzle:
                return self._figures(head, said, now)
            case m.Preset() | m.Ask("S" | "N" | "B" | "G"), m.State():
                return self._state(head, said, now)
        raise Malformed(f"{frame.command} is no answer to this question")

    def _figures(self, head: _Head, said: m.Transaction | m.Totalizer, now: Seconds) -> list[Event]:
        """A fill or a totalizer: believed when it is said twice in a row."""
        doing = head.doing
        assert doing is not None
        if said == doing.said:
            head.doing = None
            accepted = base.Accepted(address=self._asked, command=doing.command)
            return [head.point.figures(said), accepted]
        doing.said = said
        if now >= doing.until or self._read_in_vain(doing):
            return [self._give_up(head, "no two answers agree")]
        return []

    def _state(self, head: _Head, said: m.State, now: Seconds) -> list[Event]:
        doing, point = head.doing, head.point
        if not point.take(said, now):
            return []
        if doing is None or isinstance(doing.command, _READS):
            return point.news(now, asked=False)
        if _over(doing, point):
            _pause(doing, point)
            head.doing = None
            accepted = base.Accepted(address=self._asked, command=doing.command)
            return [*_passed(doing, point), *point.news(now, asked=True), accepted]
        if doing.tries >= MAX_TRIES or now >= doing.until or not _possible(doing, point):
            events = point.news(now, asked=True)
            return [*events, self._give_up(head, f"state {point.state}")]
        return point.news(now, asked=False)

    def _give_up(self, head: _Head, why: str) -> Event:
        assert head.doing is not None
        command, head.doing = head.doing.command, None
        return base.GaveUp(address=command.address, command=command, why=why)


# --------------------------------------------------------------------------- commands


def _question_of(command: asks.Command, settings: base.DeviceSettings) -> m.Question:
    """The question that does it. Raises Unsupported, or Malformed where a number does not fit."""
    match command:
        case asks.Authorise():
            return _preset(command, settings.decimals)
        case asks.Stop() | asks.Suspend():
            return m.Ask("B")
        case asks.Resume():
            return m.Ask("G")
        case asks.CloseTransaction():
            return m.Ask("N")
        case asks.ReadStatus():
            return _STATUS
        case asks.ReadTransaction():
            return m.Ask("T")
        case asks.ReadTotals(nozzle=nozzle):
            return m.AskTotalizer(nozzle)
    raise base.Unsupported(f"GasKitLink has no {type(command).__name__}")


def _preset(command: asks.Authorise, places: base.Decimals) -> m.Preset:
    """The limit and the price in one. Without a limit the largest sum that the display holds.

    That is yuan, not litres: a fill of the most litres would be worth more than six digits tell.
    """
    if len(command.nozzles) != 1 or not command.price:
        raise Malformed("a preset is for one nozzle at a price")
    nozzle, price = command.nozzles[0], unscaled(command.price, places.price)
    litres, yuan = command.limit_litres, command.limit_yuan
    if litres is not None and yuan is not None:  # one of them binds
        litres, yuan = (litres, None) if litres * command.price <= yuan else (None, yuan)
    if litres is not None:
        value, letter = unscaled(litres, places.volume), m.VOLUME
        if (litres * command.price).scaleb(places.amount) > m.MOST_VALUE:
            raise Malformed(f"{litres} litres are worth more than the display holds")
    else:
        value = m.MOST_VALUE if yuan is None else unscaled(yuan, places.amount)
        letter = m.MONEY
    if not (0 < value <= m.MOST_VALUE and 0 < price <= m.MOST_PRICE):
        raise Malformed(f"{value} at {price} does not fit")
    return m.Preset(letter, nozzle, value, price)


def _over(doing: _Doing, point: Point) -> bool:
    """The state shows what the command wanted. Of a preset: only after it was sent."""
    state = point.state
    match doing.command:
        case asks.Authorise():
            return doing.tries > 0 and state not in (m.ERROR, m.IDLE, m.CALLING)
        case asks.Stop():
            return state not in UNDER_WAY and state != m.AUTHORISED
        case asks.Suspend():
            return state in _SUSPENDED or (doing.tries > 0 and state == m.STOPPED)
        case asks.Resume():
            return state in (m.AUTHORISED, m.STARTED, m.FUELLING)
        case asks.CloseTransaction():
            return state != m.FINISHED
    return True


def _passed(doing: _Doing, point: Point) -> list[Event]:
    """A preset that was taken and is over before two answers agreed: it ran, all the same."""
    if not isinstance(doing.command, asks.Authorise) or point.moving or point.state == m.AUTHORISED:
        return []
    ran = base.Status(
        address=doing.command.address,
        condition=base.Condition.AUTHORISED,
        nozzle=doing.command.nozzles[0],
        nozzle_out=True,
        raw=m.AUTHORISED,
    )
    return [ran]


def _possible(doing: _Doing, point: Point) -> bool:
    """Whether the command can still do something in this state."""
    match doing.command:
        case asks.Authorise():
            return point.state in (m.IDLE, m.CALLING)
        case asks.Suspend():
            return point.state in _PAUSABLE
        case asks.Resume():
            return point.state in _SUSPENDED or point.paused
    return True


def _pause(doing: _Doing, point: Point) -> None:
    """Some heads answer a pause with 8, and go on from there."""
    if isinstance(doing.command, asks.Suspend | asks.Stop):
        point.paused = isinstance(doing.command, asks.Suspend) and point.state == m.STOPPED
