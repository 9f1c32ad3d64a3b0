"""What becomes of the coupons and locked prices of a member who is closed."""

from __future__ import annotations

from datetime import datetime

from marketing.models import Coupon
from marketing.services import locking, locks
from members.models import Member
from station.models import User


def close(*, member: Member, at: datetime, actor: User | None) -> None:
    """Void what he has not used; a basket that holds one is told so when it is paid. Twice is once."""
    live = (Coupon.State.ISSUED, Coupon.State.LOCKED)
    rows = Coupon.objects.select_for_update().filter(member=member, state__in=live).order_by("pk")
    locking.void_all(ids=[one.pk for one in rows], actor=actor, at=at, reason="会员注销")
    locks.end_all(member=member, at=at, actor=actor, words="会员注销")
