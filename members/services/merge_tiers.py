"""Tiers of two members who become one: both purchases count, and the higher tier is held."""

from __future__ import annotations

from datetime import datetime

from django.utils.timezone import localdate

from members.models import Member, MemberTier, Merge
from members.queries.tier_rules import terms_at
from members.queries.tier_standings import Whose
from members.services import tier_measures, tiers
from members.services.merging import Mover
from station.models import User


def preview(*, survivor: Member, merged: Member) -> list[str]:
    """What `move` would do, in words."""
    own, other = _held(survivor.pk), _held(merged.pk)
    told = [f"两位的消费合起来算等级，归 {survivor.number}。"]
    if other is not None and other.tier.rank > (own.tier.rank if own else 0):
        told.append(f"{merged.number} 的{other.tier.name}较高，{survivor.number} 随之升级。")
    return [*told, "撤销合并时各按各的消费重算。"]


def move(*, merge: Merge, at: datetime, actor: User) -> None:
    """The survivor is measured by both purchases, and holds the higher of both tiers."""
    _measure(merge, at)
    own, other = _held(merge.survivor_id), _held(merge.merged_id)
    if other is None or other.tier.rank <= (own.tier.rank if own else 0):
        return
    words = f"{merge.document}：并入的会员是{other.tier.name}"
    tiers.begin([_like(other, own, merge.survivor_id, words, at, actor)])


def move_back(*, merge: Merge, at: datetime, actor: User) -> None:
    """Each is measured by his own purchases; a tier that came with the merge ends."""
    _measure(merge, at)
    own = _held(merge.survivor_id)
    if own is not None and own.words.startswith(f"{merge.document}："):
        rows = MemberTier.objects.select_related("tier").filter(member=own.member_id)
        before = rows.exclude(pk=own.pk).order_by("-since", "-pk").first()
        lowest = tiers.lowest()
        if before is not None:
            words = f"撤销{merge.document}：恢复{before.tier.name}"
            tiers.begin([_like(before, own, own.member_id, words, at, actor)])
        elif lowest is not None:
            fallen = MemberTier(tier=lowest)
            words = f"撤销{merge.document}：恢复{lowest.name}"
            tiers.begin([_like(fallen, own, own.member_id, words, at, actor)])
    terms = terms_at(localdate(at))
    if terms is not None:
        tiers.take_back(terms=terms, member_id=merge.survivor_id, at=at)
        ids = (merge.survivor_id, merge.merged_id)
        tiers.evaluate(terms=terms, whose=Whose(ids=ids), at=at)


def _measure(merge: Merge, at: datetime) -> None:
    tier_measures.rebuild_of(member_ids=[merge.survivor_id, merge.merged_id])
    terms = terms_at(localdate(at))
    if terms is not None:
        tiers.evaluate(terms=terms, whose=Whose(ids=(merge.survivor_id,)), at=at)


def _held(member_id: int) -> MemberTier | None:
    return MemberTier.objects.select_related("tier").filter(member=member_id, until=None).first()


def _like(
    model: MemberTier,
    own: MemberTier | None,
    member_id: int,
    words: str,
    at: datetime,
    actor: User,
) -> MemberTier:
    return MemberTier(
        member_id=member_id,
        tier=model.tier,
        since=tiers.after(at, own.since if own else None),
        reason=MemberTier.Reason.MERGE,
        words=words,
        holds_until=model.holds_until,
        counted_from=model.counted_from,
        locked_until=model.locked_until,
        set_by=actor,
    )


TIERS = Mover("等级", preview, move, move_back)
