"""Alarms: what the machines complain about, and what became of it."""

from __future__ import annotations

from django.db.models import QuerySet

from devices.models import Alarm
from station.models import Station

LIVE = (Alarm.Status.OPEN, Alarm.Status.SEEN)


def alarms(*, station: Station, status: str = "", kind: str = "") -> QuerySet[Alarm]:
    """The alarms of a station; `status` is one of Alarm.Status, or "LIVE" for open and seen."""
    rows = Alarm.objects.filter(station=station).select_related("nozzle", "line", "handled_by")
    if status == "LIVE":
        rows = rows.filter(status__in=LIVE)
    elif status:
        rows = rows.filter(status=status)
    return rows.filter(kind=kind) if kind else rows
