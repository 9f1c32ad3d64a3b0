"""Background work of membership: points expire and become usable, orders of the mall end."""

from __future__ import annotations

from celery import shared_task
from django.utils.timezone import now

from members.services import points_sweeping
from members.services.partners import ask_waiting
from members.services.redemption_endings import expire_due


@shared_task(ignore_result=True)
def expire_points(**kwargs: object) -> None:
    """After local midnight: take out what was good until yesterday, in ranges of accounts."""
    points_sweeping.expire_all(at=now())


@shared_task(ignore_result=True)
def mature_points(**kwargs: object) -> None:
    """After local midnight: make usable what has waited long enough."""
    points_sweeping.mature_all(at=now())


@shared_task(ignore_result=True)
def expire_redemptions(**kwargs: object) -> None:
    """End the orders of the points mall whose last day is over."""
    expire_due(at=now())


@shared_task(ignore_result=True)
def ask_partners(**kwargs: object) -> None:
    """Ask partners about the orders that wait for them."""
    ask_waiting(at=now())
