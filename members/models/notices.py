"""What a member is told on his phone's pages."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class MemberNotice(models.Model):
    """One message in a member's inbox. No personal data in its words."""

    member = models.ForeignKey("members.Member", models.PROTECT, related_name="notices")
    key = models.CharField("去重键", max_length=120)
    subject = models.CharField("标题", max_length=60)
    text = models.TextField("正文")
    url = models.CharField("链接", max_length=200, blank=True)
    created_at = models.DateTimeField("时间")
    read_at = models.DateTimeField("已读时间", null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["member", "key"], name="a_member_is_told_once_by_key")
        ]
        indexes = [
            models.Index(fields=["member", "-id"], name="notices_of_a_member"),
            models.Index(fields=["member"], condition=Q(read_at=None), name="unread_notices"),
        ]

    def __str__(self) -> str:
        return self.subject
