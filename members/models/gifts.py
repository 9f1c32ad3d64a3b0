"""会员礼遇: what a member gets for joining, on his birthday, and when he has not come for long."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class Occasion(models.TextChoices):
    """What a gift is given for."""

    WELCOME = "WELCOME", "入会礼"
    BIRTHDAY = "BIRTHDAY", "生日礼"
    WAKE = "WAKE", "唤醒券"


class GiftPlan(models.Model):
    """礼遇方案: a coupon, points, or both. One plan per occasion, for birthdays also one per tier.

    `days` is how many days before a birthday, or after how many days without a visit.
    """

    occasion = models.CharField("礼遇", max_length=8, choices=Occasion.choices)
    tier = models.ForeignKey(
        "members.Tier",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="会员等级",
    )
    template = models.CharField("券编号", max_length=40, blank=True)
    points = models.PositiveIntegerField("积分", default=0)
    days = models.PositiveSmallIntegerField("天数", default=0)
    valid_days = models.PositiveSmallIntegerField("券几天有效", null=True, blank=True)
    active = models.BooleanField("在用", default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["occasion", "tier"],
                name="one_gift_plan_per_occasion_and_tier",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(tier=None) | Q(occasion="BIRTHDAY"), name="birthdays_alone_go_by_tier"
            ),
            models.CheckConstraint(
                condition=~Q(template="") | Q(points__gt=0), name="a_gift_gives_something"
            ),
            models.CheckConstraint(
                condition=Q(valid_days=None) | Q(valid_days__gte=1),
                name="a_gifts_coupon_lives_a_day",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_occasion_display()} {self.tier or ''}".strip()


class Gift(models.Model):
    """One gift, once per `key`; its coupon waits until it is issued from the batch kept for it."""

    class State(models.TextChoices):
        PENDING = "PENDING", "等待发券"
        GIVEN = "GIVEN", "已给"
        VOID = "VOID", "作废"

    key = models.CharField("幂等键", max_length=60, unique=True)
    occasion = models.CharField("礼遇", max_length=8, choices=Occasion.choices)
    member = models.ForeignKey("members.Member", models.PROTECT, related_name="gifts")
    plan = models.ForeignKey(GiftPlan, models.PROTECT, related_name="+")
    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    template = models.CharField("券编号", max_length=40, blank=True)
    valid_days = models.PositiveSmallIntegerField("券几天有效", null=True, blank=True)
    points = models.PositiveIntegerField("积分", default=0)
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.PENDING)
    coupon = models.CharField("券码", max_length=20, blank=True)
    words = models.CharField("说明", max_length=200, blank=True)
    made_at = models.DateTimeField("时间")
    given_at = models.DateTimeField("发放时间", null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="GIVEN") | Q(given_at__isnull=False),
                name="a_gift_was_given_some_time",
            ),
        ]
        indexes = [
            models.Index(fields=["member", "-made_at"], name="gifts_of_a_member"),
            models.Index(fields=["id"], condition=Q(state="PENDING"), name="gifts_to_give"),
        ]

    def __str__(self) -> str:
        return self.key


class GiftCall(models.Model):
    """回访: customer service called about a gift, and what came of it. Append-only."""

    class Outcome(models.TextChoices):
        COMING = "COMING", "会来"
        THINKING = "THINKING", "再考虑"
        NO_ANSWER = "NO_ANSWER", "没接通"
        NOT_COMING = "NOT_COMING", "不来了"
        COMPLAINT = "COMPLAINT", "有意见"

    gift = models.ForeignKey(Gift, models.PROTECT, related_name="calls")
    outcome = models.CharField("结果", max_length=10, choices=Outcome.choices)
    words = models.CharField("说明", max_length=200, blank=True)
    actor = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    at = models.DateTimeField("时间")

    def __str__(self) -> str:
        return self.get_outcome_display()


class PersonMark(models.Model):
    """What shows a person to have been here before: his phone, plate or device, as a keyed index.

    Append-only; it stays when his account is closed, and says nothing of him but that.
    """

    class Kind(models.TextChoices):
        PHONE = "PHONE", "手机号"
        PLATE = "PLATE", "车牌"
        DEVICE = "DEVICE", "设备"

    kind = models.CharField("类别", max_length=6, choices=Kind.choices)
    index = models.CharField("索引", max_length=64)
    at = models.DateTimeField("时间")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "index"], name="a_mark_is_left_once")
        ]

    def __str__(self) -> str:
        return self.get_kind_display()
