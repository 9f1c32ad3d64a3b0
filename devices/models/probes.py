"""试接: a port that somebody wants to know about, asked by the poller before there is a line."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from devices.protocols import table


class Probe(models.Model):
    """One probe: who asked for which port, how far it is, what it found and what passed."""

    class Status(models.TextChoices):
        WAITING = "WAITING", "等待"
        RUNNING = "RUNNING", "进行中"
        FOUND = "FOUND", "找到设备"
        SILENT = "SILENT", "没有应答"
        OCCUPIED = "OCCUPIED", "线上有别的主机"
        FAILED = "FAILED", "没有做成"
        CANCELLED = "CANCELLED", "已取消"
        INTERRUPTED = "INTERRUPTED", "中断"

    LIVE = (Status.WAITING, Status.RUNNING)

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    url = models.CharField("端口", max_length=120)
    protocol = models.CharField("协议", max_length=12, blank=True, choices=table.choices)
    address = models.PositiveSmallIntegerField("地址", null=True, blank=True)
    status = models.CharField("状态", max_length=12, choices=Status.choices, default=Status.WAITING)
    progress = models.CharField("进展", max_length=200, blank=True)
    findings = models.JSONField("结果", default=dict, blank=True)
    frames = models.JSONField("报文", default=list, blank=True)
    actor = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    asked_at = models.DateTimeField("发起时间")
    told_at = models.DateTimeField("最近进展", null=True, blank=True)
    cancel_asked_at = models.DateTimeField("要求取消", null=True, blank=True)
    finished_at = models.DateTimeField("结束时间", null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["url"],
                condition=Q(status__in=["WAITING", "RUNNING"]),
                name="one_live_probe_per_port",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["WAITING", "RUNNING"]) ^ Q(finished_at__isnull=False),
                name="a_probe_that_ended_says_when",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.url} {self.get_status_display()}"

    @property
    def live(self) -> bool:
        return self.status in self.LIVE
