"""Whose car it is, by its plate: what is said to the attendant who stands beside it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from members.models import Member
from station.models import DataKey
from station.queries.masking import mask_name
from station.services.sealing import unseal

USUAL = timedelta(days=180)

# A merged member is found as whom he became; a closed one left no plate behind.
_SQL = """
SELECT v.plate_index, m.number, m.status, m.key_id, k.wrapped, m.name_sealed, t.name, b.words,
 COALESCE((SELECT p.product FROM members_purchase p
   WHERE (p.member_id = m.id OR p.member_id IN
     (SELECT g.id FROM members_member g WHERE g.merged_into_id = m.id))
    AND p.kind = 'FUEL' AND p.net > 0 AND p.occurred_at > %(since)s
   GROUP BY p.product ORDER BY COUNT(DISTINCT p.document) DESC, p.product LIMIT 1), g.code),
 c.number, c.name, v.id,
 CASE WHEN c.active THEN c.pair_seconds END
FROM members_vehicle v
LEFT JOIN station_grade g ON g.id = v.grade_id
LEFT JOIN members_company c ON c.id = v.company_id
LEFT JOIN members_member m0 ON m0.id = v.member_id
LEFT JOIN members_member m ON m.id = COALESCE(m0.merged_into_id, m0.id)
LEFT JOIN station_datakey k ON k.id = m.key_id
LEFT JOIN members_membertier h ON h.member_id = m.id AND h.since <= %(at)s
 AND (h.until IS NULL OR h.until > %(at)s)
LEFT JOIN members_tier t ON t.id = h.tier_id
LEFT JOIN members_tierbenefit b ON b.tier_id = t.id AND b.kind = 'PRIORITY' AND b.since <= %(at)s
 AND (b.until IS NULL OR b.until > %(at)s)
WHERE v.active AND v.plate_index = ANY(%(indexes)s) AND v.plate_index <> ''
 AND COALESCE(m.status, 'ACTIVE') <> 'CLOSED'
"""


@dataclass(frozen=True)
class Owner:
    """A member (by number) or a company; the name of a person is masked."""

    number: str
    name: str
    tier: str
    priority: str  # what the tier gives him first, "" where it gives nothing
    usual: str  # the grade that he mostly takes, else the one noted for the car
    company: bool
    frozen: bool
    vehicle: int = 0  # of a company
    seconds: int = 0  # within which its driver must be identified too; 0: not asked for

    @property
    def words(self) -> str:
        """In one line: 张*国 金卡 常加 95#, or 单位车 and the company's name."""
        parts = [f"单位车 {self.name}" if self.company else self.name or f"会员 {self.number}"]
        parts += [self.tier, f"常加 {self.usual}" if self.usual else ""]
        parts += ["已冻结" if self.frozen else ""]
        return " ".join(part for part in parts if part)


def owners(*, indexes: Collection[str], at: datetime) -> Mapping[str, Owner]:
    """By the index of a plate, who has it registered now. One statement; none for no index."""
    sought = [one for one in indexes if one]
    if not sought:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_SQL, {"indexes": sought, "at": at, "since": at - USUAL})
        return {row[0]: _owner(*row[1:]) for row in cursor.fetchall()}


def _owner(
    number: str | None,
    status: str | None,
    key_id: int | None,
    wrapped: str | None,
    name: str | None,
    tier: str | None,
    priority: str | None,
    usual: str | None,
    company: str | None,
    company_name: str | None,
    vehicle: int,
    seconds: int | None,
) -> Owner:
    if company is not None:
        name = company_name or ""
        return Owner(company, name, "", "", usual or "", True, False, vehicle, seconds or 0)
    key = DataKey(pk=key_id, wrapped=wrapped or "")
    return Owner(
        number=number or "",
        name=mask_name(unseal(key, name or "")),
        tier=tier or "",
        priority=f"{tier} {priority}" if priority else "",
        usual=usual or "",
        company=False,
        frozen=status == Member.Status.FROZEN,
    )
