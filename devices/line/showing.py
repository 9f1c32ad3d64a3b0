"""The threads of what customers read: pole displays, which only listen, and price signs, which answer."""

from __future__ import annotations

import logging
import queue
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from devices.line import facts, orders
from devices.line.keeping import LOST, PortThread
from devices.line.port import Port, PortLost
from devices.line.wire import now, wall
from devices.line.wiring import LineWiring
from devices.protocols import pricesign, table
from devices.protocols.base import Seconds
from devices.protocols.displays import Shown, Shows
from devices.protocols.pricesign import Cutter, Frame, Verb
from devices.recorder import HEARD, JUNK, SENT
from devices.spool import Body, Spool
from station.queries.trouble import said_of

log = logging.getLogger(__name__)

TURN: Seconds = 0.05
AGAIN: Seconds = 10.0  # a display that lost its power shows again after so long
ASK_EVERY: Seconds = 2.0
MISSES = 3
TRIES = 3


class OutputLine(PortThread):
    """One port that we speak to. It is told once that it is in trouble, and once that it is well."""

    def __init__(self, line: LineWiring, *, spool: Spool, boxes: Path) -> None:
        super().__init__(line, kind="output", spool=spool, boxes=boxes)
        self._well: bool | None = None  # as last told; nothing yet

    def work(self, port: Port) -> None:
        self.begin(port)
        while not self._ending.is_set():
            self.turn(port)

    @abstractmethod
    def begin(self, port: Port) -> None:
        """The port is open: what is said first."""

    @abstractmethod
    def turn(self, port: Port) -> None:
        """One short turn; comes back at once where there is nothing to do."""

    def say(self, port: Port, data: bytes) -> None:
        port.send(data)
        self.live.polls += 1
        self._box.write(SENT, data, facts.millis(wall()))
        self._box.flush()

    def answered(self, raw: bytes, *, good: bool) -> None:
        self.live.answers += good
        self.live.bad_frames += not good
        self._box.write(HEARD if good else JUNK, raw, facts.millis(wall()))
        if good:
            self.live.heard_at = wall()

    def opened(self) -> None:
        """It is there, and whatever was told before is over."""
        if self._well is not True:
            self._alarm("已恢复", over=True)
        self._well = self.live.is_open = True
        self.live.error = ""

    def troubled(self, text: str) -> None:
        """Told once while it lasts."""
        if self._well is not False:
            log.warning("%s: %s", self.line.name, text)
            self._alarm(text)
        self._well = False

    def _lost(self, why: PortLost) -> None:
        self.troubled(LOST)
        self.live.is_open, self.live.error = False, said_of(why)


def shown_of(body: Mapping[str, str], idle: str) -> Shown:
    """A row's JSON as what is to be shown; what makes no sense is the idle text."""
    try:
        return Shown(
            what=Shows(body.get("what", Shows.IDLE)),
            idle=idle,
            **{
                name: Decimal(body[name])
                for name in ("total", "price", "tendered", "change")
                if name in body
            },
        )
    except (ValueError, ArithmeticError):
        return Shown(idle=idle)


class DisplayLine(OutputLine):
    """A customer's display. It never answers: that it is there is what the port says."""

    ALARM = "DISPLAY"

    def __init__(self, line: LineWiring, *, spool: Spool, boxes: Path) -> None:
        super().__init__(line, spool=spool, boxes=boxes)
        self._pole = table.DISPLAYS[line.protocol].pole()
        self._idle = line.idle_text or ""
        self._wanted = Shown(idle=self._idle)
        self._said: Shown | None = None
        self._said_at: Seconds = 0.0

    def show(self, body: Mapping[str, str]) -> None:
        """From another thread: what customers are to read from now on."""
        self._wanted = shown_of(body, self._idle)

    def begin(self, port: Port) -> None:
        self._said = None
        self.say(port, self._pole.start())

    def turn(self, port: Port) -> None:
        wanted = self._wanted
        if wanted != self._said or now() - self._said_at >= AGAIN:
            self.say(port, self._pole.show(wanted))
            self._said, self._said_at = wanted, now()
        port.receive(TURN)  # it says nothing; a port that went away does
        self.opened()


