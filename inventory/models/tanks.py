"""Wet stock: deliveries, dips, movements and the book of each tank.

One sign everywhere: physical − book, received − issued; negative is loss.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from station.fields import LitresField, MeasureField, TotalizerField, UnitCostField, UnitPriceField


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


class Dip(models.Model):
    """罐存记录: a tank measured, by gauge or by hand. A physical fact, never refused."""

    class Source(models.TextChoices):
        DIP = "DIP", "人工量油"
        GAUGE = "GAUGE", "液位仪"

    class Purpose(models.TextChoices):
        ROUTINE = "ROUTINE", "例行"
        OPENING = "OPENING", "上线初值"
        HANDOVER = "HANDOVER", "交接班"
        BEFORE = "BEFORE", "卸前"
        AFTER = "AFTER", "卸后"

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="dips")
    tank = models.ForeignKey(
        "station.Tank", models.PROTECT, verbose_name="油罐", related_name="dips"
    )
    day = models.ForeignKey(
        "station.BusinessDay", models.PROTECT, null=True, blank=True, related_name="+"
    )
    shift = models.ForeignKey(
        "station.Shift", models.PROTECT, null=True, blank=True, related_name="dips"
    )
    source = models.CharField("来源", max_length=6, choices=Source.choices)
    purpose = models.CharField(
        "用途", max_length=10, choices=Purpose.choices, default=Purpose.ROUTINE
    )
    total_height_mm = models.PositiveIntegerField("油水总高(mm)", null=True, blank=True)
    water_height_mm = models.PositiveIntegerField("水高(mm)", default=0)
    temp_c = MeasureField("油温(℃)", null=True, blank=True)
    total_l = LitresField("油水总体积(升)", null=True, blank=True)
    water_l = LitresField("水体积(升)", default=0)
    net_l = LitresField("净油体积 Vt(升)")
    v20_l = LitresField("标准体积 V20(升)", null=True, blank=True)
    document = models.CharField("单据", max_length=60, blank=True)
    occurred_at = models.DateTimeField("计量时间")
    recorded_at = models.DateTimeField("录入时间", db_default=Now())
    actor = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    note = models.CharField("备注", max_length=100, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(net_l__gte=0), name="a_dip_is_not_negative")
        ]
        indexes = [models.Index(fields=["tank", "-occurred_at"], name="dips_of_a_tank")]

    def __str__(self) -> str:
        return f"{self.tank} {self.net_l} 升"


class TankMovement(models.Model):
    """Litres in or out of a tank that no meter sold: delivery, test returned, transfer, adjustment.

    Append-only. `litres` is signed: in is positive.
    """

    class Kind(models.TextChoices):
        OPENING = "OPENING", "上线初值"
        DELIVERY = "DELIVERY", "卸油"
        TEST_RETURN = "TEST_RETURN", "回罐"
        TRANSFER = "TRANSFER", "移库"
        OTHER_OUT = "OTHER_OUT", "其他出库"
        ADJUST = "ADJUST", "调整"

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    tank = models.ForeignKey(
        "station.Tank", models.PROTECT, verbose_name="油罐", related_name="movements"
    )
    day = models.ForeignKey(
        "station.BusinessDay", models.PROTECT, verbose_name="营业日", related_name="+"
    )
    shift = models.ForeignKey(
        "station.Shift", models.PROTECT, null=True, blank=True, related_name="tank_movements"
    )
    kind = models.CharField("类别", max_length=12, choices=Kind.choices)
    litres = LitresField("升数(入为正)")
    unit_cost = UnitCostField("不含税单位成本(元/升)", null=True, blank=True)
    document = models.CharField("单据", max_length=60)
    occurred_at = models.DateTimeField("时间")
    recorded_at = models.DateTimeField("入库时间", db_default=Now())
    actor = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.CharField("原因", max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["document", "tank", "kind"], name="one_tank_movement_per_cause"
            ),
            models.CheckConstraint(condition=~Q(litres=0), name="a_tank_movement_moves_something"),
        ]
        indexes = [models.Index(fields=["day", "tank"], name="tank_movements_of_a_day")]

    def __str__(self) -> str:
        return f"{self.tank} {self.get_kind_display()} {self.litres}"


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
    dip = models.ForeignKey(Dip, models.PROTECT, null=True, blank=True, related_name="+")
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
