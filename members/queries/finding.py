"""Find a member by what he says or shows: phone, plate, member number, card, or the last four.

What is found is masked: enough for the cashier to ask "王先生，尾号 5678？", too little to copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from devices.models import Card
from members.models import Member
from members.queries.standing import words_of
from station.models import DataKey
from station.queries.masking import mask_name, mask_phone, mask_plate
from station.services.sealing import TAIL, blind_indexes, normal, unseal

MOST = 8
LOST = "卡 {} 已挂失，不能使用。请收回这张卡，按手机号查找会员，或给他补卡。"


@dataclass(frozen=True, slots=True)
class MemberHit:
    """A member who may be the one meant."""

    member_id: int
    number: str
    name: str
    phone: str
    plates: tuple[str, ...]
    status: str
    home: str
    exact: bool  # by phone, plate, number or card; not by a tail, which several share
    words: str = ""  # why he may neither earn nor spend
    confirmed_at: datetime | None = None
    confirm_asked_at: datetime | None = None

    def grown_old(self, before: datetime) -> bool:
        """Whether his profile was neither confirmed nor asked about since an instant."""
        last = max((one for one in (self.confirmed_at, self.confirm_asked_at) if one), default=None)
        return last is None or last < before


@dataclass(frozen=True, slots=True)
class Found:
    """Who was found, and what there is to say beside: a card that was reported lost."""

    hits: tuple[MemberHit, ...]
    words: str = ""


# Each way to be known has its own index; what is exact goes before what several share. A merged
# member is found as whom he became.
_EXACT = """
 SELECT id, 0 FROM members_member WHERE phone_index = %(phone)s AND phone_index <> ''
 UNION ALL SELECT id, 0 FROM members_member WHERE number = %(text)s
 UNION ALL SELECT member_id, 0 FROM members_vehicle
  WHERE plate_index = %(plate)s AND active AND member_id IS NOT NULL
 UNION ALL SELECT m.id, 0 FROM devices_card c JOIN members_member m ON m.number = c.document
  WHERE c.number = ANY(%(cards)s) AND c.status = 'ACTIVE' AND c.meaning = 'MEMBER_CARD'
"""
_TAILS = """
 UNION ALL (SELECT id, 1 FROM members_member
  WHERE phone_tail_index = %(phone:tail)s ORDER BY id LIMIT 8)
 UNION ALL (SELECT member_id, 1 FROM members_vehicle
  WHERE plate_tail_index = %(plate:tail)s AND active AND member_id IS NOT NULL
  ORDER BY member_id LIMIT 8)
"""
_BY_ID = "SELECT id, 0 FROM members_member WHERE id = %(id)s"
_CARDS = """
WITH hit (id, far) AS ({hits}),
who AS (
 SELECT COALESCE(m.merged_into_id, m.id) AS id, MIN(hit.far) AS far
 FROM hit JOIN members_member m ON m.id = hit.id WHERE m.status <> 'CLOSED' GROUP BY 1)
SELECT m.id, m.number, m.status, m.key_id, k.wrapped, m.name_sealed, m.phone_sealed, s.name,
 m.confirmed_at, m.confirm_asked_at, who.far,
 ARRAY(SELECT ARRAY[o.key_id::text, ok.wrapped, v.plate_sealed]
  FROM members_vehicle v JOIN members_member o ON o.id = v.member_id
  JOIN station_datakey ok ON ok.id = o.key_id
  WHERE v.active AND v.member_id IN
   (SELECT m.id UNION ALL SELECT p.id FROM members_member p WHERE p.merged_into_id = m.id)
  ORDER BY v.id)
FROM who JOIN members_member m ON m.id = who.id JOIN station_datakey k ON k.id = m.key_id
JOIN station_station s ON s.id = m.home_station_id
WHERE who.far = (SELECT MIN(far) FROM who)
ORDER BY m.number LIMIT 8
"""


def find(*, text: str) -> list[MemberHit]:
    """Members by a whole phone, plate, number or card, else by the last four. Closed ones never.

    At every station: a member fills up anywhere. At most eight; empty for fewer than four
    characters. Two statements, one of them for the key of the indexes.
    """
    given = text.strip()[:120]
    sought = normal(given).removeprefix("+86")
    if len(sought) < TAIL:
        return []
    tail = sought if len(sought) == TAIL else ""
    indexes = blind_indexes(
        {"phone": sought, "plate": sought, "phone:tail": tail, "plate:tail": tail}
    )
    told = {**indexes, "text": sought, "cards": [given, sought]}
    return _asked(_EXACT + (_TAILS if tail else ""), told)


def look_up(*, text: str) -> Found:
    """`find` for the till: where nobody is found by a card that was reported lost, it says so."""
    hits = find(text=text)
    given = text.strip()[:120]
    lost = not hits and Card.objects.filter(
        number=given, status=Card.Status.LOST, meaning="MEMBER_CARD"
    )
    return Found(tuple(hits), LOST.format(given) if lost and lost.exists() else "")


def member_by_id(member_id: int) -> MemberHit | None:
    """A member whom a till chose before, masked; None for one who closed his account since."""
    return next(iter(_asked(_BY_ID, {"id": member_id})), None)


def _asked(hits: str, told: Mapping[str, Any]) -> list[MemberHit]:
    with connection.cursor() as cursor:
        cursor.execute(_CARDS.format(hits=hits), told)
        return [_hit(*row) for row in cursor.fetchall()]


def _hit(
    pk: int,
    number: str,
    status: str,
    key_id: int,
    wrapped: str,
    name: str,
    phone: str,
    home: str,
    confirmed_at: datetime | None,
    asked_at: datetime | None,
    far: int,
    plates: list[list[str]],
) -> MemberHit:
    key = DataKey(pk=key_id, wrapped=wrapped)
    return MemberHit(
        member_id=pk,
        number=number,
        name=mask_name(unseal(key, name)),
        phone=mask_phone(unseal(key, phone)),
        plates=tuple(
            mask_plate(unseal(DataKey(pk=int(owner), wrapped=theirs), sealed))
            for owner, theirs, sealed in plates
        ),
        status=str(Member.Status(status).label),
        home=home,
        exact=far == 0,
        words=words_of(number, status),
        confirmed_at=confirmed_at,
        confirm_asked_at=asked_at,
    )
