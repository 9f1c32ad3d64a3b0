"""What we offer. Django needs the models importable from here."""

from marketing.models.coupons import (
    ClaimCount,
    CodeTry,
    Coupon,
    CouponBatch,
    CouponEvent,
    CouponTemplate,
)
from marketing.models.locks import PriceLock, PriceLockMove
from marketing.models.promotions import DayLitres, Promotion
from marketing.models.terms import Benefit, Status, Terms
from marketing.models.uses import OfferUse

__all__ = [
    "Benefit",
    "ClaimCount",
    "CodeTry",
    "Coupon",
    "CouponBatch",
    "CouponEvent",
    "CouponTemplate",
    "DayLitres",
    "OfferUse",
    "PriceLock",
    "PriceLockMove",
    "Promotion",
    "Status",
    "Terms",
]
