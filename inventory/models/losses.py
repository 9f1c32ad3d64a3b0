"""损耗定额: what may be lost at each stage, with the source of each figure."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from station.fields import RateField
from station.models import Grade


class LossAllowance(models.Model):
    """损耗定额 of a stage from a date on. Append-only: a change is another row from a later date.

    Without a station it is the default of all stations; a station's own row goes before it. An
    empty region or season means all of them.
    """

    class Stage(models.TextChoices):
        STORAGE = "STORAGE", "储存（卧式罐，每月）"
        STANDING = "STANDING", "储存（立式罐，每月）"
        UNLOADING = "UNLOADING", "卸车"
        RETAIL = "RETAIL", "零售"
        WHOLE = "WHOLE", "全年综合"

    class Region(models.TextChoices):
        A = "A", "A 类地区"
        B = "B", "B 类地区"
        C = "C", "C 类地区"

    class Season(models.TextChoices):
        WINTER = "WINTER", "春冬季"
        SUMMER = "SUMMER", "夏秋季"

    station = models.ForeignKey(
        "station.Station", models.PROTECT, null=True, blank=True, related_name="loss_allowances"
    )
    kind = models.CharField("油品种类", max_length=8, choices=Grade.Kind.choices)
    stage = models.CharField("环节", max_length=9, choices=Stage.choices)
    region = models.CharField("地区类别", max_length=1, choices=Region.choices, blank=True)
    season = models.CharField("季节", max_length=6, choices=Season.choices, blank=True)
    percent = RateField("定额(%)")
    source = models.CharField("依据", max_length=200)
    valid_from = models.DateField("自何日起")
    key = models.CharField("防重复键", max_length=40, unique=True)
    made_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    made_at = models.DateTimeField("登记时间")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(percent__gte=0, percent__lte=5),
                name="an_allowance_is_a_small_share",
            ),
            models.CheckConstraint(condition=~Q(source=""), name="an_allowance_has_its_source"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.get_stage_display()} {self.percent}%"
