"""Practice (练习): who came in by a ticket and what he tried there; what the live station keeps of it.

`PracticeEntry` and `PracticeAttempt` have rows in a practice station only, `PracticeResult` in a
live one.
"""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now


class PracticeEntry(models.Model):
    """A ticket that was used: its mark is unique, so that it opens the door once."""

    mark = models.CharField("票号", max_length=40, unique=True)
    user = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    at = models.DateTimeField("进入时间")

    def __str__(self) -> str:
        return f"{self.user} {self.at}"


class PracticeAttempt(models.Model):
    """One try at a scenario: its scene, what has happened so far, and how it ended.

    `told` is what the trainee was told, [{"at", "text"}]; `facts` what the scene knows (nozzle,
    marks, plates); `findings` what was right and wrong, [{"ok", "text"}].
    """

    key = models.UUIDField("编号", default=uuid.uuid4, unique=True, editable=False)
    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    user = models.ForeignKey("station.User", models.PROTECT, related_name="practice_attempts")
    scenario = models.SlugField("科目", max_length=30)
    dispenser = models.PositiveSmallIntegerField("机号", null=True, blank=True)
    started_at = models.DateTimeField("开始时间")
    stage = models.PositiveSmallIntegerField("进行到第几幕", default=0)
    told = models.JSONField("经过", default=list)
    facts = models.JSONField("场景", default=dict)
    hints = models.PositiveSmallIntegerField("看过的提示", default=0)
    ended_at = models.DateTimeField("结束时间", null=True, blank=True)
    passed = models.BooleanField("通过", null=True, blank=True)
    points = models.PositiveSmallIntegerField("得分", default=0)
    findings = models.JSONField("对错", default=list)
    reported_at = models.DateTimeField("成绩单时间", null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(ended_at=None),
                name="one_running_attempt_per_trainee",
            ),
            models.UniqueConstraint(
                fields=["station", "dispenser"],
                condition=Q(ended_at=None),
                name="one_running_attempt_per_dispenser",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, passed=None)
                | Q(ended_at__gte=F("started_at"), passed__isnull=False),
                name="an_ended_attempt_has_its_outcome",
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"],
                condition=Q(ended_at__isnull=False, reported_at=None),
                name="attempts_to_report",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.scenario}"


class PracticeResult(models.Model):
    """练习成绩: what a person's attempt came to, as the practice station signed it. Append-only."""

    user = models.ForeignKey("station.User", models.PROTECT, related_name="practice_results")
    attempt = models.UUIDField("练习编号", unique=True)
    scenario = models.SlugField("科目代码", max_length=30)
    title = models.CharField("科目", max_length=40)
    passed = models.BooleanField("通过")
    points = models.PositiveSmallIntegerField("得分")
    hints = models.PositiveSmallIntegerField("提示次数")
    minutes = models.PositiveSmallIntegerField("用时(分钟)")
    at = models.DateTimeField("完成时间")
    recorded_at = models.DateTimeField("入库时间", db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(points__lte=100), name="practice_points_are_out_of_a_hundred"
            ),
        ]
        indexes = [models.Index(fields=["user", "scenario"], name="results_of_a_trainee")]

    def __str__(self) -> str:
        return f"{self.user} {self.title} {self.points}"

    @property
    def outcome(self) -> str:
        """Passed or not, in words."""
        return "通过" if self.passed else "未通过"
