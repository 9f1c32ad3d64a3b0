"""客显 and 价格牌: what customers read, where it hangs, and what it shows."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from station.fields import UnitPriceField


class PoleDisplay(models.Model):
    """A customer's display on a line of its own, at a till."""

    line = models.OneToOneField(
        "devices.Line", models.PROTECT, verbose_name="线路", related_name="display"
    )
    till = models.OneToOneField(
        "station.Till", models.PROTECT, verbose_name="收银台", related_name="display"
    )
    idle_text = models.CharField("空闲时显示", max_length=20, blank=True)

    def __str__(self) -> str:
        return str(self.line)


class DisplayState(models.Model):
    """What a display is to show now: JSON of `protocols.displays.Shown`. The poller reads it."""

    display = models.OneToOneField(
        PoleDisplay, models.CASCADE, related_name="state", primary_key=True
    )
    body = models.JSONField("显示内容", default=dict)
    asked_at = models.DateTimeField("时间")

    def __str__(self) -> str:
        return str(self.display)


class PriceSign(models.Model):
    """A price sign (价格牌): on a line, or one whose digits a person changes."""

    class Kind(models.TextChoices):
        LINE = "LINE", "联机"
        MANUAL = "MANUAL", "人工改牌"

    station = models.ForeignKey(
        "station.Station", models.PROTECT, verbose_name="油站", related_name="price_signs"
    )
    name = models.CharField("名称", max_length=30)
    kind = models.CharField("方式", max_length=8, choices=Kind.choices)
    line = models.OneToOneField(
        "devices.Line",
        models.PROTECT,
        verbose_name="线路",
        null=True,
        blank=True,
        related_name="price_sign",
    )
    number = models.PositiveSmallIntegerField("牌号", default=1)  # in its frames
    active = models.BooleanField("在用", default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["station", "name"], name="one_price_sign_per_name"),
            models.CheckConstraint(
                condition=Q(kind="LINE", line__isnull=False) | Q(kind="MANUAL", line=None),
                name="a_sign_on_a_line_has_one",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class SignRow(models.Model):
    """One row of digits, and the grade whose price it shows; none: the row stays as it is."""

    sign = models.ForeignKey(PriceSign, models.CASCADE, related_name="rows")
    row = models.PositiveSmallIntegerField("行")
    grade = models.ForeignKey(
        "station.Grade",
        models.PROTECT,
        verbose_name="油品",
        null=True,
        blank=True,
        related_name="+",
    )
    shown = UnitPriceField("牌上价格(元/升)", null=True, blank=True)  # as last read back
    heard_at = models.DateTimeField("读回时间", null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sign", "row"], name="one_row_of_a_sign_per_number"),
        ]

    def __str__(self) -> str:
        return f"{self.sign} 第 {self.row} 行"
