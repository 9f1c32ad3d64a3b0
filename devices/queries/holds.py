"""Which tanks nothing may be sold of now, and why."""

from __future__ import annotations

from django.db.models import QuerySet

from devices.models import TankHold
from station.models import Station, Tank


def stopping(*, station: Station) -> QuerySet[TankHold]:
    """The holds that stop sales now."""
    return TankHold.objects.filter(station=station, ended_at=None, lifted_at=None).select_related(
        "tank__grade"
    )


def hold_of(tank: Tank) -> TankHold | None:
    """The hold that stops sales of a tank now."""
    return TankHold.objects.filter(tank=tank, ended_at=None, lifted_at=None).first()
