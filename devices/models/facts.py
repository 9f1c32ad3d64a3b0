"""Facts off the wire: fills, totalizers, meter changes. Append-only by triggers in the database."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from station.fields import LitresField, TotalizerField, UnitPriceField, YuanField


class Fill(models.Model):
    """加油记录: what a pump says it has delivered. `amount` is the legal figure, never recomputed.

    Who pays for it, and whether, is a claim in `sales`; this row never changes.
    """

    class Source(models.TextChoices):
        PUMP = "PUMP", "加油机"
        OFFLINE = "OFFLINE", "断线补采"
        MANUAL = "MANUAL", "人工补录"

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="fills")
    nozzle = models.ForeignKey(
        "station.Nozzle", models.PROTECT, verbose_name="油枪", related_name="fills"
    )
    tank = models.ForeignKey(
        "station.Tank", models.PROTECT, verbose_name="油罐", related_name="fills"
    )
    grade = models.ForeignKey(
        "station.Grade", models.PROTECT, verbose_name="油品", related_name="fills"
    )
    day = models.ForeignKey(
        "station.BusinessDay", models.PROTECT, verbose_name="营业日", related_name="fills"
    )
    shift = models.ForeignKey(
        "station.Shift", models.PROTECT, verbose_name="班次", related_name="fills"
    )
    source = models.CharField("来源", max_length=8, choices=Source.choices, default=Source.PUMP)
    litres = LitresField("升数")
    unit_price = UnitPriceField("单价(元/升)")
    amount = YuanField("金额(元)")
    meter_epoch = models.PositiveSmallIntegerField("泵码段", default=0)
    totalizer_after = TotalizerField("加后泵码")
    transaction_id = models.CharField("机内流水", max_length=20, blank=True)
    authorisation = models.ForeignKey(
        "devices.Authorisation",
        models.PROTECT,
        verbose_name="授权",
        null=True,
        blank=True,
        related_name="fills",
    )
    lifted_at = models.DateTimeField("提枪时间", null=True, blank=True)
    started_at = models.DateTimeField("开始时间", null=True, blank=True)
    occurred_at = models.DateTimeField("挂枪时间")
    recorded_at = models.DateTimeField("入库时间", db_default=Now())
    flags = models.JSONField("异常标记", default=list, blank=True)
    frames = models.CharField("报文位置", max_length=120, blank=True)

    class Flag(models.TextChoices):
        AMOUNT_MISMATCH = "AMOUNT_MISMATCH", "金额与升数×单价不符"
        TOTALIZER_MISMATCH = "TOTALIZER_MISMATCH", "升数与泵码走字不符"
        PRICE_DIFFERS = "PRICE_DIFFERS", "单价与挂牌价不符"
        INFERRED = "INFERRED", "断线期间推算"
        OVER_PRESET = "OVER_PRESET", "超出预置"
        LATE = "LATE", "迟到"

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["nozzle", "meter_epoch", "totalizer_after", "transaction_id"],
                name="one_fill_per_totalizer_step",
            ),
            models.CheckConstraint(condition=Q(litres__gt=0), name="a_fill_has_litres"),
            models.CheckConstraint(
                condition=Q(amount__gte=0, unit_price__gte=0),
                name="a_fill_costs_nothing_below_zero",
            ),
        ]
        indexes = [
            models.Index(fields=["nozzle", "-id"], name="fills_of_a_nozzle"),
            models.Index(fields=["shift", "nozzle"], name="fills_of_a_shift"),
            models.Index(fields=["day", "grade"], name="fills_of_a_day"),
            BrinIndex(fields=["occurred_at"], name="fills_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.nozzle} {self.litres} 升 {self.amount} 元"


class TotalizerReading(models.Model):
    """泵码 at an instant: at handover, at a price change, at start-up, hourly."""

    class Kind(models.TextChoices):
        OPENING = "OPENING", "上线初值"
        HANDOVER = "HANDOVER", "交接班"
        PRICE = "PRICE", "调价"
        PERIODIC = "PERIODIC", "定时"
        START = "START", "恢复通讯"

    nozzle = models.ForeignKey("station.Nozzle", models.PROTECT, related_name="readings")
    meter_epoch = models.PositiveSmallIntegerField("泵码段", default=0)
    litres = TotalizerField("泵码(升)")
    amount = TotalizerField("金额累计(元)", null=True, blank=True)
    occurred_at = models.DateTimeField("读取时间")
    recorded_at = models.DateTimeField("入库时间", db_default=Now())
    kind = models.CharField("类别", max_length=8, choices=Kind.choices)
    document = models.CharField("单据", max_length=60, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["nozzle", "kind", "document"],
                condition=~Q(document=""),
                name="one_reading_per_nozzle_and_document",
            ),
        ]
        indexes = [models.Index(fields=["nozzle", "-occurred_at"], name="readings_of_a_nozzle")]

    def __str__(self) -> str:
        return f"{self.nozzle} {self.litres}"


class MeterChange(models.Model):
    """换表, roll-over or decimals put right: from here on the totalizer counts in the next epoch."""

    class Kind(models.TextChoices):
        SWAP = "SWAP", "换表"
        ROLL_OVER = "ROLL_OVER", "泵码归零"
        RESCALED = "RESCALED", "小数位改正"

    nozzle = models.ForeignKey("station.Nozzle", models.PROTECT, related_name="meter_changes")
    kind = models.CharField("类别", max_length=10, choices=Kind.choices)
    epoch = models.PositiveSmallIntegerField("新泵码段")
    last_litres = TotalizerField("旧表止码")
    first_litres = TotalizerField("新表起码")
    occurred_at = models.DateTimeField("时间")
    actor = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.CharField("原因", max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["nozzle", "epoch"], name="one_change_per_meter_epoch")
        ]

    def __str__(self) -> str:
        return f"{self.nozzle} {self.get_kind_display()}"


class TotalizerGap(models.Model):
    """A step of a totalizer that no fill explains: the missing litres, until a fill or a reason does."""

    nozzle = models.ForeignKey("station.Nozzle", models.PROTECT, related_name="gaps")
    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    shift = models.ForeignKey("station.Shift", models.PROTECT, related_name="gaps")
    meter_epoch = models.PositiveSmallIntegerField("泵码段", default=0)
    litres_from = TotalizerField("起码")
    litres_to = TotalizerField("止码")
    unit_price = UnitPriceField("当时挂牌价(元/升)", null=True, blank=True)
    found_at = models.DateTimeField("发现时间")
    explained_at = models.DateTimeField("说明时间", null=True, blank=True)
    explained_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    fill = models.ForeignKey(Fill, models.PROTECT, null=True, blank=True, related_name="+")
    reason = models.CharField("说明", max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["nozzle", "meter_epoch", "litres_to"], name="one_gap_per_totalizer_step"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.nozzle} 缺 {self.litres_to - self.litres_from} 升"
