"""Pools as they are asked for: who is in one, whose points lie in it, what may still be spent of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q, QuerySet, Sum
from django.utils.timezone import localdate

from members.models import Member, PointsAccount, PointsLot, PointsTxn, Pool, PoolMember
from members.queries.cards import card_of
from station.queries.masking import mask_plate
from station.services.sealing import unseal

State, Kind = PoolMember.State, PointsTxn.Kind


def place_of(*, member_id: int) -> PoolMember | None:
    """Where a member is in a pool now; None where he is in none. Not locked. One statement."""
    rows = PoolMember.objects.select_related("pool__account", "pool__company", "pool__head__key")
    return rows.filter(member=member_id, state=State.ACTIVE).first()


def ends_of(ids: Iterable[int]) -> dict[int, int]:
    """Accounts, each with the one that it is after merges."""
    ends = {pk: pk for pk in ids}
    asked = set(ends.values())
    while asked:
        rows = PointsAccount.objects.filter(pk__in=asked, moved_to__isnull=False)
        moved = dict(rows.values_list("pk", "moved_to"))
        ends = {pk: moved.get(end) or end for pk, end in ends.items()}
        asked = {pk for pk in moved.values() if pk is not None}
    return ends


def owners_of(lots: Iterable[PointsLot]) -> dict[int, int]:
    """Lots of a pool, each with the account whose earning it goes back to, after merges.

    The lots come with their `root`. One statement where nobody was merged.
    """
    held = list(lots)
    ends = ends_of({lot.root.account_id for lot in held})
    return {lot.pk: ends[lot.root.account_id] for lot in held}


def largest_remainder(weights: Mapping[int, int], points: int) -> dict[int, int]:
    """Whole points split by weight: the parts add up to `points`, ties go to the lowest id.

    No part is larger than its weight where `points` is at most their sum.
    """
    whole = sum(weights.values())
    if not whole:
        return dict.fromkeys(weights, 0)
    parts = {who: weight * points // whole for who, weight in weights.items()}
    short = points - sum(parts.values())
    by_rest = sorted(weights, key=lambda who: (-(weights[who] * points % whole), who))
    for who in by_rest[:short]:
        parts[who] += 1
    return parts


def used_in_month(*, place: PoolMember, day: date) -> int:
    """What a member spent of his pool in the month of a day, less what came back of that.

    Whatever places he had in it, and whoever was merged into him. Two statements.
    """
    his = Q(place__member=place.member_id) | Q(place__member__merged_into=place.member_id)
    spent = PointsTxn.objects.filter(
        his,
        place__pool=place.pool_id,
        kind=Kind.REDEEM,
        date__gte=day.replace(day=1),
        date__lt=_next_month(day),
    )
    rows = dict(spent.values_list("pk", "amount"))
    if not rows:
        return 0
    back = PointsTxn.objects.filter(reverses__in=rows, kind=Kind.REDEEM_CANCEL)
    return sum(rows.values()) - (back.aggregate(total=Sum("amount"))["total"] or 0)


def _next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def left_in_month(*, place: PoolMember, day: date) -> int | None:
    """What he may still spend of it this month; None without a bound."""
    if place.cap_month is None:
        return None
    return max(place.cap_month - used_in_month(place=place, day=day), 0)


def may_take(*, place: PoolMember, balance: int, frozen: bool, day: date) -> int:
    """What a member may take out of a pool with this balance now: nothing without the right."""
    if not place.can_spend or frozen or not balance:
        return 0
    left = left_in_month(place=place, day=day)
    return balance if left is None else min(balance, left)


def usable_of(account: PointsAccount, at: datetime) -> int:
    """What of an account can be used at an instant, dead points that nobody swept left out."""
    waiting = Q(pending=True, active_from__gt=at)
    alive = Q(expires_at=None) | Q(expires_at__gt=at)
    rows = PointsLot.objects.filter(alive, account=account, remaining__gt=0).exclude(waiting)
    return rows.aggregate(total=Sum("remaining"))["total"] or 0


@dataclass(frozen=True, slots=True)
class Shared:
    """A member's pool as the till and his phone see it."""

    place: PoolMember
    balance: int
    usable: int  # of the balance, by right and bound

    @property
    def words(self) -> str:
        """What the till shows beside the member's own points."""
        return f"{self.place.pool.get_kind_display()}积分 {self.balance:,}，可用 {self.usable:,}"


def shared_of(*, member_id: int, at: datetime) -> Shared | None:
    """What a member has in a pool and may spend of it now. One statement where he is in none."""
    place = place_of(member_id=member_id)
    if place is None:
        return None
    account = place.pool.account
    balance = usable_of(account, at)
    usable = may_take(place=place, balance=balance, frozen=account.frozen, day=localdate(at))
    return Shared(place, balance, usable)


def payable_of(*, member_id: int, own: int, at: datetime) -> int:
    """What a member can pay with: so many points of his own, and what he may take of his pool."""
    shared = shared_of(member_id=member_id, at=at)
    return own + (shared.usable if shared else 0)


def brought_of(pool: Pool, at: datetime | None = None) -> dict[int, int]:
    """What of each contributor's points is still in the pool, by his account.

    At an instant: without the dead points that nobody swept yet.
    """
    lots = PointsLot.objects.filter(account=pool.account_id, remaining__gt=0)
    if at is not None:
        lots = lots.filter(Q(expires_at=None) | Q(expires_at__gt=at))
    held: dict[int, int] = {}
    rows = list(lots.select_related("root"))
    owners = owners_of(rows)
    for lot in rows:
        held[owners[lot.pk]] = held.get(owners[lot.pk], 0) + lot.remaining
    return held


@dataclass(frozen=True, slots=True)
class Seat:
    """One member of a pool with his figures."""

    place: PoolMember
    brought: int
    used: int


def seats_of(pool: Pool, *, at: datetime) -> list[Seat]:
    """Who is in a pool, in the order of joining, with what is left of his and what he used this month."""
    rows = pool.members.filter(state=State.ACTIVE).select_related(
        "member__key", "member__points", "vehicle"
    )
    brought = brought_of(pool, at)
    return [
        Seat(
            place,
            brought.get(_account_id(place.member), 0),
            used_in_month(place=place, day=localdate(at)),
        )
        for place in rows.order_by("joined_at", "pk")
    ]


def _account_id(member: Member) -> int:
    account = getattr(member, "points", None)
    return account.pk if account is not None else 0


def invitations_of(*, member_id: int) -> QuerySet[PoolMember]:
    """What a member may still say yes or no to."""
    rows = PoolMember.objects.filter(member=member_id, state=State.INVITED, pool__closed_at=None)
    return rows.select_related("pool__head__key", "pool__company", "vehicle").order_by("pk")


def pools_of(stations: Iterable[object]) -> QuerySet[Pool]:
    """Pools that were opened at some stations."""
    rows = Pool.objects.filter(station__in=list(stations))
    return rows.select_related(
        "account", "head__key", "heir__key", "company__key", "station", "closed_by"
    )


def whose_of(pool: Pool) -> str:
    """Whose pool it is, in words: the company, or the head by his masked name and number."""
    if pool.company is not None:
        return pool.company.name
    return f"{card_of(pool.head).name or '会员'} {pool.head.number}" if pool.head else ""


def plate_of(place: PoolMember) -> str:
    """The masked plate that a company's driver drives."""
    company = place.pool.company
    if place.vehicle is None or company is None:
        return ""
    return mask_plate(unseal(company.key, place.vehicle.plate_sealed))
