"""Points: the programme, an account per holder, its append-only ledger, and the lots it consists of.

`balance`, `pending` and `debt` are kept because they are locked; they always equal the sums of lots
and ledger: balance + pending − debt = Σ delta, and lots with what is left of them make the first two.
"""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from station.fields import YuanField


class PointsProgram(models.Model):
    """积分方案: what a point is worth, how long it lives, and what may be paid with it. One is active."""

    class Basis(models.TextChoices):
        NET = "NET", "按优惠后实付"
        LIST = "LIST", "按优惠前挂牌额"

    class Expiry(models.TextChoices):
        NEVER = "NEVER", "永久有效"
        DAYS = "DAYS", "得到后若干天"
        MONTH_END = "MONTH_END", "得到后若干个月的月底"
        YEAR_END = "YEAR_END", "若干年后的年底"

    class Clawback(models.TextChoices):
        DEBT = "DEBT", "记欠分，由以后的积分抵"
        WRITE_OFF = "WRITE_OFF", "免扣"

    class Stacking(models.TextChoices):
        BEST = "BEST", "取最高一个"
        SUM = "SUM", "加成相加"
        MULTIPLY = "MULTIPLY", "连乘"

    code = models.CharField("代码", max_length=12, unique=True)
    name = models.CharField("名称", max_length=30)
    active = models.BooleanField("在用", default=True)
    basis = models.CharField("计分金额", max_length=4, choices=Basis.choices, default=Basis.NET)
    stacking = models.CharField(
        "多个倍数", max_length=8, choices=Stacking.choices, default=Stacking.BEST
    )
    cap_sale = models.PositiveIntegerField("单笔封顶", null=True, blank=True)
    cap_day = models.PositiveIntegerField("每人每日封顶", null=True, blank=True)
    cap_month = models.PositiveIntegerField("每人每月封顶", null=True, blank=True)
    hold_days = models.PositiveSmallIntegerField("几天后生效", default=0)
    expiry = models.CharField("有效期", max_length=9, choices=Expiry.choices)
    expiry_n = models.PositiveSmallIntegerField("有效期数", default=0)
    grace_days = models.PositiveSmallIntegerField("退回时原积分已过期，再给几天", default=30)
    clawback = models.CharField(
        "退款扣不够时", max_length=9, choices=Clawback.choices, default=Clawback.DEBT
    )
    yuan_per_100 = YuanField("每 100 分抵(元)")
    min_redeem = models.PositiveIntegerField("最少用多少分", default=0)
    max_redeem_pct = models.PositiveSmallIntegerField("最多抵一单的百分之几", default=100)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["active"], condition=Q(active=True), name="one_points_program_is_active"
            ),
            models.CheckConstraint(
                condition=Q(yuan_per_100__gte=0, max_redeem_pct__lte=100, grace_days__gte=1),
                name="a_points_program_makes_sense",
            ),
            models.CheckConstraint(
                condition=Q(expiry__in=["NEVER", "YEAR_END"]) | Q(expiry_n__gte=1),
                name="points_that_expire_say_when",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PointsAccount(models.Model):
    """积分账户 of a member, or of a pool or company that `holder` names (such as ``pool:17``)."""

    member = models.OneToOneField(
        "members.Member", models.PROTECT, null=True, blank=True, related_name="points"
    )
    holder = models.CharField("持有者", max_length=40, blank=True)
    staff = models.ForeignKey(
        "station.User",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="员工本人",
    )
    balance = models.BigIntegerField("可用", default=0)
    pending = models.BigIntegerField("待生效", default=0)
    debt = models.BigIntegerField("欠分", default=0)
    frozen = models.BooleanField("冻结", default=False)
    moved_to = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="moved_here"
    )
    version = models.BigIntegerField("版本", default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(balance__gte=0, pending__gte=0, debt__gte=0),
                name="points_are_never_negative",
            ),
            models.CheckConstraint(
                condition=Q(debt=0) | Q(balance=0, pending=0), name="who_owes_points_has_none"
            ),
            models.CheckConstraint(
                condition=Q(member__isnull=False, holder="") | (Q(member=None) & ~Q(holder="")),
                name="a_points_account_has_one_holder",
            ),
            models.UniqueConstraint(
                fields=["holder"], condition=~Q(holder=""), name="one_points_account_per_holder"
            ),
        ]

    def __str__(self) -> str:
        return self.holder or f"会员 {self.member_id}"


