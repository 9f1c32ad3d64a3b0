"""What acts on a member refuse, whatever they do."""

from __future__ import annotations

from members.models import Member
from station.errors import Refusal


class MemberClosed(Refusal):
    """The member was forgotten; nothing can be changed any more."""


class MemberMerged(Refusal):
    """The member became part of another one, who is the one to act on."""


def refuse_gone(member: Member) -> None:
    """Refuse a member who is closed (MemberClosed) or merged into another (MemberMerged)."""
    if member.status == Member.Status.CLOSED:
        raise MemberClosed(f"会员 {member.number} 已注销，资料已销毁，不能再修改。")
    if member.status == Member.Status.MERGED and member.merged_into is not None:
        raise MemberMerged(
            f"会员 {member.number} 已并入 {member.merged_into.number}，请到那一位的页面办理。"
        )
