"""Whether rewards are worth having: who can afford each, what a point of it costs us, what lies idle."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection
from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet

from members.models import Member, PointsAccount, PointsTxn, Redemption, Reward
from members.queries.rewards import STANDS, on_show, rewards
from station.models import Station
from station.money import Yuan, round_yuan

ACTIVE_DAYS = 90
IDLE_DAYS = 60
MOST = 200
HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Reach:
    """How many members bought in the last ninety days, and how many of them can pay so many points."""

    members: int
    costs: tuple[int, ...]  # ascending
    able: tuple[int, ...]

    def share(self, cost: int) -> Decimal | None:
        """The part of the active members who can afford a reward; None without any."""
        if not self.members:
            return None
        place = bisect_left(self.costs, cost)
        known = place < len(self.costs) and self.costs[place] == cost
        return Decimal(self.able[place]) / self.members if known else None


_ABLE = """
WITH active AS (
  SELECT m.id FROM members_member m WHERE m.status = 'ACTIVE' AND EXISTS (
    SELECT 1 FROM members_purchase p WHERE p.member_id = m.id AND p.occurred_at >= %(since)s)
), held AS (
  SELECT COALESCE(a.balance, 0) AS balance FROM active
  LEFT JOIN members_pointsaccount a ON a.member_id = active.id
)
SELECT width_bucket(balance, %(costs)s::bigint[]) AS place, COUNT(*) FROM held GROUP BY 1
"""


def reach(*, costs: Sequence[int], at: datetime) -> Reach:
    """Who of the active members can afford each of these costs. One statement."""
    ascending = sorted(set(costs))
    if not ascending:
        return Reach(0, (), ())
    with connection.cursor() as cursor:
        cursor.execute(_ABLE, {"since": at - timedelta(days=ACTIVE_DAYS), "costs": ascending})
        counts = {int(place): int(count) for place, count in cursor.fetchall()}
    able = [
        sum(count for place, count in counts.items() if place > index)
        for index in range(len(ascending))
    ]
    return Reach(sum(counts.values()), tuple(ascending), tuple(able))


def cost_yuan(reward: Reward) -> Yuan:
    """What a reward costs the station: the item's average cost, else its value; less the surcharge."""
    cost = reward.item.cost if reward.item is not None else reward.value
    paid = reward.surcharge_item.price if reward.surcharge_item is not None else Decimal(0)
    return round_yuan(max(cost - paid, Decimal(0)))


def yuan_per_hundred(reward: Reward) -> Yuan:
    """The cost of a hundred points of it, in yuan."""
    return round_yuan(cost_yuan(reward) * HUNDRED / reward.cost_points)


def listed(at: datetime) -> QuerySet[Reward]:
    """Every reward with how often it was redeemed in thirty days."""
    recent = Q(
        redemptions__state__in=STANDS, redemptions__requested_at__gte=at - timedelta(days=30)
    )
    return rewards().annotate(recent=Count("redemptions", filter=recent))


def unloved(at: datetime) -> QuerySet[Reward]:
    """Rewards on show that nobody redeemed for sixty days, and that are older than that."""
    since = at - timedelta(days=IDLE_DAYS)
    taken = Redemption.objects.filter(
        reward=OuterRef("pk"), state__in=STANDS, requested_at__gt=since
    )
    rows = on_show(rewards(), at).filter(~Exists(taken), added_at__lte=since)
    last = Max("redemptions__requested_at", filter=Q(redemptions__state__in=STANDS))
    return rows.annotate(last=last).order_by("cost_points", "pk")


def idle_accounts(
    *, stations: Sequence[Station], least: int, at: datetime
) -> QuerySet[PointsAccount]:
    """Members of some stations with a large balance who spent no point for sixty days."""
    since = at - timedelta(days=IDLE_DAYS)
    spent = PointsTxn.objects.filter(
        account=OuterRef("pk"), kind=PointsTxn.Kind.REDEEM, occurred_at__gt=since
    )
    rows = PointsAccount.objects.filter(
        ~Exists(spent),
        balance__gte=least,
        member__status=Member.Status.ACTIVE,
        member__home_station__in=list(stations),
    )
    return rows.select_related("member__key", "member__home_station").order_by("-balance", "pk")


@dataclass(frozen=True, slots=True)
class Activity:
    """What the mall did in thirty days."""

    orders: int
    points: int
    waiting: int
    cancelled: int


def activity(*, station: Station, at: datetime) -> Activity:
    """Orders and points of a station in thirty days, and what waits now. One statement."""
    recent = Q(requested_at__gte=at - timedelta(days=30))
    told = Redemption.objects.filter(station=station).aggregate(
        orders=Count("pk", filter=recent & Q(state__in=STANDS)),
        waiting=Count("pk", filter=Q(state=Redemption.State.RESERVED)),
        cancelled=Count("pk", filter=recent & ~Q(state__in=STANDS)),
    )
    spent = sum(
        Redemption.objects.filter(recent, station=station, state__in=STANDS).values_list(
            "points", flat=True
        )
    )
    return Activity(told["orders"], spent, told["waiting"], told["cancelled"])
