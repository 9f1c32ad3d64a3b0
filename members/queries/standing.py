"""Whether a member may earn and spend now: asked by points, stored value and coupons alike."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from members.models import Member

NOBODY = "没有这个会员，请重新查找。"


@dataclass(frozen=True, slots=True)
class Standing:
    """A member as every ledger should treat him; `words` say why not, "" where nothing is wrong.

    `member_id` is whom it concerns: for a merged member the one he became. `had_other_phone` is
    False only where it is known that he never changed his number: then no limit needs to look.
    """

    member_id: int
    number: str
    status: str
    may_earn: bool
    may_spend: bool
    words: str
    had_other_phone: bool = True


def standing(member_id: int) -> Standing:
    """How a member stands, a merged one as whom he became. Never refuses. One statement."""
    row = Member.objects.select_related("merged_into").filter(pk=member_id).first()
    if row is None:
        return Standing(member_id, "", "", False, False, NOBODY)
    return standing_of(row.merged_into or row)


def held_standing(member_id: int) -> Standing:
    """The same with the member locked (and whom he became), so that it stays until the end. One statement.

    For what books to a member: his row comes before his coupons and accounts, as in a merge.
    """
    with connection.cursor() as cursor:
        cursor.execute(_HELD, {"member": member_id})
        held = {row[0]: row for row in cursor.fetchall()}
    if member_id not in held:
        return Standing(member_id, "", "", False, False, NOBODY)
    own = held[member_id]
    pk, number, status, _, _ = held.get(own[3], own)
    return _standing(pk, number, status, any(row[4] for row in held.values()))


# The changes of his number are seen as they were before the wait for the lock, his row as it is
# after it: a number that is another by now was changed meanwhile.
_HELD = """
SELECT id, number, status, merged_into_id, EXISTS (
  SELECT 1 FROM members_profilechange c WHERE c.field = 'PHONE' AND c.member_id = ANY(ARRAY(
   SELECT one.id UNION ALL SELECT id FROM members_member WHERE merged_into_id = one.id)))
 OR phone_index <> (SELECT phone_index FROM members_member was WHERE was.id = one.id)
FROM members_member one WHERE id = %(member)s
 OR id = (SELECT merged_into_id FROM members_member WHERE id = %(member)s)
ORDER BY id FOR NO KEY UPDATE OF one
"""


def standing_of(member: Member) -> Standing:
    """The same of a member at hand. No statement."""
    return _standing(member.pk, member.number, member.status)


def _standing(pk: int, number: str, status: str, had_other_phone: bool = True) -> Standing:
    well = status == Member.Status.ACTIVE
    return Standing(pk, number, status, well, well, words_of(number, status), had_other_phone)


def words_of(number: str, status: str) -> str:
    """What the till says of a member who may not earn or spend; "" where he may."""
    if status == Member.Status.FROZEN:
        return f"会员 {number} 已冻结：不积分，不能用积分、储值和券。请找站长。"
    if status == Member.Status.CLOSED:
        return f"会员 {number} 已注销：不积分，不能用积分、储值和券。"
    return ""
