"""待处理, open ones first."""

from __future__ import annotations

from django.db.models import QuerySet

from sales.models import Discrepancy
from station.models import Station


def discrepancies_of(
    *, station: Station, status: str = "", kind: str = ""
) -> QuerySet[Discrepancy]:
    """What did not fit at a station, by status and kind."""
    rows = Discrepancy.objects.filter(station=station).select_related("resolved_by", "day")
    if status:
        rows = rows.filter(status=status)
    if kind:
        rows = rows.filter(kind=kind)
    return rows
