"""The drawer of a session: movements besides sales, the blind count and what was expected."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from station.fields import YuanField


class CashMovement(models.Model):
    """投币、零星收支. In is positive; a safe drop is negative."""

    class Kind(models.TextChoices):
        DROP = "DROP", "中途缴款"
        PAID_IN = "PAID_IN", "零星收入"
        PAID_OUT = "PAID_OUT", "零星支出"

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    number = models.CharField("单号", max_length=40, unique=True)
    session = models.ForeignKey(
        "station.TillSession", models.PROTECT, related_name="cash_movements"
    )
    day = models.ForeignKey("station.BusinessDay", models.PROTECT, related_name="+")
    kind = models.CharField("类别", max_length=8, choices=Kind.choices)
    amount = YuanField("金额(入为正)")
    reason = models.CharField("原因", max_length=200, blank=True)
    client_key = models.CharField("客户端键", max_length=60, unique=True)
    actor = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    witness = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    occurred_at = models.DateTimeField("时间")
    recorded_at = models.DateTimeField("入库时间", db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="PAID_IN", amount__gt=0)
                | Q(kind__in=["DROP", "PAID_OUT"], amount__lt=0),
                name="a_cash_movement_goes_its_way",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.amount}"


class SessionCount(models.Model):
    """点款: what the cashier counted, by denomination, before seeing what was expected."""

    session = models.OneToOneField(
        "station.TillSession", models.PROTECT, related_name="count", primary_key=True
    )
    denominations = models.JSONField("面额张数", default=dict)
    slips = models.JSONField("其他付款方式清点", default=dict)
    attempt = models.PositiveSmallIntegerField("第几次点款", default=1)
    cash_counted = YuanField("实点现金(元)")
    counted_by = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    counted_at = models.DateTimeField("点款时间")
    accepted_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    accepted_at = models.DateTimeField("接收时间", null=True, blank=True)
    approved_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    deposit_slip = models.CharField("缴款单号", max_length=40, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(cash_counted__gte=0), name="a_count_is_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(accepted_by=None) | ~Q(accepted_by=F("counted_by")),
                name="a_count_is_accepted_by_someone_else",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.session} {self.cash_counted}"


class SessionTender(models.Model):
    """Expected against counted for one tender of a session; difference = counted − expected."""

    session = models.ForeignKey("station.TillSession", models.PROTECT, related_name="tenders")
    tender = models.ForeignKey("sales.Tender", models.PROTECT, related_name="+")
    day = models.ForeignKey("station.BusinessDay", models.PROTECT, related_name="+")
    expected = YuanField("应有(元)")
    counted = YuanField("实点(元)")
    difference = YuanField("长短款(元)")
    reason = models.CharField("原因", max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["session", "tender"], name="one_count_per_session_and_tender"
            ),
            models.CheckConstraint(
                condition=Q(difference=F("counted") - F("expected")),
                name="over_short_is_counted_less_expected",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.session} {self.tender} {self.difference}"


class Deposit(models.Model):
    """存行: takings brought to the bank, with the slip the bank stamped. Its lines make its amount."""

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="deposits")
    number = models.CharField("单号", max_length=40, unique=True)
    day = models.ForeignKey("station.BusinessDay", models.PROTECT, related_name="+")
    amount = YuanField("金额(元)")
    bank = models.CharField("银行", max_length=40)
    slip_no = models.CharField("缴款单号", max_length=40)
    actor = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    client_key = models.CharField("客户端键", max_length=60, unique=True)
    occurred_at = models.DateTimeField("时间")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="a_deposit_moves_money"),
            models.UniqueConstraint(
                fields=["station", "bank", "slip_no"], name="one_deposit_per_bank_slip"
            ),
        ]

    def __str__(self) -> str:
        return self.number


class DepositLine(models.Model):
    """What a deposit consists of: the takings of an accepted count, or a safe drop. Each goes once."""

    deposit = models.ForeignKey(Deposit, models.CASCADE, related_name="lines")
    session = models.OneToOneField(
        "station.TillSession", models.PROTECT, null=True, blank=True, related_name="deposit_line"
    )
    drop = models.OneToOneField(
        CashMovement, models.PROTECT, null=True, blank=True, related_name="deposit_line"
    )
    amount = YuanField("金额(元)")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(session__isnull=False, drop=None) | Q(session=None, drop__isnull=False),
                name="a_deposit_line_names_its_cash",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.deposit} {self.amount}"
