"""Tank gauges: which tank is which, what stands in them, what was delivered, and what may not be sold."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from station.fields import LitresField, MeasureField


class GaugeTank(models.Model):
    """液位仪接线: the tank that a gauge knows by a number of its own."""

    line = models.ForeignKey(
        "devices.Line", models.PROTECT, verbose_name="线路", related_name="gauged"
    )
    number = models.PositiveSmallIntegerField("主机罐号")
    tank = models.OneToOneField(
        "station.Tank", models.PROTECT, verbose_name="油罐", related_name="gauge"
    )
    active = models.BooleanField("在用", default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["line", "number"], name="one_tank_per_number_of_a_gauge"
            ),
            models.CheckConstraint(
                condition=Q(number__gte=1, number__lte=99), name="a_gauge_counts_to_ninety_nine"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tank} @ {self.line} {self.number}"


class GaugeReading(models.Model):
    """What stood in a tank at an instant, as the gauge said it. Never changed; old ones are thinned."""

    class Format(models.TextChoices):
        COMPUTER = "COMPUTER", "计算机格式"
        DISPLAY = "DISPLAY", "显示格式"

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    tank = models.ForeignKey(
        "station.Tank", models.PROTECT, verbose_name="油罐", related_name="gauge_readings"
    )
    occurred_at = models.DateTimeField("时间")
    recorded_at = models.DateTimeField("入库时间", db_default=Now())
    volume = LitresField("净油体积(升)")
    tc_volume = LitresField("温度补偿体积(升)", null=True, blank=True)
    ullage = LitresField("空容(升)", null=True, blank=True)
    height = MeasureField("油水总高(mm)")
    water_height = MeasureField("水高(mm)")
    water_volume = LitresField("水体积(升)", null=True, blank=True)
    temperature = MeasureField("油温(℃)", null=True, blank=True)
    delivering = models.BooleanField("正在卸油", default=False)
    format = models.CharField("来源格式", max_length=8, choices=Format.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tank", "occurred_at"], name="one_gauge_reading_per_tank_and_instant"
            ),
            models.CheckConstraint(
                condition=Q(volume__gte=0, height__gte=0, water_height__gte=0),
                name="a_gauge_reads_nothing_below_nought",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tank} {self.volume} 升"


class GaugeDelivery(models.Model):
    """A delivery as the gauge saw it, known by tank, start and end by its own clock. Append-only."""

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    tank = models.ForeignKey(
        "station.Tank", models.PROTECT, verbose_name="油罐", related_name="gauge_deliveries"
    )
    started_at = models.DateTimeField("开始")
    ended_at = models.DateTimeField("结束")
    recorded_at = models.DateTimeField("入库时间", db_default=Now())
    start_volume = LitresField("卸前净油(升)")
    end_volume = LitresField("卸后净油(升)")
    start_tc = LitresField("卸前温度补偿(升)", null=True, blank=True)
    end_tc = LitresField("卸后温度补偿(升)", null=True, blank=True)
    start_height = MeasureField("卸前油水总高(mm)", null=True, blank=True)
    end_height = MeasureField("卸后油水总高(mm)", null=True, blank=True)
    start_water = MeasureField("卸前水高(mm)", null=True, blank=True)
    end_water = MeasureField("卸后水高(mm)", null=True, blank=True)
    start_temperature = MeasureField("卸前油温(℃)", null=True, blank=True)
    end_temperature = MeasureField("卸后油温(℃)", null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tank", "started_at", "ended_at"],
                name="one_gauge_delivery_per_start_and_end",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__gte=F("started_at")),
                name="a_gauge_delivery_ends_after_it_began",
            ),
        ]
        indexes = [models.Index(fields=["station", "-ended_at"], name="gauge_deliveries_by_time")]

    def __str__(self) -> str:
        return f"{self.tank} {self.end_volume - self.start_volume} 升"


class TankHold(models.Model):
    """停售 of a tank for the water in it: until the machine says that it is over, or a person lets it be sold."""

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    tank = models.ForeignKey(
        "station.Tank", models.PROTECT, verbose_name="油罐", related_name="holds"
    )
    since = models.DateTimeField("停售时间")
    water_height = MeasureField("当时水高(mm)")
    water_limit = MeasureField("水高上限(mm)")
    ended_at = models.DateTimeField("恢复时间", null=True, blank=True)
    lifted_at = models.DateTimeField("解除时间", null=True, blank=True)
    lifted_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.CharField("解除原因", max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tank"], condition=Q(ended_at=None), name="one_hold_of_a_tank_at_a_time"
            ),
            models.UniqueConstraint(fields=["tank", "since"], name="one_hold_per_beginning"),
            models.CheckConstraint(
                condition=Q(lifted_at=None) | (Q(lifted_by__isnull=False) & ~Q(reason="")),
                name="a_hold_is_lifted_by_somebody_with_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tank} 停售：水高 {self.water_height} mm"

    @property
    def stops(self) -> bool:
        """Whether nothing of the tank is sold because of it."""
        return self.ended_at is None and self.lifted_at is None
