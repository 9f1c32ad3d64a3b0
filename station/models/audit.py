"""审计日志: who did what to which document, append-only by a trigger in the database."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models


class AuditEntry(models.Model):
    """One act. Personal data in it is masked before it is written."""

    station = models.ForeignKey(
        "station.Station", models.PROTECT, null=True, blank=True, related_name="+"
    )
    at = models.DateTimeField("时间")
    actor = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    actor_name = models.CharField("操作人", max_length=40)
    action = models.CharField("动作", max_length=60)
    document = models.CharField("单据", max_length=60, blank=True)
    reason = models.CharField("原因", max_length=200, blank=True)
    before = models.JSONField("变更前", null=True, blank=True)
    after = models.JSONField("变更后", null=True, blank=True)
    address = models.GenericIPAddressField("来源地址", null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["document", "-id"], name="audit_by_document"),
            models.Index(fields=["action", "-id"], name="audit_by_action"),
            BrinIndex(fields=["at"], name="audit_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.at} {self.action} {self.document}"
