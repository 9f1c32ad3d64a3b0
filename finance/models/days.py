"""Frozen days. The rows are what `day_figures(day)` said at the close; reports add them up."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from station.fields import LitresField, UnitPriceField, YuanField


class DayFigures(models.Model):
    """The head of a frozen day: totals, counts and the whole answer as JSON with its hash."""

    day = models.OneToOneField(
        "station.BusinessDay", models.PROTECT, related_name="figures", primary_key=True
    )
    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    date = models.DateField("营业日")
    fuel_litres = LitresField("油品升数")
    fuel_net = YuanField("油品实收(元)")
    shop_net = YuanField("非油实收(元)")
    discount = YuanField("优惠(元)")
    rounding = YuanField("抹零(元)")
    due = YuanField("应收(元)", default=0)
    tax = YuanField("税额(元)")
    fuel_tax = YuanField("油品税额(元)", default=0)
    cost = YuanField("成本(元)")
    fuel_cost = YuanField("油品成本(元)")
    sales_count = models.PositiveIntegerField("单数")
    fuel_count = models.PositiveIntegerField("加油笔数")
    fuel_sales_count = models.PositiveIntegerField("含油品单数", default=0)
    shop_count = models.PositiveIntegerField("含非油单数")
    both_count = models.PositiveIntegerField("油品非油同单数", default=0)
    corrections_count = models.PositiveIntegerField("退款冲红单数", default=0)
    over_short = YuanField("长短款(元)")
    variance_l = LitresField("损溢(升)")
    new_members = models.PositiveIntegerField("新增会员", default=0)
    body = models.JSONField("全部数字")
    sha256 = models.CharField("摘要", max_length=64)
    frozen_at = models.DateTimeField("冻结时间")
    frozen_by = models.ForeignKey("station.User", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["station", "date"], name="one_set_of_figures_per_date")
        ]
        indexes = [models.Index(fields=["station", "-date"], name="figures_by_date")]

    def __str__(self) -> str:
        return f"{self.date}"


class _DayRow(models.Model):
    """Shared head of the aggregated rows of a frozen day."""

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    day = models.ForeignKey("station.BusinessDay", models.PROTECT, related_name="+")
    date = models.DateField("营业日")

    class Meta:
        abstract = True


class DayProduct(_DayRow):
    """One product of a frozen day: a grade, or an item."""

    class Kind(models.TextChoices):
        FUEL = "FUEL", "油品"
        GOODS = "GOODS", "商品"
        SERVICE = "SERVICE", "服务"

    kind = models.CharField("类别", max_length=8, choices=Kind.choices)
    code = models.CharField("代码", max_length=20)
    name = models.CharField("名称", max_length=60)
    category = models.CharField("类别名", max_length=30, blank=True)
    quantity = LitresField("数量")
    list_amount = YuanField("挂牌额(元)")
    discount = YuanField("优惠(元)")
    net = YuanField("实收(元)")
    tax = YuanField("税额(元)")
    cost = YuanField("成本(元)")
    count = models.PositiveIntegerField("笔数")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["day", "kind", "code"], name="one_row_per_day_and_product"
            ),
            models.CheckConstraint(
                condition=Q(net=F("list_amount") - F("discount")),
                name="a_products_net_is_list_less_discount",
            ),
        ]
        indexes = [models.Index(fields=["station", "date", "kind"], name="products_by_date")]

    def __str__(self) -> str:
        return f"{self.date} {self.code}"


class DayTender(_DayRow):
    """One tender of a frozen day."""

    code = models.CharField("代码", max_length=12)
    name = models.CharField("名称", max_length=20)
    count = models.PositiveIntegerField("笔数")
    received = YuanField("收款(元)")
    refunded = YuanField("退款(元)")
    moved = YuanField("改付与预收转入(元)", default=0)
    fuel = YuanField("油品(元)", default=0)
    shop = YuanField("非油(元)", default=0)
    advance = YuanField("预收增减(元)", default=0)
    litres = LitresField("付油升数", default=0)
    net = YuanField("净额(元)")
    over_short = YuanField("长短款(元)", default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["day", "code"], name="one_row_per_day_and_tender"),
            models.CheckConstraint(
                condition=Q(net=F("received") - F("refunded") + F("moved"))
                & Q(net=F("fuel") + F("shop") + F("advance")),
                name="a_days_tender_adds_up_both_ways",
            ),
        ]
        indexes = [models.Index(fields=["station", "date"], name="tenders_by_date")]

    def __str__(self) -> str:
        return f"{self.date} {self.code}"


class DayTank(_DayRow):
    """One tank of a frozen day: 日平衡."""

    tank_number = models.PositiveSmallIntegerField("罐号")
    grade_code = models.CharField("油品", max_length=12)
    opening_l = LitresField("期初(升)")
    received_l = LitresField("进油(升)")
    pumped_l = LitresField("付油(升)")
    returned_l = LitresField("回罐(升)")
    other_l = LitresField("移库与调整(升)")
    sold_l = LitresField("销售(升)")
    book_l = LitresField("账存(升)")
    physical_l = LitresField("实存(升)", null=True, blank=True)
    variance_l = LitresField("损溢(升)", null=True, blank=True)
    price = UnitPriceField("期末挂牌价(元/升)", null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["day", "tank_number"], name="one_row_per_day_and_tank")
        ]
        indexes = [models.Index(fields=["station", "date"], name="tanks_by_date")]

    def __str__(self) -> str:
        return f"{self.date} {self.tank_number}"


class DayHour(_DayRow):
    """One hour of a frozen day: fills, litres, net."""

    hour = models.PositiveSmallIntegerField("时")
    count = models.PositiveIntegerField("笔数")
    litres = LitresField("升数")
    net = YuanField("实收(元)")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["day", "hour"], name="one_row_per_day_and_hour")
        ]
        indexes = [models.Index(fields=["station", "date"], name="hours_by_date")]

    def __str__(self) -> str:
        return f"{self.date} {self.hour}"


class DayDiscount(_DayRow):
    """Discounts of a frozen day by the person who gave them and the reason named."""

    person = models.CharField("人员", max_length=40)
    reason = models.CharField("优惠原因", max_length=60, blank=True)
    count = models.PositiveIntegerField("笔数")
    amount = YuanField("优惠(元)")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["day", "person", "reason"], name="one_row_per_day_person_and_reason"
            )
        ]
        indexes = [models.Index(fields=["station", "date"], name="discounts_by_date")]

    def __str__(self) -> str:
        return f"{self.date} {self.person}"


class DayDifference(models.Model):
    """A difference the close met: resolved, or accepted by the owner with a reason, and carried on."""

    class Status(models.TextChoices):
        OPEN = "OPEN", "待处理"
        RESOLVED = "RESOLVED", "已解决"
        ACCEPTED = "ACCEPTED", "已认可"

    day = models.ForeignKey("station.BusinessDay", models.PROTECT, related_name="differences")
    kind = models.CharField("类别", max_length=30)
    subject = models.CharField("对象", max_length=60)
    amount = YuanField("金额(元)", null=True, blank=True)
    litres = LitresField("升数", null=True, blank=True)
    text = models.CharField("说明", max_length=300)
    status = models.CharField("状态", max_length=8, choices=Status.choices, default=Status.OPEN)
    reason = models.CharField("理由", max_length=200, blank=True)
    decided_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField("时间", null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["day", "kind", "subject"], name="one_difference_per_day_and_subject"
            ),
            models.CheckConstraint(
                condition=~Q(status="ACCEPTED") | (~Q(reason="") & Q(decided_by__isnull=False)),
                name="an_accepted_difference_has_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.text


class DayClose(models.Model):
    """Who closed a day, when, and with which signatures."""

    day = models.OneToOneField(
        "station.BusinessDay", models.PROTECT, related_name="close", primary_key=True
    )
    number = models.CharField("单号", max_length=40, unique=True)
    closed_by = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    closed_at = models.DateTimeField("时间")
    remarks = models.CharField("备注", max_length=300, blank=True)

    def __str__(self) -> str:
        return self.number


class ReportArchive(models.Model):
    """A report as it was on the day, made automatically, reprintable to the byte."""

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    day = models.ForeignKey(
        "station.BusinessDay", models.PROTECT, null=True, blank=True, related_name="reports"
    )
    shift = models.ForeignKey(
        "station.Shift", models.PROTECT, null=True, blank=True, related_name="reports"
    )
    kind = models.CharField("报表", max_length=30)
    title = models.CharField("标题", max_length=100)
    body = models.JSONField("内容")
    pdf = models.BinaryField("PDF", null=True, blank=True)
    sha256 = models.CharField("摘要", max_length=64)
    made_at = models.DateTimeField("生成时间")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "day", "shift"],
                nulls_distinct=False,
                name="one_archived_report_per_period",
            ),
        ]

    def __str__(self) -> str:
        return self.title
