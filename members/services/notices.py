"""消息 to members: put there by whatever happened to them, by the channel that they chose.

A message is one row, unique by its key, with a record for the inbox and a waiting row for the text;
all of it by one statement for any number of members, in the transaction of what it tells of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from members.models import Member, MemberNotice, NoticeChoice
from members.queries.merged import one_person
from members.queries.notices import CHOOSABLE
from station.errors import Refusal
from station.services.waking import wake

Kind, Way = MemberNotice.Kind, NoticeChoice.Way
SEND_TEXTS = "members.tasks.send_texts"


class NoSuchChoice(Refusal):
    """Not a kind of message that may be chosen, or no way to get it."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one member is told, under the key that makes it once."""

    member_id: int
    key: str
    text: str


_TELL = """
WITH told AS (
  SELECT * FROM UNNEST(%(members)s::bigint[], %(keys)s::text[], %(texts)s::text[])
    AS t (member_id, key, text)
), wanted AS (
  SELECT told.*, COALESCE(c.way, 'INBOX') AS way FROM told LEFT JOIN members_noticechoice c
    ON c.member_id = told.member_id AND c.kind = %(kind)s
), made AS (
  INSERT INTO members_membernotice (member_id, key, kind, subject, text, url, shown, created_at)
  SELECT member_id, key, %(kind)s, %(subject)s, text, %(url)s, way IN ('INBOX', 'BOTH'), %(at)s
  FROM wanted ON CONFLICT (member_id, key) DO NOTHING RETURNING id, member_id, key
), placed AS (
  INSERT INTO members_noticedelivery (notice_id, channel, attempt, state, reason, at)
  SELECT made.id, 'INBOX', 1, CASE way WHEN 'NONE' THEN 'SKIPPED' ELSE 'SENT' END,
    CASE way WHEN 'NONE' THEN '会员选择不要' ELSE '' END, %(at)s
  FROM made JOIN wanted USING (member_id, key) WHERE way <> 'SMS'
), waiting AS (
  INSERT INTO members_noticetext (notice_id, state, attempts, due_at)
  SELECT made.id, 'WAITING', 0, %(at)s
  FROM made JOIN wanted USING (member_id, key) WHERE way IN ('SMS', 'BOTH') RETURNING 1
)
SELECT (SELECT COUNT(*) FROM made), (SELECT COUNT(*) FROM waiting)
"""


def tell_all(*, kind: str, subject: str, told: Sequence[Told], at: datetime, url: str = "") -> int:
    """Tell many members, each in words of his own; how many were told. A key told before is passed by.

    Never refuses. No personal data in the words; `url` lies under `/m/`. One statement.
    """
    if not told:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            _TELL,
            {
                "members": [one.member_id for one in told],
                "keys": [one.key[:120] for one in told],
                "texts": [one.text for one in told],
                "kind": str(kind),
                "subject": subject[:60],
                "url": url[:200],
                "at": at,
            },
        )
        made, waiting = cursor.fetchone()
    if waiting:
        wake(SEND_TEXTS)
    return int(made)


def tell(
    *,
    member: Member | int,
    key: str,
    subject: str,
    text: str,
    at: datetime,
    url: str = "",
    kind: str = Kind.ACCOUNT,
) -> None:
    """Tell one member; the same key to him again is the same message. As `tell_all`."""
    member_id = member if isinstance(member, int) else member.pk
    tell_all(kind=kind, subject=subject, told=[Told(member_id, key, text)], at=at, url=url)


def mark_all_read(*, member: Member, upto: int, at: datetime) -> None:
    """The member saw his inbox up to a message; what came since stays unread."""
    rows = MemberNotice.objects.filter(
        member__in=one_person(member), shown=True, read_at=None, pk__lte=upto
    )
    rows.update(read_at=at)


@transaction.atomic
def choose(*, member: Member, ways: Mapping[str, str], at: datetime) -> None:
    """How a member wants his messages from now on, by kind; what was told stays as it was.

    Refuses NoSuchChoice. What concerns his account and its safety always goes to his inbox.
    """
    for kind, way in ways.items():
        if kind not in CHOOSABLE or way not in Way.values:
            raise NoSuchChoice("没有保存：没有这种消息或方式。请刷新页面重新选择。")
    for kind, way in sorted(ways.items()):
        NoticeChoice.objects.update_or_create(
            member=member, kind=kind, defaults={"way": way, "changed_at": at}
        )
