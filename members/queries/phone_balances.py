"""What a member has, as figures on the first page of his phone: points and stored value."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse

from members.models import Member
from members.queries.phone import Fact
from members.queries.points import wallet_of
from members.queries.pools import shared_of
from members.queries.value import account_of_member


def points(*, member: Member, at: datetime) -> list[Fact]:
    """Points that are usable, that wait, and that expire within thirty days."""
    wallet = wallet_of(member_id=member.pk, at=at)
    more = [("待生效积分", wallet.pending), ("即将过期积分", wallet.soon)]
    return [
        Fact("可用积分", f"{wallet.balance:,}", reverse("phone:points")),
        *(Fact(label, f"{count:,}", reverse("phone:points")) for label, count in more if count),
        *_pool(member, at),
    ]


def _pool(member: Member, at: datetime) -> list[Fact]:
    """What is in his pool, where he is in one."""
    shared = shared_of(member_id=member.pk, at=at)
    if shared is None:
        return []
    return [Fact(f"{shared.place.pool.get_kind_display()}积分", f"{shared.balance:,}")]


def value(*, member: Member, at: datetime) -> list[Fact]:
    """Stored value, where he has an account."""
    account = account_of_member(member.pk)
    if account is None:
        return []
    return [
        Fact("储值余额", f"{account.principal + account.bonus:,.2f} 元", reverse("phone:value"))
    ]
