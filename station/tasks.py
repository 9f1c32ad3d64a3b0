"""The ground floor's background work."""

from __future__ import annotations

from celery import shared_task
from django.utils.timezone import localtime, now

from station.runtime.backup import make_backup, remove_old_backups
from station.services import heartbeat as services

BACKUPS_KEPT = 14


@shared_task(name="station.tasks.heartbeat")
def heartbeat(**kwargs: object) -> None:
    """Show that beat, the queue and a worker work together; 运行状况 reads it."""
    services.beat(at=now())


@shared_task(name="station.tasks.backup")
def backup(**kwargs: object) -> None:
    """The nightly backup; 运行状况 shows its age, so a night without one is seen."""
    make_backup(at=localtime())
    remove_old_backups(keep=BACKUPS_KEPT)
