"""Which tier a member holds, or held at an instant."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from members.models import Member, MemberTier, Tier


def tier_at(*, member_id: int, at: datetime) -> Tier | None:
    """The tier a member held at an instant; without a row of his own the lowest (None: no tiers).

    One statement.
    """
    held = Q(holders__member=member_id, holders__since__lte=at) & (
        Q(holders__until=None) | Q(holders__until__gt=at)
    )
    return Tier.objects.filter(held | Q(rank=0)).order_by("-rank").first()


def tiers_of(member: Member) -> list[MemberTier]:
    """Every tier that a member held, newest first. One statement."""
    return list(MemberTier.objects.filter(member=member).select_related("tier").order_by("-since"))
