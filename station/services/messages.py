"""Messages to a person's inbox: what became of what he asked for, and what others did to his account."""

from __future__ import annotations

from datetime import datetime

from station.models import Message, Station, User


def tell(
    *,
    recipient: User,
    key: str,
    subject: str,
    text: str,
    at: datetime,
    url: str = "",
    station: Station | None = None,
) -> None:
    """Put a message into an inbox; the same key again is the same message. Never refuses.

    In the transaction of what it tells of, so that nothing is told that did not happen.
    """
    Message.objects.bulk_create(
        [
            Message(
                recipient=recipient,
                key=key[:120],
                subject=subject[:100],
                text=text,
                url=url,
                station=station,
                created_at=at,
            )
        ],
        ignore_conflicts=True,
    )


def mark_read(*, message: Message, at: datetime) -> None:
    """The person has read it; the first time counts."""
    Message.objects.filter(pk=message.pk, read_at=None).update(read_at=at)


def mark_all_read(*, user: User, at: datetime) -> int:
    """Everything in the person's inbox is read; returns how many were not."""
    return Message.objects.filter(recipient=user, read_at=None).update(read_at=at)
