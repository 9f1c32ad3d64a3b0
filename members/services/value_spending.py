"""储值消费: looked at and locked before the sale is written, taken with it, given back as it came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Sum

from members.models import ValueAccount, ValueTxn
from members.queries.value import FIGURES, share_back, taken_apart
from members.services import value_codes
from members.services.value_accounts import WrongPin
from members.services.value_keeping import (
    Kind,
    NotEnoughValue,
    demand,
    demand_good,
    demand_member,
    locked,
    post,
    successor,
)
from station.models import BusinessDay, User
from station.money import ZERO, Yuan

UNDONE = "没有收款"


@dataclass(frozen=True)
class Hold:
    """A locked account, and what of it will be taken."""

    account: ValueAccount
    principal: Yuan
    bonus: Yuan
    codes: tuple[str, ...] = ()


def hold(
    *,
    amounts: Mapping[int, Yuan],
    accounts: Mapping[int, ValueAccount],
    proven: frozenset[int],
    figures: Mapping[str, str],
    at: datetime,
    codes: Mapping[int, Sequence[str]] | None = None,
) -> tuple[Hold, ...]:
    """See that each of these locked accounts holds what is asked of it, by its id. Writes nothing.

    `figures` are what is set at the station for `FIGURES`. `proven` are those whose holder typed the
    PIN, `codes` the payment codes shown for an account, which prove him too. Refuses ValueRefused a
    frozen, lost or closed account, CardOver, WrongPin where a PIN is asked for, a used code,
    NotEnoughValue. Two statements for a code, else none.
    """
    above, order = (figures[name] for name in FIGURES)
    found = []
    for pk, amount in sorted(amounts.items()):
        account = accounts[pk]
        demand(account, undone=UNDONE)
        demand_good(account, at=at, undone=UNDONE)
        demand_member(account, undone=UNDONE)
        shown = tuple((codes or {}).get(pk, ()))
        for code in shown:
            value_codes.refuse_used(code=code)
        _demand_proof(account, amount, Decimal(above), pk in proven or bool(shown))
        if account.balance < amount:
            raise NotEnoughValue(
                f"{UNDONE}：储值账户 {account.number} 余额 {account.balance} 元，不够付 {amount} 元。"
                f"可先用储值付 {account.balance} 元，其余换一种方式。"
            )
        principal, bonus = taken_apart(
            amount=amount, principal=account.principal, bonus=account.bonus, order=order
        )
        found.append(Hold(account, principal, bonus, shown))
    return tuple(found)


def _demand_proof(account: ValueAccount, amount: Yuan, above: Yuan, proven: bool) -> None:
    if proven or (not account.pin_hash and amount <= above):
        return
    if account.pin_hash:
        raise WrongPin(f"{UNDONE}：账户 {account.number} 须输支付密码。请顾客输入密码。")
    raise WrongPin(
        f"{UNDONE}：储值一次付 {above} 元以上须输支付密码，账户 {account.number} 还没有设密码。"
        "请先在“储值账户”里设密码，或换一种付款方式。"
    )


def take(
    *, holds: Sequence[Hold], document: str, day: BusinessDay, at: datetime, actor: User
) -> None:
    """Take what was held for a document, in the transaction of its sale. One statement an account."""
    for one in holds:
        post(
            account=one.account,
            kind=Kind.SPEND,
            principal=-one.principal,
            bonus=-one.bonus,
            document=document,
            idem=f"spend:{document}:{one.account.pk}",
            day=day,
            at=at,
            actor=actor,
        )
        for code in one.codes:
            value_codes.use(account=one.account, code=code, document=document, at=at)


def give_back(
    *,
    document: str,
    by: str,
    amount: Yuan,
    day: BusinessDay,
    at: datetime,
    actor: User,
) -> None:
    """Put an amount of a sale's stored value back, as principal and bonus as they came.

    `document` is the sale, `by` the refund. Over all refunds of a sale each account gets back at
    most what it gave, to the fen. What a lost or replaced account gave goes to its successor.
    Refuses more than was spent.
    """
    spent = list(
        ValueTxn.objects.filter(document=document, kind=Kind.SPEND)
        .select_related("account")
        .annotate(
            back_principal=Sum("reversals__principal", default=ZERO),
            back_bonus=Sum("reversals__bonus", default=ZERO),
        )
        .order_by("pk")
    )
    accounts = locked(successor(row.account).pk for row in spent)
    left = amount
    for row in spent:
        back: Yuan = row.back_principal + row.back_bonus
        whole: Yuan = -(row.principal + row.bonus)
        part = min(whole - back, left)
        if part <= 0:
            continue
        principal = share_back(whole=whole, part=-row.principal, before=back, now=part)
        post(
            account=accounts[successor(row.account).pk],
            kind=Kind.SPEND_CANCEL,
            principal=principal,
            bonus=part - principal,
            document=by,
            idem=f"cancel:{by}:{row.pk}",
            reverses=row,
            day=day,
            at=at,
            actor=actor,
            words=f"{document} 退回",
        )
        left -= part
    if left:
        raise NotEnoughValue(f"没有退款：{document} 用储值付的钱只剩可退 {amount - left} 元。")
