"""What was ordered of the machines."""

from __future__ import annotations

from devices.models import Command
from station.models import Station

STOPS = (Command.Kind.STOP_ALL, Command.Kind.RELEASE_ALL)


def last_stop(station: Station) -> Command | None:
    """The emergency stop that holds now; None when none does. A stop that came late never held."""
    last = (
        Command.objects.select_related("actor")
        .filter(station=station, kind__in=STOPS)
        .exclude(status=Command.Status.VOID)
        .order_by("-id")
        .first()
    )
    return last if last is not None and last.kind == Command.Kind.STOP_ALL else None
