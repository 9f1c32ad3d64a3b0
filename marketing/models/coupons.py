"""Coupons: the template, a batch of it, each coupon with its state, and what happened to it."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from marketing.models.terms import Terms


class CouponTemplate(Terms):
    """券模板 of a version. Fixed dates, or so many days from the day of issue.

    `tenders` are the codes of the ways of paying that it is limited to, none is any; `paid_by` says
    so in the words of the day on which it was planned.
    """

    valid_from = models.DateTimeField("可用开始", null=True, blank=True)
    valid_until = models.DateTimeField("可用结束", null=True, blank=True)
    valid_days = models.PositiveSmallIntegerField("发放后几天有效", null=True, blank=True)
    transferable = models.BooleanField("可转赠", default=False)
    tenders = models.JSONField("限付款方式", default=list, blank=True)
    paid_by = models.CharField("付款要求", max_length=80, blank=True)

    class Meta(Terms.Meta):
        abstract = False
        constraints = [
            *Terms.Meta.constraints,
            models.CheckConstraint(
                condition=Q(valid_days__gt=0, valid_from=None, valid_until=None)
                | Q(valid_days=None, valid_from__isnull=False, valid_until__gt=F("valid_from")),
                name="a_coupons_time_is_one_of_two",
            ),
            models.CheckConstraint(
                condition=Q(tenders=[], paid_by="") | ~Q(tenders=[]) & ~Q(paid_by=""),
                name="a_limit_on_paying_is_said_in_words",
            ),
        ]


class CouponBatch(models.Model):
    """一批券: how many may be issued, to whom, and by which open code they are claimed."""

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    number = models.CharField("批号", max_length=40, unique=True)
    template = models.ForeignKey(
        CouponTemplate, models.PROTECT, verbose_name="券", related_name="batches"
    )
    quota = models.PositiveIntegerField("数量")
    issued = models.PositiveIntegerField("已发", default=0)
    per_member = models.PositiveSmallIntegerField("每人最多", default=1)
    per_member_day = models.PositiveSmallIntegerField("每人每天最多", null=True, blank=True)
    per_device = models.PositiveSmallIntegerField("每台设备最多", null=True, blank=True)
    open_code = models.CharField("领券码", max_length=20, null=True, blank=True, unique=True)
    for_rewards = models.BooleanField("留给积分商城和礼遇", default=False)
    new_within_days = models.PositiveSmallIntegerField("限入会几天内", null=True, blank=True)
    claim_until = models.DateTimeField("领取截止", null=True, blank=True)
    closed_at = models.DateTimeField("停发时间", null=True, blank=True)
    made_by = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    made_at = models.DateTimeField("建立时间")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(issued__lte=F("quota")), name="no_more_coupons_than_the_quota"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.template.name}"


class ClaimCount(models.Model):
    """How many coupons of a batch one subject has had: a member, a member's day, a device."""

    batch = models.ForeignKey(CouponBatch, models.PROTECT, related_name="counts")
    subject = models.CharField("对象", max_length=80)
    used = models.PositiveSmallIntegerField("已领")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["batch", "subject"], name="one_count_per_claimer")
        ]


class Coupon(models.Model):
    """券. Every change of state is one conditional UPDATE, so that it is used once."""

    class State(models.TextChoices):
        ISSUED = "ISSUED", "可用"
        LOCKED = "LOCKED", "已锁定"
        USED = "USED", "已使用"
        EXPIRED = "EXPIRED", "已过期"
        VOID = "VOID", "已作废"

    class Source(models.TextChoices):
        GIVEN = "GIVEN", "直接发放"
        CLAIMED = "CLAIMED", "领取"
        PRINTED = "PRINTED", "不记名"
        REWARD = "REWARD", "积分兑换"
        GIFT = "GIFT", "会员礼遇"

    code = models.CharField("券码", max_length=20, unique=True)
    batch = models.ForeignKey(CouponBatch, models.PROTECT, related_name="coupons")
    template = models.ForeignKey(CouponTemplate, models.PROTECT, related_name="coupons")
    member = models.ForeignKey(
        "members.Member", models.PROTECT, null=True, blank=True, related_name="coupons"
    )
    source = models.CharField("来源", max_length=8, choices=Source.choices)
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.ISSUED)
    returned = models.PositiveSmallIntegerField("退回次数", default=0)
    lock_key = models.CharField("锁定者", max_length=60, blank=True)
    locked_until = models.DateTimeField("锁定到", null=True, blank=True)
    document = models.CharField("使用单据", max_length=40, blank=True)
    valid_from = models.DateTimeField("可用开始")
    valid_until = models.DateTimeField("可用结束")
    issued_at = models.DateTimeField("发放时间")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="LOCKED", locked_until__isnull=False) & ~Q(lock_key="")
                | ~Q(state="LOCKED"),
                name="a_locked_coupon_has_its_basket",
            ),
            models.CheckConstraint(
                condition=Q(state="USED") & ~Q(document="") | ~Q(state="USED"),
                name="a_used_coupon_has_its_document",
            ),
            models.CheckConstraint(
                condition=Q(valid_until__gt=F("valid_from")), name="a_coupon_ends_after_it_began"
            ),
        ]
        indexes = [
            models.Index(
                fields=["member"],
                condition=Q(state__in=["ISSUED", "LOCKED"]),
                name="coupons_in_the_hand",
            ),
            models.Index(fields=["batch", "state"], name="coupons_of_a_batch"),
            models.Index(
                fields=["valid_until"],
                condition=Q(state__in=["ISSUED", "LOCKED"]),
                name="coupons_to_expire",
            ),
            models.Index(
                fields=["lock_key"], condition=Q(state="LOCKED"), name="coupons_of_a_basket"
            ),
            models.Index(
                fields=["document"], condition=~Q(document=""), name="coupons_of_a_document"
            ),
        ]

    def __str__(self) -> str:
        return self.code


class CouponEvent(models.Model):
    """What happened to a coupon, for ever."""

    class Kind(models.TextChoices):
        ISSUED = "ISSUED", "发放"
        LOCKED = "LOCKED", "锁定"
        RELEASED = "RELEASED", "释放"
        USED = "USED", "使用"
        RETURNED = "RETURNED", "退回"
        EXPIRED = "EXPIRED", "过期"
        VOIDED = "VOIDED", "作废"
        MOVED = "MOVED", "转归"

    coupon = models.ForeignKey(Coupon, models.PROTECT, related_name="events")
    kind = models.CharField("事件", max_length=8, choices=Kind.choices)
    at = models.DateTimeField("时间")
    document = models.CharField("单据或挂起的单", max_length=60, blank=True)
    actor = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    words = models.CharField("说明", max_length=200, blank=True)

    class Meta:
        indexes = [models.Index(fields=["coupon", "id"], name="events_of_a_coupon")]


class CodeTry(models.Model):
    """Wrong codes typed by one subject in one window: guessing is slowed down."""

    subject = models.CharField("对象", max_length=80)
    since = models.DateTimeField("窗口开始")
    wrong = models.PositiveSmallIntegerField("错误次数", default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subject"], name="one_count_of_wrong_codes")]
