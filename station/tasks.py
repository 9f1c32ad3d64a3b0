"""The ground floor's background work."""

from __future__ import annotations

from celery import shared_task
from django.utils.timezone import localtime, now

from station.runtime.backup import make_backup, remove_old_backups
from station.services import calendar, jobs, practice
from station.services import heartbeat as services

BACKUPS_KEPT = 14


@shared_task(name="station.tasks.heartbeat")
def heartbeat(**kwargs: object) -> None:
    """Show that beat, the queue and a worker work together; 运行状况 reads it."""
    services.beat(at=now())


@shared_task(name="station.tasks.run_jobs")
def run_jobs(**kwargs: object) -> None:
    """Run what people asked for, until nothing waits."""
    while jobs.run_next(at=now()):
        pass


@shared_task(name="station.tasks.check_calendar")
def check_calendar(**kwargs: object) -> None:
    """Fill the calendar from the libraries, and warn where it ends within 60 days."""
    calendar.fill(at=now())
    calendar.warn(at=now())


@shared_task(name="station.tasks.backup")
def backup(**kwargs: object) -> None:
    """The nightly backup; 运行状况 shows its age, so a night without one is seen."""
    make_backup(at=localtime())
    remove_old_backups(keep=BACKUPS_KEPT)


@shared_task(name="station.tasks.collect_practice")
def collect_practice(**kwargs: object) -> None:
    """Keep the results that the practice station of this machine has signed."""
    practice.collect()
