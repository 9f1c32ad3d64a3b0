"""Sales, their lines and payments. A sale never changes: a refund or reversal is another sale."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from station.fields import LitresField, RateField, UnitPriceField, YuanField


class Tender(models.Model):
    """付款方式 as the station uses it."""

    class Kind(models.TextChoices):
        CASH = "CASH", "现金"
        SLIP = "SLIP", "刷卡小票"
        MANUAL = "MANUAL", "手工登记"
        VALUE = "VALUE", "会员储值"

    code = models.CharField("代码", max_length=12, unique=True)
    name = models.CharField("名称", max_length=20)
    kind = models.CharField("类别", max_length=8, choices=Kind.choices)
    opens_drawer = models.BooleanField("开钱箱", default=False)
    needs_reference = models.BooleanField("须填凭证号", default=False)
    position = models.PositiveSmallIntegerField("排序", default=0)
    active = models.BooleanField("在用", default=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(kind="VALUE") | Q(needs_reference=False, opens_drawer=False),
                name="stored_value_has_no_slip_and_no_drawer",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Sale(models.Model):
    """销售单. `due` is what the customer owes: list − discount + rounding; Σ payments equal it."""

    class Kind(models.TextChoices):
        SALE = "SALE", "销售"
        REFUND = "REFUND", "退款"
        REVERSAL = "REVERSAL", "冲红"

    class Source(models.TextChoices):
        TILL = "TILL", "收银台"
        OFFLINE = "OFFLINE", "断网补传"
        PREPAY = "PREPAY", "预付结算"

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="sales")
    number = models.CharField("单号", max_length=40, unique=True)
    kind = models.CharField("类别", max_length=8, choices=Kind.choices, default=Kind.SALE)
    source = models.CharField("来源", max_length=8, choices=Source.choices, default=Source.TILL)
    original = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="corrections"
    )
    day = models.ForeignKey(
        "station.BusinessDay", models.PROTECT, verbose_name="营业日", related_name="sales"
    )
    shift = models.ForeignKey(
        "station.Shift", models.PROTECT, verbose_name="班次", related_name="sales"
    )
    session = models.ForeignKey(
        "station.TillSession", models.PROTECT, verbose_name="收银班", related_name="sales"
    )
    till = models.ForeignKey(
        "station.Till", models.PROTECT, verbose_name="收银台", related_name="sales"
    )
    cashier = models.ForeignKey(
        "station.User", models.PROTECT, verbose_name="收银员", related_name="+"
    )
    member = models.ForeignKey(
        "members.Member", models.PROTECT, null=True, blank=True, related_name="sales"
    )
    client_key = models.CharField("客户端键", max_length=60, unique=True)
    list_amount = YuanField("挂牌额(元)")
    discount = YuanField("优惠(元)")
    rounding = YuanField("抹零(元)", default=0)
    due = YuanField("应收(元)")
    tax = YuanField("税额(元)", default=0)
    approved_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.CharField("原因", max_length=200, blank=True)
    occurred_at = models.DateTimeField("时间")
    recorded_at = models.DateTimeField("入库时间", db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(due=F("list_amount") - F("discount") + F("rounding")),
                name="a_sales_due_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(kind="SALE", original=None, due__gte=0)
                | Q(kind__in=["REFUND", "REVERSAL"], original__isnull=False, due__lte=0),
                name="a_refund_names_its_original",
            ),
            models.UniqueConstraint(
                fields=["original"], condition=Q(kind="REVERSAL"), name="one_reversal_per_sale"
            ),
        ]
        indexes = [
            models.Index(fields=["session", "-id"], name="sales_of_a_session"),
            models.Index(fields=["day", "-id"], name="sales_of_a_day"),
            BrinIndex(fields=["occurred_at"], name="sales_by_time"),
        ]

    def __str__(self) -> str:
        return self.number


class SaleLine(models.Model):
    """One line: fuel, goods or a service. `net` = list − discount, never below zero on a sale."""

    class Kind(models.TextChoices):
        FUEL = "FUEL", "油品"
        GOODS = "GOODS", "商品"
        SERVICE = "SERVICE", "服务"

    sale = models.ForeignKey(Sale, models.PROTECT, related_name="lines")
    position = models.PositiveSmallIntegerField("行号")
    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    day = models.ForeignKey("station.BusinessDay", models.PROTECT, related_name="+")
    shift = models.ForeignKey("station.Shift", models.PROTECT, related_name="+")
    kind = models.CharField("类别", max_length=8, choices=Kind.choices)
    fill = models.ForeignKey(
        "devices.Fill", models.PROTECT, null=True, blank=True, related_name="sale_lines"
    )
    grade = models.ForeignKey(
        "station.Grade", models.PROTECT, null=True, blank=True, related_name="+"
    )
    item = models.ForeignKey(
        "inventory.Item", models.PROTECT, null=True, blank=True, related_name="sale_lines"
    )
    original = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="refunds"
    )
    name = models.CharField("名称", max_length=60)
    quantity = LitresField("数量")
    unit_price = UnitPriceField("单价(元)")
    list_amount = YuanField("挂牌额(元)")
    discount = YuanField("优惠(元)", default=0)
    net = YuanField("实收(元)")
    discount_reason = models.CharField("优惠原因", max_length=60, blank=True)
    tax_rate = RateField("税率")
    tax = YuanField("税额(元)")
    cost = YuanField("不含税成本(元)", default=0)
    attendant = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sale", "position"], name="one_line_per_position"),
            models.CheckConstraint(
                condition=Q(net=F("list_amount") - F("discount")),
                name="a_lines_net_is_list_less_discount",
            ),
            models.CheckConstraint(
                condition=Q(original=None, net__gte=0, quantity__gt=0)
                | Q(original__isnull=False, net__lte=0, quantity__lte=0),
                name="a_line_is_not_negative_unless_it_refunds",
            ),
            models.CheckConstraint(
                condition=Q(kind="FUEL", grade__isnull=False)
                | Q(kind__in=["GOODS", "SERVICE"], item__isnull=False),
                name="a_line_names_what_was_sold",
            ),
        ]
        indexes = [
            models.Index(fields=["day", "kind"], name="lines_of_a_day"),
            models.Index(fields=["fill"], name="lines_of_a_fill", condition=Q(fill__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.name} × {self.quantity}"


class Payment(models.Model):
    """收付款 under a document. In is positive; change (找零) and refunds are rows of their own, negative."""

    class Kind(models.TextChoices):
        PAYMENT = "PAYMENT", "收款"
        CHANGE = "CHANGE", "找零"
        REFUND = "REFUND", "退款"
        ADVANCE = "ADVANCE", "预收"
        ADVANCE_USED = "ADVANCE_USED", "预收转销售"
        RETENDER = "RETENDER", "改付款方式"

    class Status(models.TextChoices):
        CREATED = "CREATED", "已建"
        PENDING = "PENDING", "处理中"
        SUCCESS = "SUCCESS", "成功"
        UNKNOWN = "UNKNOWN", "结果未知"
        FAILED = "FAILED", "失败"
        CLOSED = "CLOSED", "已关闭"
        REVERSED = "REVERSED", "已撤销"

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    number = models.CharField("流水号", max_length=44, unique=True)
    document = models.CharField("单据", max_length=40, db_index=True)
    sale = models.ForeignKey(Sale, models.PROTECT, null=True, blank=True, related_name="payments")
    kind = models.CharField("类别", max_length=12, choices=Kind.choices, default=Kind.PAYMENT)
    tender = models.ForeignKey(Tender, models.PROTECT, verbose_name="付款方式", related_name="+")
    amount = YuanField("金额(收为正)")
    status = models.CharField("状态", max_length=8, choices=Status.choices, default=Status.SUCCESS)
    reference = models.CharField("凭证号", max_length=60, blank=True)
    original = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="corrections"
    )
    session = models.ForeignKey("station.TillSession", models.PROTECT, related_name="payments")
    day = models.ForeignKey("station.BusinessDay", models.PROTECT, related_name="+")
    shift = models.ForeignKey("station.Shift", models.PROTECT, related_name="+")
    occurred_at = models.DateTimeField("时间")
    recorded_at = models.DateTimeField("入库时间", db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(amount=0), name="a_payment_moves_money"),
            models.CheckConstraint(
                condition=Q(kind__in=["PAYMENT", "ADVANCE"], amount__gt=0)
                | Q(kind__in=["CHANGE", "REFUND"], amount__lt=0)
                | Q(kind__in=["RETENDER", "ADVANCE_USED"]),
                name="a_payment_goes_its_way",
            ),
        ]
        indexes = [
            models.Index(fields=["session", "tender"], name="payments_of_a_session"),
            models.Index(fields=["day", "tender"], name="payments_of_a_day"),
            models.Index(
                fields=["id"],
                condition=Q(status__in=["CREATED", "PENDING", "UNKNOWN"]),
                name="payments_under_way",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.amount}"


class ParkedTicket(models.Model):
    """挂单: a basket put aside; any till of the station takes it up, exactly once."""

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="parked")
    number = models.CharField("单号", max_length=40, unique=True)
    label = models.CharField("备注", max_length=40, blank=True)
    basket = models.JSONField("内容")
    total = YuanField("金额(元)")
    parked_by = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    parked_session = models.ForeignKey("station.TillSession", models.PROTECT, related_name="+")
    parked_at = models.DateTimeField("挂单时间")
    recalled_session = models.ForeignKey(
        "station.TillSession", models.PROTECT, null=True, blank=True, related_name="+"
    )
    recalled_at = models.DateTimeField("取单时间", null=True, blank=True)
    voided_at = models.DateTimeField("作废时间", null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["station"],
                condition=Q(recalled_session=None, voided_at=None),
                name="tickets_put_aside",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class Receipt(models.Model):
    """小票: a waiting row taken by a printer's worker; a reprint says 补打."""

    class Kind(models.TextChoices):
        ORIGINAL = "ORIGINAL", "小票"
        REPRINT = "REPRINT", "补打"
        SHIFT = "SHIFT", "班结单"
        TRIAL = "TRIAL", "试打"
        TOPUP = "TOPUP", "充值小票"
        REWARD = "REWARD", "兑换单"
        KIOSK = "KIOSK", "自助充值单"
        DRAWER = "DRAWER", "开钱箱"

    class Status(models.TextChoices):
        WAITING = "WAITING", "待打印"
        PRINTED = "PRINTED", "已打印"
        FAILED = "FAILED", "失败"

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    printer = models.ForeignKey(
        "devices.Printer", models.PROTECT, null=True, blank=True, related_name="+"
    )
    kind = models.CharField("类别", max_length=8, choices=Kind.choices)
    document = models.CharField("单据", max_length=40, db_index=True)
    copy = models.PositiveSmallIntegerField("份", default=1)
    opens_drawer = models.BooleanField("开钱箱", default=False)
    status = models.CharField("状态", max_length=8, choices=Status.choices, default=Status.WAITING)
    asked_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    asked_at = models.DateTimeField("时间")
    begun_at = models.DateTimeField("开始出纸", null=True, blank=True)
    interrupted = models.PositiveSmallIntegerField("打到一半", default=0)  # how often
    printed_at = models.DateTimeField("打印时间", null=True, blank=True)
    attempts = models.PositiveSmallIntegerField("次数", default=0)
    last_error = models.CharField("错误", max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["document", "kind", "copy"], name="one_receipt_per_copy"
            ),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(status="WAITING"), name="receipts_waiting"),
            models.Index(
                fields=["station"], condition=Q(status="FAILED"), name="receipts_that_failed"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.document} {self.get_kind_display()}"
