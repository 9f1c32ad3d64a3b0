"""Fills: what was delivered, asked by nozzle, tank, shift or time."""

from __future__ import annotations

from datetime import date

from django.db.models import QuerySet

from devices.models import Fill
from station.models import Station


def fills(
    *,
    station: Station,
    since: date | None = None,
    until: date | None = None,
    nozzle: str = "",
    grade: str = "",
    source: str = "",
    odd: bool = False,
) -> QuerySet[Fill]:
    """The fills of a station, narrowed by business day, nozzle, grade, source and oddity."""
    rows = Fill.objects.filter(station=station).select_related(
        "nozzle", "grade", "tank", "day", "shift"
    )
    if since:
        rows = rows.filter(day__date__gte=since)
    if until:
        rows = rows.filter(day__date__lte=until)
    if nozzle:
        rows = rows.filter(nozzle=int(nozzle))
    if grade:
        rows = rows.filter(grade=int(grade))
    if source:
        rows = rows.filter(source=source)
    return rows.exclude(flags=[]) if odd else rows


def flag_words(fill: Fill) -> list[str]:
    """What is odd about a fill, in words."""
    return [str(Fill.Flag(flag).label) if flag in Fill.Flag else flag for flag in fill.flags]
