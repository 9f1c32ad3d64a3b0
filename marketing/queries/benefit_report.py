"""What the benefits of each tier cost, and what members spend more since they hold it.

Cost is what was given: money off by the tier's litre price, points beyond the plain ones at what a
point pays, birthday coupons as they were used. Spending is compared with himself: the days after a
member rose to a tier with as many days before it, so that who always bought much adds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from members.queries.earn_rules import active_program
from station.models import Station
from station.money import ZERO, Yuan, round_yuan

WINDOW = 90

_CUT = """
SELECT t.name, COUNT(DISTINCT u.document) FILTER (WHERE u.original_id IS NULL),
 COUNT(DISTINCT u.member_id), SUM(u.amount)
FROM marketing_offeruse u JOIN station_businessday d ON d.id = u.day_id
JOIN members_tierbenefit b ON b.id = u.benefit_id JOIN members_tier t ON t.id = b.tier_id
WHERE u.station_id = ANY(%(stations)s) AND d.date BETWEEN %(since)s AND %(until)s
GROUP BY t.name
"""
_POINTS = """
SELECT t.name, COUNT(*), COUNT(DISTINCT p.account_id),
 SUM((p.amount - COALESCE(back.amount, 0)) * (1 - 1 / f.factor)) * %(worth)s / 100
FROM members_pointstxn p JOIN members_tier t ON t.code = p.breakdown ->> 'tier'
CROSS JOIN LATERAL (SELECT (p.breakdown ->> 'factor')::numeric AS factor) f
LEFT JOIN LATERAL (SELECT SUM(r.amount) AS amount FROM members_pointstxn r
 WHERE r.reverses_id = p.id) back ON TRUE
WHERE p.kind = 'EARN' AND p.date BETWEEN %(since)s AND %(until)s
 AND p.station_id = ANY(%(stations)s) AND f.factor > 1
GROUP BY t.name
"""
# The tier of a birthday is the one held when the gift was made.
_BIRTHDAY = """
SELECT COALESCE(t.name, '普通'), COUNT(DISTINCT u.document) FILTER (WHERE u.original_id IS NULL),
 COUNT(DISTINCT g.member_id), SUM(u.amount)
FROM members_gift g JOIN marketing_coupon c ON c.code = g.coupon
JOIN marketing_offeruse u ON u.coupon_id = c.id JOIN station_businessday d ON d.id = u.day_id
LEFT JOIN members_membertier h ON h.member_id = g.member_id AND h.since <= g.made_at
 AND (h.until IS NULL OR h.until > g.made_at)
LEFT JOIN members_tier t ON t.id = COALESCE(h.tier_id, (SELECT id FROM members_tier WHERE rank = 0))
WHERE g.occasion = 'BIRTHDAY' AND u.station_id = ANY(%(stations)s)
 AND d.date BETWEEN %(since)s AND %(until)s
GROUP BY 1
"""
_MORE = """
WITH risen AS (
  SELECT h.member_id, t.name, t.rank, (h.since AT TIME ZONE 'Asia/Shanghai')::date AS day
  FROM members_membertier h JOIN members_tier t ON t.id = h.tier_id
  JOIN members_member m ON m.id = h.member_id AND m.home_station_id = ANY(%(stations)s)
  WHERE h.reason = 'UPGRADE'
   AND (h.since AT TIME ZONE 'Asia/Shanghai')::date BETWEEN %(since)s AND %(until)s
), span AS (
  SELECT *, LEAST(%(window)s, %(today)s - day) AS days FROM risen WHERE day < %(today)s
)
SELECT s.name, COUNT(*),
 COALESCE(SUM((SELECT SUM(d.spend) FROM members_tiermeasuredaily d WHERE d.member_id = s.member_id
  AND d.date >= s.day - s.days AND d.date < s.day)), 0),
 COALESCE(SUM((SELECT SUM(d.spend) FROM members_tiermeasuredaily d WHERE d.member_id = s.member_id
  AND d.date > s.day AND d.date <= s.day + s.days)), 0)
FROM span s GROUP BY s.name, s.rank ORDER BY s.rank
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one benefit of one tier cost."""

    tier: str
    benefit: str
    uses: int
    members: int
    cost: Yuan


@dataclass(frozen=True, slots=True)
class More:
    """What those who rose to a tier spent in equal times before and after."""

    tier: str
    members: int
    before: Yuan
    after: Yuan

    @property
    def more(self) -> Yuan:
        """What is more, or less, since."""
        return self.after - self.before


def benefit_costs(*, stations: Iterable[Station], since: date, until: date) -> list[Cost]:
    """What each benefit of each tier cost between two days, both included. Four statements."""
    program = active_program()
    told = {
        "stations": [one.pk for one in stations],
        "since": since,
        "until": until,
        "worth": program.yuan_per_100 if program else ZERO,
    }
    found = [
        Cost(tier, benefit, uses, members, round_yuan(cost or ZERO))
        for benefit, asked in (("每升优惠", _CUT), ("积分倍数", _POINTS), ("生日礼包", _BIRTHDAY))
        for tier, uses, members, cost in _rows(asked, told)
    ]
    return sorted(found, key=lambda one: (one.tier, one.benefit))


def spending_since(
    *, stations: Iterable[Station], since: date, until: date, today: date
) -> list[More]:
    """Of those who rose to a tier between two days: what they spent before and since. One statement."""
    told = {
        "stations": [one.pk for one in stations],
        "since": since,
        "until": until,
        "today": today,
        "window": WINDOW,
    }
    return [More(*row) for row in _rows(_MORE, told)]


def _rows(asked: str, told: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(asked, told)
        return list(cursor.fetchall())
