"""Locked prices: a member's litres as rules of a quote, and what the pages show of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Q, QuerySet
from django.utils.timezone import localdate

from marketing.models import PriceLock
from marketing.queries.rules import Rule, Scope, When, Work
from members.models import Member
from members.queries.merged import ids_of
from station.models import Station
from station.money import ZERO, Yuan, round_yuan

Status = PriceLock.Status
NO_LITRES = Decimal(0)


def lock_rules(*, station: Station, member: int | None, at: datetime) -> list[Rule]:
    """The litres that a member has locked at a station, as rules; those of who may not spend are none.

    The lowest price comes first, then what ends first. One statement, none without a member.
    """
    if member is None:
        return []
    rows = PriceLock.objects.filter(
        member=member,
        member__status=Member.Status.ACTIVE,
        station=station,
        left__gt=0,
        valid_until__gt=at,
    ).select_related("grade")
    ordered = rows.order_by("price", "valid_until", "pk")
    return [_rule(one, -place) for place, one in enumerate(ordered)]


def _rule(lock: PriceLock, priority: int) -> Rule:
    return Rule(
        key=f"L{lock.pk:012d}",
        name=f"锁价 {lock.grade.code} ¥{lock.price:.2f}",
        work=Work.LOCK,
        campaign=lock.campaign,
        value=lock.price,
        litres_left=lock.left,
        scope=Scope(kinds=frozenset({"FUEL"}), products=frozenset({lock.grade.code})),
        when=When(until=lock.valid_until),
        members_only=True,
        priority=priority,
        lock=lock.pk,
    )


def worth(*, list_price: Yuan | None, price: Yuan, litres: Decimal) -> Yuan | None:
    """What litres at a price would take off at the posted price; None where none is posted."""
    if list_price is None:
        return None
    return round_yuan(max(list_price - price, ZERO) * litres)


def locks_at(stations: Iterable[Station]) -> QuerySet[PriceLock]:
    """The locks of some stations, with what a list shows of each."""
    rows = PriceLock.objects.filter(station__in=list(stations))
    return rows.select_related("member", "grade", "station", "granted_by", "approved_by")


def state_of(lock: PriceLock, at: datetime) -> str:
    """How a lock stands, in words."""
    if lock.status != Status.APPROVED:
        return str(lock.get_status_display())
    if lock.valid_until <= at:
        return "已过期"
    return "可用" if lock.left else "已用完"


@dataclass(frozen=True, slots=True)
class OwnLock:
    """Locked litres as their member reads them; `last` is their last day."""

    grade: str
    price: Yuan
    left: Decimal
    litres: Decimal
    last: date
    where: str


def own_locks(*, member: Member, at: datetime) -> list[OwnLock]:
    """What a member has left, first what ends first. One statement."""
    rows = PriceLock.objects.filter(
        Q(left__gt=0), member__in=ids_of(member), valid_until__gt=at
    ).select_related("grade", "station")
    return [
        OwnLock(
            grade=one.grade.code,
            price=one.price,
            left=one.left,
            litres=one.litres,
            last=localdate(one.valid_until - timedelta(microseconds=1)),
            where=one.station.name,
        )
        for one in rows.order_by("valid_until", "pk")
    ]
