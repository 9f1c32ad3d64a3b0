"""The poller's lines that are no pump's: which thread each has, and what displays and signs are told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path

from django.utils.timezone import get_default_timezone

from devices.line.gauging import GaugeLine
from devices.line.holding import Holds
from devices.line.listening import ReaderLine
from devices.line.showing import DisplayLine, RowShown, SignLine, SignOrder
from devices.line.thread import PumpLine
from devices.line.wiring import LineWiring
from devices.protocols import table
from devices.queries.signs import to_show
from devices.services import live
from devices.services.taking import Taken
from devices.services.whispering import whisper
from devices.spool import Spool

SideLine = ReaderLine | GaugeLine | DisplayLine | SignLine
AnyLine = PumpLine | SideLine


def side_line(line: LineWiring, *, spool: Spool, boxes: Path, holds: Holds) -> SideLine | None:
    """The thread of a line that is no pump's; None where nothing hangs on it yet."""
    if line.protocol in table.GAUGES:
        zone = get_default_timezone()
        return GaugeLine(line, spool=spool, boxes=boxes, holds=holds, zone=zone)
    if line.reader is not None:
        return ReaderLine(line, spool=spool, boxes=boxes, whisper=whisper)
    if line.protocol in table.DISPLAYS and line.idle_text is not None:
        return DisplayLine(line, spool=spool, boxes=boxes)
    if line.protocol in table.SIGNS and line.sign is not None:
        return SignLine(line, spool=spool, boxes=boxes)
    return None


def feed(lines: Mapping[int, SideLine]) -> None:
    """Give each display what its till wants shown. One statement, none without displays."""
    displays = {pk: line for pk, line in lines.items() if isinstance(line, DisplayLine)}
    if displays:
        for pk, body in to_show(list(displays)).items():
            displays[pk].show(body)


def order(lines: Mapping[int, SideLine], one: Taken) -> bool:
    """Pass a price on to its sign; False where no sign hangs there."""
    line = lines.get(int(one.arguments["line"]))
    if not isinstance(line, SignLine):
        return False
    line.order(
        SignOrder(
            one.id, int(one.arguments["row"]), Decimal(one.arguments["price"]), one.valid_until
        )
    )
    return True


def show_signs(lines: Iterable[SideLine]) -> None:
    """Write what the rows of the signs show."""
    rows: list[RowShown] = [
        row for line in lines if isinstance(line, SignLine) for row in line.board()
    ]
    if rows:
        live.write_signs([(row.line, row.row, row.price, row.at) for row in rows])
