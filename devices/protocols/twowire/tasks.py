"""Commands under way: what each asks next, and when it is over or cannot be.

Commands of Two-Wire are not answered, and a block is answered by the status that follows. So a task
speaks only when the state is sure, and what it did is read from the states, the totals or the
prices that come after. A limit is given anew with each leave, since the pump forgets it with the
fill that used it up.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from devices.protocols import asks, base
from devices.protocols.base import Event, Malformed, Seconds, unscaled
from devices.protocols.twowire import messages as m
from devices.protocols.twowire.reading import READY, RUNS, Point, grade_of

MAX_TRIES = 5
LASTS: Seconds = 4.0  # a command that did not come through by then is given up, never sent late
PRICES_LAST: Seconds = 12.0  # of sixteen blocks and their reading back


@dataclass(frozen=True, slots=True)
class Ask:
    """One byte to the pump; with a block that follows when it listens."""

    command: int
    block: m.Block | None = None


STATUS, MONEY = Ask(m.ASK_STATUS), Ask(m.ASK_MONEY)
HANDLE = Ask(m.DATA_NEXT, m.AskExtended())


class Task(ABC):
    """One command."""

    lasts: Seconds = LASTS
    reads = False  # it asks for figures and does nothing

    def __init__(self, command: asks.Command) -> None:
        self.command = command
        self.until: Seconds = 0.0
        self.tries = 0
        self.seen: m.Report | None = None  # the first of two equal reports

    def begin(self, point: Point, now: Seconds) -> None:
        """Its turn has come."""
        self.until = now + self.lasts

    @abstractmethod
    def ask(self, point: Point) -> Ask:
        """What to say now."""

    @abstractmethod
    def over(self, point: Point) -> bool:
        """What is known shows what was wanted."""

    def why_not(self, point: Point) -> str:
        """Why it can do nothing more in this state; empty while it can."""
        return f"state {point.state}" if self.tries >= MAX_TRIES else ""

    def waits(self, point: Point) -> bool:
        """The sure state says that there is nothing to do; it is read once more before that is told."""
        return point.sure and (self.over(point) or bool(self.why_not(point)))

    def rejected(self, *, said: bool) -> None:
        """A block right before this was not taken: the head said so, or nobody knows."""
        return

    def undo(self, point: Point, why: str) -> bool:
        """True where something must be taken back before the command is given up."""
        return False


class Look(Task):
    """ReadStatus: a state from before the question is no answer to it."""

    def begin(self, point: Point, now: Seconds) -> None:
        super().begin(point, now)
        point.doubt()

    def ask(self, point: Point) -> Ask:
        return HANDLE if point.asks_handle else STATUS

    def over(self, point: Point) -> bool:
        return point.known


class Move(Task):
    """Stop, pause, go on: one byte. A stop does not wait for the state the first time."""

    def ask(self, point: Point) -> Ask:
        if not point.sure and not self._hurries:
            return STATUS
        self.tries += 1
        point.doubt()
        return Ask(m.AUTHORISE if isinstance(self.command, asks.Resume) else m.STOP)

    @property
    def _hurries(self) -> bool:
        return isinstance(self.command, asks.Stop) and self.tries == 0

    def waits(self, point: Point) -> bool:
        return not self._hurries and super().waits(point)

    def over(self, point: Point) -> bool:
        match self.command:
            case asks.Stop():
                done = point.state not in RUNS
                point.paused = point.paused and not done
                return done
            case asks.Suspend():
                done = self.tries > 0 and point.state == m.STOPPED
                point.paused = point.paused or done
                return done
        return point.state in RUNS

    def why_not(self, point: Point) -> str:
        wrong = (isinstance(self.command, asks.Suspend) and point.state != m.BUSY) or (
            isinstance(self.command, asks.Resume) and not point.paused
        )
        return f"state {point.state}" if wrong else super().why_not(point)


class Read(Task):
    """The fill, one nozzle's totals, or the prices."""

    reads = True

    def ask(self, point: Point) -> Ask:
        self.tries += 1
        fill = isinstance(self.command, asks.ReadTransaction)
        return Ask(m.ASK_TRANSACTION if fill else m.ASK_TOTALS)

    def over(self, point: Point) -> bool:
        return False  # by its figures alone

    def waits(self, point: Point) -> bool:
        return False

    def why_not(self, point: Point) -> str:
        return "no two answers agree" if self.tries >= 2 * MAX_TRIES else ""

    def figures(self, point: Point, said: m.Report) -> list[Event]:
        """A report that was said twice. Raises Malformed where it lacks what was asked for."""
        if isinstance(said, m.Transaction):
            return [point.fill(said)]
        assert isinstance(said, m.Totals)
        point.keep_prices(said)
        if isinstance(self.command, asks.ReadTotals):
            return [point.totals(said, self.command.nozzle)]
        for nozzle in point.settings.nozzles:
            grade_of(said.grades, nozzle)
        return [point.prices_read()]


