"""Coupons of two members who become one: the unspent ones change hands, and back while unspent."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from marketing.models import Coupon, CouponEvent
from members.models import Member, Merge
from members.services.merging import Mover
from station.models import User

LIVE = (Coupon.State.ISSUED, Coupon.State.LOCKED)
MOVED = CouponEvent.Kind.MOVED


def preview(*, survivor: Member, merged: Member) -> list[str]:
    """What `move` would do, in words."""
    count = Coupon.objects.filter(member=merged, state__in=LIVE).count()
    if not count:
        return [f"{merged.number} 没有未用的券。"]
    return [
        f"{count} 张未用的券归 {survivor.number}，有效期不变。",
        "撤销合并时，还没用的退回；已用掉的不退。",
    ]


def move(*, merge: Merge, at: datetime, actor: User) -> None:
    """The unspent coupons of the merged one are the survivor's."""
    rows = Coupon.objects.filter(member=merge.merged_id, state__in=LIVE)
    _hand(rows.values_list("pk", flat=True), merge.survivor, merge, at, actor)


def move_back(*, merge: Merge, at: datetime, actor: User) -> None:
    """Those that came and are unspent are the merged one's again."""
    rows = Coupon.objects.filter(
        member=merge.survivor_id,
        state__in=LIVE,
        events__kind=MOVED,
        events__document=merge.document,
    )
    _hand(rows.values_list("pk", flat=True), merge.merged, merge, at, actor)


def _hand(ids: Iterable[int], to: Member, merge: Merge, at: datetime, actor: User) -> None:
    rows = Coupon.objects.select_for_update().filter(pk__in=list(ids)).order_by("pk")
    held = [one.pk for one in rows if one.state in LIVE]
    Coupon.objects.filter(pk__in=held).update(member=to)
    CouponEvent.objects.bulk_create(
        CouponEvent(
            coupon_id=pk,
            kind=MOVED,
            at=at,
            actor=actor,
            document=merge.document,
            words=f"会员合并，归 {to.number}",
        )
        for pk in held
    )


COUPONS = Mover("优惠券", preview, move, move_back)
