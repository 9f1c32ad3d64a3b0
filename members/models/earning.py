"""How points are earned: rules as versions that never change."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from station.fields import RateField, YuanField


class EarnRule(models.Model):
    """积分规则, one version. In force is the newest version that has begun; a stop is a version too.

    BASE gives `points` per `per` yuan, litres or visits; TIER and MULTIPLIER multiply by `factor`;
    BONUS adds `points` once per sale; EXCLUDE earns nothing. `scope` says on what, where and when
    (`members.queries.earning.Scope`).
    """

    class Kind(models.TextChoices):
        BASE = "BASE", "基础积分"
        TIER = "TIER", "等级倍数"
        MULTIPLIER = "MULTI", "活动倍数"
        BONUS = "BONUS", "固定加分"
        EXCLUDE = "EXCLUDE", "不积分"

    class Measure(models.TextChoices):
        YUAN = "YUAN", "元"
        LITRE = "LITRE", "升"
        VISIT = "VISIT", "次"

    program = models.ForeignKey("members.PointsProgram", models.PROTECT, related_name="rules")
    code = models.CharField("代码", max_length=20)
    version = models.PositiveIntegerField("版本")
    name = models.CharField("名称", max_length=30)
    kind = models.CharField("类别", max_length=7, choices=Kind.choices)
    active = models.BooleanField("在用", default=True)
    priority = models.PositiveSmallIntegerField("优先级", default=0)
    measure = models.CharField("按", max_length=5, choices=Measure.choices, default=Measure.YUAN)
    points = models.PositiveIntegerField("分", default=0)
    per = models.PositiveIntegerField("每多少", default=1)
    whole = models.BooleanField("只计整数份", default=False)
    factor = RateField("倍数", default=1)
    min_spend = YuanField("最低消费(元)", default=0)
    scope = models.JSONField("范围", default=dict)
    cap_sale = models.PositiveIntegerField("单笔封顶", null=True, blank=True)
    cap_day = models.PositiveIntegerField("每人每日封顶", null=True, blank=True)
    cap_month = models.PositiveIntegerField("每人每月封顶", null=True, blank=True)
    valid_from = models.DateTimeField("生效")
    valid_until = models.DateTimeField("截止", null=True, blank=True)
    saved_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    saved_at = models.DateTimeField("保存时间", db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["code", "version"], name="one_rule_per_version"),
            models.CheckConstraint(
                condition=Q(per__gte=1, factor__gte=0, min_spend__gte=0),
                name="a_rule_gives_points_per_something",
            ),
            models.CheckConstraint(
                condition=Q(valid_until=None) | Q(valid_until__gt=models.F("valid_from")),
                name="a_rule_ends_after_it_began",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} 第 {self.version} 版"
