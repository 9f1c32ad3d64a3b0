"""单位放行: a pump let loose for a company, because its vehicle and its driver were identified."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class FleetLeave(models.Model):
    """Who was identified, by what, and the authorisation that came of it. Each identification once."""

    class By(models.TextChoices):
        TAG = "TAG", "标签或卡"
        PLATE = "PLATE", "车牌识别"

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    number = models.CharField("单号", max_length=40, unique=True)
    company = models.ForeignKey("members.Company", models.PROTECT, related_name="leaves")
    nozzle = models.ForeignKey("station.Nozzle", models.PROTECT, related_name="+")
    vehicle = models.ForeignKey("members.Vehicle", models.PROTECT, related_name="leaves")
    vehicle_by = models.CharField("车辆识别方式", max_length=5, choices=By.choices)
    vehicle_at = models.DateTimeField("车辆识别时间")
    driver = models.ForeignKey("members.Driver", models.PROTECT, related_name="leaves")
    driver_at = models.DateTimeField("司机刷卡时间")
    # The reads that were used; none where the leave is older than these columns.
    plate_read = models.ForeignKey(
        "devices.PlateRead", models.PROTECT, null=True, related_name="+", db_index=False
    )
    vehicle_swipe = models.ForeignKey(
        "devices.Swipe", models.PROTECT, null=True, related_name="+", db_index=False
    )
    driver_swipe = models.ForeignKey(
        "devices.Swipe", models.PROTECT, null=True, related_name="+", db_index=False
    )
    authorisation = models.OneToOneField(
        "devices.Authorisation", models.PROTECT, related_name="fleet_leave"
    )
    actor = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    occurred_at = models.DateTimeField("时间")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["vehicle", "vehicle_at"], name="a_vehicle_is_let_loose_once_per_read"
            ),
            models.UniqueConstraint(
                fields=["driver", "driver_at"], name="a_driver_is_let_loose_once_per_swipe"
            ),
            *(
                models.UniqueConstraint(fields=[read], name=f"let_loose_once_per_{read}")
                for read in ("plate_read", "vehicle_swipe", "driver_swipe")
            ),
            models.CheckConstraint(
                condition=Q(plate_read=None, vehicle_swipe=None)
                | Q(vehicle_by="PLATE", vehicle_swipe=None)
                | Q(vehicle_by="TAG", plate_read=None),
                name="a_vehicle_is_identified_by_one_read",
            ),
        ]
        indexes = [
            models.Index(fields=["station", "-occurred_at"], name="leaves_of_a_station"),
        ]

    def __str__(self) -> str:
        return self.number
