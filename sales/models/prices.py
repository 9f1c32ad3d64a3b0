"""How a price in force reaches each pump and each price sign: waiting, done or failed and retried."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from station.fields import TotalizerField, UnitPriceField


class PriceDownload(models.Model):
    """调价下发 to one nozzle, with its totalizer at the change (the price segment's edge)."""

    class Status(models.TextChoices):
        WAITING = "WAITING", "未执行"
        DONE = "DONE", "已执行"
        FAILED = "FAILED", "失败"

    change = models.ForeignKey("station.PriceChange", models.PROTECT, related_name="downloads")
    nozzle = models.ForeignKey(
        "station.Nozzle", models.PROTECT, verbose_name="油枪", related_name="+"
    )
    shift = models.ForeignKey(
        "station.Shift", models.PROTECT, null=True, blank=True, related_name="+"
    )
    old_price = UnitPriceField("原价(元/升)", null=True, blank=True)
    price = UnitPriceField("新价(元/升)")
    status = models.CharField("状态", max_length=8, choices=Status.choices, default=Status.WAITING)
    command = models.ForeignKey(
        "devices.Command", models.PROTECT, null=True, blank=True, related_name="+"
    )
    totalizer = TotalizerField("调价点泵码", null=True, blank=True)
    done_at = models.DateTimeField("执行时间", null=True, blank=True)
    attempts = models.PositiveSmallIntegerField("次数", default=0)
    last_error = models.CharField("错误", max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["change", "nozzle"], name="one_download_per_change_and_nozzle"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.change} {self.nozzle}"


class SignStep(models.Model):
    """改牌: one row of a price sign for one grade of a price change, before the pumps or after them."""

    class Order(models.TextChoices):
        SIGN_FIRST = "SIGN_FIRST", "先改牌，后改枪"
        PUMPS_FIRST = "PUMPS_FIRST", "先改枪，后改牌"

    class Status(models.TextChoices):
        WAITING = "WAITING", "等油枪改完"
        ASKED = "ASKED", "待改牌"
        SHOWN = "SHOWN", "已改牌"
        OVERRIDDEN = "OVERRIDDEN", "人工放行"
        SUPERSEDED = "SUPERSEDED", "已被新价取代"

    change = models.ForeignKey("station.PriceChange", models.PROTECT, related_name="sign_steps")
    row = models.ForeignKey(
        "devices.SignRow", models.PROTECT, verbose_name="价格牌", related_name="+"
    )
    grade = models.ForeignKey(
        "station.Grade", models.PROTECT, verbose_name="油品", related_name="+"
    )
    price = UnitPriceField("新价(元/升)")
    order = models.CharField("次序", max_length=11, choices=Order.choices)
    status = models.CharField("状态", max_length=10, choices=Status.choices)
    command = models.ForeignKey(
        "devices.Command", models.PROTECT, null=True, blank=True, related_name="+"
    )
    attempts = models.PositiveSmallIntegerField("次数", default=0)
    asked_at = models.DateTimeField("开始改牌", null=True, blank=True)
    done_at = models.DateTimeField("完成时间", null=True, blank=True)
    done_by = models.ForeignKey(
        "station.User",
        models.PROTECT,
        verbose_name="确认人",
        null=True,
        blank=True,
        related_name="+",
    )
    reason = models.CharField("放行原因", max_length=200, blank=True)
    last_error = models.CharField("错误", max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["change", "row"], name="one_step_per_change_and_row"),
            models.CheckConstraint(
                condition=~Q(status="OVERRIDDEN") | Q(done_by__isnull=False) & ~Q(reason=""),
                name="a_sign_is_overridden_by_somebody_for_a_reason",
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"],
                condition=Q(status__in=["WAITING", "ASKED"]),
                name="sign_steps_under_way",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.change} {self.row}"
