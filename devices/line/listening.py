"""The thread of a card reader or a scanner: it only listens."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

from devices.line import facts
from devices.line.port import Port, PortLost
from devices.line.thread import REOPEN_FIRST, REOPEN_LAST, LineLive
from devices.line.wire import now, wall
from devices.line.wiring import LineWiring
from devices.protocols import table
from devices.protocols.base import (
    Damaged,
    Event,
    Listener,
    Outcome,
    Scanned,
    Swiped,
)
from devices.protocols.scanner import mask
from devices.recorder import HEARD, JUNK, Recorder
from devices.spool import Fact, Spool
from station.queries.trouble import said_of

log = logging.getLogger(__name__)

CARD, CODE = "CARD", "CODE"


def listener_for(line: LineWiring) -> Listener:
    """The codec that the wiring names."""
    spoken = table.READERS.get(line.protocol)
    if spoken is None:
        raise ValueError(f"no listener for {line.protocol}")
    made = spoken.listener()
    made.settings = line.serial
    return made


class ReaderLine(threading.Thread):
    """One reader. A payment code goes to `whisper` with the key of its swipe and is kept nowhere."""

    def __init__(
        self,
        line: LineWiring,
        *,
        spool: Spool,
        boxes: Path,
        whisper: Callable[[str, str], None],
    ) -> None:
        super().__init__(name=f"reader {line.name}", daemon=True)
        self.line = line
        self.live = LineLive(line.id)
        self._spool = spool
        self._box = Recorder(boxes, line.box)
        self._whisper = whisper
        self._listener = listener_for(line)
        self._ending = threading.Event()

    def end(self) -> None:
        self._ending.set()

    def run(self) -> None:
        pause = REOPEN_FIRST
        while not self._ending.is_set():
            try:
                port = Port(self.line.url, self._listener.settings)
            except PortLost as lost:
                self._lost(lost)
                self._ending.wait(pause)
                pause = min(REOPEN_LAST, pause * 2)
                continue
            pause = REOPEN_FIRST
            self._opened()
            try:
                while not self._ending.is_set():
                    self._listen(port)
            except PortLost as lost:
                self._lost(lost)
            finally:
                port.close()
        self._box.close()

    def _listen(self, port: Port) -> None:
        data = port.receive(self._listener.quiet)
        outcome = self._listener.feed(data, now()) if data else self._listener.expire(now())
        self._take(outcome)

    def _take(self, outcome: Outcome) -> None:
        at = wall()
        for heard in outcome.heard:
            self.live.answers += heard.good
            self.live.bad_frames += not heard.good
            self._box.write(HEARD if heard.good else JUNK, heard.masked(), facts.millis(at))
        if outcome.heard:
            self.live.heard_at = at
            self._box.flush()
        for number, event in enumerate(outcome.events):
            self._one(event, f"swipe:{self.line.id}:{facts.millis(at)}:{number}")

    def _one(self, event: Event, key: str) -> None:
        match event:
            case Swiped(card=card):
                self._keep(CARD, card, False, key)
            case Scanned(code=code, secret=secret):
                if secret:
                    self._whisper(key, code)
                self._keep(CODE, mask(code), secret, key)
            case Damaged(why=why):
                log.info("%s: %s", self.line.name, why)

    def _keep(self, medium: str, text: str, secret: bool, key: str) -> None:
        assert self.line.reader is not None
        self._record(
            facts.swipe(
                reader=self.line.reader,
                medium=medium,
                text=text[:120],
                secret=secret,
                at=wall(),
                key=key,
            )
        )

    def _record(self, fact: Fact) -> None:
        try:
            self._spool.record(facts=[fact])
        except sqlite3.Error as trouble:
            self.live.error = f"本地存储写入失败：{trouble}"
            log.error("spool refused: %s", trouble)

    def _opened(self) -> None:
        self.live.is_open, self.live.error = True, ""
        self._alarm(f"{self.line.name}已恢复", over=True)

    def _lost(self, why: PortLost) -> None:
        if self.live.is_open or not self.live.error:
            log.warning("%s: %s", self.line.name, why)
            self._alarm(f"{self.line.name}无法打开或已断开，请检查接线和电源")
        self.live.is_open, self.live.error = False, said_of(why)

    def _alarm(self, text: str, *, over: bool = False) -> None:
        self._record(
            facts.alarm(
                kind="LINE",
                subject=self.line.name,
                text=text,
                at=wall(),
                station=self.line.station,
                line=self.line.id,
                over=over,
            )
        )
