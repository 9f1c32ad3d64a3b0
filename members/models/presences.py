"""That a member stood at the till: the code of his phone was read there, once."""

from __future__ import annotations

from django.db import models


class Presence(models.Model):
    """A member's code read at a station. Append-only; the same code is never read twice."""

    member = models.ForeignKey("members.Member", models.PROTECT, related_name="presences")
    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    code_hash = models.CharField("会员码摘要", max_length=64, unique=True)
    occurred_at = models.DateTimeField("时间")
    seen_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        indexes = [models.Index(fields=["member", "-occurred_at"], name="presences_of_a_member")]

    def __str__(self) -> str:
        return f"{self.member_id} {self.occurred_at}"
