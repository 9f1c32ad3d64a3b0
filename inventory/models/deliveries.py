"""卸油单: what a depot issued and what was received, and who supplied it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from station.fields import LitresField, MeasureField, UnitPriceField


class Supplier(models.Model):
    """供应商."""

    name = models.CharField("名称", max_length=80, unique=True)
    key = models.ForeignKey("station.DataKey", models.PROTECT, related_name="+")
    contact_sealed = models.CharField("联系人(密文)", max_length=300, blank=True)
    phone_sealed = models.CharField("电话(密文)", max_length=300, blank=True)
    tax_no = models.CharField("税号", max_length=30, blank=True)
    active = models.BooleanField("在用", default=True)

    def __str__(self) -> str:
        return self.name


class Delivery(models.Model):
    """卸油单: the depot's note, and what was received by the dips before and after."""

    class Status(models.TextChoices):
        PLANNED = "PLANNED", "待卸油"
        UNLOADING = "UNLOADING", "卸油中"
        MEASURED = "MEASURED", "待审核"
        POSTED = "POSTED", "已入账"
        CANCELLED = "CANCELLED", "已作废"

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="deliveries")
    number = models.CharField("单号", max_length=40, unique=True)
    status = models.CharField("状态", max_length=10, choices=Status.choices, default=Status.PLANNED)
    supplier = models.ForeignKey(Supplier, models.PROTECT, verbose_name="供应商")
    grade = models.ForeignKey(
        "station.Grade", models.PROTECT, verbose_name="油品", related_name="+"
    )
    note_no = models.CharField("出库单号", max_length=40)
    depot = models.CharField("发油油库", max_length=60, blank=True)
    key = models.ForeignKey("station.DataKey", models.PROTECT, related_name="+")
    truck_plate_sealed = models.CharField("承运车号(密文)", max_length=300, blank=True)
    truck_plate_index = models.CharField("承运车号索引", max_length=64, blank=True, db_index=True)
    driver_sealed = models.CharField("驾驶员(密文)", max_length=300, blank=True)
    seals = models.CharField("铅封号", max_length=100, blank=True)
    issued_l = LitresField("原发升数 Vt")
    issued_temp_c = MeasureField("发油温度(℃)", null=True, blank=True)
    issued_density = MeasureField("发油密度(kg/m³)", null=True, blank=True)
    unit_price = UnitPriceField("含税进价(元/升)", null=True, blank=True)
    arrived_at = models.DateTimeField("到站时间", null=True, blank=True)
    planned_by = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    planned_at = models.DateTimeField("制单时间")
    approved_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    posted_at = models.DateTimeField("入账时间", null=True, blank=True)
    day = models.ForeignKey(
        "station.BusinessDay", models.PROTECT, null=True, blank=True, related_name="deliveries"
    )
    shift = models.ForeignKey(
        "station.Shift", models.PROTECT, null=True, blank=True, related_name="deliveries"
    )
    reason = models.CharField("差异说明", max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(issued_l__gt=0), name="a_delivery_note_has_litres"),
            models.UniqueConstraint(
                fields=["supplier", "note_no", "grade"],
                condition=~Q(status="CANCELLED"),
                name="one_delivery_per_note_and_grade",
            ),
            models.CheckConstraint(
                condition=~Q(status="POSTED") | Q(day__isnull=False, posted_at__isnull=False),
                name="a_posted_delivery_has_its_day",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class DeliveryTank(models.Model):
    """The part of a delivery that went into one tank: before, after, and sold meanwhile."""

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="tanks")
    tank = models.ForeignKey("station.Tank", models.PROTECT, verbose_name="油罐", related_name="+")
    planned_l = LitresField("计划卸入(升)")
    before = models.ForeignKey(
        "inventory.Dip", models.PROTECT, null=True, blank=True, related_name="+"
    )
    after = models.ForeignKey(
        "inventory.Dip", models.PROTECT, null=True, blank=True, related_name="+"
    )
    sold_during_l = LitresField("期间付油(升)", null=True, blank=True)
    received_l = LitresField("实收 Vt(升)", null=True, blank=True)
    received_v20_l = LitresField("实收 V20(升)", null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["delivery", "tank"], name="one_part_per_tank_of_a_delivery"
            )
        ]

    def __str__(self) -> str:
        return f"{self.delivery} → {self.tank}"
