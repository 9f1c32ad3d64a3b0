"""Two members become one, and one becomes two again: within the days in which it can be undone.

Nothing of what each bought, owns or agreed to is moved: the merged one points at whom he became,
and both are shown together. What a floor keeps as a balance (points, stored value, coupons) moves
by a `Mover` that it names in `station.doors.MERGES`, in one line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings as project
from django.db import transaction
from django.utils.module_loading import import_string

from members.models import Member, Merge
from members.queries.points import employees_of
from members.services.noting import about
from members.services.refusals import refuse_gone
from station.errors import Refusal
from station.models import User
from station.queries import settings


class MergeRefused(Refusal):
    """These two cannot be merged now."""


class UndoRefused(Refusal):
    """The merge cannot be taken back."""


@dataclass(frozen=True)
class Mover:
    """What one ledger does when two become one; `preview` says in words what `move` would do.

    `move` and `move_back` get the `merge`, whose `document` is the idempotency key, with `at` and
    `actor`, in the transaction of the merge, survivor and merged locked in the order of their ids.
    `move_back` returns what `move` took, as far as it is still there, and refuses otherwise. A ledger
    of which nothing moves has neither.
    """

    title: str
    preview: Callable[..., list[str]]
    move: Callable[..., None] | None = None
    move_back: Callable[..., None] | None = None


def movers() -> list[Mover]:
    """The movers of all floors, in the order of their names in settings."""
    return [import_string(path) for path in project.MERGES]


@transaction.atomic
def merge(*, survivor: Member, merged: Member, reason: str, at: datetime, actor: User) -> Merge:
    """Make `merged` a part of `survivor`. Again the same two is the same merge.

    Refuses with MergeRefused the same member twice, one who is frozen, the actor's own account, or
    no reason; MemberClosed and MemberMerged as everywhere.
    """
    if survivor.pk == merged.pk:
        raise MergeRefused("没有合并：两个会员号是同一位，请选另一位。")
    if len(reason.strip()) < 2:
        raise MergeRefused("没有合并：请写明原因，例如「同一个人登记了两次」。")
    locked = _locked(survivor.pk, merged.pk)
    survivor, merged = locked[survivor.pk], locked[merged.pk]
    if actor.pk in employees_of(survivor.pk, merged.pk):
        raise MergeRefused("没有合并：其中有你本人的账户。请由其他人办理。")
    known = Merge.objects.filter(survivor=survivor, merged=merged, undone_at=None).first()
    if known:
        return known
    for one in (survivor, merged):
        refuse_gone(one)
        if one.status == Member.Status.FROZEN:
            raise MergeRefused(f"没有合并：会员 {one.number} 已冻结，请先解冻。")
    days = settings.whole("members.unmerge_days", survivor.home_station)
    made = Merge.objects.create(
        survivor=survivor,
        merged=merged,
        reason=reason.strip()[:200],
        at=at,
        actor=actor,
        undo_until=at + timedelta(days=min(days, 3650)),
    )
    Member.objects.filter(merged_into=merged).update(merged_into=survivor)
    Member.objects.filter(pk=merged.pk).update(status=Member.Status.MERGED, merged_into=survivor)
    for mover in movers():
        if mover.move is not None:
            mover.move(merge=made, at=at, actor=actor)
    _note(made, "members.member.merged", reason, at, actor)
    return made


@transaction.atomic
def undo(*, merge: Merge, reason: str, at: datetime, actor: User) -> None:
    """Take a merge back: both are as they were, each with what he bought himself. Twice is once.

    Refuses with UndoRefused after its days, without a reason, while a later merge stands on it, and
    the actor's own account.
    """
    if len(reason.strip()) < 2:
        raise UndoRefused("没有撤销：请写明原因。")
    locked = _locked(merge.survivor_id, merge.merged_id)
    survivor, merged = locked[merge.survivor_id], locked[merge.merged_id]
    merge.refresh_from_db()
    if merge.undone_at is not None:
        return
    if actor.pk in employees_of(survivor.pk, merged.pk):
        raise UndoRefused("没有撤销：其中有你本人的账户。请由其他人办理。")
    if at > merge.undo_until:
        raise UndoRefused("没有撤销：已过可以撤销的天数，合并不能再撤。")
    if survivor.merged_into is not None:
        raise UndoRefused(
            f"没有撤销：{survivor.number} 后来又并入了 {survivor.merged_into.number}，"
            "请先撤销后面那一次。"
        )
    if survivor.status == Member.Status.CLOSED or merged.status != Member.Status.MERGED:
        raise UndoRefused("没有撤销：会员已注销，资料已销毁，分不开了。")
    Merge.objects.filter(pk=merge.pk).update(
        undone_at=at, undone_by=actor, undo_reason=reason.strip()[:200]
    )
    Member.objects.filter(pk=merged.pk).update(status=Member.Status.ACTIVE, merged_into=None)
    Member.objects.filter(pk__in=_under(merged.pk)).update(merged_into=merged)
    for mover in reversed(movers()):
        if mover.move_back is not None:
            mover.move_back(merge=merge, at=at, actor=actor)
    _note(merge, "members.member.unmerged", reason, at, actor)


def _locked(*ids: int) -> dict[int, Member]:
    rows = Member.objects.select_related("home_station", "merged_into", "key")
    rows = rows.filter(pk__in=ids).order_by("pk")
    rows = rows.select_for_update(of=("self",), no_key=True)
    return {row.pk: row for row in rows}


def _under(pk: int) -> list[int]:
    """Everybody who went into a member before, and into those."""
    found: list[int] = []
    level = [pk]
    while level:
        rows = Merge.objects.filter(survivor__in=level, undone_at=None)
        level = list(rows.values_list("merged_id", flat=True))
        found += level
    return found


def _note(made: Merge, action: str, reason: str, at: datetime, actor: User) -> None:
    told = {"合并": f"{made.merged.number} → {made.survivor.number}"}
    for one in (made.survivor, made.merged):
        about(one).note(action, at, actor, reason=reason.strip(), after=told)
