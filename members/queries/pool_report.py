"""A pool's month: what each brought and used, and how the pool got from its first to its last point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from django.db.models import Q, Sum

from members.models import PointsTxn, Pool, PoolMember

Kind = PointsTxn.Kind


@dataclass(slots=True)
class Person:
    """One member's points of a span: brought less taken back, used less given back."""

    place: PoolMember
    brought: int = 0
    taken: int = 0
    used: int = 0
    returned: int = 0


@dataclass(frozen=True, slots=True)
class PoolReport:
    """opening + brought − taken − used + returned − expired − left = closing."""

    opening: int
    brought: int
    taken: int
    used: int
    returned: int
    expired: int
    left: int
    closing: int
    people: Sequence[Person] = field(default_factory=tuple)


def pool_report(*, pool: Pool, since: date, until: date) -> PoolReport:
    """What happened to a pool from one day to another, both included. Four statements."""
    rows = PointsTxn.objects.filter(account=pool.account_id)
    opening = rows.filter(date__lt=since).aggregate(n=Sum("delta"))["n"] or 0
    within = rows.filter(date__range=(since, until))
    sums = dict(within.values_list("kind").annotate(Sum("delta")))
    people = _people(pool, since, until)
    return PoolReport(
        opening=opening,
        brought=sums.get(Kind.TRANSFER_IN, 0),
        taken=-sums.get(Kind.CLAWBACK, 0),
        used=-sums.get(Kind.REDEEM, 0),
        returned=sums.get(Kind.REDEEM_CANCEL, 0),
        expired=-sums.get(Kind.EXPIRE, 0),
        left=-(sums.get(Kind.TRANSFER_OUT, 0) + sums.get(Kind.ADJUST, 0)),
        closing=opening + sum(sums.values()),
        people=people,
    )


def _people(pool: Pool, since: date, until: date) -> list[Person]:
    """Everybody who was in the pool in these days, in the order of joining; one line a place."""
    within = Q(txns__date__range=(since, until), txns__account=pool.account_id)
    back = Q(txns__reversals__date__range=(since, until))
    places = pool.members.filter(joined_at__isnull=False).select_related(
        "member__key", "vehicle", "pool__company__key"
    )

    def of(kind: str) -> Sum:
        return Sum("txns__delta", filter=within & Q(txns__kind=kind))

    summed = places.annotate(
        brought=of(Kind.TRANSFER_IN), taken=of(Kind.CLAWBACK), used=of(Kind.REDEEM)
    )
    returned = dict(
        pool.members.filter(back, txns__reversals__kind=Kind.REDEEM_CANCEL)
        .values_list("pk")
        .annotate(Sum("txns__reversals__delta"))
    )
    people = []
    for one in summed.order_by("joined_at", "pk"):
        person = Person(
            one,
            one.brought or 0,
            -(one.taken or 0),
            -(one.used or 0),
            returned.get(one.pk, 0),
        )
        moved = person.brought or person.taken or person.used or person.returned
        if moved or one.left_at is None:
            people.append(person)
    return people
