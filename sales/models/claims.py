"""Whose a fill is: leased to the till that shows it, then claimed by exactly one document."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from station.fields import YuanField


class FillLease(models.Model):
    """A fill shown on a till: locked (已锁定) on the others until it is put back or the lease ends."""

    fill = models.OneToOneField(
        "devices.Fill", models.PROTECT, related_name="lease", primary_key=True
    )
    session = models.ForeignKey("station.TillSession", models.PROTECT, related_name="leases")
    leased_at = models.DateTimeField("时间")
    expires_at = models.DateTimeField("到期")

    def __str__(self) -> str:
        return f"{self.fill} → {self.session}"


class FillClaim(models.Model):
    """A fill belongs to one document. Released (with a correction), it is unpaid again."""

    class Kind(models.TextChoices):
        SALE = "SALE", "销售"
        TEST = "TEST", "检定回罐"
        OWN_USE = "OWN_USE", "自用"
        DRIVE_OFF = "DRIVE_OFF", "跑单"

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    fill = models.ForeignKey("devices.Fill", models.PROTECT, related_name="claims")
    kind = models.CharField("用途", max_length=10, choices=Kind.choices)
    document = models.CharField("单据", max_length=40, db_index=True)
    day = models.ForeignKey("station.BusinessDay", models.PROTECT, related_name="+")
    claimed_at = models.DateTimeField("时间")
    attendant = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    released_at = models.DateTimeField("释放时间", null=True, blank=True)
    released_day = models.ForeignKey(
        "station.BusinessDay", models.PROTECT, null=True, blank=True, related_name="+"
    )
    released_by_document = models.CharField("释放单据", max_length=40, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["fill"], condition=Q(released_at=None), name="a_fill_is_claimed_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["released_by_document"],
                condition=~Q(released_by_document=""),
                name="claims_by_release",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.fill} {self.document}"


class FillUse(models.Model):
    """A fill that is no sale: pump test returned to its tank, or own use. Approved by someone else."""

    class Kind(models.TextChoices):
        TEST = "TEST", "检定回罐"
        OWN_USE = "OWN_USE", "自用"

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    number = models.CharField("单号", max_length=40, unique=True)
    kind = models.CharField("用途", max_length=8, choices=Kind.choices)
    fill = models.ForeignKey("devices.Fill", models.PROTECT, related_name="uses")
    day = models.ForeignKey("station.BusinessDay", models.PROTECT, related_name="+")
    shift = models.ForeignKey("station.Shift", models.PROTECT, related_name="fill_uses")
    reason = models.CharField("原因", max_length=200)
    actor = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    approved_by = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    occurred_at = models.DateTimeField("时间")
    recorded_at = models.DateTimeField("入库时间", db_default=Now())

    def __str__(self) -> str:
        return self.number


class DriveOff(models.Model):
    """跑单: an unpaid fill that left; a receivable with its plate, blocked until recovered."""

    class Status(models.TextChoices):
        OPEN = "OPEN", "未追回"
        RECOVERED = "RECOVERED", "已追回"
        WRITTEN_OFF = "WRITTEN_OFF", "已核销"

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="drive_offs")
    number = models.CharField("单号", max_length=40, unique=True)
    fill = models.ForeignKey("devices.Fill", models.PROTECT, related_name="drive_offs")
    amount = YuanField("金额(元)")
    status = models.CharField("状态", max_length=12, choices=Status.choices, default=Status.OPEN)
    key = models.ForeignKey("station.DataKey", models.PROTECT, related_name="+")
    plate_sealed = models.CharField("车牌(密文)", max_length=300, blank=True)
    plate_index = models.CharField("车牌索引", max_length=64, blank=True, db_index=True)
    note = models.CharField("说明", max_length=200, blank=True)
    day = models.ForeignKey("station.BusinessDay", models.PROTECT, related_name="+")
    shift = models.ForeignKey("station.Shift", models.PROTECT, related_name="drive_offs")
    actor = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    occurred_at = models.DateTimeField("时间")
    recorded_at = models.DateTimeField("入库时间", db_default=Now())
    recovered_by_sale = models.ForeignKey(
        "sales.Sale", models.PROTECT, null=True, blank=True, related_name="+"
    )

    def __str__(self) -> str:
        return self.number


class LateEntry(models.Model):
    """补录: a fill typed from the pump's reading, with a reason and someone else's approval."""

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    number = models.CharField("单号", max_length=40, unique=True)
    fill = models.OneToOneField("devices.Fill", models.PROTECT, related_name="late_entry")
    gap = models.ForeignKey(
        "devices.TotalizerGap", models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.CharField("原因", max_length=200)
    actor = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    approved_by = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    at = models.DateTimeField("时间")

    def __str__(self) -> str:
        return self.number
