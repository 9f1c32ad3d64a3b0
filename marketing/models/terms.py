"""What an offer gives and for whom: the same columns for a promotion and for a coupon's template."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from station.fields import LitresField, RateField, YuanField


class Benefit(models.TextChoices):
    """What is taken off."""

    PER_LITRE = "PER_LITRE", "每升直降"
    TIER_PRICE = "TIER_PRICE", "会员等级价"
    PERCENT = "PERCENT", "按比例减"
    SECOND_HALF = "SECOND_HALF", "第二件优惠"
    BUNDLE = "BUNDLE", "搭配优惠"
    THRESHOLD = "THRESHOLD", "满减"
    AMOUNT = "AMOUNT", "代金"
    GIFT = "GIFT", "礼品"
    SERVICE = "SERVICE", "服务"
    EXCHANGE = "EXCHANGE", "换购"


PROMOTIONS = (
    Benefit.PER_LITRE,
    Benefit.THRESHOLD,
    Benefit.SECOND_HALF,
    Benefit.BUNDLE,
    Benefit.TIER_PRICE,
    Benefit.PERCENT,
)
COUPONS = (
    Benefit.AMOUNT,
    Benefit.THRESHOLD,
    Benefit.PERCENT,
    Benefit.PER_LITRE,
    Benefit.GIFT,
    Benefit.SERVICE,
    Benefit.EXCHANGE,
)
IN_YUAN = (
    Benefit.PER_LITRE,
    Benefit.TIER_PRICE,
    Benefit.THRESHOLD,
    Benefit.AMOUNT,
    Benefit.EXCHANGE,
)


class Status(models.TextChoices):
    """Where an offer stands: one person plans it, another approves it."""

    PLANNED = "PLANNED", "待审批"
    APPROVED = "APPROVED", "已批准"
    REJECTED = "REJECTED", "已驳回"
    STOPPED = "STOPPED", "已停止"
    REPLACED = "REPLACED", "已被新版代替"
    ENDED = "ENDED", "已结束"


class Terms(models.Model):
    """The terms of an offer. A row's terms never change: what changes is another version.

    `kinds`, `products` (grade and item codes) and `categories` say what it is for, empty is
    everything. `needs_fuel` is what fuel in the same basket must come to, zero any.
    """

    station = models.ForeignKey(
        "station.Station", models.PROTECT, verbose_name="油站", related_name="+"
    )
    everywhere = models.BooleanField("全部油站", default=False)
    code = models.CharField("编号", max_length=30)
    version = models.PositiveSmallIntegerField("版本", default=1)
    campaign = models.CharField("费用归属", max_length=30, db_index=True)
    name = models.CharField("名称", max_length=30)
    benefit = models.CharField("优惠方式", max_length=12, choices=Benefit.choices)
    amount = YuanField("金额(元)", null=True, blank=True)
    percent = RateField("减让比例", null=True, blank=True)
    threshold = YuanField("满多少元", default=0)
    needs_fuel = YuanField("同单加油满(元)", null=True, blank=True)
    units = models.PositiveSmallIntegerField("件数", default=1)
    cap_litres = LitresField("每笔最多升数", null=True, blank=True)
    kinds = models.JSONField("类别", default=list, blank=True)
    products = models.JSONField("油品与商品", default=list, blank=True)
    categories = models.JSONField("商品分类", default=list, blank=True)
    members_only = models.BooleanField("限会员", default=False)
    tier = models.ForeignKey(
        "members.Tier",
        models.PROTECT,
        null=True,
        blank=True,
        verbose_name="最低等级",
        related_name="+",
    )
    weekdays = models.JSONField("星期", default=list, blank=True)
    month_days = models.JSONField("每月几日", default=list, blank=True)
    dates = models.JSONField("日期", default=list, blank=True)
    from_time = models.TimeField("每天从", null=True, blank=True)
    to_time = models.TimeField("每天到", null=True, blank=True)
    priority = models.SmallIntegerField("优先级", default=0)
    group = models.CharField("互斥组", max_length=20, blank=True)
    exclusive = models.BooleanField("不与同类优惠同享", default=False)
    alone = models.BooleanField("不与任何优惠同享", default=False)
    status = models.CharField("状态", max_length=8, choices=Status.choices, default=Status.PLANNED)
    planned_by = models.ForeignKey(
        "station.User", models.PROTECT, verbose_name="制单人", related_name="+"
    )
    planned_at = models.DateTimeField("制单时间")
    approved_by = models.ForeignKey(
        "station.User",
        models.PROTECT,
        null=True,
        blank=True,
        verbose_name="审批人",
        related_name="+",
    )
    approved_at = models.DateTimeField("审批时间", null=True, blank=True)

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint(
                fields=["station", "code", "version"], name="one_%(class)s_per_version"
            ),
            models.UniqueConstraint(
                fields=["station", "code"],
                condition=Q(status="APPROVED"),
                name="one_%(class)s_in_force_per_code",
            ),
            models.CheckConstraint(
                condition=Q(percent=None) | Q(percent__gt=0, percent__lte=1),
                name="a_%(class)s_takes_off_a_share",
            ),
            models.CheckConstraint(
                condition=Q(amount=None) | Q(amount__gte=0),
                name="a_%(class)s_never_adds",
            ),
            models.CheckConstraint(
                condition=(Q(benefit__in=IN_YUAN) & Q(amount__isnull=False))
                | (~Q(benefit__in=IN_YUAN) & Q(percent__isnull=False)),
                name="a_%(class)s_says_how_much",
            ),
            models.CheckConstraint(
                condition=Q(approved_by=None) | ~Q(approved_by=models.F("planned_by")),
                name="a_%(class)s_is_approved_by_another",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}（{self.code} 第 {self.version} 版）"
