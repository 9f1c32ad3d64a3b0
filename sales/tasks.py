"""Background work of the till and the forecourt's prices."""

from __future__ import annotations

from celery import shared_task
from django.utils.timezone import now

from devices.services import printers
from sales.services import (
    leasing,
    prepay_changes,
    prepaying,
    price_downloads,
    pricing,
    printing,
    service_times,
    signs,
    uploads,
)


@shared_task(ignore_result=True)
def put_due_prices(**kwargs: object) -> None:
    """Each second: put prices into force, and follow them to every sign and every pump."""
    pricing.put_due(at=now())
    price_downloads.follow_up(at=now())
    signs.follow_up(at=now())
    signs.keep_right(at=now())


@shared_task(ignore_result=True)
def watch_printers(**kwargs: object) -> None:
    """Every three seconds: ask the printers how they stand, and print what waited for one."""
    if printers.watch(at=now()):
        printing.print_waiting(at=now())


@shared_task(ignore_result=True)
def watch_service_times(**kwargs: object) -> None:
    """Every five minutes: alert where the last hour was slower than the target."""
    service_times.watch_all(at=now())


@shared_task(ignore_result=True)
def print_receipts(**kwargs: object) -> None:
    """Print what waits; woken by each sale, and by beat when a wake-up was lost."""
    printing.print_waiting(at=now())


@shared_task(ignore_result=True)
def settle_prepays(**kwargs: object) -> None:
    """Make the sales of prepays whose fill has come in, and change those whose pump has answered."""
    prepaying.settle_due(at=now())
    prepay_changes.follow_up(at=now())


@shared_task(ignore_result=True)
def book_uploads(**kwargs: object) -> None:
    """Book offline sales that arrived while no till session was open."""
    uploads.book_waiting(at=now())


@shared_task(ignore_result=True)
def drop_stale_leases(**kwargs: object) -> None:
    """Forget leases that ran out."""
    leasing.drop_stale(at=now())
