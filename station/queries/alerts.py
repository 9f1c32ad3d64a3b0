"""Alerts, read: what lives, and for whom."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet

from station.models import Alert, Station

LIVE = (Alert.Status.OPEN, Alert.Status.SEEN)


def alerts_of(stations: Iterable[Station], *, status: str = "", level: str = "") -> QuerySet[Alert]:
    """Alerts of some stations; without a status those that live, with ALL every one."""
    alerts = Alert.objects.filter(station__in=list(stations)).select_related("station")
    if status == "":
        alerts = alerts.filter(status__in=LIVE)
    elif status != "ALL":
        alerts = alerts.filter(status=status)
    return alerts.filter(level=level) if level else alerts
