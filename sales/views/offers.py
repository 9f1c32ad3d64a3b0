"""优惠 at the till: what the ticket on the screen would cost, and coupons let go."""

from __future__ import annotations

from typing import Any

from django.utils.timezone import now
from django.views.decorators.http import require_POST

from marketing.queries.loading import codes_known
from marketing.services import codes, locking
from sales.queries.tickets import plain, read_ticket
from sales.services import offering
from sales.services.offering import Quoted
from sales.views.answers import answers_json, body_of, session_of
from station.access import StaffRequest, may
from station.errors import Refusal


class NoSuchCode(Refusal):
    """A code that was read is no coupon's."""


@require_POST
@may("sales.settle")
@answers_json
def quote(request: StaffRequest) -> dict[str, Any]:
    """The best offers on a ticket. Wrong codes are counted before anything else is done."""
    body = body_of(request)
    read = body.get("codes")
    if isinstance(read, list):
        body["codes"] = [codes.read_code(plain(one)) for one in read[:50]]
    ticket = read_ticket(body)
    session = session_of(request)
    check_codes(request, ticket.codes)
    quoted = offering.quote(ticket=ticket, session=session, actor=request.user, at=now())
    return _said(quoted)


def check_codes(request: StaffRequest, read: tuple[str, ...]) -> None:
    """Count wrong codes against who sends them. Refuses NoSuchCode, and TooManyTries who guesses."""
    if not read:
        return
    subject = f"user:{request.user.pk}"
    codes.check_tries(subject=subject, station=request.station, at=now())
    unknown = sorted(set(read) - codes_known(codes=read))
    codes.note_wrong(subject=subject, wrong=len(unknown), at=now())
    if unknown:
        raise NoSuchCode(f"没有这张券：{unknown[0]}。请核对券码，或让顾客出示二维码。")


def _said(quoted: Quoted) -> dict[str, Any]:
    offer = quoted.offer
    return {
        "lines": [
            [{"amount": str(one.amount), "reason": one.reason} for one in line.discounts]
            for line in offer.lines
        ],
        "net": str(offer.net),
        "used": list(offer.coupons),
        "coupons": [
            {
                "id": one.coupon,
                "name": one.name,
                "amount": str(one.amount),
                "why": one.why,
                "tenders": sorted(one.tenders),
                "paid": one.paid_by,
                "until": quoted.coupons[one.coupon].valid_until.isoformat(),
                "bearer": quoted.coupons[one.coupon].member_id is None,
            }
            for one in sorted(offer.told, key=lambda one: (-one.amount, one.coupon))
        ],
        "locks": [
            {
                "name": one.name,
                "amount": str(one.amount),
                "litres": f"{one.litres:.2f}",
                "left": f"{one.left:.2f}",
                "until": one.until.isoformat() if one.until else "",
                "why": one.why,
            }
            for one in offer.locks
        ],
    }


@require_POST
@may("sales.settle")
@answers_json
def release(request: StaffRequest) -> dict[str, Any]:
    """A basket was closed: its coupons are free at once."""
    key = plain(body_of(request).get("key") or "")[:60]
    freed = locking.release(key=key, actor=request.user, at=now()) if key else 0
    return {"freed": freed}
