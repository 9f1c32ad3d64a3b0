"""Wet stock: dips of tanks, and litres that moved without a meter.

One sign everywhere: physical − book, received − issued; negative is loss.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from station.fields import LitresField, MeasureField, UnitCostField


class Dip(models.Model):
    """罐存记录: a tank measured, by gauge or by hand. A physical fact, never refused."""

    class Source(models.TextChoices):
        DIP = "DIP", "人工量油"
        GAUGE = "GAUGE", "液位仪"

    class Purpose(models.TextChoices):
        ROUTINE = "ROUTINE", "例行"
        OPENING = "OPENING", "上线初值"
        HANDOVER = "HANDOVER", "交接班"
        BEFORE = "BEFORE", "卸前"
        AFTER = "AFTER", "卸后"

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="dips")
    tank = models.ForeignKey(
        "station.Tank", models.PROTECT, verbose_name="油罐", related_name="dips"
    )
    day = models.ForeignKey(
        "station.BusinessDay", models.PROTECT, null=True, blank=True, related_name="+"
    )
    shift = models.ForeignKey(
        "station.Shift", models.PROTECT, null=True, blank=True, related_name="dips"
    )
    source = models.CharField("来源", max_length=6, choices=Source.choices)
    purpose = models.CharField(
        "用途", max_length=10, choices=Purpose.choices, default=Purpose.ROUTINE
    )
    total_height_mm = models.PositiveIntegerField("油水总高(mm)", null=True, blank=True)
    water_height_mm = models.PositiveIntegerField("水高(mm)", default=0)
    temp_c = MeasureField("油温(℃)", null=True, blank=True)
    total_l = LitresField("油水总体积(升)", null=True, blank=True)
    water_l = LitresField("水体积(升)", default=0)
    net_l = LitresField("净油体积 Vt(升)")
    v20_l = LitresField("标准体积 V20(升)", null=True, blank=True)
    document = models.CharField("单据", max_length=60, blank=True)
    occurred_at = models.DateTimeField("计量时间")
    recorded_at = models.DateTimeField("录入时间", db_default=Now())
    actor = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    note = models.CharField("备注", max_length=100, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(net_l__gte=0), name="a_dip_is_not_negative")
        ]
        indexes = [models.Index(fields=["tank", "-occurred_at"], name="dips_of_a_tank")]

    def __str__(self) -> str:
        return f"{self.tank} {self.net_l} 升"


class TankMovement(models.Model):
    """Litres in or out of a tank that no meter sold: delivery, test returned, transfer, adjustment.

    Append-only. `litres` is signed: in is positive.
    """

    class Kind(models.TextChoices):
        OPENING = "OPENING", "上线初值"
        DELIVERY = "DELIVERY", "卸油"
        TEST_RETURN = "TEST_RETURN", "回罐"
        TRANSFER = "TRANSFER", "移库"
        OTHER_OUT = "OTHER_OUT", "其他出库"
        ADJUST = "ADJUST", "调整"

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    tank = models.ForeignKey(
        "station.Tank", models.PROTECT, verbose_name="油罐", related_name="movements"
    )
    day = models.ForeignKey(
        "station.BusinessDay", models.PROTECT, verbose_name="营业日", related_name="+"
    )
    shift = models.ForeignKey(
        "station.Shift", models.PROTECT, null=True, blank=True, related_name="tank_movements"
    )
    kind = models.CharField("类别", max_length=12, choices=Kind.choices)
    litres = LitresField("升数(入为正)")
    unit_cost = UnitCostField("不含税单位成本(元/升)", null=True, blank=True)
    document = models.CharField("单据", max_length=60)
    occurred_at = models.DateTimeField("时间")
    recorded_at = models.DateTimeField("入库时间", db_default=Now())
    actor = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.CharField("原因", max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["document", "tank", "kind"], name="one_tank_movement_per_cause"
            ),
            models.CheckConstraint(condition=~Q(litres=0), name="a_tank_movement_moves_something"),
        ]
        indexes = [models.Index(fields=["day", "tank"], name="tank_movements_of_a_day")]

    def __str__(self) -> str:
        return f"{self.tank} {self.get_kind_display()} {self.litres}"
