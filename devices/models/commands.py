"""Commands that flow down to the line, and the authorisations fills run under."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from station.fields import LitresField, UnitPriceField, YuanField


class Authorisation(models.Model):
    """授权: a nozzle, a limit, a price and the document it is for; the fill carries it."""

    class Status(models.TextChoices):
        WAITING = "WAITING", "待下发"
        SENT = "SENT", "已授权"
        FUELLING = "FUELLING", "加油中"
        USED = "USED", "已完成"
        CANCELLED = "CANCELLED", "已取消"
        EXPIRED = "EXPIRED", "已过期"
        FAILED = "FAILED", "失败"

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    nozzle = models.ForeignKey("station.Nozzle", models.PROTECT, related_name="authorisations")
    limit_amount = YuanField("预置金额(元)", null=True, blank=True)
    limit_litres = LitresField("预置升数", null=True, blank=True)
    unit_price = UnitPriceField("单价(元/升)", null=True, blank=True)
    document = models.CharField("单据", max_length=60, blank=True)
    status = models.CharField("状态", max_length=10, choices=Status.choices, default=Status.WAITING)
    valid_until = models.DateTimeField("有效至")
    asked_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    asked_at = models.DateTimeField("时间")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["nozzle"],
                condition=Q(status__in=["WAITING", "SENT", "FUELLING"]),
                name="one_live_authorisation_per_nozzle",
            ),
            models.CheckConstraint(
                condition=Q(limit_amount=None) | Q(limit_litres=None),
                name="a_preset_is_yuan_or_litres",
            ),
            models.CheckConstraint(
                condition=(Q(limit_amount=None) | Q(limit_amount__gt=0))
                & (Q(limit_litres=None) | Q(limit_litres__gt=0)),
                name="a_preset_is_positive",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.nozzle} {self.get_status_display()}"


class Command(models.Model):
    """An order to the poller with a short life; done only when its effect was read back."""

    class Kind(models.TextChoices):
        AUTHORISE = "AUTHORISE", "授权"
        CANCEL = "CANCEL", "取消授权"
        STOP = "STOP", "停枪"
        SUSPEND = "SUSPEND", "暂停"
        RESUME = "RESUME", "继续"
        STOP_ALL = "STOP_ALL", "急停"
        RELEASE_ALL = "RELEASE_ALL", "解除急停"
        PRICE = "PRICE", "下发价格"
        READ_TOTALS = "READ_TOTALS", "读泵码"
        REWIRE = "REWIRE", "重新载入接线"
        SIGN = "SIGN", "改价格牌"

    class Status(models.TextChoices):
        WAITING = "WAITING", "等待"
        TAKEN = "TAKEN", "执行中"
        DONE = "DONE", "完成"
        FAILED = "FAILED", "失败"
        VOID = "VOID", "作废"

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    kind = models.CharField("命令", max_length=12, choices=Kind.choices)
    nozzle = models.ForeignKey(
        "station.Nozzle", models.PROTECT, null=True, blank=True, related_name="commands"
    )
    authorisation = models.ForeignKey(
        Authorisation, models.PROTECT, null=True, blank=True, related_name="commands"
    )
    arguments = models.JSONField("参数", default=dict, blank=True)
    document = models.CharField("单据", max_length=60, blank=True)
    actor = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    asked_at = models.DateTimeField("时间")
    valid_until = models.DateTimeField("有效至")
    status = models.CharField("状态", max_length=8, choices=Status.choices, default=Status.WAITING)
    finished_at = models.DateTimeField("完成时间", null=True, blank=True)
    answer = models.CharField("结果", max_length=200, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["id"],
                condition=Q(status__in=["WAITING", "TAKEN"]),
                name="commands_under_way",
            ),
            models.Index(
                fields=["station", "-id"],
                condition=Q(kind__in=["STOP_ALL", "RELEASE_ALL"]),
                name="stops_of_a_station",
            ),
            models.Index(fields=["nozzle", "-id"], name="commands_of_a_nozzle"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.nozzle or ''}"
