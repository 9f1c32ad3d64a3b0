"""Background work of membership: points expire and become usable, tiers are evaluated."""

from __future__ import annotations

from celery import shared_task
from django.utils.timezone import now

from members.services import points_sweeping, tiers


@shared_task(ignore_result=True)
def evaluate_tiers(**kwargs: object) -> None:
    """Evaluate every member's tier after midnight; a night that was missed is made up by the next."""
    tiers.evaluate_all(at=now())


@shared_task(ignore_result=True)
def expire_points(**kwargs: object) -> None:
    """After local midnight: take out what was good until yesterday, in ranges of accounts."""
    points_sweeping.expire_all(at=now())


@shared_task(ignore_result=True)
def mature_points(**kwargs: object) -> None:
    """After local midnight: make usable what has waited long enough."""
    points_sweeping.mature_all(at=now())
