"""Members' background work."""

from __future__ import annotations

from celery import shared_task
from django.utils.timezone import now

from members.services import duplicates, exporting


@shared_task(name="members.tasks.find_duplicates")
def find_duplicates(**kwargs: object) -> None:
    """Propose the pairs of members that look like one person, once a night."""
    duplicates.find(at=now())


@shared_task(name="members.tasks.drop_old_exports")
def drop_old_exports(**kwargs: object) -> None:
    """Empty the files of personal data whose days are over, once a night."""
    exporting.drop_old(at=now())
