"""锁价: litres of a grade that a member has at a price, and every litre that came and went."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from station.fields import LitresField, UnitPriceField


class PriceLock(models.Model):
    """So many litres of a grade at a price, for one member until an instant.

    `left` goes down by one conditional UPDATE and always equals the sum of the lock's moves;
    `list_price` is the posted price on the day it was given, None where there was none.
    """

    class Status(models.TextChoices):
        PLANNED = "PLANNED", "待审批"
        APPROVED = "APPROVED", "已生效"
        REJECTED = "REJECTED", "已驳回"
        STOPPED = "STOPPED", "已停止"

    station = models.ForeignKey(
        "station.Station", models.PROTECT, verbose_name="油站", related_name="+"
    )
    number = models.CharField("编号", max_length=40, unique=True)
    client_key = models.CharField("客户端键", max_length=80, unique=True)
    member = models.ForeignKey(
        "members.Member", models.PROTECT, verbose_name="会员", related_name="price_locks"
    )
    grade = models.ForeignKey(
        "station.Grade", models.PROTECT, verbose_name="油品", related_name="+"
    )
    price = UnitPriceField("锁定单价(元)")
    litres = LitresField("升数")
    left = LitresField("剩余升数", default=0)
    valid_until = models.DateTimeField("到期")
    list_price = UnitPriceField("发放时挂牌价(元)", null=True, blank=True)
    campaign = models.CharField("费用归属", max_length=30)
    reason = models.CharField("原因", max_length=200)
    status = models.CharField("状态", max_length=8, choices=Status.choices, default=Status.PLANNED)
    granted_by = models.ForeignKey(
        "station.User", models.PROTECT, verbose_name="发放人", related_name="+"
    )
    granted_at = models.DateTimeField("发放时间")
    approved_by = models.ForeignKey(
        "station.User",
        models.PROTECT,
        null=True,
        blank=True,
        verbose_name="审批人",
        related_name="+",
    )
    approved_at = models.DateTimeField("生效时间", null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(price__gt=0, litres__gt=0), name="a_lock_has_litres_and_a_price"
            ),
            models.CheckConstraint(
                condition=Q(left__gte=0, left__lte=F("litres")),
                name="locked_litres_stay_between_none_and_all",
            ),
            models.CheckConstraint(
                condition=Q(status="APPROVED") | Q(left=0),
                name="only_a_lock_in_force_has_litres_left",
            ),
            models.CheckConstraint(
                condition=Q(approved_by=None) | ~Q(approved_by=F("granted_by")),
                name="a_lock_is_approved_by_another",
            ),
        ]
        indexes = [
            models.Index(fields=["member"], condition=Q(left__gt=0), name="locks_in_the_hand"),
            models.Index(fields=["valid_until"], condition=Q(left__gt=0), name="locks_to_expire"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.grade.code} ¥{self.price:.2f}"


class PriceLockMove(models.Model):
    """Litres of a lock that came (positive) or went, with the document that caused it, for ever."""

    class Kind(models.TextChoices):
        GRANTED = "GRANTED", "发放"
        USED = "USED", "使用"
        RETURNED = "RETURNED", "退回"
        EXPIRED = "EXPIRED", "过期"
        STOPPED = "STOPPED", "停止"
        MOVED = "MOVED", "转归"

    lock = models.ForeignKey(PriceLock, models.PROTECT, related_name="moves")
    kind = models.CharField("事件", max_length=8, choices=Kind.choices)
    litres = LitresField("升数")
    document = models.CharField("单据", max_length=40, blank=True)
    line = models.PositiveSmallIntegerField("行号", default=0)
    original = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="given_back"
    )
    at = models.DateTimeField("时间")
    actor = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    words = models.CharField("说明", max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["lock", "document", "line", "kind"],
                condition=Q(kind__in=["USED", "RETURNED"]),
                name="a_documents_line_moves_a_lock_once",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["GRANTED", "RETURNED"], litres__gt=0)
                | Q(kind__in=["USED", "EXPIRED", "STOPPED"], litres__lt=0)
                | Q(kind="MOVED", litres=0),
                name="locked_litres_come_or_go",
            ),
            models.CheckConstraint(
                condition=Q(kind="RETURNED", original__isnull=False)
                | ~Q(kind="RETURNED") & Q(original=None),
                name="litres_that_come_back_name_what_they_were",
            ),
        ]
        indexes = [
            models.Index(
                fields=["document"], condition=~Q(document=""), name="lock_moves_of_a_document"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lock_id} {self.get_kind_display()} {self.litres}"
