"""Background work of the stock: the tanks' levels, and deliveries that nobody noted."""

from __future__ import annotations

from celery import shared_task
from django.utils.timezone import now

from inventory.queries.gauges import standing
from inventory.services import gauges, proof
from inventory.services.dips import watch_level
from station.models import Station


@shared_task
def check_levels(**kwargs: object) -> None:
    """Raise or clear the level alerts of every tank: by its gauge where one speaks, else by its book."""
    at = now()
    for station in Station.objects.filter(active=True):
        for one in standing(station=station, at=at):
            gauged = one.live is not None and one.live.fresh
            litres = one.live.reading.volume if gauged and one.live else one.level.litres
            watch_level(tank=one.level.tank, litres=litres, at=at)


@shared_task
def ask_about_deliveries(**kwargs: object) -> None:
    """Ask about deliveries that gauges saw and nobody noted."""
    for station in Station.objects.filter(active=True):
        gauges.ask_about_deliveries(station=station, at=now())


@shared_task
def prove_stock(**kwargs: object) -> None:
    """Add up the whole ledger of the shop and raise an alert where a balance is not its sum."""
    proof.prove(at=now())
