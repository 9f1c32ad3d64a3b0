"""Points of two members who become one: every lot moves with its expiry, and what is left comes back."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F, Sum
from django.utils.timezone import localdate

from members.models import Member, Merge, PointsAccount, PointsLot, PointsTxn
from members.queries.points import account_of, employees_of
from members.services import points_moving
from members.services.merging import MergeRefused, Mover
from members.services.points import Cause, allocate, consume, keep, note, sweep
from members.services.points_moving import IN, OUT, arrive
from station.models import User


def preview(*, survivor: Member, merged: Member) -> list[str]:
    """What `move` would do, in words."""
    held = account_of(member_id=merged.pk)
    if held is None or not (held.balance or held.pending or held.debt):
        return [f"{merged.number} 没有积分。"]
    told = [f"{held.balance} 分转到 {survivor.number}，到期日不变。"]
    if held.pending:
        told.append(f"另有 {held.pending} 分待生效，一起转。")
    if held.debt:
        told.append(f"欠分 {held.debt} 分一起转，由以后的积分抵。")
    return [*told, "撤销合并时，转来的积分还剩多少退多少；已用掉、已过期或已抵欠分的不退。"]


def move(*, merge: Merge, at: datetime, actor: User) -> None:
    """Move everything, and let what still comes for the merged one go to the survivor.

    Whose own an account is (`staff`) stays where it was written: it is asked of all who are one. Refuses
    the accounts of two employees.
    """
    if len(employees_of(merge.merged_id)) > 1:
        raise MergeRefused(
            "没有合并：两边是不同员工本人的账户。请先核对，改正「员工本人」后再合并。"
        )
    source, target = _account(merge.merged_id), _account(merge.survivor_id)
    points_moving.merge(source=source, target=target, cause=_cause(merge, "merge", at, actor))


def _account(member_id: int) -> PointsAccount:
    account, _ = PointsAccount.objects.get_or_create(member_id=member_id)
    return account


def _cause(merge: Merge, act: str, at: datetime, actor: User) -> Cause:
    survivor, merged = merge.survivor, merge.merged
    way = (merged, survivor) if act == "merge" else (survivor, merged)
    return Cause(
        key=f"{act}:{merge.document}",
        at=at,
        date=localdate(at),
        document=merge.document,
        station_id=survivor.home_station_id,
        actor=actor,
        reason=f"{'会员合并' if act == 'merge' else '撤销会员合并'} {way[0].number} → {way[1].number}",
    )


@transaction.atomic(savepoint=False)
def move_back(*, merge: Merge, at: datetime, actor: User) -> None:
    """Give back what is left of what came; a debt that came goes back as far as it is still owed."""
    rows = PointsAccount.objects.select_for_update(no_key=True).order_by("pk")
    held = {
        one.member_id: one for one in rows.filter(member__in=[merge.survivor_id, merge.merged_id])
    }
    here, there = held[merge.survivor_id], held[merge.merged_id]
    cause = _cause(merge, "unmerge", at, actor)
    sweep(here, cause)
    PointsAccount.objects.filter(pk=there.pk, moved_to=here).update(moved_to=None)
    came = PointsTxn.objects.filter(idem=f"merge:{merge.document}{IN}").first()
    if came is None:
        return
    parts = _left(here, came)
    debt = min(here.debt, max(came.debt_delta, 0))
    wanted = sum(part for _, part in parts)
    if not wanted and not debt:
        return
    for lot, part in parts:
        consume(here, [lot], part)
    here.debt -= debt
    out = note(
        here,
        PointsTxn.Kind.TRANSFER_OUT,
        cause,
        amount=wanted,
        suffix=OUT,
        delta=debt - wanted,
        debt_delta=-debt,
    )
    allocate(out, parts, -1)
    keep(here)
    arrive(there, cause, parts, debt)


def _left(here: PointsAccount, came: PointsTxn) -> list[tuple[PointsLot, int]]:
    """What is left of the points that came, by the rows that first earned them: no more than came."""
    wanted = dict(PointsLot.objects.filter(txn=came).values_list("root").annotate(Sum("issued")))
    rows = PointsLot.objects.filter(account=here, remaining__gt=0, root__in=wanted)
    parts = []
    for lot in rows.order_by(F("expires_at").asc(nulls_last=True), "pk"):
        part = min(lot.remaining, wanted[lot.root_id])
        if part:
            wanted[lot.root_id] -= part
            parts.append((lot, part))
    return parts


POINTS = Mover("积分", preview, move, move_back)
