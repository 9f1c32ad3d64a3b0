"""Two members who are one person: merged, taken apart again, and the pairs that may be one."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class Merge(models.Model):
    """One member became part of another; for some days it can be undone. The row stays."""

    survivor = models.ForeignKey("members.Member", models.PROTECT, related_name="took_in")
    merged = models.ForeignKey("members.Member", models.PROTECT, related_name="went_into")
    reason = models.CharField("原因", max_length=200)
    at = models.DateTimeField("合并时间")
    actor = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    undo_until = models.DateTimeField("可撤销至")
    undone_at = models.DateTimeField("撤销时间", null=True, blank=True)
    undone_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    undo_reason = models.CharField("撤销原因", max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["merged"], condition=Q(undone_at=None), name="one_living_merge_per_member"
            ),
            models.CheckConstraint(
                condition=~Q(survivor=F("merged")), name="nobody_is_merged_into_himself"
            ),
        ]

    def __str__(self) -> str:
        return f"合并 {self.pk}"

    @property
    def document(self) -> str:
        """The number under which what it moved is booked."""
        return f"MG{self.pk}"


class DuplicatePair(models.Model):
    """Two members who look like one person, until a person says that they are not."""

    first = models.ForeignKey("members.Member", models.PROTECT, related_name="+")
    second = models.ForeignKey("members.Member", models.PROTECT, related_name="+")
    reasons = models.CharField("理由", max_length=100)
    score = models.PositiveSmallIntegerField("相似度(%)")
    found_at = models.DateTimeField("发现时间")
    dismissed_at = models.DateTimeField("判为不同人的时间", null=True, blank=True)
    dismissed_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="a_pair_is_proposed_once"),
            models.CheckConstraint(
                condition=Q(first__lt=F("second")), name="a_pair_stands_in_one_order"
            ),
        ]
        indexes = [models.Index(fields=["-score", "id"], name="pairs_by_likeness")]

    def __str__(self) -> str:
        return f"{self.first_id} {self.second_id}"
