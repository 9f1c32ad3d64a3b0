"""Planned prices. `sales` puts them into force; what is in force is asked by `queries.prices`."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from station.fields import UnitPriceField


class PriceCeiling(models.Model):
    """最高零售价 of a zone as published, from an instant on."""

    zone = models.CharField("价区", max_length=30)
    grade = models.ForeignKey(
        "station.Grade", models.PROTECT, verbose_name="油品", related_name="+"
    )
    ceiling = UnitPriceField("最高零售价(元/升)")
    effective_at = models.DateTimeField("执行时间")
    notice = models.CharField("文件或公告", max_length=120)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["zone", "grade", "effective_at"], name="one_ceiling_per_zone_and_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.zone} {self.grade} {self.ceiling}"


class PriceChange(models.Model):
    """调价单: planned, approved by someone else, in force from its second on."""

    class Status(models.TextChoices):
        PLANNED = "PLANNED", "待审批"
        APPROVED = "APPROVED", "待执行"
        IN_FORCE = "IN_FORCE", "已执行"
        REJECTED = "REJECTED", "已驳回"
        CANCELLED = "CANCELLED", "已撤销"

    station = models.ForeignKey(
        "station.Station", models.PROTECT, verbose_name="油站", related_name="price_changes"
    )
    number = models.CharField("单号", max_length=40, unique=True)
    status = models.CharField("状态", max_length=10, choices=Status.choices, default=Status.PLANNED)
    effective_at = models.DateTimeField("执行时间")
    note = models.CharField("说明", max_length=200, blank=True)
    planned_by = models.ForeignKey(
        "station.User", models.PROTECT, verbose_name="制单人", related_name="+"
    )
    planned_at = models.DateTimeField("制单时间")
    approved_by = models.ForeignKey(
        "station.User",
        models.PROTECT,
        verbose_name="审批人",
        null=True,
        blank=True,
        related_name="+",
    )
    approved_at = models.DateTimeField("审批时间", null=True, blank=True)
    in_force_at = models.DateTimeField("实际执行时间", null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(approved_by=None) | ~Q(approved_by=F("planned_by")),
                name="a_price_is_approved_by_someone_else",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["APPROVED", "IN_FORCE"]) | Q(approved_by__isnull=False),
                name="a_price_in_force_was_approved",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class PriceLine(models.Model):
    """One grade of a price change; the old price stands beside the new.

    A rise waits for the price sign (`held`) and then holds from `since`; others from the change's
    own instant on.
    """

    change = models.ForeignKey(PriceChange, models.CASCADE, related_name="lines")
    grade = models.ForeignKey(
        "station.Grade", models.PROTECT, verbose_name="油品", related_name="+"
    )
    old_price = UnitPriceField("原价(元/升)", null=True, blank=True)
    price = UnitPriceField("新价(元/升)")
    held = models.BooleanField("等价格牌", default=False)
    since = models.DateTimeField("价格牌确认后执行于", null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(held=False) | Q(since=None), name="a_price_held_back_is_not_in_force"
            ),
            models.UniqueConstraint(
                fields=["change", "grade"], name="one_price_per_grade_of_a_change"
            ),
            models.CheckConstraint(condition=Q(price__gt=0), name="a_price_is_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.grade} {self.price}"

    @property
    def holds_from(self) -> datetime:
        """From when on it is the price, once it is in force."""
        return self.since or self.change.effective_at
