"""积分互通: partners of other trades, the versions of their programmes, and the orders of exchange."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now


class ExchangePartner(models.Model):
    """合作商家 whose points are exchanged with ours; it signs its requests with the secret."""

    code = models.CharField("代码", max_length=20, unique=True)
    name = models.CharField("名称", max_length=60)
    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    key = models.ForeignKey("station.DataKey", models.PROTECT, related_name="+")
    secret_sealed = models.CharField("签名密钥(密文)", max_length=300)
    active = models.BooleanField("在用", default=True)
    created_at = models.DateTimeField("建立时间")

    def __str__(self) -> str:
        return self.name


class PartnerProgram(models.Model):
    """A version of what is exchanged: it never changes but for being approved; the newest in force counts.

    Out: our points become the partner's, `ratio_out` of ours for a hundred of his, rounded up. In: his
    become ours, `ratio_in` of ours for a hundred of his, rounded down. Bounds are of our points; who
    exchanges out pays the fee besides.
    """

    partner = models.ForeignKey(ExchangePartner, models.PROTECT, related_name="programs")
    version = models.PositiveIntegerField("版本")
    ratio_out = models.PositiveIntegerField("换出：对方 100 分要我方(分)")
    ratio_in = models.PositiveIntegerField("换入：对方 100 分得我方(分)")
    least = models.PositiveIntegerField("一次最少(我方分)")
    most = models.PositiveIntegerField("一次最多(我方分)")
    daily = models.PositiveIntegerField("每人每天最多(我方分)")
    daily_all = models.PositiveIntegerField("合计每天最多(我方分)", null=True, blank=True)
    fee = models.PositiveIntegerField("换出手续费(我方分)", default=0)
    valid_from = models.DateField("生效日")
    valid_until = models.DateField("最后一天")
    planned_by = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    planned_at = models.DateTimeField("提交时间")
    approved_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    approved_at = models.DateTimeField("审批时间", null=True, blank=True)
    withdrawn_at = models.DateTimeField("停用时间", null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["partner", "version"], name="one_partner_program_per_version"
            ),
            models.CheckConstraint(
                condition=Q(ratio_out__gt=0, ratio_in__gt=0, least__gte=1)
                & Q(most__gte=F("least"), daily__gte=F("least"))
                & Q(valid_until__gte=F("valid_from")),
                name="a_partner_program_makes_sense",
            ),
            models.CheckConstraint(
                condition=Q(approved_by=None, approved_at=None)
                | (Q(approved_at__isnull=False) & ~Q(approved_by=F("planned_by"))),
                name="a_partner_program_has_four_eyes",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.partner} 第 {self.version} 版"


class ExchangeOrder(models.Model):
    """One exchange by the partner's number: done, refused, or reversed. What was asked never changes."""

    class Way(models.TextChoices):
        OUT = "OUT", "换出（我方积分换对方）"
        IN = "IN", "换入（对方积分换我方）"

    class State(models.TextChoices):
        DONE = "DONE", "已完成"
        REVERSED = "REVERSED", "已冲回"

    number = models.CharField("单号", max_length=40, unique=True)
    partner = models.ForeignKey(ExchangePartner, models.PROTECT, related_name="orders")
    program = models.ForeignKey(PartnerProgram, models.PROTECT, related_name="orders")
    partner_no = models.CharField("对方单号", max_length=40)
    way = models.CharField("方向", max_length=3, choices=Way.choices)
    member = models.ForeignKey("members.Member", models.PROTECT, related_name="exchanges")
    theirs = models.PositiveIntegerField("对方积分")
    points = models.PositiveIntegerField("我方积分")
    fee = models.PositiveIntegerField("手续费(我方分)", default=0)
    state = models.CharField("状态", max_length=8, choices=State.choices)
    txn = models.OneToOneField("members.PointsTxn", models.PROTECT, related_name="exchange")
    back_txn = models.OneToOneField(
        "members.PointsTxn", models.PROTECT, null=True, blank=True, related_name="exchange_back"
    )
    day = models.DateField("记账日")
    at = models.DateTimeField("时间")
    recorded_at = models.DateTimeField("入库时间", db_default=Now())
    reversed_day = models.DateField("冲回记账日", null=True, blank=True)
    reversed_at = models.DateTimeField("冲回时间", null=True, blank=True)
    reversed_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.CharField("冲回原因", max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["partner", "partner_no"], name="one_exchange_per_partners_number"
            ),
            models.CheckConstraint(
                condition=Q(theirs__gt=0, points__gt=0), name="an_exchange_moves_points"
            ),
            models.CheckConstraint(
                condition=Q(state="DONE", reversed_at=None, back_txn=None)
                | Q(state="REVERSED", reversed_at__isnull=False, back_txn__isnull=False),
                name="a_reversed_exchange_has_its_row",
            ),
        ]
        indexes = [models.Index(fields=["partner", "day"], name="exchanges_of_a_day")]

    def __str__(self) -> str:
        return self.number


class ExchangeCall(models.Model):
    """A signed request that was let in: its nonce is good once. Append-only."""

    partner = models.ForeignKey(ExchangePartner, models.PROTECT, related_name="+")
    nonce = models.CharField("随机数", max_length=64)
    at = models.DateTimeField("时间")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["partner", "nonce"], name="a_nonce_is_good_once"),
        ]

    def __str__(self) -> str:
        return self.nonce
