"""Background work of the members' floor."""

from __future__ import annotations

from celery import shared_task
from django.utils.timezone import now

from members.services import signins


@shared_task(ignore_result=True)
def forget_codes(**kwargs: object) -> None:
    """Delete codes of phones that no limit counts any more."""
    signins.forget_codes(before=now())
