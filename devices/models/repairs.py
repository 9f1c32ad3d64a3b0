"""Repairs of machines, from the symptom to somebody else's word that it is done."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from station.fields import YuanField


class Repair(models.Model):
    """维修单: reported, taken, done, accepted by another person; or withdrawn."""

    class Status(models.TextChoices):
        REPORTED = "REPORTED", "待接单"
        TAKEN = "TAKEN", "维修中"
        DONE = "DONE", "待验收"
        ACCEPTED = "ACCEPTED", "已验收"
        WITHDRAWN = "WITHDRAWN", "已撤销"

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="repairs")
    number = models.CharField("单号", max_length=40, unique=True)
    key = models.CharField("防重键", max_length=40, unique=True)
    equipment = models.ForeignKey("devices.Equipment", models.PROTECT, related_name="repairs")
    # Whose meter was at stake, where the machine has several; none means all of them.
    nozzle = models.ForeignKey(
        "station.Nozzle", models.PROTECT, null=True, blank=True, related_name="repairs"
    )
    alarm = models.ForeignKey(
        "devices.Alarm", models.PROTECT, null=True, blank=True, related_name="repairs"
    )
    meter_test = models.ForeignKey(
        "devices.MeterTest", models.PROTECT, null=True, blank=True, related_name="repairs"
    )
    status = models.CharField(
        "状态", max_length=10, choices=Status.choices, default=Status.REPORTED
    )
    symptom = models.CharField("故障现象", max_length=200)
    # Of the alarm where one began it, so that downtime is counted from what the machine said.
    down_from = models.DateTimeField("停机起")
    reported_at = models.DateTimeField("报修时间")
    reported_by = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    taken_at = models.DateTimeField("接单时间", null=True, blank=True)
    taken_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    repairer = models.CharField("维修单位或人", max_length=60, blank=True)
    done_at = models.DateTimeField("完工时间", null=True, blank=True)
    done_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    work = models.CharField("做了什么", max_length=400, blank=True)
    parts = models.CharField("更换的配件", max_length=200, blank=True)
    cost = YuanField("费用(元)", default=0)
    meter_opened = models.BooleanField("打开过计量部分", default=False)
    ended_at = models.DateTimeField("验收或撤销时间", null=True, blank=True)
    ended_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    word = models.CharField("验收意见", max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["equipment"],
                condition=Q(status__in=["REPORTED", "TAKEN", "DONE"]),
                name="one_open_repair_per_machine",
            ),
            models.CheckConstraint(
                condition=Q(cost__gte=0), name="a_repair_costs_nothing_below_zero"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["DONE", "ACCEPTED"])
                | (Q(done_at__isnull=False, done_by__isnull=False) & ~Q(work="")),
                name="a_repair_that_is_done_says_what",
            ),
            models.CheckConstraint(
                condition=~Q(status="ACCEPTED")
                | (Q(ended_by__isnull=False) & ~Q(ended_by=F("done_by"))),
                name="a_repair_is_accepted_by_another",
            ),
        ]
        indexes = [
            models.Index(fields=["station", "-reported_at"], name="repairs_of_a_station"),
        ]

    def __str__(self) -> str:
        return f"维修单 {self.number}"
