"""Background work of the forecourt."""

from __future__ import annotations

from celery import shared_task
from django.utils.timezone import now

from devices.services import authorising, commands


@shared_task(ignore_result=True)
def end_what_is_late(**kwargs: object) -> None:
    """Void commands nobody took, end authorisations nobody used."""
    at = now()
    commands.void_late(at=at)
    authorising.expire(at=at)
