"""The ground floor's background work."""

from __future__ import annotations

from celery import shared_task
from django.utils.timezone import now

from station.services import heartbeat as services


@shared_task(name="station.tasks.heartbeat")
def heartbeat(**kwargs: object) -> None:
    """Show that beat, the queue and a worker work together; 运行状况 reads it."""
    services.beat(at=now())
