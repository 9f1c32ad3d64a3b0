"""收件箱, read: a person's own messages and nobody else's."""

from __future__ import annotations

from django.db.models import QuerySet

from station.models import Message, User


def messages_to(user: User, *, unread: bool = False) -> QuerySet[Message]:
    """The messages of a person, over all his stations."""
    mine = Message.objects.filter(recipient=user)
    return mine.filter(read_at=None) if unread else mine
