"""Background work of members."""

from __future__ import annotations

from celery import shared_task
from django.utils.timezone import now

from members.services import tiers


@shared_task(ignore_result=True)
def evaluate_tiers(**kwargs: object) -> None:
    """Evaluate every member's tier after midnight; a night that was missed is made up by the next."""
    tiers.evaluate_all(at=now())
