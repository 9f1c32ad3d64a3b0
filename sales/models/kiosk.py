"""自助充值单: what a member wants to top up, chosen at a kiosk and paid at a till."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from station.fields import YuanField


class KioskOrder(models.Model):
    """A plan chosen at a kiosk. No money has moved: a cashier takes it, once, while it is good."""

    class State(models.TextChoices):
        OPEN = "OPEN", "待付款"
        PAID = "PAID", "已充值"
        CANCELLED = "CANCELLED", "已取消"

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="kiosk_orders")
    kiosk = models.ForeignKey("devices.Kiosk", models.PROTECT, related_name="orders")
    number = models.CharField("单号", max_length=40, unique=True)
    member = models.ForeignKey("members.Member", models.PROTECT, related_name="kiosk_orders")
    plan = models.ForeignKey("members.TopUpPlan", models.PROTECT, related_name="+")
    amount = YuanField("金额(元)")
    bonus = YuanField("赠金(元)", default=0)
    client_key = models.CharField("客户端键", max_length=60, unique=True)
    state = models.CharField("状态", max_length=9, choices=State.choices, default=State.OPEN)
    ordered_at = models.DateTimeField("下单时间")
    expires_at = models.DateTimeField("失效时间")
    ended_at = models.DateTimeField("结束时间", null=True, blank=True)
    top_up = models.OneToOneField(
        "sales.TopUp", models.PROTECT, null=True, blank=True, related_name="kiosk_order"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="PAID", top_up__isnull=False) | ~Q(state="PAID") & Q(top_up=None),
                name="a_paid_kiosk_order_has_its_top_up",
            ),
            models.CheckConstraint(
                condition=Q(amount__gt=0, bonus__gte=0, expires_at__gt=F("ordered_at")),
                name="a_kiosk_order_asks_for_money",
            ),
            models.UniqueConstraint(
                fields=["member"], condition=Q(state="OPEN"), name="one_kiosk_order_at_a_time"
            ),
        ]
        indexes = [models.Index(fields=["station", "-id"], name="kiosk_orders_of_a_station")]

    def __str__(self) -> str:
        return self.number
