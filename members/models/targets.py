"""会员目标: what membership should come to in a period, set by the lead."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class MemberTarget(models.Model):
    """A goal of one measure for a station from a day to a day, both with it."""

    class Measure(models.TextChoices):
        JOINED = "JOINED", "新会员数"
        MEMBERS = "MEMBERS", "期末会员数"
        BUYERS = "BUYERS", "消费会员数"
        CONVERSION = "CONVERSION", "新会员消费率(%)"

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    measure = models.CharField("指标", max_length=10, choices=Measure.choices)
    since = models.DateField("从")
    until = models.DateField("到")
    goal = models.PositiveIntegerField("目标")
    set_by = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    set_at = models.DateTimeField("设定时间")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["station", "measure", "since", "until"],
                name="one_goal_per_measure_and_period",
            ),
            models.CheckConstraint(
                condition=Q(until__gte=F("since")), name="a_target_ends_after_it_began"
            ),
            models.CheckConstraint(condition=Q(goal__gt=0), name="a_goal_is_something"),
        ]

    def __str__(self) -> str:
        return f"{self.get_measure_display()} {self.goal}"
