"""The thread of a card reader or a scanner: it listens, and asks those that only answer."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import cast

from devices.line import facts
from devices.line.keeping import PortThread
from devices.line.pcsc import SCHEME, PcscPort
from devices.line.port import Port
from devices.line.wire import now, wall
from devices.line.wiring import LineWiring
from devices.protocols import table
from devices.protocols.asker import Asker
from devices.protocols.base import (
    Damaged,
    Event,
    Heard,
    Listener,
    Outcome,
    Scanned,
    Silence,
    Swiped,
)
from devices.protocols.scanner import mask
from devices.recorder import HEARD, JUNK, SENT
from devices.spool import Spool

log = logging.getLogger(__name__)

CARD, CODE = "CARD", "CODE"
MUTE = 10  # questions without an answer until a reader counts as gone: three to four seconds
MUTE_WORDS = "没有应答，请检查它的电源和接线"


def listener_for(line: LineWiring) -> Listener | Asker:
    """The codec that the wiring names."""
    spoken = table.READERS.get(line.protocol)
    if spoken is None:
        raise ValueError(f"no listener for {line.protocol}")
    made = spoken.listener(line.options)
    made.settings = line.serial
    return made


class ReaderLine(PortThread):
    """One reader. A payment code goes to `whisper` with the key of its swipe and is kept nowhere."""

    def __init__(
        self,
        line: LineWiring,
        *,
        spool: Spool,
        boxes: Path,
        whisper: Callable[[str, str], None],
    ) -> None:
        super().__init__(line, kind="reader", spool=spool, boxes=boxes)
        self._whisper = whisper
        self._listener = listener_for(line)
        # Whom to ask, where the device speaks only when it is asked.
        self._asker: Asker | None = (
            cast(Asker, self._listener) if table.READERS[line.protocol].asks else None
        )
        self._unanswered = 0

    def work(self, port: Port) -> None:
        self._opened()
        while not self._ending.is_set():
            self._listen(port)

    def _open(self) -> Port:
        return PcscPort(self.line.url) if self.line.url.startswith(SCHEME) else super()._open()

    def _listen(self, port: Port) -> None:
        self._ask(port)
        data = port.receive(self._listener.quiet)
        outcome = self._listener.feed(data, now()) if data else self._listener.expire(now())
        self._take(outcome)

    def _ask(self, port: Port) -> None:
        request = self._asker.next(now()) if self._asker is not None else None
        if request is None:
            return
        port.send(request.data)
        self.live.polls += 1
        self._box.write(
            SENT, Heard(request.data, True, request.secret).masked(), facts.millis(wall())
        )

    def _take(self, outcome: Outcome) -> None:
        at = wall()
        for heard in outcome.heard:
            self.live.answers += heard.good
            self.live.bad_frames += not heard.good
            self._box.write(HEARD if heard.good else JUNK, heard.masked(), facts.millis(at))
        if outcome.heard:
            self.live.heard_at = at
            self._box.flush()
        if any(heard.good for heard in outcome.heard):
            self._answered()
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
            case Silence():
                self._unheard()
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

    def _unheard(self) -> None:
        self._unanswered += 1
        if self._unanswered == MUTE:
            self.live.error = f"读卡器{MUTE_WORDS}"
            log.warning("%s: no answer", self.line.name)
            self._alarm(f"的读卡器{MUTE_WORDS}", kind="SILENCE")

    def _answered(self) -> None:
        if self._unanswered >= MUTE:
            self.live.error = ""
            self._alarm("的读卡器已恢复应答", kind="SILENCE", over=True)
        self._unanswered = 0
