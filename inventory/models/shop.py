"""Shop: items, barcodes, the stock ledger and the balance that equals its sum."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from station.fields import LitresField, RateField, UnitCostField, YuanField


class Category(models.Model):
    """商品类别."""

    name = models.CharField("名称", max_length=30, unique=True)
    position = models.PositiveSmallIntegerField("排序", default=0)

    def __str__(self) -> str:
        return self.name


class Item(models.Model):
    """商品 or 服务: what the till sells besides fuel. A service (洗车) holds no stock."""

    class Kind(models.TextChoices):
        GOODS = "GOODS", "商品"
        SERVICE = "SERVICE", "服务"

    code = models.CharField("编码", max_length=20, unique=True)
    name = models.CharField("名称", max_length=60)
    pinyin = models.CharField("拼音", max_length=120, blank=True)
    kind = models.CharField("类别", max_length=8, choices=Kind.choices, default=Kind.GOODS)
    category = models.ForeignKey(
        Category, models.PROTECT, verbose_name="商品类别", related_name="items"
    )
    unit = models.CharField("单位", max_length=8, default="件")
    price = YuanField("售价(元)")
    cost = UnitCostField("不含税单位成本(元)", default=0)
    tax_rate = RateField("税率", default="0.13")
    tax_code = models.CharField("税收分类编码", max_length=19, blank=True)
    shelf_life_days = models.PositiveIntegerField("保质期(天)", null=True, blank=True)
    low_stock = LitresField("最低库存", default=0)
    may_go_negative = models.BooleanField("允许负库存", default=False)
    is_favourite = models.BooleanField("收银台快捷", default=False)
    active = models.BooleanField("在售", default=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(price__gte=0), name="an_item_costs_nothing_below_zero"
            )
        ]

    def __str__(self) -> str:
        return self.name


class ItemBarcode(models.Model):
    """A barcode of an item; a pack's barcode counts several."""

    item = models.ForeignKey(Item, models.CASCADE, related_name="barcodes")
    barcode = models.CharField("条码", max_length=40, unique=True)
    quantity = models.PositiveIntegerField("内含数量", default=1)

    def __str__(self) -> str:
        return self.barcode


class StockPlace(models.Model):
    """存货地点: where goods of a station lie, such as 货架 and 后仓. Tills sell from one of them."""

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="stock_places")
    name = models.CharField("名称", max_length=20)
    position = models.PositiveSmallIntegerField("排序", default=0)
    selling = models.BooleanField("收银台从这里卖", default=False)
    active = models.BooleanField("在用", default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["station", "name"], name="one_stock_place_of_a_name_per_station"
            ),
            models.UniqueConstraint(
                fields=["station"],
                condition=Q(selling=True),
                name="one_selling_place_per_station",
            ),
            models.CheckConstraint(
                condition=Q(selling=False) | Q(active=True), name="a_selling_place_is_in_use"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class StockBalance(models.Model):
    """On hand per place and item; the database refuses a negative unless the item may."""

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="stock")
    place = models.ForeignKey(
        StockPlace, models.PROTECT, verbose_name="存货地点", related_name="stock"
    )
    item = models.ForeignKey(Item, models.PROTECT, related_name="stock")
    quantity = LitresField("现存", default=0)
    may_go_negative = models.BooleanField("允许负库存", default=False)
    # How far below zero a manager let it go once; goods coming in end that.
    lowest = LitresField("放行到", default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(lowest__lte=0), name="a_leave_goes_below_zero"),
            models.UniqueConstraint(
                fields=["place", "item"], name="one_balance_per_place_and_item"
            ),
            models.CheckConstraint(
                condition=Q(quantity__gte=0) | Q(may_go_negative=True), name="stock_is_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.item} {self.quantity}"


class StockMove(models.Model):
    """One movement of an item at a place. Append-only; in is positive. On hand equals the sum."""

    class Kind(models.TextChoices):
        OPENING = "OPENING", "上线初值"
        RECEIPT = "RECEIPT", "进货"
        SENT_BACK = "SENT_BACK", "退供应商"
        MOVED_OUT = "MOVED_OUT", "移出"
        MOVED_IN = "MOVED_IN", "移入"
        SHIPPED = "SHIPPED", "站间调出"
        ARRIVED = "ARRIVED", "站间调入"
        SALE = "SALE", "销售"
        RETURN = "RETURN", "销售退回"
        ADJUST = "ADJUST", "盘点调整"
        WRITE_OFF = "WRITE_OFF", "报损"
        GIFT = "GIFT", "积分兑换"
        GIFT_BACK = "GIFT_BACK", "兑换退回"

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    place = models.ForeignKey(StockPlace, models.PROTECT, verbose_name="存货地点", related_name="+")
    item = models.ForeignKey(Item, models.PROTECT, verbose_name="商品", related_name="moves")
    day = models.ForeignKey(
        "station.BusinessDay", models.PROTECT, verbose_name="营业日", related_name="+"
    )
    kind = models.CharField("类别", max_length=10, choices=Kind.choices)
    quantity = LitresField("数量(入为正)")
    balance_after = LitresField("结存")
    unit_cost = UnitCostField("不含税单位成本(元)", default=0)
    document = models.CharField("单据", max_length=60)
    line = models.PositiveSmallIntegerField("行", default=0)
    occurred_at = models.DateTimeField("时间")
    recorded_at = models.DateTimeField("入库时间", db_default=Now())
    actor = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.CharField("原因", max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["document", "line", "item", "kind"], name="one_stock_move_per_cause"
            ),
            models.CheckConstraint(condition=~Q(quantity=0), name="a_stock_move_moves_something"),
            models.CheckConstraint(
                condition=Q(kind__in=["OPENING", "ADJUST"])
                | Q(
                    kind__in=["RECEIPT", "RETURN", "GIFT_BACK", "MOVED_IN", "ARRIVED"],
                    quantity__gt=0,
                )
                | Q(
                    kind__in=["SALE", "WRITE_OFF", "GIFT", "SENT_BACK", "MOVED_OUT", "SHIPPED"],
                    quantity__lt=0,
                ),
                name="a_stock_move_goes_its_way",
            ),
        ]
        indexes = [models.Index(fields=["item", "place", "-id"], name="stock_moves_of_an_item")]

    def __str__(self) -> str:
        return f"{self.item} {self.quantity}"
