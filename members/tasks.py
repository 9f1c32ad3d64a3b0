"""Members' background work."""

from __future__ import annotations

from celery import shared_task
from django.utils.timezone import now

from members.services import duplicates


@shared_task(name="members.tasks.find_duplicates")
def find_duplicates(**kwargs: object) -> None:
    """Propose the pairs of members that look like one person, once a night."""
    duplicates.find(at=now())
