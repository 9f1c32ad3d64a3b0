"""Background work of the stock: look at the tanks' levels."""

from __future__ import annotations

from celery import shared_task
from django.utils.timezone import now

from inventory.queries.books import levels
from inventory.services.dips import watch_level
from station.models import Station


@shared_task
def check_levels(**kwargs: object) -> None:
    """Raise or clear the level alerts of every tank, by its book."""
    for station in Station.objects.filter(active=True):
        for level in levels(station):
            watch_level(tank=level.tank, litres=level.litres, at=now())
