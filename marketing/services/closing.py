"""What becomes of the coupons and locked prices of a member who is closed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q

from marketing.models import Coupon, PriceLock
from marketing.services import locking, locks
from members.models import Member
from members.services.closing import Closing
from station.models import User

LIVE = (Coupon.State.ISSUED, Coupon.State.LOCKED)
CLOSED = Member.Status.CLOSED
WORDS = "会员注销"


def close(*, member: Member, at: datetime, actor: User | None) -> None:
    """Void what he has not used; a basket that holds one is told so when it is paid. Twice is once."""
    rows = Coupon.objects.select_for_update().filter(member=member, state__in=LIVE).order_by("pk")
    locking.void_all(ids=[one.pk for one in rows], actor=actor, at=at, reason=WORDS)


def left() -> Iterable[int]:
    """Closed members who have unused coupons still."""
    rows = Coupon.objects.filter(member__status=CLOSED, state__in=LIVE)
    return rows.values_list("member_id", flat=True)


def close_locks(*, member: Member, at: datetime, actor: User | None) -> None:
    """Take back what he has left of every lock, and what still waits. Twice is once."""
    locks.end_all(member=member, at=at, actor=actor, words=WORDS)


def left_of_locks() -> Iterable[int]:
    """Closed members who have litres of a lock left, or one that waits for approval."""
    something = Q(status=PriceLock.Status.PLANNED) | Q(left__gt=0)
    rows = PriceLock.objects.filter(something, member__status=CLOSED)
    return rows.values_list("member_id", flat=True)


COUPONS = Closing("优惠券", close, left)
LOCKS = Closing("锁价", close_locks, left_of_locks)
