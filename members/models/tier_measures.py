"""What a member bought per day, for his tier, and what he should be told of it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from station.fields import LitresField, YuanField


class TierMeasureDaily(models.Model):
    """What a member bought on a local date, net of what was given back: a declared copy of purchases.

    A refund lowers the date of the sale that it takes back, not its own.
    """

    member = models.ForeignKey("members.Member", models.PROTECT, related_name="+")
    date = models.DateField("日期")
    spend = YuanField("消费(元)", default=0)
    litres = LitresField("加油(升)", default=0)
    visits = models.IntegerField("次数", default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["member", "date"], name="one_measure_a_day_of_a_member")
        ]

    def __str__(self) -> str:
        return f"{self.member_id} {self.date}"


class TierNotice(models.Model):
    """等级通知: what a member should be told of his tier, once; staff tell him at the station."""

    class Kind(models.TextChoices):
        UPGRADE = "UPGRADE", "升级"
        WARNING = "WARNING", "即将降级"
        DOWNGRADE = "DOWNGRADE", "降级"
        REFUND = "REFUND", "退款后重新评定"
        MANUAL = "MANUAL", "人工调整"
        MERGE = "MERGE", "会员合并"

    member = models.ForeignKey("members.Member", models.PROTECT, related_name="tier_notices")
    key = models.CharField("标记", max_length=60, unique=True)
    kind = models.CharField("事由", max_length=10, choices=Kind.choices)
    words = models.CharField("内容", max_length=200)
    made_at = models.DateTimeField("时间")
    told_at = models.DateTimeField("告知时间", null=True, blank=True)
    told_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(told_at=None, told_by=None) | Q(told_at__isnull=False),
                name="who_told_a_notice_told_it_at_a_time",
            )
        ]
        indexes = [
            models.Index(
                fields=["member", "-made_at"],
                condition=Q(told_at=None),
                name="notices_to_be_told",
            ),
            models.Index(fields=["made_at"], name="tier_notices_by_time"),
        ]

    def __str__(self) -> str:
        return self.words
