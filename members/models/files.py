"""Files that hold personal data: what a person asked for of himself, and what is being imported."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class MemberExport(models.Model):
    """Everything kept of a member, zipped, under his own key: gone with it, and emptied after days."""

    member = models.ForeignKey("members.Member", models.PROTECT, related_name="exports")
    reason = models.CharField("原因", max_length=200)
    asked_by = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    asked_at = models.DateTimeField("申请时间")
    made_at = models.DateTimeField("做好时间", null=True, blank=True)
    expires_at = models.DateTimeField("可下载至")
    content_sealed = models.TextField("内容(密文)", blank=True)
    size = models.PositiveIntegerField("大小(字节)", default=0)

    def __str__(self) -> str:
        return f"资料 {self.pk}"


class ImportBatch(models.Model):
    """One file of members: read, tried, taken in, and perhaps taken out again."""

    class Status(models.TextChoices):
        UPLOADED = "UPLOADED", "检查中"
        CHECKED = "CHECKED", "已检查"
        IMPORTING = "IMPORTING", "导入中"
        DONE = "DONE", "已导入"
        UNDONE = "UNDONE", "已撤销"
        REFUSED = "REFUSED", "文件不能用"

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    name = models.CharField("文件名", max_length=120)
    sha256 = models.CharField("文件摘要", max_length=64)
    key = models.ForeignKey("station.DataKey", models.PROTECT, related_name="+")
    content_sealed = models.TextField("内容(密文)", blank=True)
    status = models.CharField("状态", max_length=10, choices=Status.choices)
    uploaded_by = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField("上传时间")
    rows = models.PositiveIntegerField("行数", default=0)
    good = models.PositiveIntegerField("可导入", default=0)
    known = models.PositiveIntegerField("重复", default=0)
    bad = models.PositiveIntegerField("有错", default=0)
    taken = models.PositiveIntegerField("已导入", default=0)
    undone = models.PositiveIntegerField("已撤销", default=0)
    words = models.CharField("说明", max_length=200, blank=True)
    finished_at = models.DateTimeField("完成时间", null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(rows=models.F("good") + models.F("known") + models.F("bad")),
                name="every_row_is_good_known_or_bad",
            ),
            models.CheckConstraint(
                condition=Q(taken__lte=models.F("rows"), undone__lte=models.F("taken")),
                name="no_more_is_taken_than_there_is",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ImportTrouble(models.Model):
    """A row of an import that was not taken, and why; its number leads back to the file."""

    batch = models.ForeignKey(ImportBatch, models.CASCADE, related_name="troubles")
    line = models.PositiveIntegerField("行")
    known = models.BooleanField("重复", default=False)
    masked = models.CharField("内容(打码)", max_length=80, blank=True)
    words = models.CharField("原因", max_length=200)

    class Meta:
        indexes = [models.Index(fields=["batch", "line"], name="troubles_of_a_batch")]

    def __str__(self) -> str:
        return f"{self.line} {self.words}"
