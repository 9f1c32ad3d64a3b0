"""会员储值 as a tender: which accounts a ticket asks, and what a refund gives back to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from members.models import ValueAccount
from members.queries.value import account_by_number
from members.services import value_codes, value_spending
from members.services.value_keeping import ValueRefused
from members.services.value_spending import Hold
from sales.models import Sale, Tender
from sales.queries.tickets import Ticket
from sales.services.writing import Money
from station.models import Station
from station.money import ZERO, Yuan


def hold(
    *, ticket: Ticket, tenders: Mapping[str, Tender], station: Station, at: datetime
) -> tuple[Ticket, tuple[Hold, ...]]:
    """Lock what the ticket takes from stored value; the ticket comes back with account numbers.

    Nothing is asked where no tender is 会员储值. Refuses ValueRefused.
    """
    if not any(tenders[one.tender].kind == Tender.Kind.VALUE for one in ticket.tenders):
        return ticket, ()
    amounts: dict[int, Yuan] = {}
    codes: dict[int, list[str]] = {}
    offered = []
    for one in ticket.tenders:
        if tenders[one.tender].kind == Tender.Kind.VALUE:
            account = _account(one.reference, at)
            if value_codes.is_code(one.reference):
                codes.setdefault(account.pk, []).append(one.reference.strip())
            amounts[account.pk] = amounts.get(account.pk, ZERO) + one.amount
            one = replace(one, reference=account.number)
        offered.append(one)
    holds = value_spending.hold(amounts=amounts, proven=ticket.proven, station=station, codes=codes)
    return replace(ticket, tenders=tuple(offered)), holds


def _account(reference: str, at: datetime) -> ValueAccount:
    """The account that a payment names: by its number, or by a payment code."""
    if value_codes.is_code(reference):
        return value_codes.account_of(code=reference, at=at)
    account = account_by_number(reference)
    if account is None:
        raise ValueRefused(f"没有收款：没有储值账户 {reference or '（空）'}。请重新选会员或刷卡。")
    return account


def take(*, holds: Sequence[Hold], head: Sale) -> None:
    """Take what was held, with the sale."""
    if holds:
        value_spending.take(
            holds=holds,
            document=head.number,
            day=head.day,
            at=head.occurred_at,
            actor=head.cashier,
        )


def give_back(*, head: Sale, original: Sale, money: Sequence[Money]) -> None:
    """Put what a refund pays by 会员储值 back into the accounts that paid."""
    amount = -sum((one.amount for one in money if one.tender.kind == Tender.Kind.VALUE), ZERO)
    if amount:
        value_spending.give_back(
            document=original.number,
            by=head.number,
            amount=amount,
            day=head.day,
            at=head.occurred_at,
            actor=head.cashier,
        )