class Writing(Task):
    """A task that sends blocks: each is taken when two statuses right behind it say no error."""

    def __init__(self, command: asks.Command) -> None:
        super().__init__(command)
        self.checking = False

    def send(self, point: Point, block: m.Block) -> Ask:
        self.tries += 1
        self.checking = True
        point.doubt()
        return Ask(m.DATA_NEXT, block)

    def rejected(self, *, said: bool) -> None:
        self.checking = False

    def taken(self) -> bool:
        """Asked when the state is sure: the block before it was taken."""
        taken, self.checking = self.checking, False
        return taken

    def waits(self, point: Point) -> bool:
        """A pump that tells the end of a fill is at rest in a moment."""
        return super().waits(point) or (point.sure and point.state == m.FEOT)

    def may_write(self, point: Point) -> bool:
        """Blocks are for a pump at rest; one that says error may have meant the block."""
        failed = point.state == m.ERROR and self.tries > 0
        return point.state in (*READY, m.FEOT) or failed


class Allow(Writing):
    """Authorise: the limit where there is one, then leave; taken when the state shows it."""

    def __init__(self, command: asks.Authorise, places: base.Decimals) -> None:
        super().__init__(command)
        if len(command.nozzles) != 1:
            raise Malformed("leave is for one nozzle")
        self.nozzle = command.nozzles[0]
        self.block = _preset(command, self.nozzle, places)
        self.limited = False  # the head has the limit
        self.went = 0  # how often leave was given
        self.lifted = False  # it was out when leave was given
        self.unheard = False  # a status was missed since
        self._cancels = False
        self._failed = self._looked = False

    def ask(self, point: Point) -> Ask:
        if self._failed:
            point.doubt()
            return Ask(m.STOP)
        if not point.sure:
            return STATUS
        if point.state == m.CALL and not self._looked:
            self._looked = True
            point.ask_handle_again()
        if point.asks_handle:
            return HANDLE
        if self.block is not None and not self.limited:
            if self._cancels:
                self._cancels = False
                point.doubt()
                return Ask(m.STOP)
            self._cancels = True
            return self.send(point, self.block)
        self.went, self.lifted, self.unheard = self.went + 1, point.state == m.CALL, False
        self._cancels, self.limited = True, False
        point.nozzle = self.nozzle
        point.doubt()
        return Ask(m.AUTHORISE)

    def over(self, point: Point) -> bool:
        self.limited = self.taken() or self.limited
        return self.went > 0 and point.state not in READY and point.state not in _NO_STATE

    def why_not(self, point: Point) -> str:
        if not self.may_write(point):
            return f"state {point.state}"
        looked = point.state == m.CALL and self._looked and not point.asks_handle
        if looked and point.lifted != self.nozzle:
            return "another nozzle is out" if point.lifted else "no word which nozzle is out"
        if point.state == m.OFF:
            if point.several and not isinstance(self.block, m.PresetVolume):
                return "leave would be for any nozzle"
            if self.went and (self.lifted or self.unheard):
                return "hung up"
        if self.went >= MAX_TRIES or (self.tries >= MAX_TRIES and not self.limited):
            return f"state {point.state}"
        return ""

    def rejected(self, *, said: bool) -> None:
        """A display of five digits takes no six: the other way round the next time."""
        if said and self.checking and isinstance(self.block, m.PresetMoney):
            size = 11 - self.block.size
            if self.block.value < 10**size:
                self.block = m.PresetMoney(self.block.value, size)
        super().rejected(said=said)
        self.unheard = True

    def undo(self, point: Point, why: str) -> bool:
        """A head that does not show it may have leave, or a limit, all the same."""
        said = self.went > 0 or self.tries > 0
        self._failed = not self._failed and said and point.state in (*READY, *_NO_STATE)
        return self._failed


