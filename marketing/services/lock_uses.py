"""Locked litres that a sale takes and a correction gives back, in the transaction of either.

The balance goes down by one conditional UPDATE over `locked_litres_stay_between_none_and_all`: two
tills that want the last litres are one that has them and one that is told so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal

from django.db.models import F, Sum
from django.db.models.functions import Coalesce

from marketing.models import PriceLock, PriceLockMove
from marketing.queries.quoting import Locked
from marketing.services.locks import sweep
from station.errors import Refusal
from station.fields import LitresField
from station.models import Station, User
from station.money import FEN, MILLILITRE, ZERO, Yuan
from station.queries import settings

Kind = PriceLockMove.Kind
NOTHING = Decimal(0)


class LockSpent(Refusal):
    """The litres of a lock went elsewhere meanwhile."""


def take(
    *, litres: Sequence[Locked], document: str, at: datetime, quoted: datetime, actor: User | None
) -> None:
    """Take locked litres for a document. One statement a lock and one for the moves.

    `quoted` is the instant at which they were offered: they were in time then. Refuses LockSpent.
    """
    wanted: dict[int, Decimal] = {}
    for one in litres:
        wanted[one.lock] = wanted.get(one.lock, NOTHING) + one.litres
    for pk, amount in sorted(wanted.items()):
        row = PriceLock.objects.filter(pk=pk, left__gte=amount, valid_until__gt=quoted)
        if not row.update(left=F("left") - amount):
            raise LockSpent("没有收款：锁价的升数刚在别处用掉。请重新算一次优惠，看清金额再收。")
    PriceLockMove.objects.bulk_create(
        PriceLockMove(
            lock_id=one.lock,
            kind=Kind.USED,
            litres=-one.litres,
            document=document,
            line=one.position,
            at=at,
            actor=actor,
        )
        for one in litres
    )


def give_back(
    *,
    sale: str,
    document: str,
    shares: Mapping[int, tuple[Yuan, Yuan]],
    station: Station,
    at: datetime,
    actor: User | None,
) -> None:
    """Give back of what a sale took the share of each line that is back with this correction.

    `shares` are by line how much of its money is back, and how much there was. Cumulative and rounded down to the millilitre, so that all corrections together give back what
    was taken and never more. A lock that ran out since is good for `marketing.coupon_grace_days`;
    one that was stopped gets nothing back.
    """
    back = Coalesce(Sum("given_back__litres"), NOTHING, output_field=LitresField())
    used = PriceLockMove.objects.filter(document=sale, kind=Kind.USED).annotate(back=back)
    rows = []
    for move in used.order_by("lock_id", "line"):
        part, whole = shares.get(move.line, (ZERO, FEN))
        due = (-move.litres * part / whole).quantize(MILLILITRE, ROUND_FLOOR) - move.back
        if due > 0 and _return(move.lock_id, due, station=station, at=at):
            rows.append(
                PriceLockMove(
                    lock_id=move.lock_id,
                    kind=Kind.RETURNED,
                    litres=due,
                    document=document,
                    line=move.line,
                    original=move,
                    at=at,
                    actor=actor,
                )
            )
    PriceLockMove.objects.bulk_create(rows)


def _return(pk: int, litres: Decimal, *, station: Station, at: datetime) -> bool:
    lock = PriceLock.objects.select_for_update(of=("self",)).get(pk=pk)
    if lock.status != PriceLock.Status.APPROVED:
        return False
    if lock.valid_until <= at:
        sweep(lock, at=at)
        lock.valid_until = at + timedelta(
            days=settings.whole("marketing.coupon_grace_days", station)
        )
    lock.left += litres
    lock.save(update_fields=["left", "valid_until"])
    return True