class PointsTxn(models.Model):
    """A row of the ledger. `delta` is its effect on balance + pending − debt; `amount` what it is about.

    `debt_delta` is how the debt moved; `forgiven` what a clawback did not take, because it had
    expired unspent or was written off. `date` is the accounting date. `place`: who brought points into
    a pool or spent them out of it.
    """

    class Kind(models.TextChoices):
        EARN = "EARN", "得分"
        REDEEM = "REDEEM", "抵扣"
        REDEEM_CANCEL = "CANCEL", "退回"
        CLAWBACK = "CLAWBACK", "扣回"
        EXPIRE = "EXPIRE", "过期"
        MATURE = "MATURE", "生效"
        DEBT_OFFSET = "OFFSET", "抵欠分"
        ADJUST = "ADJUST", "调整"
        TRANSFER_IN = "IN", "转入"
        TRANSFER_OUT = "OUT", "转出"
        EXCHANGE_IN = "EXIN", "换入"
        EXCHANGE_OUT = "EXOUT", "换出"

    account = models.ForeignKey(PointsAccount, models.PROTECT, related_name="txns")
    kind = models.CharField("类别", max_length=8, choices=Kind.choices)
    delta = models.BigIntegerField("变动")
    amount = models.BigIntegerField("分数")
    debt_delta = models.BigIntegerField("欠分变动", default=0)
    forgiven = models.BigIntegerField("免扣", default=0)
    balance_after = models.BigIntegerField("可用余额")
    idem = models.CharField("幂等键", max_length=100, unique=True)
    document = models.CharField("单据", max_length=60, blank=True)
    reverses = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="reversals"
    )
    station = models.ForeignKey(
        "station.Station", models.PROTECT, null=True, blank=True, related_name="+"
    )
    actor = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    approver = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    place = models.ForeignKey(
        "members.PoolMember",
        models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="txns",
    )
    reason = models.CharField("说明", max_length=200, blank=True)
    breakdown = models.JSONField("明细", null=True, blank=True)
    date = models.DateField("记账日")
    occurred_at = models.DateTimeField("时间")
    recorded_at = models.DateTimeField("入库时间", db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gte=0, forgiven__gte=0, forgiven__lte=F("amount")),
                name="a_points_row_has_an_amount",
            ),
        ]
        indexes = [
            models.Index(fields=["account", "-id"], name="points_of_an_account"),
            models.Index(
                fields=["document"], condition=~Q(document=""), name="points_of_a_document"
            ),
            BrinIndex(fields=["date"], name="points_by_date"),
            models.Index(
                fields=["place", "date"],
                condition=Q(place__isnull=False),
                name="points_by_place_in_a_pool",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.delta}"


class PointsLot(models.Model):
    """Points that came at once and expire at once. `expires_at` is exclusive: the midnight after.

    `root` is the row by which they were first earned, however often they moved; `regained` the dead
    lot for which these were given.
    """

    account = models.ForeignKey(PointsAccount, models.PROTECT, related_name="lots")
    txn = models.ForeignKey(PointsTxn, models.PROTECT, related_name="lots")
    root = models.ForeignKey(PointsTxn, models.PROTECT, related_name="descendants")
    regained = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="graces"
    )
    station = models.ForeignKey(
        "station.Station", models.PROTECT, null=True, blank=True, related_name="+"
    )
    issued = models.BigIntegerField("发放")
    remaining = models.BigIntegerField("剩余")
    expired = models.BigIntegerField("已过期", default=0)
    pending = models.BooleanField("待生效", default=False)
    active_from = models.DateTimeField("生效")
    expires_at = models.DateTimeField("到期", null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(issued__gt=0, remaining__gte=0, remaining__lte=F("issued")),
                name="a_lot_holds_at_most_what_it_was_issued",
            ),
            models.CheckConstraint(
                condition=Q(expired__gte=0, expired__lte=F("issued") - F("remaining")),
                name="a_lot_expires_at_most_what_is_left",
            ),
        ]
        indexes = [
            models.Index(
                fields=["account", "expires_at", "id"],
                condition=Q(remaining__gt=0),
                name="lots_to_spend",
            ),
            models.Index(
                fields=["expires_at", "account"],
                condition=Q(remaining__gt=0),
                name="lots_to_expire",
            ),
            models.Index(
                fields=["active_from", "account"], condition=Q(pending=True), name="lots_to_mature"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.remaining}/{self.issued}"


class PointsAlloc(models.Model):
    """What a row of the ledger took from a lot (negative) or put back into it."""

    txn = models.ForeignKey(PointsTxn, models.PROTECT, related_name="allocs")
    lot = models.ForeignKey(PointsLot, models.PROTECT, related_name="allocs")
    qty = models.BigIntegerField("分数")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(qty=0), name="an_allocation_moves_points"),
        ]

    def __str__(self) -> str:
        return str(self.qty)
