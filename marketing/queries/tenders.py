"""付款方式 that a coupon may be limited to: they are the till's, asked through settings.TENDERS."""

from __future__ import annotations

from collections.abc import Collection

from django.conf import settings
from django.utils.module_loading import import_string

from marketing.models import CouponTemplate, OfferUse


def known() -> dict[str, str]:
    """The ways of paying in use, names by code. One statement."""
    found: dict[str, str] = import_string(settings.TENDERS)()
    return found


def limit_words(names: Collection[str]) -> str:
    """What a limit says to who pays."""
    return f"限{'或'.join(names)}"


def limits_of(*, document: str) -> list[CouponTemplate]:
    """The templates of a document's coupons that are limited to some ways of paying. One statement."""
    uses = OfferUse.objects.filter(document=document, original=None)
    used = uses.values("coupon__template")
    return list(CouponTemplate.objects.filter(pk__in=used).exclude(tenders=[]))
