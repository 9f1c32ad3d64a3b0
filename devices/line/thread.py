"""The thread that owns one line of dispensers: opens the port, takes turns, obeys, stops.

Other threads only put messages into its inbox and read its board. It ends when told to and never
because of trouble: a lost port is opened again, a full disk is tried again, and meanwhile no head
is told to forget anything.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from devices.line.board import NozzleLive
from devices.line.health import LineHealth
from devices.line.keeping import PortThread
from devices.line.link import Instant
from devices.line.orders import Order
from devices.line.point import Point
from devices.line.port import Port, PortLost
from devices.line.schedule import Schedule
from devices.line.wire import Wire, now, wall
from devices.line.wiring import LineWiring
from devices.protocols import table
from devices.protocols.base import (
    Codec,
    Condition,
    DeviceSettings,
    Event,
    Seconds,
    Timing,
)
from devices.spool import Spool

log = logging.getLogger(__name__)

NAP: Seconds = 0.05
FLUSH_EVERY: Seconds = 1.0
# A converter that lost the other end, or hangs, keeps its connection and says nothing: the port is
# opened anew after so long without one byte, and ever more rarely where all heads are off.
QUIET_FIRST: Seconds = 8.0
QUIET_LAST: Seconds = 60.0


class _Halt:
    """Emergency stop."""


def codec_for(line: LineWiring) -> Codec:
    """The codec that the wiring names, with the site's own times where it has them."""
    options = line.options
    spoken = table.PUMPS.get(line.protocol)
    if spoken is None:
        raise ValueError(f"no codec for {line.protocol}")
    devices = [
        DeviceSettings(
            address=point.address,
            nozzles=tuple(nozzle.position for nozzle in point.nozzles),
            decimals=point.decimals,
            echo=line.echo,
            reads_prices=bool(options.get("reads_prices", True)),
            reads_parameters=bool(options.get("reads_parameters", True)),
        )
        for point in line.points
    ]
    codec = spoken.codec(devices, _timing(spoken.timing, options))
    codec.settings = line.serial
    return codec


def _seen(point: Point) -> tuple[object, ...]:
    """What the board shows of a point and an exchange without news may change all the same."""
    prices = tuple(point.held.items())
    return point.condition, point.litres, point.visit, point.synced, point.link.online, prices


def _timing(usual: Timing, options: Mapping[str, Any]) -> Timing:
    """The protocol's times, with the site's own in milliseconds where the line has them."""

    def seconds(name: str) -> Seconds:
        own = options.get(f"{name}_ms")
        return float(getattr(usual, name)) if own is None else int(own) / 1000

    return replace(
        usual,
        window=seconds("window"),
        turnaround=seconds("turnaround"),
        reply_turnaround=seconds("reply_turnaround"),
        idle_poll=seconds("idle_poll"),
        busy_poll=seconds("busy_poll"),
    )


