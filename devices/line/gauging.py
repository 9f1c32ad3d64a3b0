"""The thread of a console of tank gauges: opens the port, asks, and never ends because of trouble."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from datetime import tzinfo
from pathlib import Path

from devices.line import facts
from devices.line.gauge import Gauge
from devices.line.holding import Holds
from devices.line.keeping import PortThread
from devices.line.port import Port
from devices.line.wire import now, wall
from devices.line.wiring import LineWiring
from devices.protocols import table
from devices.protocols.base import Damaged, Heard, Outcome, Request, Seconds
from devices.protocols.veeder_root.codec import VeederRootCodec
from devices.protocols.veeder_root.messages import Units
from devices.recorder import HEARD, JUNK, SENT
from devices.spool import Spool

log = logging.getLogger(__name__)

NAP: Seconds = 0.1  # at most so long until it notices that it is to end


def gauge_for(line: LineWiring, *, spool: Spool, holds: Holds, zone: tzinfo) -> Gauge:
    """The questioner that the wiring names, with what the station knows of its console."""
    spoken = table.GAUGES.get(line.protocol)
    if spoken is None:
        raise ValueError(f"no gauge for {line.protocol}")
    units = line.options.get("units")
    codec = spoken.codec(
        security=str(line.options.get("security", "")), units=Units(units) if units else None
    )
    codec.settings = line.serial
    return Gauge(line, codec, spool=spool, holds=holds, zone=zone)


def listen(
    port: Port,
    codec: VeederRootCodec,
    heard: Callable[[Outcome], None],
    *,
    ended: Callable[[], bool],
) -> Outcome:
    """The answer to the question under way; `heard` is told of what came on the way to it."""
    while (left := codec.until - now()) > 0:
        if ended():
            return Outcome()
        data = port.receive(min(NAP, left))
        if not data:
            continue
        outcome = codec.feed(data, now())
        if outcome.finished:
            return outcome
        heard(outcome)
    return codec.expire(now())


class GaugeLine(PortThread):
    """One console, alone on its line."""

    def __init__(
        self, line: LineWiring, *, spool: Spool, boxes: Path, holds: Holds, zone: tzinfo
    ) -> None:
        super().__init__(line, kind="gauge", spool=spool, boxes=boxes)
        self._gauge = gauge_for(line, spool=spool, holds=holds, zone=zone)
        self._codec = self._gauge.codec

    def rewire(self, line: LineWiring) -> None:
        """Other tanks or limits; taken before the next question."""
        self.line = line

    def work(self, port: Port) -> None:
        self._opened()
        while not self._ending.is_set():
            self._turn(port)

    def _turn(self, port: Port) -> None:
        if self._gauge.line is not self.line:
            self._gauge.rewire(self.line)
        self._gauge.plan(now())
        request = self._codec.next(now())
        if request is None:
            self._stale(port.receive(NAP))
            return
        self._ending.wait(request.turnaround)
        self._stale(port.receive(0))
        self.live.polls += 1
        self._take(self._exchange(port, request))

    def _stale(self, data: bytes) -> None:
        """What comes while nothing is asked is no answer."""
        if data:
            self._box.write(JUNK, data, facts.millis(wall()))

    def _exchange(self, port: Port, request: Request) -> Outcome:
        port.send(request.data)
        asked = Heard(request.data, True, request.secret).masked()
        self._box.write(SENT, asked, facts.millis(wall()))
        return listen(port, self._codec, self._write, ended=self._ending.is_set)

    def _write(self, outcome: Outcome) -> None:
        at = wall()
        for heard in outcome.heard:
            self.live.answers += heard.good
            self.live.bad_frames += not heard.good
            self._box.write(HEARD if heard.good else JUNK, heard.masked(), facts.millis(at))
            if heard.good:
                self.live.heard_at = at
        self._box.flush()

    def _take(self, outcome: Outcome) -> None:
        self._write(outcome)
        moment, at = now(), wall()
        for event in outcome.events:
            if isinstance(event, Damaged):
                log.info("%s: %s", self.line.name, event.why)
            try:
                self._gauge.hear(event, moment, at)
            except sqlite3.Error as trouble:
                self._refused(trouble)

    def _opened(self) -> None:
        self._gauge.opened()
        super()._opened()
