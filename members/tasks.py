"""Background work of members: orders that are over, and partners who have not answered."""

from __future__ import annotations

from celery import shared_task
from django.utils.timezone import now

from members.services.partners import ask_waiting
from members.services.redemption_endings import expire_due


@shared_task
def expire_redemptions(**kwargs: object) -> None:
    """End the orders of the points mall whose last day is over."""
    expire_due(at=now())


@shared_task
def ask_partners(**kwargs: object) -> None:
    """Ask partners about the orders that wait for them."""
    ask_waiting(at=now())
