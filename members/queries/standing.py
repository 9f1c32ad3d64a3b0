"""Whether a member may earn and spend now: asked by points, stored value and coupons alike."""

from __future__ import annotations

from dataclasses import dataclass

from members.models import Member


@dataclass(frozen=True, slots=True)
class Standing:
    """A member as every ledger should treat him; `words` say why not, "" where nothing is wrong.

    `member_id` is whom it concerns: for a merged member the one he became.
    """

    member_id: int
    number: str
    status: str
    may_earn: bool
    may_spend: bool
    words: str


def standing(member_id: int) -> Standing:
    """How a member stands, a merged one as whom he became. Never refuses. One statement."""
    row = Member.objects.select_related("merged_into").filter(pk=member_id).first()
    if row is None:
        return Standing(member_id, "", "", False, False, "没有这个会员，请重新查找。")
    return standing_of(row.merged_into or row)


def standing_of(member: Member) -> Standing:
    """The same of a member at hand. No statement."""
    well = member.status == Member.Status.ACTIVE
    return Standing(
        member.pk, member.number, member.status, well, well, words_of(member.number, member.status)
    )


def words_of(number: str, status: str) -> str:
    """What the till says of a member who may not earn or spend; "" where he may."""
    if status == Member.Status.FROZEN:
        return f"会员 {number} 已冻结：不积分，不能用积分、储值和券。请找站长。"
    if status == Member.Status.CLOSED:
        return f"会员 {number} 已注销。"
    return ""
