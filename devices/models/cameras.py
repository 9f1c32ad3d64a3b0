"""Plate cameras, and the plates that they read: each under a key of its own, so that it can be forgotten."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Camera(models.Model):
    """A plate camera at an island. Its events are signed with its secret, or lie in its folder."""

    class Kind(models.TextChoices):
        PUSH = "PUSH", "网络推送"
        FOLDER = "FOLDER", "文件夹"

    station = models.ForeignKey(
        "station.Station", models.PROTECT, verbose_name="油站", related_name="cameras"
    )
    name = models.CharField("名称", max_length=30)
    kind = models.CharField("接法", max_length=6, choices=Kind.choices)
    island = models.ForeignKey(
        "station.Island", models.PROTECT, verbose_name="加油岛", related_name="cameras"
    )
    nozzle = models.ForeignKey(
        "station.Nozzle",
        models.PROTECT,
        verbose_name="只看一把枪",
        null=True,
        blank=True,
        related_name="cameras",
    )
    folder = models.CharField("文件夹", max_length=40, blank=True)
    key = models.OneToOneField("station.DataKey", models.PROTECT, related_name="+")
    secret_sealed = models.CharField("签名密钥(密文)", max_length=300)
    active = models.BooleanField("在用", default=True)
    heard_at = models.DateTimeField("最近消息", null=True, blank=True)
    beat_at = models.DateTimeField("最近心跳", null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["station", "name"], name="one_camera_per_name"),
            models.UniqueConstraint(
                fields=["folder"], condition=~Q(folder=""), name="one_camera_per_folder"
            ),
            models.CheckConstraint(
                condition=Q(kind="PUSH", folder="") | (Q(kind="FOLDER") & ~Q(folder="")),
                name="a_camera_of_files_has_a_folder",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PlateRead(models.Model):
    """One plate that a camera read. Forgotten, its key is destroyed and only the count is left."""

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    camera = models.ForeignKey(Camera, models.PROTECT, related_name="reads")
    event = models.CharField("事件号", max_length=80)
    key = models.OneToOneField("station.DataKey", models.PROTECT, related_name="+")
    plate_sealed = models.CharField("车牌(密文)", max_length=300, blank=True)
    plate_index = models.CharField("车牌索引", max_length=64, blank=True, db_index=True)
    confidence = models.PositiveSmallIntegerField("可信度(%)", null=True, blank=True)
    nozzle = models.ForeignKey(
        "station.Nozzle", models.PROTECT, null=True, blank=True, related_name="plate_reads"
    )
    occurred_at = models.DateTimeField("时间")
    recorded_at = models.DateTimeField("入库时间", db_default=Now())
    corrected_sealed = models.CharField("更正后(密文)", max_length=300, blank=True)
    corrected_index = models.CharField("更正后索引", max_length=64, blank=True, db_index=True)
    corrected_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    corrected_at = models.DateTimeField("更正时间", null=True, blank=True)
    confused = models.CharField("认错的字(认成-应为)", max_length=60, blank=True)
    forgotten_at = models.DateTimeField("销毁时间", null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["camera", "event"], name="one_plate_read_per_event"),
            models.CheckConstraint(
                condition=Q(corrected_at=None, corrected_by=None, corrected_index="")
                | Q(corrected_at__isnull=False, corrected_by__isnull=False),
                name="a_corrected_plate_names_who_corrected_it",
            ),
            models.CheckConstraint(
                condition=Q(forgotten_at=None)
                | Q(plate_sealed="", plate_index="", corrected_sealed="", corrected_index=""),
                name="a_forgotten_plate_is_found_by_nothing",
            ),
            models.CheckConstraint(
                condition=Q(confidence=None) | Q(confidence__lte=100),
                name="a_confidence_is_a_percentage",
            ),
        ]
        indexes = [
            models.Index(fields=["station", "-occurred_at"], name="plates_of_a_station"),
            models.Index(fields=["camera", "-occurred_at"], name="plates_of_a_camera"),
        ]

    def __str__(self) -> str:
        return f"车牌识别 {self.pk}"

    @property
    def best_sealed(self) -> str:
        """The plate as it is believed now."""
        return self.corrected_sealed or self.plate_sealed


class PlateImage(models.Model):
    """The picture of a read, sealed under the read's key; kept for a shorter time than the read."""

    read = models.OneToOneField(PlateRead, models.CASCADE, related_name="image")
    sealed = models.TextField("图片(密文)")

    def __str__(self) -> str:
        return f"图片 {self.read_id}"
