"""归因: what a tank's variance over the limits came from, said by one person and approved by another."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from station.fields import LitresField


class VarianceAttribution(models.Model):
    """Why a tank's variance of a day was over both limits. May be told after the day was closed.

    The figures are those of the day's book and never change; an approved row stays as it is.
    """

    class Status(models.TextChoices):
        OPEN = "OPEN", "未归因"
        PROPOSED = "PROPOSED", "待审批"
        APPROVED = "APPROVED", "已归因"

    class Cause(models.TextChoices):
        METER = "METER", "计量"
        TEMPERATURE = "TEMPERATURE", "温差"
        LEAK = "LEAK", "漏损"
        OPERATION = "OPERATION", "操作"
        THEFT = "THEFT", "偷盗"
        DELIVERY = "DELIVERY", "进油短少"
        RECORD = "RECORD", "漏记、错记"
        OTHER = "OTHER", "其他"

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="attributions")
    number = models.CharField("单号", max_length=40, unique=True)
    tank = models.ForeignKey(
        "station.Tank", models.PROTECT, verbose_name="油罐", related_name="attributions"
    )
    day = models.ForeignKey(
        "station.BusinessDay", models.PROTECT, verbose_name="营业日", related_name="attributions"
    )
    variance_l = LitresField("损溢(升)")
    sold_l = LitresField("销售(升)")
    status = models.CharField("状态", max_length=8, choices=Status.choices, default=Status.OPEN)
    cause = models.CharField("归因", max_length=11, choices=Cause.choices, blank=True)
    evidence = models.CharField("证据", max_length=400, blank=True)
    opened_at = models.DateTimeField("提出时间")
    proposed_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    proposed_at = models.DateTimeField("归因时间", null=True, blank=True)
    decided_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField("审批时间", null=True, blank=True)
    word = models.CharField("审批意见", max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tank", "day"], name="one_attribution_per_tank_and_day"
            ),
            models.CheckConstraint(
                condition=Q(status="OPEN")
                | (
                    ~Q(cause="")
                    & ~Q(evidence="")
                    & Q(proposed_by__isnull=False, proposed_at__isnull=False)
                ),
                name="an_attribution_has_cause_and_evidence",
            ),
            models.CheckConstraint(
                condition=~Q(status="APPROVED")
                | (Q(decided_by__isnull=False) & ~Q(decided_by=F("proposed_by"))),
                name="another_person_approves_an_attribution",
            ),
        ]
        indexes = [
            models.Index(
                fields=["station", "day"],
                condition=~Q(status="APPROVED"),
                name="attributions_to_be_done",
            )
        ]

    def __str__(self) -> str:
        return self.number
