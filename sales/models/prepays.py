"""Prepays: money taken before the fill, and what was asked of one before fuel flowed."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from station.fields import YuanField


class Prepay(models.Model):
    """预付: money taken before the fill, and what of it was delivered."""

    class Status(models.TextChoices):
        OPEN = "OPEN", "待加油"
        FUELLING = "FUELLING", "加油中"
        SETTLED = "SETTLED", "已结算"
        CANCELLED = "CANCELLED", "已取消"

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="prepays")
    number = models.CharField("单号", max_length=40, unique=True)
    status = models.CharField("状态", max_length=10, choices=Status.choices, default=Status.OPEN)
    nozzle = models.ForeignKey(
        "station.Nozzle", models.PROTECT, verbose_name="油枪", related_name="prepays"
    )
    amount = YuanField("预付金额(元)")
    session = models.ForeignKey("station.TillSession", models.PROTECT, related_name="prepays")
    cashier = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    member = models.ForeignKey(
        "members.Member", models.PROTECT, null=True, blank=True, related_name="+"
    )
    day = models.ForeignKey("station.BusinessDay", models.PROTECT, related_name="+")
    client_key = models.CharField("客户端键", max_length=60, unique=True)
    authorisation = models.ForeignKey(
        "devices.Authorisation", models.PROTECT, null=True, blank=True, related_name="prepays"
    )
    sale = models.OneToOneField(
        "sales.Sale", models.PROTECT, null=True, blank=True, related_name="prepay"
    )
    refund_due = YuanField("应退(元)", default=0)
    refunded_at = models.DateTimeField("退款时间", null=True, blank=True)
    taken_at = models.DateTimeField("收款时间")
    settled_at = models.DateTimeField("结算时间", null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0, refund_due__gte=0, refund_due__lte=F("amount")),
                name="a_prepay_refunds_at_most_itself",
            ),
        ]
        indexes = [
            models.Index(
                fields=["station"],
                condition=Q(status__in=["OPEN", "FUELLING"]),
                name="prepays_under_way",
            ),
            models.Index(
                fields=["station"],
                condition=Q(refund_due__gt=0, refunded_at=None),
                name="prepays_due_back",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class PrepayChange(models.Model):
    """取消 or 换枪 as it was asked: done when the pump cannot deliver under the prepay any more."""

    class Kind(models.TextChoices):
        CANCEL = "CANCEL", "取消"
        MOVE = "MOVE", "换枪"

    class Status(models.TextChoices):
        WAITING = "WAITING", "等油枪确认"
        DONE = "DONE", "已办"
        FAILED = "FAILED", "没有办成"

    prepay = models.ForeignKey(Prepay, models.CASCADE, related_name="changes")
    kind = models.CharField("类别", max_length=6, choices=Kind.choices)
    status = models.CharField("状态", max_length=7, choices=Status.choices, default=Status.WAITING)
    nozzle = models.ForeignKey(
        "station.Nozzle",
        models.PROTECT,
        verbose_name="换到",
        null=True,
        blank=True,
        related_name="+",
    )
    reason = models.CharField("原因", max_length=200, blank=True)
    actor = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    asked_at = models.DateTimeField("时间")
    approved_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    ended_at = models.DateTimeField("办结时间", null=True, blank=True)
    answer = models.CharField("结果", max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["prepay"],
                condition=Q(status="WAITING"),
                name="one_change_of_a_prepay_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(kind="CANCEL", nozzle=None) | Q(kind="MOVE", nozzle__isnull=False),
                name="a_move_names_its_nozzle",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.prepay} {self.get_kind_display()}"
