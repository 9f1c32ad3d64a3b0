"""Background work of the till and the forecourt's prices."""

from __future__ import annotations

from celery import shared_task
from django.utils.timezone import now

from sales.services import price_downloads, pricing, service_times


@shared_task(ignore_result=True)
def put_due_prices(**kwargs: object) -> None:
    """Each second: put prices into force whose instant has come, and follow them to every pump."""
    pricing.put_due(at=now())
    price_downloads.follow_up(at=now())


@shared_task(ignore_result=True)
def watch_service_times(**kwargs: object) -> None:
    """Every five minutes: alert where the last hour was slower than the target."""
    service_times.watch_all(at=now())
