"""自助终端: a screen for customers, known by a token of its own and by no account."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class Kiosk(models.Model):
    """A terminal that the manager registered. Its token is given once, by pairing, and can be revoked."""

    station = models.ForeignKey(
        "station.Station", models.PROTECT, verbose_name="油站", related_name="kiosks"
    )
    name = models.CharField("名称", max_length=30)
    printer = models.ForeignKey(
        "devices.Printer",
        models.PROTECT,
        verbose_name="打印机",
        null=True,
        blank=True,
        related_name="+",
    )
    reader = models.ForeignKey(
        "devices.Reader",
        models.PROTECT,
        verbose_name="读卡器",
        null=True,
        blank=True,
        related_name="+",
    )
    token_hash = models.CharField("令牌摘要", max_length=64, unique=True)
    paired_at = models.DateTimeField("配对时间")
    paired_by = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    seen_at = models.DateTimeField("最近使用", null=True, blank=True)
    revoked_at = models.DateTimeField("停用时间", null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["station", "name"],
                condition=Q(revoked_at=None),
                name="one_kiosk_per_name",
            ),
            models.UniqueConstraint(
                fields=["reader"],
                condition=Q(revoked_at=None),
                name="a_reader_stands_at_one_kiosk",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class KioskPairing(models.Model):
    """A screen that asks to be a kiosk: the code it shows, and the token it would have. For ten minutes."""

    code = models.CharField("配对码", max_length=6, unique=True)
    token_hash = models.CharField("令牌摘要", max_length=64, unique=True)
    asked_at = models.DateTimeField("索取时间")
    expires_at = models.DateTimeField("失效时间")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("asked_at")), name="a_pairing_ends_after_it_began"
            )
        ]

    def __str__(self) -> str:
        return f"{self.asked_at}"
