"""Coupons about to expire: their members are told, once per last day and reminder."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils.timezone import localdate

from members.models import MemberNotice
from members.queries.points_expiry import midnight_after
from members.queries.reminders import Due, days_of, due_on
from members.services.notices import Told, tell_all
from members.services.reminders import in_batches
from station.models import Station
from station.queries import settings

COUPONS = "/m/coupons/"
_EXPIRING = """
SELECT c.member_id, COUNT(*), MIN(t.name) FROM marketing_coupon c
JOIN marketing_coupontemplate t ON t.id = c.template_id
JOIN members_member m ON m.id = c.member_id
WHERE c.state IN ('ISSUED', 'LOCKED') AND c.valid_until > %(since)s AND c.valid_until <= %(until)s
  AND c.valid_until > %(at)s AND m.status = 'ACTIVE' AND m.home_station_id = %(station)s
  AND NOT EXISTS (SELECT 1 FROM members_membernotice n
    WHERE n.member_id = c.member_id AND n.key = %(key)s)
GROUP BY c.member_id ORDER BY c.member_id LIMIT %(most)s
"""


def remind_coupons(*, at: datetime) -> int:
    """Tell who has coupons in hand whose last day comes near. How many. Set-based."""
    today, told = localdate(at), 0
    for station in Station.objects.all():
        days = days_of(settings.text("marketing.coupon_remind_days", station))
        for due in due_on(today=today, days=days):
            told += _expiring_on(due, station, at)
    return told


def _expiring_on(due: Due, station: Station, at: datetime) -> int:
    key = f"coupon-expire:{due.last}:{due.step}"

    def say(rows: Sequence[tuple[Any, ...]]) -> int:
        return tell_all(
            kind=MemberNotice.Kind.COUPON_EXPIRY,
            subject="优惠券即将过期",
            told=[Told(member, key, _words(name, count, due)) for member, count, name in rows],
            at=at,
            url=COUPONS,
        )

    asked = {
        "since": midnight_after(due.last - timedelta(days=1)),
        "until": midnight_after(due.last),
        "at": at,
        "station": station.pk,
        "key": key,
    }
    return in_batches(_EXPIRING, asked, say)


def _words(name: str, count: int, due: Due) -> str:
    which = f"「{name}」" if count == 1 else f"「{name}」等 {count} 张优惠券"
    return f"{which}最后可用日是 {due.last}（{due.words}）。付款时出示会员码，自动可用。"
