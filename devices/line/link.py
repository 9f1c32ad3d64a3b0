"""Small values that points and jobs share: questions, moments, and whether a head answers."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from devices.protocols import base
from devices.protocols.asks import Command
from devices.protocols.base import Event, Seconds


@dataclass(frozen=True, slots=True)
class Ask:
    """A job's question: say this, and wait so long for an event like that."""

    command: Command | None
    wants: Callable[[Event], bool]
    patience: Seconds = 3.0


Job: TypeAlias = Generator[Ask, Event | None, None]


@dataclass(slots=True)
class Instant:
    """Both clocks of one moment, as the line hands them in."""

    now: Seconds
    at: datetime


@dataclass(slots=True)
class Link:
    """Whether the head answers."""

    timing: base.Timing
    online: bool = False
    misses: int = 0
    hits: int = 0

    def answered(self) -> bool:
        """True when this answer brought it online."""
        self.misses, self.hits = 0, self.hits + 1
        if not self.online and self.hits >= self.timing.hits_until_online:
            self.online = True
            return True
        return False

    def missed(self) -> bool:
        """True when this silence took it offline."""
        self.hits, self.misses = 0, self.misses + 1
        if self.online and self.misses >= self.timing.misses_until_offline:
            self.online = False
            return True
        return False
