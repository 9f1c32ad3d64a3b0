"""储值: money kept for a member or on a bearer card, its ledger, and the plans it is topped up by.

Principal is what was paid in, bonus what was given on top. The two are never added up in a row.
"""

from __future__ import annotations

from datetime import date

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from station.fields import YuanField
from station.money import Yuan


class ValueAccount(models.Model):
    """储值账户: a member's own, or a bearer card's. Its balances equal the sum of its rows.

    A bearer card has a last day, at least three years on (so the law says; the database too); what
    is on it then waits until it is renewed or a new card is given. A named account never ends.
    """

    class Kind(models.TextChoices):
        NAMED = "NAMED", "记名"
        BEARER = "BEARER", "不记名"

    class Status(models.TextChoices):
        ACTIVE = "ACTIVE", "正常"
        FROZEN = "FROZEN", "冻结"
        LOST = "LOST", "挂失"
        CLOSED = "CLOSED", "已注销"

    number = models.CharField("账号", max_length=30, unique=True)
    kind = models.CharField("类别", max_length=6, choices=Kind.choices)
    status = models.CharField("状态", max_length=6, choices=Status.choices, default=Status.ACTIVE)
    station = models.ForeignKey(
        "station.Station", models.PROTECT, verbose_name="发卡油站", related_name="value_accounts"
    )
    member = models.ForeignKey(
        "members.Member", models.PROTECT, null=True, blank=True, related_name="value_accounts"
    )
    principal = YuanField("本金(元)", default=0)
    bonus = YuanField("赠金(元)", default=0)
    pin_hash = models.CharField("密码摘要", max_length=200, blank=True)
    pin_failures = models.PositiveSmallIntegerField("输错次数", default=0)
    pin_locked_until = models.DateTimeField("密码锁定至", null=True, blank=True)
    replaced_by = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="replaces"
    )
    opened_at = models.DateTimeField("开户时间")
    expires_on = models.DateField("有效期至", null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="NAMED", expires_on=None)
                | Q(kind="BEARER", expires_on__isnull=False),
                name="a_bearer_card_alone_has_a_last_day",
            ),
            models.CheckConstraint(
                condition=Q(principal__gte=0, bonus__gte=0), name="value_is_never_owed"
            ),
            models.CheckConstraint(
                condition=Q(kind="NAMED", member__isnull=False) | Q(kind="BEARER", member=None),
                name="a_named_account_has_its_member",
            ),
            models.CheckConstraint(
                condition=~Q(status="CLOSED") | Q(principal=0, bonus=0),
                name="a_closed_account_is_empty",
            ),
            models.UniqueConstraint(
                fields=["member"],
                condition=~Q(status="CLOSED"),
                name="one_value_account_per_member",
            ),
        ]
        indexes = [
            models.Index(
                fields=["expires_on"], condition=Q(kind="BEARER"), name="bearer_cards_by_last_day"
            )
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def balance(self) -> Yuan:
        """What may be spent: principal and bonus."""
        total: Yuan = self.principal + self.bonus
        return total

    def is_over(self, on: date) -> bool:
        """Whether its last day is over: it pays and is topped up no more before it is renewed."""
        return self.expires_on is not None and on > self.expires_on


class ValueTxn(models.Model):
    """One movement of an account, principal and bonus apart, with the balances it left."""

    class Kind(models.TextChoices):
        TOPUP = "TOPUP", "充值"
        BONUS = "BONUS", "赠送"
        SPEND = "SPEND", "消费"
        SPEND_CANCEL = "SPEND_CANCEL", "消费退回"
        REFUND = "REFUND", "退本金"
        RECOVER = "RECOVER", "收回赠金"
        OUT = "OUT", "转出"
        IN = "IN", "转入"
        ADJUST = "ADJUST", "更正"
        IMPORT = "IMPORT", "导入"
        REWARD = "REWARD", "积分兑换"

    account = models.ForeignKey(ValueAccount, models.PROTECT, related_name="rows")
    kind = models.CharField("类别", max_length=12, choices=Kind.choices)
    principal = YuanField("本金增减(元)", default=0)
    bonus = YuanField("赠金增减(元)", default=0)
    principal_after = YuanField("本金余额(元)")
    bonus_after = YuanField("赠金余额(元)")
    idem = models.CharField("幂等键", max_length=100, unique=True)
    document = models.CharField("单据", max_length=40, db_index=True)
    reverses = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="reversals"
    )
    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    day = models.ForeignKey("station.BusinessDay", models.PROTECT, related_name="+")
    actor = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    words = models.CharField("说明", max_length=200, blank=True)
    occurred_at = models.DateTimeField("时间")
    recorded_at = models.DateTimeField("入库时间", db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(principal=0, bonus=0), name="a_value_row_moves_something"
            ),
            models.CheckConstraint(
                condition=Q(principal_after__gte=0, bonus_after__gte=0),
                name="a_value_row_leaves_nothing_owed",
            ),
            models.CheckConstraint(
                condition=Q(kind="TOPUP", principal__gt=0, bonus=0)
                | Q(kind__in=["BONUS", "REWARD"], principal=0, bonus__gt=0)
                | Q(kind="REFUND", principal__lt=0, bonus=0)
                | Q(kind__in=["SPEND", "RECOVER", "OUT"], principal__lte=0, bonus__lte=0)
                | Q(kind__in=["SPEND_CANCEL", "IN", "IMPORT"], principal__gte=0, bonus__gte=0)
                | Q(kind="ADJUST"),
                name="a_value_row_goes_its_way",
            ),
            models.CheckConstraint(
                condition=~Q(kind="SPEND_CANCEL") | Q(reverses__isnull=False),
                name="what_comes_back_names_what_was_spent",
            ),
        ]
        indexes = [
            models.Index(fields=["account", "-id"], name="value_rows_of_an_account"),
            models.Index(fields=["day"], name="value_rows_of_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.kind} {self.principal}/{self.bonus}"


class TopUpPlan(models.Model):
    """充值档位: pay this much, get that much on top, from one day to another."""

    class Audience(models.TextChoices):
        ALL = "ALL", "都可用"
        NAMED = "NAMED", "仅记名"
        BEARER = "BEARER", "仅不记名"

    name = models.CharField("名称", max_length=40)
    amount = YuanField("充值金额(元)")
    bonus = YuanField("赠送金额(元)", default=0)
    audience = models.CharField(
        "适用", max_length=6, choices=Audience.choices, default=Audience.NAMED
    )
    since = models.DateField("开始")
    until = models.DateField("结束", null=True, blank=True)
    active = models.BooleanField("在用", default=True)
    position = models.PositiveSmallIntegerField("排序", default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0, bonus__gte=0, bonus__lte=F("amount")),
                name="a_plan_gives_no_more_than_is_paid",
            ),
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gte=F("since")),
                name="a_plan_ends_after_it_began",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ValueCodeUse(models.Model):
    """A payment code that was taken once: its fingerprint, and the document that took it."""

    account = models.ForeignKey(ValueAccount, models.PROTECT, related_name="codes")
    fingerprint = models.CharField("指纹", max_length=64, unique=True)
    document = models.CharField("单据", max_length=40)
    used_at = models.DateTimeField("时间")

    def __str__(self) -> str:
        return f"{self.account_id} {self.document}"
