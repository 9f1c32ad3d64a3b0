"""Every night: whose sales go to one member, or to members whom he registered himself, too often.

What passed through an employee's hands is counted by document: as the cashier's, and as the
attendant's. A case says so once a day; nothing is withheld.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils.timezone import get_current_timezone, localtime

from members.models import Consent, Metric, RiskCase, RiskRule
from members.queries.risk import rule_of, span_of

# One row per person, station and member: sales to him, and all sales of the person there.
_SHARES = """
WITH sold AS (
  SELECT DISTINCT hand.id AS staff, p.station_id, p.document,
   COALESCE(m.merged_into_id, m.id) AS member
  FROM members_purchase p
  JOIN station_businessday d ON d.id = p.day_id AND d.date BETWEEN %(from)s AND %(to)s
  LEFT JOIN members_member m ON m.id = p.member_id
  CROSS JOIN LATERAL (SELECT p.cashier_id AS id UNION SELECT p.attendant_id) hand
  WHERE p.original = '' AND p.occurred_at >= %(since)s AND p.occurred_at < %(until)s
   AND hand.id IS NOT NULL
), whole AS (
  SELECT staff, station_id, COUNT(*) AS sales FROM sold GROUP BY staff, station_id
)
"""
_ONE_MEMBER = f"""{_SHARES}
SELECT s.staff, s.station_id, s.member, COUNT(*) AS his, w.sales
FROM sold s JOIN whole w USING (staff, station_id) WHERE s.member IS NOT NULL
GROUP BY s.staff, s.station_id, s.member, w.sales
HAVING w.sales >= %(least)s AND 100 * COUNT(*) > %(limit)s * w.sales
ORDER BY 1, 2, 3
"""
_OWN_MEMBERS = f"""{_SHARES}
SELECT s.staff, s.station_id, NULL, COUNT(*) AS his, w.sales
FROM sold s JOIN whole w USING (staff, station_id)
WHERE EXISTS (SELECT 1 FROM members_consent c WHERE c.member_id = s.member
  AND c.purpose = '{Consent.Purpose.POLICY}' AND c.given_by_id = s.staff)
GROUP BY s.staff, s.station_id, w.sales
HAVING w.sales >= %(least)s AND 100 * COUNT(*) > %(limit)s * w.sales
ORDER BY 1, 2
"""
WORDS = {
    Metric.SHARE_MEMBER: "{span}经手 {sales} 单，其中 {his} 单是同一位会员（{share}%，限 {limit}%）",
    Metric.SHARE_OWN: "{span}经手 {sales} 单，其中 {his} 单是自己登记的会员（{share}%，限 {limit}%）",
}


def watch(*, at: datetime) -> int:
    """Look at what was sold until last midnight; how many were over a limit. Again, the same cases."""
    today = localtime(at).date()
    return sum(
        _watch(metric, asked, today, at)
        for metric, asked in (
            (Metric.SHARE_MEMBER, _ONE_MEMBER),
            (Metric.SHARE_OWN, _OWN_MEMBERS),
        )
    )


@transaction.atomic
def _watch(metric: Metric, asked: str, today: date, at: datetime) -> int:
    rule = rule_of(metric)
    if rule is None:
        return 0
    until = datetime.combine(today, time(), tzinfo=get_current_timezone())
    since = until - timedelta(seconds=rule.window or 86400)
    told: dict[str, Any] = {
        "since": since,
        "until": until,
        # A business day may begin the evening before and end after midnight.
        "from": localtime(since).date() - timedelta(days=1),
        "to": today,
        "least": rule.least,
        "limit": rule.limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(asked, told)
        rows = cursor.fetchall()
    found = [_case(rule, row, today, at) for row in rows]
    RiskCase.objects.bulk_create(found, ignore_conflicts=True)
    return len(found)


def _case(rule: RiskRule, row: tuple[Any, ...], today: date, at: datetime) -> RiskCase:
    staff, station, member, his, sales = row
    share = 100 * his // sales
    return RiskCase(
        rule=rule,
        metric=rule.metric,
        action=rule.action,
        key=f"{rule.metric}:{today}:{staff}:{station}:{member or 0}",
        station_id=station,
        member_id=member,
        staff_id=staff,
        value=share,
        limit=rule.limit,
        words=WORDS[Metric(rule.metric)].format(
            span=span_of(rule.window), sales=sales, his=his, share=share, limit=rule.limit
        ),
        date=today - timedelta(days=1),
        occurred_at=at,
    )
