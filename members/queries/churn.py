"""会员流失: who bought before a month and had not for so long by its end. By tier and by year of joining.

Active on a day is who bought within so many days before it. Churned in a month is who was active on
its first day and is not on the day after its last; of the running month, who is not by tomorrow.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from members.models import Member
from station.money import ZERO

DAYS = "members.churn_days"

# Sales of a day that were given back whole leave no visit.
_CHURN = """
WITH span AS (
  SELECT * FROM UNNEST(%(starts)s::date[], %(ends)s::date[]) AS m(start, stop)
), seen AS (
  SELECT span.start, span.stop, t.member_id,
   BOOL_OR(t.date < span.start) AS active, BOOL_OR(t.date >= span.stop - %(days)s) AS still
  FROM span JOIN members_tiermeasuredaily t
   ON t.date >= span.start - %(days)s AND t.date < span.stop AND t.visits > 0
  GROUP BY span.start, span.stop, t.member_id
), who AS (
  SELECT seen.start, m.id, NOT seen.still AS gone, EXTRACT(YEAR FROM m.joined_at
    AT TIME ZONE 'Asia/Shanghai')::int AS joined,
   COALESCE((SELECT t.tier_id FROM members_membertier t WHERE t.member_id = m.id
     AND t.since < seen.start AND (t.until IS NULL OR t.until >= seen.start)
     ORDER BY t.since DESC LIMIT 1), (SELECT id FROM members_tier WHERE rank = 0)) AS tier
  FROM seen JOIN members_member m ON m.id = seen.member_id
  WHERE seen.active AND m.status <> 'MERGED' AND m.home_station_id = ANY(%(stations)s)
)
"""
_COUNTS = f"""{_CHURN}
SELECT who.start, COALESCE(t.name, '普通'), COALESCE(t.rank, 0), who.joined, COUNT(*),
 COUNT(*) FILTER (WHERE gone)
FROM who LEFT JOIN members_tier t ON t.id = who.tier GROUP BY 1, 2, 3, 4 ORDER BY 1, 3, 4
"""
_WHO = f"""{_CHURN}
SELECT who.id FROM who LEFT JOIN members_tier t ON t.id = who.tier
WHERE gone AND (%(tier)s = '' OR COALESCE(t.name, '普通') = %(tier)s)
 AND (%(joined)s IS NULL OR who.joined = %(joined)s)
"""


@dataclass(frozen=True, slots=True)
class Part:
    """Members of one tier and one year of joining, in one month."""

    month: date
    tier: str
    rank: int
    joined: int
    active: int
    gone: int


@dataclass(frozen=True, slots=True)
class Sum:
    """How many were active and how many of them churned."""

    active: int
    gone: int

    @property
    def rate(self) -> Any:
        """Churned of active; zero of nobody is zero."""
        return ZERO + self.gone / (ZERO + self.active) if self.active else ZERO


def months_to(today: date, count: int = 12) -> list[date]:
    """The first days of the last months, the running one last. Pure."""
    told = [today.replace(day=1)]
    while len(told) < count:
        told.append((told[-1] - timedelta(days=1)).replace(day=1))
    return told[::-1]


def end_of(month: date, today: date) -> date:
    """The day after the last of a month; of the running one, tomorrow. Pure."""
    following = (month + timedelta(days=32)).replace(day=1)
    return min(following, today + timedelta(days=1))


def churn(*, months: list[date], today: date, days: int, stations: list[int]) -> list[Part]:
    """Active and churned members of each month, by tier then held and year of joining. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, _told(months, today, days, stations))
        return [Part(*row) for row in cursor.fetchall()]


def churned(
    *, month: date, today: date, days: int, stations: list[int], tier: str, joined: int | None
) -> QuerySet[Member]:
    """Who they are. Two statements with the list's own."""
    told = {**_told([month], today, days, stations), "tier": tier, "joined": joined}
    with connection.cursor() as cursor:
        cursor.execute(_WHO, told)
        ids = [pk for (pk,) in cursor.fetchall()]
    return Member.objects.filter(pk__in=ids).select_related("key", "home_station")


def summed(parts: list[Part]) -> Sum:
    """Several parts together."""
    return Sum(sum(one.active for one in parts), sum(one.gone for one in parts))


def _told(months: list[date], today: date, days: int, stations: list[int]) -> dict[str, Any]:
    return {
        "starts": months,
        "ends": [end_of(one, today) for one in months],
        "days": days,
        "stations": stations,
    }
