"""Background work of the books."""

from __future__ import annotations

from celery import shared_task
from django.utils.timezone import now

from finance.services import archiving
from finance.services.practice import staging


@shared_task(ignore_result=True)
def archive_reports(**kwargs: object) -> None:
    """Archive the reports of days that were closed; woken by the close, found by beat."""
    archiving.archive_waiting(at=now())


@shared_task(ignore_result=True)
def practice_scenes(**kwargs: object) -> None:
    """In a practice station: let scenes go on, and sign what has ended."""
    staging.advance(at=now())
    staging.report(at=now())
