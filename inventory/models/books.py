"""The books of tanks, frozen, and what a litre cost."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from station.fields import LitresField, TotalizerField, UnitCostField


class TankBook(models.Model):
    """The book of one tank over one shift, frozen at its close; `shift` empty is the whole day."""

    tank = models.ForeignKey(
        "station.Tank", models.PROTECT, verbose_name="油罐", related_name="books"
    )
    day = models.ForeignKey(
        "station.BusinessDay", models.PROTECT, verbose_name="营业日", related_name="tank_books"
    )
    shift = models.ForeignKey(
        "station.Shift", models.PROTECT, null=True, blank=True, related_name="tank_books"
    )
    opening_l = LitresField("期初(升)")
    opening_is_physical = models.BooleanField("期初为实测", default=True)
    received_l = LitresField("卸油(升)")
    pumped_l = LitresField("付油(升)", help_text="泵码走字，含回罐、自用")
    returned_l = LitresField("回罐(升)")
    other_l = LitresField("移库与调整(升)")
    sold_l = LitresField("销售(升)")
    book_l = LitresField("账存(升)")
    dip = models.ForeignKey(
        "inventory.Dip", models.PROTECT, null=True, blank=True, related_name="+"
    )
    physical_l = LitresField("实存(升)", null=True, blank=True)
    variance_l = LitresField("损溢(升)", null=True, blank=True)
    reason = models.CharField("归因", max_length=200, blank=True)
    frozen_at = models.DateTimeField("冻结时间")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tank", "shift"], name="one_book_per_tank_and_shift"),
            models.UniqueConstraint(
                fields=["tank", "day"], condition=Q(shift=None), name="one_book_per_tank_and_day"
            ),
            models.CheckConstraint(
                condition=Q(
                    book_l=F("opening_l")
                    + F("received_l")
                    - F("pumped_l")
                    + F("returned_l")
                    + F("other_l")
                ),
                name="a_tank_book_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(physical_l=None, variance_l=None)
                | Q(variance_l=F("physical_l") - F("book_l")),
                name="a_variance_is_physical_less_book",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tank} {self.day}"


class FuelCost(models.Model):
    """Moving average cost of a grade at a station, before VAT, from an instant on. Append-only."""

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    grade = models.ForeignKey("station.Grade", models.PROTECT, related_name="+")
    unit_cost = UnitCostField("不含税单位成本(元/升)")
    litres_on_hand = TotalizerField("当时库存(升)")
    document = models.CharField("单据", max_length=60)
    occurred_at = models.DateTimeField("时间")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["station", "grade", "document"], name="one_cost_per_grade_and_cause"
            ),
        ]
        indexes = [
            models.Index(fields=["station", "grade", "-occurred_at"], name="costs_of_a_grade")
        ]

    def __str__(self) -> str:
        return f"{self.grade} {self.unit_cost}"
