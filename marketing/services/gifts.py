"""Coupons of gifts: issued from the batch kept for them; a gift gets one, whoever takes it.

The waiting rows are the members' (`members.Gift`). What cannot be issued waits on and says why.
"""

from __future__ import annotations

from datetime import datetime

from marketing.models import Coupon
from marketing.services import issuing
from marketing.services.rewards import kept_batch
from members.models import Gift, Member
from members.services import gifts
from station.queries.waiting import walked
from station.services.waiting import tried

PENDING = Gift.State.PENDING


def give_waiting(*, at: datetime, size: int = 500) -> int:
    """Give what waits, oldest first and to the end; how many."""
    rows = Gift.objects.filter(state=PENDING)
    return sum(
        tried(lambda pk=pk: _given(pk, at), waiting=rows.filter(pk=pk))  # type: ignore[misc]
        for pk in walked(rows, size=size)
    )


def _given(gift_id: int, at: datetime) -> bool:
    """The gift is locked first; one that another worker has is passed by."""
    gift = (
        Gift.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
        .select_related("member__merged_into")
        .filter(pk=gift_id, state=PENDING)
        .first()
    )
    if gift is None:
        return False
    member = gift.member.merged_into or gift.member
    if member.status != Member.Status.ACTIVE:
        Gift.objects.filter(pk=gift.pk).update(state=Gift.State.VOID, words="会员已冻结或注销")
        return False
    code = ""
    if gift.template:
        batch = kept_batch(code=gift.template, station_id=gift.station_id)
        coupon = issuing.redeem(
            batch=batch, member=member, at=at, source=Coupon.Source.GIFT, days=gift.valid_days
        )
        code = coupon.code
    gifts.give(gift=gift, member=member, coupon=code, at=at)
    return True
