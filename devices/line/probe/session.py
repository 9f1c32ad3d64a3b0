"""One probe under way: the port as it is set now, what passed, what is told, and the way out."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from devices.line.port import Port
from devices.line.probe.findings import Findings, Frame
from devices.line.wire import now
from devices.protocols.base import Seconds, SerialSettings
from devices.recorder import HEARD

PIECE_GAP: Seconds = 0.010  # a silence so long ends a piece of what others say
_DIGITS = re.compile(rb"\d{4,}")


class Cancelled(Exception):
    """The person who asked has had enough."""


@dataclass(slots=True)
class Session:
    """What every prober works with. `ended` is asked between any two exchanges."""

    findings: Findings
    saw: Callable[[Frame], None]
    tell: Callable[[str], None]
    ended: Callable[[], bool] = lambda: False
    opener: Callable[[str, SerialSettings], Port] = Port
    security: str = ""  # of a console that wants a code before each question
    absent: set[str] = field(default_factory=set)  # makes of which no head answered anywhere
    _port: Port | None = field(init=False, default=None)

    @contextmanager
    def port(self, serial: SerialSettings) -> Iterator[Port]:
        """The port, set so; closed in the end whatever happens. Raises PortLost."""
        self.check()
        port = self.opener(self.findings.url, serial)
        try:
            yield port
        finally:
            port.close()

    def check(self) -> None:
        """Raises Cancelled."""
        if self.ended():
            raise Cancelled

    def heard_of_others(self, port: Port, seconds: Seconds) -> list[bytes]:
        """What is said on the line while we are silent, piece by piece."""
        pieces: list[bytes] = []
        until, last = now() + seconds, -1.0
        while (left := until - now()) > 0:
            self.check()
            data = port.receive(min(left, 0.2))
            if not data:
                continue
            if pieces and now() - last < PIECE_GAP:
                pieces[-1] += data
            else:
                pieces.append(data)
            last = now()
        return pieces

    def note(self, raw: bytes, words: str, direction: str = HEARD) -> None:
        """A frame that did not pass through `Wire`. The caller has masked what is secret."""
        self.saw(Frame(time.time_ns() // 1_000_000, direction, raw, words))


def blurred(raw: bytes) -> bytes:
    """Bytes of which nobody knows what they are: rows of digits may be a payment code or a PIN."""
    return _DIGITS.sub(lambda found: b"*" * len(found[0]), raw)
