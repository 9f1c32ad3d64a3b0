"""What a tier asks for and what it gives: versions of the rule, thresholds, benefits."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from station.fields import LitresField, YuanField


class TierRule(models.Model):
    """定级规则: one version of how tiers are reached and kept; append-only, the next one follows it."""

    class Window(models.TextChoices):
        ROLLING = "ROLLING", "最近若干天"
        YEAR = "YEAR", "自然年"

    valid_from = models.DateField("生效日期", db_index=True)
    window = models.CharField("统计期", max_length=8, choices=Window.choices)
    days = models.PositiveSmallIntegerField("统计天数", default=365)
    grace_days = models.PositiveSmallIntegerField("宽限天数", default=30)
    notice_days = models.PositiveSmallIntegerField("降级前提醒天数", default=30)
    visits_a_day = models.PositiveSmallIntegerField("一天最多计几次", default=1)
    points_per_yuan = YuanField("每元等级分", default=0)
    points_per_litre = YuanField("每升等级分", default=0)
    points_per_visit = YuanField("每次等级分", default=0)
    made_at = models.DateTimeField("制定时间")
    made_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    approved_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(days__gte=1, days__lte=1100), name="a_window_has_days"
            ),
            models.CheckConstraint(
                condition=Q(visits_a_day__gte=1), name="a_visit_counts_at_least_once_a_day"
            ),
            models.CheckConstraint(
                condition=Q(points_per_yuan__gte=0)
                & Q(points_per_litre__gte=0)
                & Q(points_per_visit__gte=0),
                name="tier_points_are_never_taken_for_buying",
            ),
            models.CheckConstraint(
                condition=Q(approved_by=None) | ~Q(approved_by=F("made_by")),
                name="nobody_approves_his_own_tier_rule",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.valid_from} 起"


class TierThreshold(models.Model):
    """What one version of the rule asks for a tier: any one of its figures is enough."""

    rule = models.ForeignKey(TierRule, models.PROTECT, related_name="thresholds")
    tier = models.ForeignKey("members.Tier", models.PROTECT, related_name="thresholds")
    spend = YuanField("消费(元)", null=True, blank=True)
    litres = LitresField("加油(升)", null=True, blank=True)
    visits = models.PositiveIntegerField("次数", null=True, blank=True)
    points = YuanField("等级分", null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "tier"], name="one_threshold_of_a_tier_in_a_rule"
            ),
            models.CheckConstraint(
                condition=Q(spend__gt=0) | Q(litres__gt=0) | Q(visits__gt=0) | Q(points__gt=0),
                name="a_threshold_asks_for_something",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.tier_id}"


class TierBenefit(models.Model):
    """等级权益: what a tier gives from a day on, until it ends; a change is another row."""

    class Kind(models.TextChoices):
        LITRE_CUT = "LITRE_CUT", "每升优惠"
        MULTIPLIER = "MULTIPLIER", "积分倍数"
        BIRTHDAY = "BIRTHDAY", "生日礼包"
        PRIORITY = "PRIORITY", "优先加油"
        SERVICE = "SERVICE", "免费服务"

    tier = models.ForeignKey("members.Tier", models.PROTECT, related_name="benefits")
    kind = models.CharField("权益", max_length=10, choices=Kind.choices)
    amount = YuanField("数值", null=True, blank=True)  # yuan per litre, or the factor of points
    name = models.CharField("名称", max_length=30, blank=True)  # of a service or a pack
    monthly = models.PositiveSmallIntegerField("每月次数", null=True, blank=True)
    words = models.CharField("说明", max_length=100)
    since = models.DateTimeField("起")
    until = models.DateTimeField("止", null=True, blank=True)
    given_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tier", "kind", "name"],
                condition=Q(until=None),
                name="a_tier_gives_a_benefit_once",
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=["LITRE_CUT", "MULTIPLIER"])
                | Q(amount__isnull=False, amount__gt=0),
                name="a_cut_or_factor_has_its_figure",
            ),
            models.CheckConstraint(
                condition=~Q(kind="SERVICE") | Q(monthly__isnull=False, monthly__gte=1),
                name="a_free_service_says_how_often",
            ),
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gte=F("since")),
                name="a_benefit_ends_after_it_began",
            ),
        ]

    def __str__(self) -> str:
        return self.words
