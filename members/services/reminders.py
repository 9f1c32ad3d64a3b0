"""Reminders: points about to expire, a balance that reached what is worth redeeming, a tier that moved.

Set-based: each asks the database who is to be told and was not, a few thousand members at a time,
each batch in a transaction of its own. The key of a message makes every run repeatable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils.timezone import localdate

from members.models import MemberNotice, TierNotice
from members.queries.points_expiry import midnight_after
from members.queries.reminders import Due, days_of, due_on
from members.services.notices import Told, tell_all
from station.models import Station
from station.queries import settings
from station.queries.wording import count

BATCH = 5000
LOOKS_BACK = timedelta(days=3)  # over what the server may have been off
Kind = MemberNotice.Kind
POINTS, MALL, TIER = "/m/points/", "/m/mall/", "/m/tier/"


def in_batches(
    sql: str, asked: dict[str, Any], say: Callable[[Sequence[tuple[Any, ...]]], int]
) -> int:
    """Tell whom a query names until it names nobody more; it leaves out whom it was told. How many."""
    done = 0
    while True:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(sql, {**asked, "most": BATCH})
                rows = cursor.fetchall()
            told = say(rows)
        done += told
        if len(rows) < BATCH or not told:
            return done


# ------------------------------------------------------------------ points about to expire

_EXPIRING = """
SELECT a.member_id, SUM(l.remaining) FROM members_pointslot l
JOIN members_pointsaccount a ON a.id = l.account_id
JOIN members_member m ON m.id = a.member_id
WHERE l.remaining > 0 AND l.expires_at >= %(since)s AND l.expires_at < %(until)s
  AND m.status = 'ACTIVE' AND m.home_station_id = %(station)s
  AND NOT EXISTS (SELECT 1 FROM members_membernotice n
    WHERE n.member_id = a.member_id AND n.key = %(key)s)
GROUP BY a.member_id ORDER BY a.member_id LIMIT %(most)s
"""


def remind_expiring(*, at: datetime) -> int:
    """Tell who has points whose last day comes near, once per last day and reminder. How many.

    What was used or taken back meanwhile is not in the lots, and so not in the words.
    """
    today, told = localdate(at), 0
    for station in Station.objects.all():
        days = days_of(settings.text("members.points_remind_days", station))
        for due in due_on(today=today, days=days):
            told += _expiring_on(due, station, at)
    return told


def _expiring_on(due: Due, station: Station, at: datetime) -> int:
    key = f"points-expire:{due.last}:{due.step}"

    def say(rows: Sequence[tuple[Any, ...]]) -> int:
        words = "{} 分最后可用日是 {}（{}），过后作废。可以到积分商城兑换，或付款时抵现。"
        return tell_all(
            kind=Kind.POINTS_EXPIRY,
            subject="积分即将过期",
            told=[
                Told(member, key, words.format(count(points), due.last, due.words))
                for member, points in rows
            ],
            at=at,
            url=POINTS,
        )

    asked = {
        "since": midnight_after(due.last),
        "until": midnight_after(due.last + timedelta(days=1)),
        "station": station.pk,
        "key": key,
    }
    return in_batches(_EXPIRING, asked, say)


# ------------------------------------------------------------------ a balance reached

# A row that lifted the balance from below to the figure or above, by the ledger's own order within
# an account, and the account still there: what was spent at once needs no word. Of several such rows
# that nobody looked at in between the last one counts.
_REACHED = """
SELECT c.member_id, c.txn_id, c.balance FROM (
  SELECT DISTINCT ON (a.member_id) a.member_id, t.id AS txn_id, a.balance FROM members_pointstxn t
  JOIN members_pointsaccount a ON a.id = t.account_id
  JOIN members_member m ON m.id = a.member_id
  WHERE t.date >= %(since)s AND t.balance_after >= %(figure)s AND a.balance >= %(figure)s
    AND m.status = 'ACTIVE' AND m.home_station_id = %(station)s
    AND COALESCE((SELECT p.balance_after FROM members_pointstxn p
      WHERE p.account_id = t.account_id AND p.id < t.id ORDER BY p.id DESC LIMIT 1), 0) < %(figure)s
  ORDER BY a.member_id, t.id DESC) c
WHERE NOT EXISTS (SELECT 1 FROM members_membernotice n WHERE n.member_id = c.member_id
    AND n.key = 'points-reach:' || c.txn_id)
ORDER BY c.member_id LIMIT %(most)s
"""


def remind_reached(*, at: datetime) -> int:
    """Tell who came from below to the set balance or above, once per crossing. How many."""
    told = 0
    for station in Station.objects.all():
        figure = settings.whole("members.points_remind_at", station)
        if figure:
            told += _reached(figure, station, at)
    return told


def _reached(figure: int, station: Station, at: datetime) -> int:
    def say(rows: Sequence[tuple[Any, ...]]) -> int:
        words = "您有 {} 分可用，已到 {} 分，可以到积分商城兑换。"
        return tell_all(
            kind=Kind.POINTS_REACHED,
            subject="积分可以兑换了",
            told=[
                Told(member, f"points-reach:{txn}", words.format(count(balance), count(figure)))
                for member, txn, balance in rows
            ],
            at=at,
            url=MALL,
        )

    asked = {
        "since": localdate(at - LOOKS_BACK),
        "figure": figure,
        "station": station.pk,
    }
    return in_batches(_REACHED, asked, say)


# ------------------------------------------------------------------ tiers

_TIERS = """
SELECT t.member_id, t.key, t.kind, t.words FROM members_tiernotice t
JOIN members_member m ON m.id = t.member_id
WHERE t.made_at > %(since)s AND t.kind = ANY(%(kinds)s) AND m.status <> 'CLOSED'
  AND NOT EXISTS (SELECT 1 FROM members_membernotice n WHERE n.member_id = t.member_id
    AND n.key = 'tier:' || t.key)
ORDER BY t.id LIMIT %(most)s
"""


def tell_tiers(*, at: datetime) -> int:
    """Bring what a member is to be told of his tier to his phone. How many."""

    def say(rows: Sequence[tuple[Any, ...]]) -> int:
        return sum(_tell_tiers(kind, _of(kind, rows), at) for kind in TierNotice.Kind.values)

    asked = {"since": at - LOOKS_BACK, "kinds": list(TierNotice.Kind.values)}
    return in_batches(_TIERS, asked, say)


def _of(kind: str, rows: Iterable[tuple[Any, ...]]) -> list[Told]:
    return [Told(member, f"tier:{key}", words) for member, key, its, words in rows if its == kind]


def _tell_tiers(kind: str, told: Sequence[Told], at: datetime) -> int:
    subject = f"会员等级{TierNotice.Kind(kind).label}"
    return tell_all(kind=Kind.TIER, subject=subject, told=told, at=at, url=TIER)