@dataclass(frozen=True, slots=True)
class RowShown:
    """A row of a sign as last read back."""

    line: int
    row: int
    price: Decimal | None
    at: datetime


@dataclass(frozen=True, slots=True)
class SignOrder:
    """A row is to show a price."""

    id: int
    row: int
    price: Decimal
    valid_until: datetime


class SignLine(OutputLine):
    """A price sign: set by order, read back, and asked in turn what it shows."""

    ALARM = "SIGN"

    def __init__(self, line: LineWiring, *, spool: Spool, boxes: Path) -> None:
        super().__init__(line, spool=spool, boxes=boxes)
        assert line.sign is not None
        self._sign = line.sign
        self._inbox: queue.SimpleQueue[SignOrder] = queue.SimpleQueue()
        self._cutter = Cutter()
        self._rows: dict[int, RowShown] = {}
        self._ask_at: Seconds = 0.0
        self._missed = 0

    def order(self, order: SignOrder) -> None:
        """From another thread: set a row. The answer goes to the spool as the command's end."""
        self._inbox.put(order)

    def board(self) -> list[RowShown]:
        """What each row shows, as a copy for other threads."""
        return list(self._rows.values())

    def begin(self, port: Port) -> None:
        self._ask_at = 0.0
        self.live.is_open = True

    def turn(self, port: Port) -> None:
        try:
            order = self._inbox.get(timeout=TURN)
        except queue.Empty:
            if now() >= self._ask_at:
                self._ask_at = now() + ASK_EVERY
                for row in self._sign.rows:
                    self._ask(port, Frame(Verb.GET, self._sign.number, row))
            else:
                port.receive(0)  # notices a port that went away
            return
        self._obey(port, order)

    def _obey(self, port: Port, order: SignOrder) -> None:
        """Set, then read back: done is what the sign says that it shows."""
        number, said = self._sign.number, None
        for _ in range(TRIES):
            if wall() > order.valid_until:
                self._finish(order, orders.VOID, "超时未下发，已作废")
                return
            said = self._ask(port, Frame(Verb.SET, number, order.row, order.price))
            if said is not None and said.verb is Verb.NO:
                break
            said = self._ask(port, Frame(Verb.GET, number, order.row))
            if said is not None and said.price == order.price:
                self._finish(order, orders.DONE, f"价格牌已显示 {order.price}")
                return
        self._finish(order, orders.FAILED, _why(said))

    def _ask(self, port: Port, frame: Frame) -> Frame | None:
        """One exchange; what came before the question is no answer to it."""
        port.receive(0)
        self._cutter = Cutter()
        self.say(port, pricesign.encode(frame))
        until = now() + pricesign.WINDOW
        while (left := until - now()) > 0:
            for answer in self._heard(port.receive(left)):
                if answer.row == frame.row and answer.sign == frame.sign:
                    self._shows(answer)
                    return answer
        self._missed += 1
        if self._missed >= MISSES:
            self.live.error = "没有应答"
            self.troubled("没有应答，请检查价格牌的电源和接线")
        return None

    def _heard(self, data: bytes) -> list[Frame]:
        if not data:
            return []
        found, bad = self._cutter.feed(data)
        answers = [one for one in found if one.verb in (Verb.IS, Verb.NO)]
        if answers or bad:
            self.answered(data, good=bool(answers))
        return answers

    def _shows(self, answer: Frame) -> None:
        self._missed = 0
        self.opened()
        if answer.verb is Verb.IS:
            self._rows[answer.row] = RowShown(self.line.id, answer.row, answer.price, wall())

    def _finish(self, order: SignOrder, status: str, text: str) -> None:
        fact = facts.command(order.id, status, text, wall())
        body: Body = {}
        self._spool.journal(
            id=str(order.id), body=body, state=status, at=wall(), why=text, fact=fact
        )


def _why(said: Frame | None) -> str:
    if said is None:
        return "价格牌没有应答，请检查电源和接线"
    if said.verb is Verb.NO:
        return "价格牌没有这一行，请核对接线" if said.why == "ROW" else "价格牌显示不了这个价格"
    shown = "全暗" if said.price is None else str(said.price)
    return f"价格牌显示的是 {shown}"
