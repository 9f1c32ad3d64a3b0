"""How a price in force reaches each pump: waiting, done (read back) or failed and retried."""

from __future__ import annotations

from django.db import models

from station.fields import TotalizerField, UnitPriceField


class PriceDownload(models.Model):
    """调价下发 to one nozzle, with its totalizer at the change (the price segment's edge)."""

    class Status(models.TextChoices):
        WAITING = "WAITING", "未执行"
        DONE = "DONE", "已执行"
        FAILED = "FAILED", "失败"

    change = models.ForeignKey("station.PriceChange", models.PROTECT, related_name="downloads")
    nozzle = models.ForeignKey(
        "station.Nozzle", models.PROTECT, verbose_name="油枪", related_name="+"
    )
    shift = models.ForeignKey(
        "station.Shift", models.PROTECT, null=True, blank=True, related_name="+"
    )
    old_price = UnitPriceField("原价(元/升)", null=True, blank=True)
    price = UnitPriceField("新价(元/升)")
    status = models.CharField("状态", max_length=8, choices=Status.choices, default=Status.WAITING)
    command = models.ForeignKey(
        "devices.Command", models.PROTECT, null=True, blank=True, related_name="+"
    )
    totalizer = TotalizerField("调价点泵码", null=True, blank=True)
    done_at = models.DateTimeField("执行时间", null=True, blank=True)
    attempts = models.PositiveSmallIntegerField("次数", default=0)
    last_error = models.CharField("错误", max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["change", "nozzle"], name="one_download_per_change_and_nozzle"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.change} {self.nozzle}"
