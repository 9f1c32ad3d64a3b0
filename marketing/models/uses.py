"""What offers cost: every discount given, by line and by the offer it came from."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from station.fields import YuanField


class OfferUse(models.Model):
    """A discount of one offer on one line of a document; what a refund takes back is negative.

    `document` is the sale's number: a lower floor points at a higher one by it.
    """

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    day = models.ForeignKey("station.BusinessDay", models.PROTECT, related_name="+")
    document = models.CharField("单据", max_length=40)
    line = models.PositiveSmallIntegerField("行号")
    promotion = models.ForeignKey(
        "marketing.Promotion", models.PROTECT, null=True, blank=True, related_name="uses"
    )
    coupon = models.ForeignKey(
        "marketing.Coupon", models.PROTECT, null=True, blank=True, related_name="uses"
    )
    benefit = models.ForeignKey(
        "members.TierBenefit", models.PROTECT, null=True, blank=True, related_name="uses"
    )
    lock = models.ForeignKey(
        "marketing.PriceLock", models.PROTECT, null=True, blank=True, related_name="uses"
    )
    original = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="taken_back"
    )
    campaign = models.CharField("费用归属", max_length=30)
    name = models.CharField("名称", max_length=40)
    member = models.ForeignKey(
        "members.Member", models.PROTECT, null=True, blank=True, related_name="+"
    )
    amount = YuanField("优惠(元)")
    occurred_at = models.DateTimeField("时间")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["document", "line", "promotion"],
                condition=Q(promotion__isnull=False),
                name="a_promotion_once_per_line",
            ),
            models.UniqueConstraint(
                fields=["document", "line", "coupon"],
                condition=Q(coupon__isnull=False),
                name="a_coupon_once_per_line",
            ),
            models.UniqueConstraint(
                fields=["document", "line", "benefit"],
                condition=Q(benefit__isnull=False),
                name="a_tiers_benefit_once_per_line",
            ),
            models.UniqueConstraint(
                fields=["document", "line", "lock"],
                condition=Q(lock__isnull=False),
                name="a_locked_price_once_per_line",
            ),
            models.CheckConstraint(
                condition=Q(promotion__isnull=False, coupon=None, benefit=None, lock=None)
                | Q(promotion=None, coupon__isnull=False, benefit=None, lock=None)
                | Q(promotion=None, coupon=None, benefit__isnull=False, lock=None)
                | Q(promotion=None, coupon=None, benefit=None, lock__isnull=False),
                name="a_discount_has_one_offer",
            ),
            models.CheckConstraint(
                condition=Q(original=None, amount__gt=0) | Q(original__isnull=False, amount__lt=0),
                name="what_is_taken_back_was_given",
            ),
        ]
        indexes = [
            models.Index(fields=["document"], name="discounts_of_a_document"),
            models.Index(fields=["campaign", "day"], name="discounts_of_a_campaign"),
        ]
