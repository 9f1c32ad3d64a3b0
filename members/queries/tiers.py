"""Which tier a member holds, or held at an instant."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from members.models import Member, MemberTier, Tier, TierNotice


def tier_at(*, member_id: int, at: datetime) -> Tier | None:
    """The tier a member held at an instant; without a row of his own the lowest (None: no tiers).

    One statement.
    """
    held = Q(holders__member=member_id, holders__since__lte=at) & (
        Q(holders__until=None) | Q(holders__until__gt=at)
    )
    return Tier.objects.filter(held | Q(rank=0)).order_by("-rank").first()


def tiers_held(member: Member, *, most: int = 20) -> list[MemberTier]:
    """What a member held, the newest first. One statement."""
    rows = MemberTier.objects.filter(member=member).select_related("tier", "set_by")
    return list(rows.order_by("-since", "-pk")[:most])


def notices_to_tell(member: Member, *, most: int = 10) -> list[TierNotice]:
    """What a member has not been told of his tier yet, the newest first. One statement."""
    return list(TierNotice.objects.filter(member=member, told_at=None).order_by("-made_at")[:most])
