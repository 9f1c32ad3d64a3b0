"""Coupons that points bought: issued from the batch kept for them, and the order ended with the code.

The waiting rows are the mall's (`members.RewardCoupon`); whoever asks, an order gets one coupon.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import F, Q

from marketing.models import CouponBatch, Status
from marketing.services import issuing
from members.models import Redemption, RewardCoupon
from members.services.redemption_endings import fulfil
from station.queries.waiting import walked
from station.services.waiting import tried

PENDING = RewardCoupon.Status.PENDING


def issue_waiting(*, at: datetime, size: int = 100) -> int:
    """Issue what waits, oldest first and to the end; how many. The rest waits on and says why."""
    rows = RewardCoupon.objects.filter(status=PENDING)
    return sum(
        tried(lambda pk=pk: _issued(pk, at), waiting=rows.filter(redemption=pk))  # type: ignore[misc]
        for pk in walked(rows, "redemption", size=size)
    )


def _issued(order_id: int, at: datetime) -> bool:
    """The order is locked first, as everybody who ends it does; one that another has is passed by."""
    order = (
        Redemption.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
        .select_related("member__merged_into", "station", "rewardcoupon")
        .filter(pk=order_id, state=Redemption.State.RESERVED, rewardcoupon__status=PENDING)
        .first()
    )
    if order is None:
        return False
    member = order.member.merged_into or order.member
    batch = kept_batch(code=order.rewardcoupon.template, station_id=order.station_id)
    coupon = issuing.redeem(batch=batch, member=member, at=at)
    fulfil(order=order, at=at, actor=None, reference=coupon.code)
    return True


def kept_batch(*, code: str, station_id: int) -> CouponBatch:
    """The oldest open batch kept for the mall and for gifts, of a template, good at a station."""
    here = Q(template__everywhere=True) | Q(template__station=station_id)
    batch = (
        CouponBatch.objects.select_related("template", "station")
        .filter(
            here,
            template__code=code,
            template__status__in=[Status.APPROVED, Status.REPLACED],
            for_rewards=True,
            closed_at=None,
            issued__lt=F("quota"),
        )
        .order_by("pk")
        .first()
    )
    if batch is None:
        raise issuing.NoneLeft(
            f"没有发出：券 {code or '（未填编号）'} 没有留给积分商城和礼遇的批次，或已发完。请建批次。"
        )
    return batch
