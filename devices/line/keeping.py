"""A thread that owns one port: opens it, works on it, opens it again when it was lost.

It ends when told to and never because of trouble. A lost port is one alarm, and one word when it is
back.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from abc import abstractmethod
from pathlib import Path

from devices.line import facts
from devices.line.health import LineLive
from devices.line.port import Port, PortLost
from devices.line.wire import wall
from devices.line.wiring import LineWiring
from devices.protocols.base import Seconds
from devices.recorder import Recorder
from devices.spool import Fact, Spool
from station.queries.trouble import said_of

log = logging.getLogger(__name__)

REOPEN_FIRST: Seconds = 0.2
REOPEN_LAST: Seconds = 2.0
LOST = "无法打开或已断开，请检查接线和电源"


class PortThread(threading.Thread):
    """One line. `kind` names the thread; what is done on an open port is `work`."""

    ALARM = "LINE"

    def __init__(self, line: LineWiring, *, kind: str, spool: Spool, boxes: Path) -> None:
        super().__init__(name=f"{kind} {line.name}", daemon=True)
        self.line = line
        self.live = LineLive(line.id)
        self._spool = spool
        self._box = Recorder(boxes, line.box)
        self._ending = threading.Event()

    def end(self) -> None:
        self._ending.set()

    def run(self) -> None:
        pause = REOPEN_FIRST
        while not self._ending.is_set():
            try:
                port = self._open()
            except PortLost as lost:
                self._lost(lost)
                self._pause(pause)
                pause = min(REOPEN_LAST, pause * 2)
                continue
            pause = REOPEN_FIRST
            try:
                self.work(port)
            except PortLost as lost:
                self._lost(lost)
            finally:
                port.close()
        self._box.close()

    def _open(self) -> Port:
        """The port of this line; raises PortLost."""
        return Port(self.line.url, self.line.serial)

    @abstractmethod
    def work(self, port: Port) -> None:
        """Everything on an open port: until the thread is to end, or the port is to be opened anew."""

    def _pause(self, seconds: Seconds) -> None:
        """Without a port."""
        self._ending.wait(seconds)

    def _opened(self) -> None:
        self.live.is_open, self.live.error = True, ""
        self._alarm("已恢复", over=True)

    def _lost(self, why: PortLost) -> None:
        if self.live.is_open or not self.live.error:
            log.warning("%s: %s", self.line.name, why)
            self._alarm(LOST)
        self.live.is_open, self.live.error = False, why.words or said_of(why)

    def _alarm(self, words: str, *, kind: str = "", over: bool = False) -> None:
        """Raise, or (over) clear, an alarm of the line; `words` follow its name."""
        self._record(
            facts.alarm(
                kind=kind or self.ALARM,
                subject=self.line.name,
                text=f"{self.line.name}{words}",
                at=wall(),
                station=self.line.station,
                line=self.line.id,
                over=over,
            )
        )

    def _record(self, fact: Fact) -> None:
        try:
            self._spool.record(facts=[fact])
        except sqlite3.Error as trouble:
            self._refused(trouble)

    def _refused(self, trouble: sqlite3.Error) -> None:
        """A full disk: it is on the page, and what was to be kept is tried again or lost aloud."""
        self.live.error = f"本地存储写入失败：{trouble}"
        log.error("spool refused: %s", trouble)
