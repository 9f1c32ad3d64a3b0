"""Orders of the mall of two members who become one: they stay as they are and are found under both."""

from __future__ import annotations

from members.models import Member, Redemption
from members.services.merging import Mover

OPEN = (Redemption.State.REQUESTED, Redemption.State.RESERVED)


def preview(*, survivor: Member, merged: Member) -> list[str]:
    """What becomes of the open orders, in words."""
    count = Redemption.objects.filter(member=merged, state__in=OPEN).count()
    if not count:
        return [f"{merged.number} 没有未领的兑换单。"]
    return [
        f"{count} 张未领的兑换单照旧有效，凭 {survivor.number} 也能领；取消时积分退给 {survivor.number}。"
    ]


# An order keeps who asked for it; its points follow the account.
REWARDS = Mover("兑换单", preview)
