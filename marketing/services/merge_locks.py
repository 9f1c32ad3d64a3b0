"""Locked litres of two members who become one: they change hands, and back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Sum

from marketing.models import PriceLock, PriceLockMove
from members.models import Member, Merge
from members.services.merging import Mover
from station.models import User

MOVED = PriceLockMove.Kind.MOVED


def preview(*, survivor: Member, merged: Member) -> list[str]:
    """What `move` would do, in words."""
    litres = PriceLock.objects.filter(member=merged).aggregate(s=Sum("left"))["s"]
    if not litres:
        return [f"{merged.number} 没有锁价的升数。"]
    return [
        f"锁价剩余 {litres:.2f} 升归 {survivor.number}，单价和到期不变。",
        "撤销合并时，剩下的退回。",
    ]


def move(*, merge: Merge, at: datetime, actor: User) -> None:
    """The merged one's locks are the survivor's, used up or not: a refund may still fill them."""
    rows = PriceLock.objects.filter(member=merge.merged_id)
    _hand(rows.values_list("pk", flat=True), merge.survivor, merge, at, actor)


def move_back(*, merge: Merge, at: datetime, actor: User) -> None:
    """Those that came are the merged one's again, with what is left."""
    rows = PriceLock.objects.filter(
        member=merge.survivor_id, moves__kind=MOVED, moves__document=merge.document
    )
    _hand(rows.values_list("pk", flat=True), merge.merged, merge, at, actor)


def _hand(ids: Iterable[int], to: Member, merge: Merge, at: datetime, actor: User) -> None:
    rows = PriceLock.objects.select_for_update(of=("self",)).filter(pk__in=list(ids))
    held = [one.pk for one in rows.order_by("pk")]
    PriceLock.objects.filter(pk__in=held).update(member=to)
    PriceLockMove.objects.bulk_create(
        PriceLockMove(
            lock_id=pk,
            kind=MOVED,
            litres=0,
            document=merge.document,
            at=at,
            actor=actor,
            words=f"会员合并，归 {to.number}",
        )
        for pk in held
    )


LOCKS = Mover("锁价", preview, move, move_back)
