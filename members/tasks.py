"""Background work of membership: points, tiers, duplicates, and files that are let go."""

from __future__ import annotations

from celery import shared_task
from django.utils.timezone import now

from members.services import duplicates, exporting, points_sweeping, tiers


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


@shared_task(ignore_result=True)
def find_duplicates(**kwargs: object) -> None:
    """Propose the pairs of members that look like one person, once a night."""
    duplicates.find(at=now())


@shared_task(ignore_result=True)
def drop_old_exports(**kwargs: object) -> None:
    """Empty the files of personal data whose days are over, once a night."""
    exporting.drop_old(at=now())
