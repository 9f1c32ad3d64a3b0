"""Fills: what was delivered, asked by nozzle, tank, shift or time."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from django.db.models import QuerySet, Sum

from devices.models import Fill
from station.models import Nozzle, Shift, Station, Tank
from station.money import Litres


def litres_run(
    *,
    tank: Tank | None = None,
    nozzle: Nozzle | None = None,
    shift: Shift | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Litres:
    """Litres delivered by a tank or a nozzle in a shift or between two instants (since < t ≤ until)."""
    fills: QuerySet[Fill] = Fill.objects.all()
    if tank is not None:
        fills = fills.filter(tank=tank)
    if nozzle is not None:
        fills = fills.filter(nozzle=nozzle)
    if shift is not None:
        fills = fills.filter(shift=shift)
    if since is not None:
        fills = fills.filter(occurred_at__gt=since)
    if until is not None:
        fills = fills.filter(occurred_at__lte=until)
    total: Litres | None = fills.aggregate(total=Sum("litres"))["total"]
    return total or Decimal("0.000")


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
