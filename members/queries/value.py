"""储值, asked: whose account, what is in it, how it came there, and the plans in force."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.db.models import Q, QuerySet, Sum

from members.models import TopUpPlan, ValueAccount, ValueTxn
from station.models import Station
from station.money import ZERO, Yuan, round_yuan
from station.services.sealing import normal

# What is asked of a station's settings before stored value is spent.
FIGURES = ("members.value_pin_above", "members.value_bonus_order")
# Printed on the receipt and shown before anybody pays: how bonus comes back when money goes back.
RULE = (
    "退款先收回赠金：应收回赠金 = 该次赠金 × 退本金 ÷ 该次充值本金；"
    "赠金余额不足的，差额从退款中扣除。"
)


def rule_of(*, amount: Yuan, bonus: Yuan, days: int) -> str:
    """The words about refunds of a top-up of so much, said before it is bought."""
    free = f"充值后 {days} 天内退未用本金，不扣差额。"
    if not bonus:
        return f"{free}之后退未用本金，原路退回。"
    return f"{free}之后：{RULE}（本次每退本金 {amount} 元收回赠金 {bonus} 元）"


def accounts_anywhere() -> QuerySet[ValueAccount]:
    """Accounts of every station with member and station: a card is taken anywhere."""
    return ValueAccount.objects.select_related("member", "station")


def accounts_of(stations: Iterable[Station]) -> QuerySet[ValueAccount]:
    """Accounts that some stations issued."""
    return accounts_anywhere().filter(station__in=list(stations))


def number_of(text: str) -> str:
    """An account's number as it was typed, scanned or swiped."""
    return normal(text)[:30]


def account_by_number(text: str) -> ValueAccount | None:
    """The account of a number as it was typed, scanned or swiped. One statement."""
    sought = number_of(text)
    return accounts_anywhere().filter(number=sought).first() if sought else None


def account_of_member(member_id: int) -> ValueAccount | None:
    """The account a member has now; None where he never topped up. One statement."""
    return accounts_anywhere().filter(member=member_id).exclude(status="CLOSED").first()


def plans_in_force(*, on: date, kind: str = "") -> list[TopUpPlan]:
    """The plans somebody may choose on a day, in their order; `kind` narrows to who they are for."""
    rows = TopUpPlan.objects.filter(Q(until=None) | Q(until__gte=on), active=True, since__lte=on)
    if kind:
        rows = rows.filter(audience__in=[TopUpPlan.Audience.ALL, kind])
    return list(rows.order_by("position", "amount", "pk"))


def rows_of(account: ValueAccount) -> QuerySet[ValueTxn]:
    """The ledger of an account with what its page shows."""
    return ValueTxn.objects.filter(account=account).select_related("station", "actor")


def in_words(row: ValueTxn) -> str:
    """A row as one would say it: 消费 200.00 元（本金 190.48，赠金 9.52）."""
    total = abs(row.principal + row.bonus)
    said = f"{row.get_kind_display()} {total} 元"
    if row.principal and row.bonus:
        said += f"（本金 {abs(row.principal)}，赠金 {abs(row.bonus)}）"
    elif row.bonus and row.kind != ValueTxn.Kind.BONUS:
        said += "（赠金）"
    return f"{said}，{row.words}" if row.words else said


def adds_up(account: ValueAccount) -> bool:
    """Whether the balances are what the rows make. One statement."""
    sums = ValueTxn.objects.filter(account=account).aggregate(
        principal=Sum("principal", default=ZERO), bonus=Sum("bonus", default=ZERO)
    )
    return (sums["principal"], sums["bonus"]) == (account.principal, account.bonus)


def broken_accounts() -> list[str]:
    """Accounts whose balances are not what their rows make. Nothing, or the database was forced."""
    rows = ValueAccount.objects.annotate(
        of_principal=Sum("rows__principal", default=ZERO), of_bonus=Sum("rows__bonus", default=ZERO)
    )
    return [
        row.number for row in rows if (row.of_principal, row.of_bonus) != (row.principal, row.bonus)
    ]


def taken_apart(*, amount: Yuan, principal: Yuan, bonus: Yuan, order: str) -> tuple[Yuan, Yuan]:
    """What of a spent amount is principal and what bonus, for balances that hold it.

    `order` "1" takes principal first; anything else takes both in proportion, rounded half up.
    """
    if order == "1":
        first = min(amount, principal)
    else:
        whole = principal + bonus
        first = round_yuan(amount * principal / whole) if whole else ZERO
    return first, amount - first


def share_back(*, whole: Yuan, part: Yuan, before: Yuan, now: Yuan) -> Yuan:
    """What of `part` belongs to the next `now` of `whole` after `before`, without rounding drift."""
    if not whole:
        return ZERO
    upto = round_yuan(part * (before + now) / whole)
    return upto - round_yuan(part * before / whole)
