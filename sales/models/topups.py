"""充值单: money taken for stored value, and given back. It is money of the drawer, and no sale."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from station.fields import YuanField
from station.money import Yuan


class TopUp(models.Model):
    """充值 or 储值退款. `principal` is the money that moved, `bonus` what was given or taken back."""

    class Kind(models.TextChoices):
        TOPUP = "TOPUP", "充值"
        REFUND = "REFUND", "储值退款"

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="top_ups")
    number = models.CharField("单号", max_length=40, unique=True)
    kind = models.CharField("类别", max_length=6, choices=Kind.choices, default=Kind.TOPUP)
    account = models.ForeignKey(
        "members.ValueAccount", models.PROTECT, verbose_name="储值账户", related_name="top_ups"
    )
    plan = models.ForeignKey(
        "members.TopUpPlan", models.PROTECT, null=True, blank=True, related_name="+"
    )
    original = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="refunds"
    )
    principal = YuanField("金额(元)")
    bonus = YuanField("赠金(元)", default=0)
    withheld = YuanField("抵扣赠金(元)", default=0)
    tender = models.ForeignKey("sales.Tender", models.PROTECT, related_name="+")
    day = models.ForeignKey("station.BusinessDay", models.PROTECT, related_name="+")
    shift = models.ForeignKey("station.Shift", models.PROTECT, related_name="+")
    session = models.ForeignKey("station.TillSession", models.PROTECT, related_name="top_ups")
    cashier = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    buyer = models.ForeignKey(
        "members.Member", models.PROTECT, null=True, blank=True, related_name="+"
    )
    approved_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    client_key = models.CharField("客户端键", max_length=60, unique=True)
    rule = models.CharField("退款规则", max_length=300)
    reason = models.CharField("原因", max_length=200, blank=True)
    occurred_at = models.DateTimeField("时间")
    recorded_at = models.DateTimeField("入库时间", db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="TOPUP", principal__gt=0, bonus__gte=0, withheld=0, original=None)
                | Q(
                    kind="REFUND",
                    principal__gte=0,
                    bonus__gte=0,
                    withheld__gte=0,
                    original__isnull=False,
                ),
                name="a_top_up_goes_its_way",
            ),
        ]
        indexes = [
            models.Index(fields=["session", "-id"], name="top_ups_of_a_session"),
            models.Index(fields=["account", "-id"], name="top_ups_of_an_account"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def gone(self) -> Yuan:
        """What of the principal a refund used up: paid out, or held back for bonus already spent."""
        total: Yuan = self.principal + self.withheld
        return total
