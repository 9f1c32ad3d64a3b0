"""How long the black box keeps what: by the station's settings, every line that ever was."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from devices.line.wire import now
from devices.poller.due import Due
from devices.protocols.base import Seconds
from devices.queries.frames import kept_of_lines
from devices.recorder import prune
from devices.spool import Spool

log = structlog.get_logger(__name__)

MEGABYTE = 1_000_000
EVERY: Seconds = 3600.0


@dataclass(slots=True)
class Pruning:
    """What is kept for a time only: the spool's told facts, and frames."""

    _due: Due = field(default_factory=lambda: Due(EVERY))

    def turn(self, spool: Spool, boxes: Path, *, at: datetime) -> None:
        """Once an hour."""
        if self._due.now(now()):
            spool.prune(at=at)
            prune_boxes(boxes, at=at)


def prune_boxes(boxes: Path, *, at: datetime) -> None:
    """Drop what is too old, and what is too much, of each line that the books know."""
    for folder, kept in kept_of_lines().items():
        oldest = at - timedelta(days=kept.days)
        gone = prune(
            boxes / folder,
            keep_bytes=kept.megabytes * MEGABYTE,
            oldest_ms=int(oldest.timestamp() * 1000),
        )
        if gone:
            log.info("box_pruned", line=folder, files=gone)
