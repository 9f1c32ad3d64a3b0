"""What arrived late from a till that sold without the network, and what did not fit: 待处理."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from station.fields import YuanField


class OfflineUpload(models.Model):
    """One sale as the till recorded it offline; kept word for word, arrives exactly once."""

    till = models.ForeignKey("station.Till", models.PROTECT, related_name="uploads")
    client_key = models.CharField("客户端键", max_length=60, unique=True)
    local_number = models.CharField("本地单号", max_length=40)
    body = models.JSONField("内容")
    sold_at = models.DateTimeField("销售时间")
    received_at = models.DateTimeField("收到时间")
    sale = models.OneToOneField(
        "sales.Sale", models.PROTECT, null=True, blank=True, related_name="upload"
    )

    def __str__(self) -> str:
        return self.local_number


class Discrepancy(models.Model):
    """待处理: something that happened and does not fit, with its money, until someone works it off."""

    class Kind(models.TextChoices):
        SECOND_CLAIM = "SECOND_CLAIM", "加油记录已被另一单收款"
        UNKNOWN_FILL = "UNKNOWN_FILL", "找不到加油记录"
        AMOUNT_DIFFERS = "AMOUNT_DIFFERS", "金额不符"
        NEGATIVE_STOCK = "NEGATIVE_STOCK", "库存为负"
        CLOSED_DAY = "CLOSED_DAY", "营业日已结"
        ENDED_SESSION = "ENDED_SESSION", "收银班已结束"
        UNPAID_FILL = "UNPAID_FILL", "跨班未付"
        OVER_PRESET = "OVER_PRESET", "超出预付"

    class Status(models.TextChoices):
        OPEN = "OPEN", "待处理"
        RESOLVED = "RESOLVED", "已处理"
        ACCEPTED = "ACCEPTED", "已认可"

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="discrepancies")
    kind = models.CharField("类别", max_length=16, choices=Kind.choices)
    document = models.CharField("单据", max_length=60)
    subject = models.CharField("对象", max_length=60)
    amount = YuanField("涉及金额(元)", default=0)
    text = models.CharField("说明", max_length=300)
    day = models.ForeignKey("station.BusinessDay", models.PROTECT, related_name="+")
    status = models.CharField("状态", max_length=8, choices=Status.choices, default=Status.OPEN)
    raised_at = models.DateTimeField("时间")
    resolved_at = models.DateTimeField("处理时间", null=True, blank=True)
    resolved_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    resolution = models.CharField("处理结果", max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["document", "kind", "subject"], name="one_discrepancy_per_cause"
            ),
            models.CheckConstraint(
                condition=Q(status="OPEN") | (~Q(resolution="") & Q(resolved_by__isnull=False)),
                name="a_discrepancy_is_worked_off_in_words",
            ),
        ]
        indexes = [
            models.Index(fields=["station"], condition=Q(status="OPEN"), name="discrepancies_open"),
        ]

    def __str__(self) -> str:
        return self.text
