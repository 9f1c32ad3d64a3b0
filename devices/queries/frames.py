"""The frames a fill came from, out of the black box, in hex and in the protocol's own words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from devices.models import Fill
from devices.protocols.dart.describe import describe
from devices.recorder import HEARD, SENT, read_reference

MOST = 400
DIRECTIONS = {SENT: "发出", HEARD: "收到"}


@dataclass(frozen=True)
class FrameLine:
    """One frame as it is shown; polls that brought nothing are left out."""

    at: datetime
    millis: int
    direction: str
    raw: str
    words: str


def frames_of(fill: Fill, *, boxes: Path) -> list[FrameLine] | None:
    """The frames of a fill; None when it names none or the box no longer holds them."""
    if not fill.frames:
        return None
    try:
        found = read_reference(boxes, fill.frames)
    except (OSError, ValueError):
        return None
    lines = []
    for one in found:
        if len(one.data) <= 3 and one.direction in DIRECTIONS:
            continue  # polls, acknowledgements and "nothing to say"
        words = describe(one.data, from_master=one.direction == SENT)
        lines.append(
            FrameLine(
                datetime.fromtimestamp(one.at_ms / 1000, UTC),
                one.at_ms % 1000,
                DIRECTIONS.get(one.direction, "杂讯"),
                one.data.hex(" ").upper(),
                words,
            )
        )
    return lines[:MOST] or None
