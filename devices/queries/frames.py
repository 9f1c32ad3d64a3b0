"""The frames a fill came from, out of the black box, in hex and in the protocol's own words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from devices.models import Fill, Line
from devices.protocols import table
from devices.recorder import HEARD, SENT, Recorded, read_reference

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
    spoken = _spoken(fill)
    lines = []
    for one in _telling(found, spoken):
        words = spoken.describe(one.data, from_master=one.direction == SENT)
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


def _spoken(fill: Fill) -> table.PumpProtocol:
    """The protocol of the line whose frames they are."""
    line = re.match(r"line(\d+):", fill.frames)
    known = Line.objects.filter(pk=line[1]).first() if line else None
    return table.PUMPS.get(known.protocol if known else "", table.PUMPS[table.DART])


def _telling(found: Sequence[Recorded], spoken: table.PumpProtocol) -> Iterator[Recorded]:
    """Without the mere polls, and without answers to them that say the same once more."""
    polled, last = False, b""
    for one in found:
        sent = one.direction == SENT
        if one.direction in DIRECTIONS and spoken.is_poll(one.data, from_master=sent):
            polled = sent
            continue
        again = polled and one.data == last and spoken.answers_repeat
        polled, last = False, one.data if one.direction == HEARD else last
        if not again:
            yield one
