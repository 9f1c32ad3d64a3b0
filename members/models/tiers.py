"""Tiers a member may hold, and which he held when."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class Tier(models.Model):
    """会员等级: 普通, 银卡, 金卡 … in the order of `rank`; rank 0 is what everybody starts with."""

    code = models.CharField("代码", max_length=12, unique=True)
    name = models.CharField("名称", max_length=20, unique=True)
    rank = models.PositiveSmallIntegerField("级别", unique=True)
    active = models.BooleanField("在用", default=True)

    def __str__(self) -> str:
        return self.name


class MemberTier(models.Model):
    """A tier held from an instant on, until another follows; who has no row holds rank 0."""

    class Reason(models.TextChoices):
        UPGRADE = "UPGRADE", "达标升级"
        DOWNGRADE = "DOWNGRADE", "到期降级"
        REFUND = "REFUND", "退款后重新评定"
        MANUAL = "MANUAL", "人工调整"
        IMPORT = "IMPORT", "导入"
        MERGE = "MERGE", "合并"

    member = models.ForeignKey("members.Member", models.PROTECT, related_name="tiers")
    tier = models.ForeignKey(Tier, models.PROTECT, related_name="holders")
    since = models.DateTimeField("起")
    until = models.DateTimeField("止", null=True, blank=True)
    reason = models.CharField("原因", max_length=10, choices=Reason.choices)
    words = models.CharField("说明", max_length=200, blank=True)
    # Last day the tier is held without being earned anew; None: until somebody changes it.
    holds_until = models.DateField("保级到", null=True, blank=True)
    counted_from = models.DateField("达标统计自", null=True, blank=True)
    renewed_on = models.DateField("续期日期", null=True, blank=True)
    warned_on = models.DateField("降级提醒日期", null=True, blank=True)
    locked_until = models.DateField("锁定到", null=True, blank=True)
    set_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["member"], condition=Q(until=None), name="one_tier_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gte=F("since")),
                name="a_tier_ends_after_it_began",
            ),
        ]
        indexes = [models.Index(fields=["member", "-since"], name="tiers_of_a_member")]

    def __str__(self) -> str:
        return f"{self.member_id} {self.tier_id}"
