"""消息 on a member's phone: put there by whatever happened to him, read by himself."""

from __future__ import annotations

from datetime import datetime

from members.models import Member, MemberNotice
from members.queries.merged import one_person


def tell(
    *,
    member: Member | int,
    key: str,
    subject: str,
    text: str,
    at: datetime,
    url: str = "",
) -> None:
    """Put a message into a member's inbox; the same key to him again is the same message.

    Never refuses. In the transaction of what it tells of. No personal data in the words; `url` lies under `/m/`.
    One statement.
    """
    row = MemberNotice(
        member_id=member if isinstance(member, int) else member.pk,
        key=key[:120],
        subject=subject[:60],
        text=text,
        url=url[:200],
        created_at=at,
    )
    MemberNotice.objects.bulk_create([row], ignore_conflicts=True)


def mark_all_read(*, member: Member, upto: int, at: datetime) -> None:
    """The member saw his inbox up to a message; what came since stays unread."""
    rows = MemberNotice.objects.filter(member__in=one_person(member), read_at=None, pk__lte=upto)
    rows.update(read_at=at)
