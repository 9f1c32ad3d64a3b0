"""Background work of offers."""

from __future__ import annotations

from celery import shared_task
from django.utils.timezone import now

from marketing.services import promotions


@shared_task(ignore_result=True)
def end_promotions(**kwargs: object) -> None:
    """Each minute: mark promotions whose time is over."""
    promotions.end_over(at=now())
