"""Swipes and scans: one event, one meaning, decided by rules on a page."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class ReadRule(models.Model):
    """Which reads mean what: the first rule by order whose pattern matches the whole text."""

    class Meaning(models.TextChoices):
        STAFF_CARD = "STAFF_CARD", "员工卡"
        MEMBER_CARD = "MEMBER_CARD", "会员卡"
        MEMBER_CODE = "MEMBER_CODE", "会员手机码"
        GOODS = "GOODS", "商品条码"
        PAYMENT_CODE = "PAYMENT_CODE", "付款码"
        DOCUMENT = "DOCUMENT", "单据号"
        VEHICLE_TAG = "VEHICLE_TAG", "车辆标签"
        DRIVER_CARD = "DRIVER_CARD", "司机卡"
        UNKNOWN = "UNKNOWN", "未知"

    class Medium(models.TextChoices):
        CARD = "CARD", "卡"
        CODE = "CODE", "码"

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="read_rules")
    position = models.PositiveSmallIntegerField("顺序")
    medium = models.CharField("介质", max_length=4, choices=Medium.choices)
    pattern = models.CharField("格式(正则)", max_length=120)
    meaning = models.CharField("含义", max_length=12, choices=Meaning.choices)
    note = models.CharField("说明", max_length=100, blank=True)
    active = models.BooleanField("在用", default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["station", "position"], name="one_read_rule_per_position"
            )
        ]

    def __str__(self) -> str:
        return f"{self.position} {self.get_meaning_display()}"


class Card(models.Model):
    """A card that the station issued: to a user of its staff, or (by document) to a member."""

    class Status(models.TextChoices):
        ACTIVE = "ACTIVE", "在用"
        LOST = "LOST", "挂失"
        CANCELLED = "CANCELLED", "注销"

    class Medium(models.TextChoices):
        IC = "IC", "IC 卡"
        RFID = "RFID", "射频卡"
        QR = "QR", "二维码卡"

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="cards")
    number = models.CharField("卡号", max_length=40)
    meaning = models.CharField("用途", max_length=12, choices=ReadRule.Meaning.choices)
    holder = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="cards"
    )
    document = models.CharField("会员编号", max_length=60, blank=True, db_index=True)
    medium = models.CharField("介质", max_length=4, choices=Medium.choices, default=Medium.IC)
    replaces = models.ForeignKey(
        "devices.Card", models.PROTECT, null=True, blank=True, related_name="replaced_by"
    )
    status = models.CharField("状态", max_length=10, choices=Status.choices, default=Status.ACTIVE)
    issued_at = models.DateTimeField("发卡时间")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["number"],
                condition=Q(status__in=["ACTIVE", "LOST"]),
                name="one_card_per_number",
            ),
            models.UniqueConstraint(
                fields=["replaces"],
                condition=~Q(replaces=None),
                name="a_card_is_replaced_once",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class Swipe(models.Model):
    """One read. Payment codes are stored masked only; the code itself goes once to its till, unlogged."""

    class Outcome(models.TextChoices):
        KNOWN = "KNOWN", "已识别"
        UNKNOWN = "UNKNOWN", "未登记"
        LOST = "LOST", "已挂失"

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    reader = models.ForeignKey(
        "devices.Reader", models.PROTECT, null=True, blank=True, related_name="swipes"
    )
    # A reader that types has no line: whoever sat there, and at which till.
    typed_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    till = models.ForeignKey(
        "station.Till", models.PROTECT, null=True, blank=True, related_name="+"
    )
    key = models.CharField("去重键", max_length=80, unique=True)
    medium = models.CharField("介质", max_length=4, choices=ReadRule.Medium.choices)
    text = models.CharField("内容(付款码打码)", max_length=120)
    meaning = models.CharField("含义", max_length=12, choices=ReadRule.Meaning.choices)
    outcome = models.CharField("结果", max_length=8, choices=Outcome.choices)
    card = models.ForeignKey(Card, models.PROTECT, null=True, blank=True, related_name="swipes")
    occurred_at = models.DateTimeField("时间")
    recorded_at = models.DateTimeField("入库时间", db_default=Now())
    taken_at = models.DateTimeField("收银台取走时间", null=True, blank=True)
    echoed_at = models.DateTimeField("另一路也送到的时间", null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(reader__isnull=False, typed_by=None)
                | Q(reader=None, typed_by__isnull=False),
                name="a_read_is_heard_or_typed",
            )
        ]
        indexes = [
            models.Index(fields=["reader", "-id"], name="swipes_of_a_reader"),
            models.Index(fields=["station", "text", "-id"], name="swipes_of_a_text"),
            models.Index(
                fields=["station", "-occurred_at"],
                condition=Q(meaning__in=["VEHICLE_TAG", "DRIVER_CARD"]),
                name="fleet_swipes_of_a_station",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_meaning_display()} {self.text}"

    @property
    def source(self) -> str:
        """Which reader it was: its line, or the person at whose keyboard it typed."""
        return str(self.reader or f"键盘式（{self.typed_by}）")
