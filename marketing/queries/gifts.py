"""Gifts as customer service follows them up: given, used or not, and what came of the calls."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from marketing.models import Coupon
from members.models import Gift, GiftCall


def followed() -> QuerySet[Gift]:
    """Gifts with the state of their coupon, where it was used, and the last call's outcome."""
    coupon = Coupon.objects.filter(code=OuterRef("coupon"))
    calls = GiftCall.objects.filter(gift=OuterRef("pk")).order_by("-pk")
    return Gift.objects.select_related("member", "station", "plan").annotate(
        coupon_state=Subquery(coupon.values("state")[:1]),
        used_in=Subquery(coupon.values("document")[:1]),
        good_until=Subquery(coupon.values("valid_until")[:1]),
        last_call=Subquery(calls.values("outcome")[:1]),
    )


def narrowed(rows: QuerySet[Gift], *, used: str, called: str) -> QuerySet[Gift]:
    """Those whose coupon was used or not, and who were called or not; "" is all."""
    if used:
        spent = Q(coupon_state="USED")
        rows = rows.filter(spent if used == "1" else ~spent | Q(coupon_state=None))
    if called:
        calls = Exists(GiftCall.objects.filter(gift=OuterRef("pk")))
        rows = rows.filter(calls if called == "1" else ~calls)
    return rows


def coupon_words(state: str | None) -> str:
    """The state of a gift's coupon in words."""
    return str(Coupon.State(state).label) if state else "没有券"
