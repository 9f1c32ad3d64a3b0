"""The frames of a fill or of a stretch of a line's time, out of the black box.

In hex and in the protocol's own words. What is secret was masked before it was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final

from devices.line.replaying import header_text
from devices.models import DispenserWiring, Fill, Line
from devices.protocols import table
from devices.protocols.base import Decimals
from devices.protocols.entry import Entry, GaugeProtocol, PumpProtocol
from devices.queries.ports import box_of
from devices.recorder import HEADER, HEARD, JUNK, SENT, Recorded, between, read_reference, written
from station.models import Nozzle, Station
from station.queries import settings

MOST = 400
DIRECTIONS: Final = {SENT: "发出", HEARD: "收到", JUNK: "杂讯"}
DAYS, MEGABYTES = "devices.black_box_days", "devices.black_box_megabytes"
_Spoken = Entry


@dataclass(frozen=True)
class FrameLine:
    """One frame as it is shown."""

    at: datetime
    millis: int
    direction: str
    raw: str
    words: str


@dataclass(frozen=True)
class Kept:
    """How long a line's frames are kept, and how much of them."""

    days: int
    megabytes: int


def frames_of(fill: Fill, *, boxes: Path, polls: bool = False) -> list[FrameLine] | None:
    """The frames of a fill; None when it names none or the box no longer holds them."""
    found = recorded_of(fill, boxes=boxes)
    if not found:
        return None
    return _shown(found, _spoken(_line_of(fill)), polls=polls)[0] or None


def recorded_of(fill: Fill, *, boxes: Path) -> list[Recorded]:
    """The same as they lie in the box, polls included."""
    if not fill.frames:
        return []
    try:
        return read_reference(boxes, fill.frames)
    except (OSError, ValueError):
        return []


def frames_between(
    line: Line, *, since: datetime, until: datetime, boxes: Path, polls: bool = False
) -> tuple[list[FrameLine], bool]:
    """A line's frames of a stretch of time, and whether there are more than are shown."""
    found = recorded_between(line, since=since, until=until, boxes=boxes)
    return _shown(found, _spoken(line), polls=polls)


def recorded_between(
    line: Line, *, since: datetime, until: datetime, boxes: Path
) -> Iterator[Recorded]:
    """The same as they lie in the box, both ends included."""
    return between(boxes, box_of(line.pk), _ms(since), _ms(until))


def export_of_fill(fill: Fill, found: Iterable[Recorded]) -> Iterator[str]:
    """A fill's frames as a file that `manage.py replay` reads."""
    return export(_line_of(fill), found)


def export(line: Line | None, found: Iterable[Recorded]) -> Iterator[str]:
    """Lines of the box behind one that says protocol, nozzles and decimals."""
    if line is not None:
        yield f"{HEADER} {header_text(line.protocol, _devices(line))}\n"
    yield from (written(one) for one in found)


def header_of(line: int) -> str:
    """What such a file says of a line; nothing of one that the books do not know."""
    found = Line.objects.filter(pk=line).first()
    return header_text(found.protocol, _devices(found)) if found else ""


def kept_of_lines() -> dict[str, Kept]:
    """By the folder of each line that the books know, in use or not. Two statements a station."""
    out: dict[str, Kept] = {}
    for station in Station.objects.all():
        kept = Kept(settings.whole(DAYS, station), settings.whole(MEGABYTES, station))
        for pk in Line.objects.filter(station=station).values_list("pk", flat=True):
            out[box_of(pk)] = kept
    return out


# --------------------------------------------------------------------------- reading


def _shown(
    found: Iterable[Recorded], spoken: _Spoken | None, *, polls: bool
) -> tuple[list[FrameLine], bool]:
    pumps = spoken if isinstance(spoken, PumpProtocol) else None
    telling = found if polls or pumps is None else _telling(found, pumps)
    lines = [_line(one, spoken) for one in islice(telling, MOST + 1)]
    return lines[:MOST], len(lines) > MOST


def _line(one: Recorded, spoken: _Spoken | None) -> FrameLine:
    if isinstance(spoken, PumpProtocol | GaugeProtocol):
        words = spoken.describe(one.data, from_master=one.direction == SENT)
    else:
        words = "读到的内容" if one.direction == HEARD else "未能辨认"
    at = datetime.fromtimestamp(one.at_ms / 1000, UTC)
    raw = one.data.hex(" ").upper()
    return FrameLine(at, one.at_ms % 1000, DIRECTIONS[one.direction], raw, words)


def _line_of(fill: Fill) -> Line | None:
    """The line whose frames a fill names."""
    named = re.match(r"line(\d+):", fill.frames)
    return Line.objects.filter(pk=named[1]).first() if named else None


def _spoken(line: Line | None) -> _Spoken | None:
    """What is spoken there; a line that is gone from the books was a dispenser's."""
    known = table.entries().get(line.protocol) if line else None
    return known or table.PUMPS[table.DART]


def _telling(found: Iterable[Recorded], spoken: PumpProtocol) -> Iterator[Recorded]:
    """Without the mere polls, and without answers to them that say the same once more."""
    polled, last = False, b""
    for one in found:
        sent = one.direction == SENT
        if one.direction != JUNK and spoken.is_poll(one.data, from_master=sent):
            polled = sent
            continue
        again = polled and one.data == last and spoken.answers_repeat
        polled, last = False, one.data if one.direction == HEARD else last
        if not again:
            yield one


def _devices(line: Line) -> dict[int, tuple[Sequence[int], Decimals]]:
    rows = DispenserWiring.objects.filter(line=line)
    nozzles = Nozzle.objects.filter(dispenser__wiring__line=line).order_by("position")
    positions: dict[int, list[int]] = {}
    for dispenser, position in nozzles.values_list("dispenser_id", "position"):
        positions.setdefault(dispenser, []).append(position)
    return {
        row.address: (
            positions.get(row.dispenser_id, []),
            Decimals(
                row.volume_decimals,
                row.amount_decimals,
                row.price_decimals,
                row.totals_decimals,
                row.amount_decimals,
            ),
        )
        for row in rows
    }


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
