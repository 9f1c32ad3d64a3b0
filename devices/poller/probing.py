"""Probes of the database, each in a thread of its own; the poller's thread writes for them."""

from __future__ import annotations

import threading
from collections.abc import Collection
from datetime import datetime
from typing import Any

import structlog

from devices.line.port import PortBusy, PortLost
from devices.line.probe.findings import Findings, Frame
from devices.line.probe.run import probe
from devices.line.probe.session import Cancelled, Session
from devices.line.wire import now
from devices.models import Probe
from devices.poller.due import Due
from devices.services import probing
from devices.services.probing import Asked
from station.queries.trouble import said_of

log = structlog.get_logger(__name__)

EVERY = 1.0  # s; no page asks more often
MOST_FRAMES = 400  # the last ones; a page shows no more
BUSY = "没有试接：端口正被别的程序占用。请关掉占用它的程序（串口助手、别的采集程序），再试"


class _Thread(threading.Thread):
    """One probe under way. Only `told` and `ending` are touched by two threads."""

    def __init__(self, asked: Asked) -> None:
        super().__init__(name=f"probe {asked.url}", daemon=True)
        self.asked = asked
        self.ending = threading.Event()
        self.progress = ""
        self.status, self.why = str(Probe.Status.FAILED), ""
        self.findings = Findings(asked.url)
        self._frames: list[Frame] = []

    def run(self) -> None:
        session = Session(
            self.findings,
            saw=self._frames.append,
            tell=self._tell,
            ended=self.ending.is_set,
            security=self.asked.security,
        )
        try:
            found = probe(session, protocol=self.asked.protocol, address=self.asked.address)
        except Cancelled:
            self.status, self.why = Probe.Status.CANCELLED, "已取消，端口已放开"
        except PortBusy:
            self.why = BUSY
        except PortLost as lost:
            self.why = f"没有试接：端口{said_of(lost)}"
        except Exception:  # the page must not wait for ever for a thread that is gone
            log.exception("probe_failed", url=self.asked.url)
            self.why = "没有做成：试接程序出错，详情在日志里"
        else:
            self.status, self.why = found.outcome, "；".join(found.words)

    def _tell(self, progress: str) -> None:
        self.progress = progress

    def frames(self) -> list[dict[str, Any]]:
        return [one.body() for one in self._frames[-MOST_FRAMES:]]


class Probes:
    """What is being probed. Called by the poller's own thread alone."""

    def __init__(self) -> None:
        self._running: list[_Thread] = []
        self._fresh = True
        self._due = Due(EVERY)

    def turn(self, *, busy: Collection[str], at: datetime) -> None:
        """Take what waits, tell how far the rest is, write down what ended; every second."""
        if not self._due.now(now()):
            return
        if self._fresh:
            cut = probing.interrupt(at=at)
            self._fresh = False
            if cut:
                log.warning("probes_interrupted", count=cut)
        for asked in probing.take(busy=busy, at=at):
            thread = _Thread(asked)
            self._running.append(thread)
            thread.start()
        for thread in list(self._running):
            self._one(thread, at)

    def _one(self, thread: _Thread, at: datetime) -> None:
        if thread.is_alive():
            wanted = probing.tell(
                probe=thread.asked.id, progress=thread.progress, frames=thread.frames(), at=at
            )
            if not wanted:
                thread.ending.set()
            return
        probing.finish(
            probe=thread.asked.id,
            status=thread.status,
            progress=thread.why,
            findings=thread.findings.body(),
            frames=thread.frames(),
            at=at,
        )
        self._running.remove(thread)

    def end(self) -> None:
        """The poller ends: the ports are given back. What was under way is told at the next start."""
        for thread in self._running:
            thread.ending.set()
        for thread in self._running:
            thread.join()