class PumpLine(PortThread):
    """One line of dispensers."""

    def __init__(
        self,
        line: LineWiring,
        *,
        spool: Spool,
        boxes: Path,
        may_authorise: Callable[[], bool],
        halted: bool = False,
    ) -> None:
        super().__init__(line, kind="line", spool=spool, boxes=boxes)
        self._health = LineHealth(self.live)
        self._quiet = QUIET_FIRST
        self._may_authorise = may_authorise
        self._inbox: queue.SimpleQueue[Order | LineWiring | _Halt | bool] = queue.SimpleQueue()
        self._codec = codec_for(line)
        self._halted = halted
        self._halting = False
        self._shout = False  # the stop that all hear at once is still to be sent
        self.halt_report = ""  # once every head that answers has stopped
        self.points = {point.address: self._point(point.address) for point in line.points}
        self.schedule = Schedule(self.points, self._codec.timing)
        self._board: tuple[NozzleLive, ...] = ()
        self._flushed: Seconds = 0.0

    def _point(self, address: int) -> Point:
        wiring = next(point for point in self.line.points if point.address == address)
        return Point(
            line=self.line,
            wiring=wiring,
            codec=self._codec,
            spool=self._spool,
            frame=self._frame,
            may_authorise=self._allowed,
            crowded=lambda: self.schedule.crowded,
            halted=self._halted,
        )

    def _allowed(self) -> bool:
        return self._may_authorise() or self.line.go_on_alone

    def _frame(self) -> int:
        self._box.flush()
        return self._box.seq

    # ------------------------------------------------------------------ from other threads

    def order(self, order: Order) -> None:
        self._inbox.put(order)

    def rewire(self, line: LineWiring) -> None:
        self._inbox.put(line)

    def halt(self) -> None:
        """Emergency stop: takes effect before the next exchange; `halt_report` says when it is done."""
        self.halt_report = ""
        self._inbox.put(_Halt())

    def release(self) -> None:
        self._inbox.put(True)

    def board(self) -> tuple[NozzleLive, ...]:
        return self._board

    # ------------------------------------------------------------------ the thread

    def _pause(self, seconds: Seconds) -> None:
        """Without a port nobody can be reached, but orders still grow late and are answered."""
        until = now() + seconds
        while not self._ending.is_set() and now() < until:
            self._read_inbox()
            self._expire()
            if self._halting:
                self._halted_yet()
            self._ending.wait(NAP)

    def work(self, port: Port) -> None:
        self._opened()
        wire = Wire(port, self._codec, self._box, echo=self.line.echo)
        while not self._ending.is_set() and not self._given_up(wire):
            self._read_inbox()
            if self._shout:
                self._stop_all_at_once(wire)
            moment = now()
            address = self.schedule.pick(moment)
            if address is None:
                self._idle(moment)
                continue
            point = self.points[address]
            self.schedule.asked(address, moment)
            request = self._codec.next(address, moment)
            events, answered = wire.exchange(request)
            told = answered and not request.unanswered
            self._count(events, told, wire.unasked)
            if told:
                self.schedule.answered(address, now())
            elif not answered:
                self.schedule.silent(address)
            self._hear(point, events, told)

    def _stop_all_at_once(self, wire: Wire) -> None:
        """One message to the whole line, where the protocol has it; each is told as well."""
        self._shout = False
        request = self._codec.stop_all()
        if request is not None:
            wire.exchange(request)

    def _hear(self, point: Point, events: tuple[object, ...], answered: bool) -> None:
        before = _seen(point)
        try:
            point.hear(events, answered=answered, moment=Instant(now(), wall()))  # type: ignore[arg-type]
        except sqlite3.Error as trouble:
            self._refused(trouble)
        turn = self.schedule.turns[point.address]
        turn.fuelling = point.condition is Condition.FUELLING
        turn.busy = point.busy and point.link.online
        if before != _seen(point) or events:
            self._show()
        if self._halting:
            self._halted_yet()

    def _idle(self, moment: Seconds) -> None:
        if moment - self._flushed >= FLUSH_EVERY:
            self._flushed = moment
            self._box.flush()
        self._expire()
        pause = min(NAP, self.schedule.next_due() - now())
        if pause > 0:
            self._ending.wait(pause)

    def _expire(self) -> None:
        at = wall()
        for point in self.points.values():
            if point.orders:
                point.expire(at)

    def _show(self) -> None:
        self._board = tuple(nozzle for point in self.points.values() for nozzle in point.live())

    # ------------------------------------------------------------------ messages

    def _read_inbox(self) -> None:
        while True:
            try:
                message = self._inbox.get_nowait()
            except queue.Empty:
                return
            if isinstance(message, Order):
                self._take(message)
            elif isinstance(message, LineWiring):
                self._rewire(message)
            elif isinstance(message, _Halt):
                self._halt()
            else:
                self._halted = self._shout = False
                for point in self.points.values():
                    point.halted = False
                self._show()

    def _take(self, order: Order) -> None:
        for point in self.points.values():
            if any(nozzle.id == order.nozzle for nozzle in point.wiring.nozzles):
                point.order(order, wall())
                self.schedule.turns[point.address].busy = point.link.online
                return

    def _rewire(self, line: LineWiring) -> None:
        self.line = line
        for wiring in line.points:
            self.points[wiring.address].rewire(line, wiring)

    def _halt(self) -> None:
        """Every address is told at once; those that answer go first, fuelling ones before all."""
        self._halted = self._halting = True
        self._shout = self._codec.abilities.stops_all_at_once
        moment = Instant(now(), wall())
        for address, point in self.points.items():
            point.halt(moment)
            turn = self.schedule.turns[address]
            turn.busy = True
            turn.asked_at = -1e9 if point.link.online else turn.asked_at
        self._show()

    def _halted_yet(self) -> None:
        """The stop is done when every head that answers says that nothing runs."""
        online = [point for point in self.points.values() if point.link.online]
        if any(point.running or self._codec.busy(point.address) for point in online):
            return
        silent = [point.subject for point in self.points.values() if not point.link.online]
        self._halting = False
        self.halt_report = "全部停止" if not silent else f"已停，无应答：{'、'.join(silent)}"

    # ------------------------------------------------------------------ health

    def _count(self, events: tuple[Event, ...], told: bool, unasked: bool) -> None:
        for share in self._health.count(events, answered=told, unasked=unasked, at=wall()):
            self._alarm(share.words, kind=share.kind, over=not share.told)

    def _given_up(self, wire: Wire) -> bool:
        """Whether the port has brought nothing for so long that it is opened anew."""
        if now() - wire.heard_at < self._quiet:
            if wire.heard_at > wire.began_at:
                self._quiet = QUIET_FIRST
            return False
        self._quiet = min(QUIET_LAST, self._quiet * 2)
        log.info("%s: nothing heard, opened anew", self.line.name)
        return True

    def _opened(self) -> None:
        if not self.live.is_open:  # else it was only opened anew
            super()._opened()

    def _lost(self, why: PortLost) -> None:
        super()._lost(why)
        for point in self.points.values():
            point.lost(Instant(now(), wall()))
        self._show()