_NO_STATE = frozenset({m.ERROR, m.LISTENING})


class Reprice(Writing):
    """SetPrices: what differs is written, level by level, and all of it is read back."""

    lasts = PRICES_LAST

    def __init__(self, command: asks.SetPrices, places: base.Decimals) -> None:
        super().__init__(command)
        self.wanted = {
            nozzle - 1: unscaled(price, places.price) for nozzle, price in command.prices
        }
        if any(not 0 < price <= m.MOST_PRICE for price in self.wanted.values()):
            raise Malformed("a price has four digits")
        self._todo: list[m.SetPrice] | None = None  # None: to be read
        self._rounds = 0

    def ask(self, point: Point) -> Ask:
        if not point.sure:
            return STATUS
        if not self._todo:
            self._todo = None
            return Ask(m.ASK_TOTALS)
        return self.send(point, self._todo[0])

    def over(self, point: Point) -> bool:
        if self.taken() and self._todo:
            self._todo.pop(0)
            self.tries = 0
        return self._rounds > 0 and self._todo is not None and not self._differing(point)

    def why_not(self, point: Point) -> str:
        if not self.may_write(point):
            return f"state {point.state}"
        if self._rounds > MAX_TRIES:
            return "the head keeps another price"
        return super().why_not(point)

    def figures(self, point: Point, said: m.Report) -> list[Event]:
        """Totals that were said twice: what of the prices in them differs is to be written."""
        assert isinstance(said, m.Totals)
        for grade in self.wanted:
            grade_of(said.grades, grade + 1)
        point.keep_prices(said)
        self._todo, self._rounds = self._differing(point), self._rounds + 1
        return []

    def _differing(self, point: Point) -> list[m.SetPrice]:
        """A second level that shows nought is not in use."""
        out = []
        for grade, price in self.wanted.items():
            first, second = point.prices[grade]
            out += [m.SetPrice(1, grade, price)] if first != price else []
            out += [m.SetPrice(2, grade, price)] if second not in (0, price) else []
        return out


def _preset(command: asks.Authorise, nozzle: int, places: base.Decimals) -> m.Block | None:
    """The limit that binds, as a block. Raises Malformed where it does not fit."""
    litres, yuan = command.limit_litres, command.limit_yuan
    if litres is not None and yuan is not None:
        if not command.price:
            raise Malformed("two limits and no price")
        litres, yuan = (litres, None) if litres * command.price <= yuan else (None, yuan)
    if litres is not None:
        value = unscaled(litres, 2)  # always hundredths, whatever the display shows
        if not 0 < value <= m.MOST_VOLUME:
            raise Malformed(f"{litres} litres do not fit")
        return m.PresetVolume(1, nozzle - 1, value)
    if yuan is not None:
        value = unscaled(yuan, places.amount)
        if not 0 < value < 10**6:
            raise Malformed(f"{yuan} yuan do not fit")
        return m.PresetMoney(value)
    return None


def task_of(command: asks.Command, settings: base.DeviceSettings) -> Task:
    """The task of a command. Raises Unsupported, or Malformed where a number does not fit."""
    match command:
        case asks.Authorise():
            return Allow(command, settings.decimals)
        case asks.SetPrices():
            return Reprice(command, settings.decimals)
        case asks.Stop() | asks.Suspend() | asks.Resume():
            return Move(command)
        case asks.ReadStatus():
            return Look(command)
        case asks.ReadTransaction() | asks.ReadTotals() | asks.ReadPrices():
            return Read(command)
    raise base.Unsupported(f"Two-Wire has no {type(command).__name__}")
