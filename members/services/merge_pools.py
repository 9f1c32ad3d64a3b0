"""Pools of two members who become one: his place goes over to whom he became, and comes back."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from members.models import Member, Merge, Pool, PoolMember
from members.queries.pools import State, place_of
from members.services import pool_endings
from members.services.merging import Mover
from members.services.noting import about
from station.models import User

Why = PoolMember.Why


def preview(*, survivor: Member, merged: Member) -> list[str]:
    """What `move` would do, in words."""
    his, other = place_of(member_id=merged.pk), place_of(member_id=survivor.pk)
    if his is None:
        return [f"{merged.number} 不在积分池里。"]
    if not _goes_over(his, other, survivor):
        if his.pool.head_id == merged.pk:
            return [f"{his.pool} 的户主是 {merged.number}：积分池解散，积分各退各的。"]
        return [f"{merged.number} 退出 {his.pool}，带来还没有用掉的积分退回后一起转。"]
    return [f"{merged.number} 在 {his.pool} 的位置由 {survivor.number} 接着，撤销合并时退回。"]


def _goes_over(
    his: PoolMember, other: PoolMember | None, survivor: Member, at: datetime | None = None
) -> bool:
    if other is not None:
        return other.pool_id == his.pool_id
    waits = PoolMember.objects.filter(member=survivor, free_from__gt=at or his.joined_at)
    return not waits.exclude(pool=his.pool_id).exists()


@transaction.atomic(savepoint=False)
def move(*, merge: Merge, at: datetime, actor: User) -> None:
    """The survivor takes over the place, or the merged one leaves with his points. Invitations end."""
    invited = PoolMember.objects.filter(member=merge.merged, state=State.INVITED)
    invited.update(state=State.DECLINED)
    pool_endings.no_heir([merge.merged_id, merge.survivor_id])
    his, other = place_of(member_id=merge.merged_id), place_of(member_id=merge.survivor_id)
    if his is None:
        return
    if not _goes_over(his, other, merge.survivor, at):
        if his.pool.head_id == merge.merged_id:
            pool_endings.dissolve(pool=his.pool, reason="户主并入别的会员", at=at, actor=actor)
        else:
            pool_endings.leave(place=his, why=Why.REMOVED, at=at, actor=actor, reason="会员合并")
        return
    headed = his.pool.head_id == merge.merged_id
    PoolMember.objects.filter(pk=his.pk).update(
        state=State.LEFT, left_at=at, why=Why.MERGED, merge=merge, headed=headed
    )
    if other is None:
        _seat(his, merge.survivor, at)
    if headed:
        Pool.objects.filter(pk=his.pool_id).update(head=merge.survivor)
    _note(merge, his.pool, at, actor)


def _seat(like: PoolMember, member: Member, at: datetime) -> None:
    """A place on the same terms for somebody else. The place is his from `at` on."""
    PoolMember.objects.create(
        pool_id=like.pool_id,
        member=member,
        vehicle_id=like.vehicle_id,
        state=State.ACTIVE,
        share_pct=like.share_pct,
        can_spend=like.can_spend,
        cap_month=like.cap_month,
        invited_at=at,
        joined_at=at,
    )


def _note(merge: Merge, pool: Pool, at: datetime, actor: User) -> None:
    told = {"积分池": pool.number, "合并": f"{merge.merged.number} → {merge.survivor.number}"}
    about(merge.survivor).note("members.pool.passed", at, actor, after=told)


@transaction.atomic(savepoint=False)
def move_back(*, merge: Merge, at: datetime, actor: User) -> None:
    """The merged one gets his place back where the survivor still has it; else nothing.

    Called after the points are apart again: what the survivor earned meanwhile goes back to him.
    """
    his = PoolMember.objects.select_related("pool").filter(merge=merge).first()
    if his is None or his.pool.closed_at is not None:
        return
    now = PoolMember.objects.filter(
        member=merge.survivor_id, pool=his.pool_id, state=State.ACTIVE
    ).first()
    if now is None:
        return
    was_there = PoolMember.objects.filter(
        member=merge.survivor_id, pool=his.pool_id, joined_at__lt=merge.at
    ).exclude(left_at__lt=merge.at)
    if not was_there.exists():
        pool = Pool.objects.select_for_update(no_key=True).get(pk=his.pool_id)
        if pool.head_id == merge.survivor_id:
            Pool.objects.filter(pk=pool.pk).update(head=merge.merged)
        pool_endings.end(pool=pool, places=[now], why=Why.UNMERGED, at=at, actor=actor)
    elif his.pool.head_id == merge.survivor_id and his.headed:
        Pool.objects.filter(pk=his.pool_id).update(head=merge.merged)
    _seat(his, merge.merged, at)
    _note(merge, his.pool, at, actor)


POOLS = Mover("积分池", preview, move, move_back)
