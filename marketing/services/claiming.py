"""领券 by the member himself on his phone: by the code of a poster, within the limits of its batch."""

from __future__ import annotations

from datetime import datetime

from marketing.models import Coupon, CouponBatch
from marketing.services import codes, issuing
from members.models import Member


def claim_own(*, open_code: str, member: Member, device: str, at: datetime) -> Coupon:
    """Claim a coupon by an open code, for oneself, on this phone.

    Refuses TooManyTries who guesses codes, and what `issuing.claim` refuses. A wrong code is counted
    whatever becomes of the rest.
    """
    subject = f"member:{member.pk}"
    codes.check_tries(subject=subject, station=member.home_station, at=at)
    code = codes.read_code(open_code)
    if not CouponBatch.objects.filter(open_code=code).exists():
        codes.note_wrong(subject=subject, wrong=1, at=at)
    return issuing.claim(open_code=code, member=member, device=device, actor=None, at=at)
