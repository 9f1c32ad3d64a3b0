"""对账: what a partner says of a month, and the month as it was closed with him."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from members.models.exchanges import ExchangeOrder, ExchangePartner


class Move(models.TextChoices):
    """One line of a statement: an exchange, or one that was taken back."""

    OUT = "OUT", "换出"
    IN = "IN", "换入"
    OUT_BACK = "OUT_BACK", "冲回换出"
    IN_BACK = "IN_BACK", "冲回换入"


class PartnerBill(models.Model):
    """对方账单: a partner's own figures of a month, his points both ways. The newest counts. Append-only.

    `out` and `into` are less what was taken back. `lines` holds his number, the move and his points
    of each, where he gave a file; a bill of figures alone has none.
    """

    partner = models.ForeignKey(ExchangePartner, models.PROTECT, related_name="bills")
    month = models.DateField("月份")
    exchanges = models.PositiveIntegerField("笔数")
    out = models.IntegerField("换出(对方积分)")
    into = models.IntegerField("换入(对方积分)")
    lines = models.JSONField("逐笔", default=list)
    file = models.CharField("文件名", max_length=200, blank=True)
    told_by = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    told_at = models.DateTimeField("登记时间")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(month__day=1), name="a_bill_is_of_a_whole_month")
        ]
        indexes = [models.Index(fields=["partner", "month", "-id"], name="bills_of_a_month")]

    def __str__(self) -> str:
        return f"{self.partner_id} {self.month:%Y-%m}"


class PartnerStatement(models.Model):
    """对账单 of a closed month: its figures as they were, for ever. Points of ours unless they say so."""

    partner = models.ForeignKey(ExchangePartner, models.PROTECT, related_name="statements")
    month = models.DateField("月份")
    exchanges = models.PositiveIntegerField("笔数")
    out = models.IntegerField("换出(对方积分)")
    into = models.IntegerField("换入(对方积分)")
    points_out = models.IntegerField("换出(我方积分)")
    points_in = models.IntegerField("换入(我方积分)")
    fee = models.IntegerField("手续费(我方分)")
    booked = models.IntegerField("账本合计(我方分)")
    bill = models.ForeignKey(
        PartnerBill, models.PROTECT, null=True, blank=True, related_name="statements"
    )
    differences = models.PositiveIntegerField("不同处", default=0)
    words = models.CharField("说明", max_length=200, blank=True)
    closed_by = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    closed_at = models.DateTimeField("结账时间")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["partner", "month"], name="one_statement_per_partner_and_month"
            ),
            models.CheckConstraint(
                condition=Q(month__day=1), name="a_statement_is_of_a_whole_month"
            ),
            models.CheckConstraint(
                condition=Q(differences=0, bill__isnull=False) | ~Q(words=""),
                name="what_does_not_agree_is_explained",
            ),
            models.CheckConstraint(
                condition=Q(
                    booked=models.F("points_in") - models.F("points_out") - models.F("fee")
                ),
                name="a_statement_is_what_the_ledger_says",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.partner_id} {self.month:%Y-%m}"


class PartnerStatementLine(models.Model):
    """A line of a closed month: ours, his, or both. Append-only.

    `theirs` are the partner's points as we have them, None where we have no such exchange; `told` as
    he says, None where he does not.
    """

    statement = models.ForeignKey(PartnerStatement, models.PROTECT, related_name="rows")
    day = models.DateField("日期", null=True, blank=True)
    order = models.ForeignKey(
        ExchangeOrder, models.PROTECT, null=True, blank=True, related_name="+"
    )
    partner_no = models.CharField("对方单号", max_length=40)
    move = models.CharField("事由", max_length=8, choices=Move.choices)
    theirs = models.IntegerField("对方积分", null=True, blank=True)
    told = models.IntegerField("对方账单", null=True, blank=True)
    points = models.IntegerField("我方积分", default=0)
    fee = models.IntegerField("手续费", default=0)
    booked = models.IntegerField("账本", default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["statement", "partner_no", "move"], name="a_statement_has_each_move_once"
            ),
            models.CheckConstraint(
                condition=Q(order__isnull=False, theirs__isnull=False, day__isnull=False)
                | Q(order=None, theirs=None, told__isnull=False),
                name="a_line_is_ours_or_his",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.partner_no} {self.move}"
