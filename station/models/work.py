"""What every floor raises: alerts, messages, jobs, attachments, settings and number series."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class Setting(models.Model):
    """A figure that people may change on a page, with the source it was taken from."""

    station = models.ForeignKey(
        "station.Station", models.PROTECT, null=True, blank=True, related_name="settings"
    )
    name = models.CharField("名称", max_length=60)
    value = models.CharField("值", max_length=200)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["station", "name"], name="one_value_per_station_and_setting"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}={self.value}"


class Alert(models.Model):
    """预警: raised once until it is handled; `key` says what it is about."""

    class Level(models.TextChoices):
        INFO = "INFO", "提示"
        WARNING = "WARNING", "警告"
        CRITICAL = "CRITICAL", "严重"

    class Status(models.TextChoices):
        OPEN = "OPEN", "待处理"
        SEEN = "SEEN", "处理中"
        CLEARED = "CLEARED", "已恢复"
        HANDLED = "HANDLED", "已处理"

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="alerts")
    key = models.CharField("对象", max_length=100)
    kind = models.CharField("类别", max_length=40)
    level = models.CharField("级别", max_length=8, choices=Level.choices)
    text = models.CharField("内容", max_length=300)
    url = models.CharField("处理页面", max_length=200, blank=True)
    status = models.CharField("状态", max_length=8, choices=Status.choices, default=Status.OPEN)
    raised_at = models.DateTimeField("发生时间")
    cleared_at = models.DateTimeField("恢复时间", null=True, blank=True)
    handled_at = models.DateTimeField("处理时间", null=True, blank=True)
    handled_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    word = models.CharField("处理说明", max_length=200, blank=True)
    count = models.PositiveIntegerField("次数", default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["station", "key"],
                condition=Q(status__in=["OPEN", "SEEN"]),
                name="one_live_alert_per_subject",
            ),
        ]
        indexes = [
            models.Index(fields=["station", "status", "-raised_at"], name="alerts_by_status")
        ]

    def __str__(self) -> str:
        return self.text


class Message(models.Model):
    """A message to a user's inbox, a waiting row for its channel."""

    station = models.ForeignKey(
        "station.Station", models.PROTECT, null=True, blank=True, related_name="+"
    )
    recipient = models.ForeignKey("station.User", models.PROTECT, related_name="inbox")
    subject = models.CharField("标题", max_length=100)
    text = models.TextField("正文")
    url = models.CharField("链接", max_length=200, blank=True)
    key = models.CharField("去重键", max_length=120, unique=True)
    created_at = models.DateTimeField("时间")
    read_at = models.DateTimeField("已读时间", null=True, blank=True)

    def __str__(self) -> str:
        return self.subject


class Job(models.Model):
    """Long work that a person may watch and leave: its progress, and what came out."""

    class Status(models.TextChoices):
        WAITING = "WAITING", "排队中"
        RUNNING = "RUNNING", "进行中"
        DONE = "DONE", "完成"
        FAILED = "FAILED", "失败"

    kind = models.CharField("类别", max_length=60)
    station = models.ForeignKey(
        "station.Station", models.PROTECT, null=True, blank=True, related_name="+"
    )
    asked_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    asked_at = models.DateTimeField("提交时间")
    arguments = models.JSONField("参数", default=dict)
    status = models.CharField("状态", max_length=8, choices=Status.choices, default=Status.WAITING)
    step = models.CharField("当前步骤", max_length=100, blank=True)
    done = models.PositiveIntegerField("已完成", default=0)
    total = models.PositiveIntegerField("总数", default=0)
    result = models.JSONField("结果", null=True, blank=True)
    attempts = models.PositiveSmallIntegerField("次数", default=0)
    last_error = models.TextField("错误", blank=True)
    finished_at = models.DateTimeField("完成时间", null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Attachment(models.Model):
    """A file that belongs to a document: photo, slip, certificate."""

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    document = models.CharField("单据", max_length=60)
    name = models.CharField("文件名", max_length=120)
    content_type = models.CharField("类型", max_length=80)
    size = models.PositiveIntegerField("字节")
    sha256 = models.CharField("摘要", max_length=64)
    file = models.FileField("文件", upload_to="attachments/%Y/%m/")
    added_by = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    added_at = models.DateTimeField("上传时间")

    class Meta:
        indexes = [models.Index(fields=["document"], name="attachments_by_document")]

    def __str__(self) -> str:
        return self.name


class NumberSeries(models.Model):
    """The last number of a series: 站-机-日-序. One row per till and day, so that tills never wait."""

    prefix = models.CharField("前缀", max_length=40, unique=True)
    last = models.PositiveIntegerField("末号", default=0)

    def __str__(self) -> str:
        return f"{self.prefix}{self.last}"
