"""会员储值 as a tender: which accounts a ticket asks, and what a refund gives back to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from members.models import ValueAccount
from members.queries.value import number_of
from members.services import value_codes, value_spending
from members.services.value_keeping import ValueRefused, locked_named
from members.services.value_spending import Hold
from sales.models import Sale, Tender
from sales.queries.tickets import Ticket
from sales.services.writing import Money
from station.money import ZERO, Yuan


def hold(
    *, ticket: Ticket, tenders: Mapping[str, Tender], figures: Mapping[str, str], at: datetime
) -> tuple[Ticket, tuple[Hold, ...]]:
    """Lock what the ticket takes from stored value; the ticket comes back with account numbers.

    Nothing is asked where no tender is 会员储值. `figures` are what is set at the station
    (`members.queries.value.FIGURES`). Refuses ValueRefused.
    """
    if not any(tenders[one.tender].kind == Tender.Kind.VALUE for one in ticket.tenders):
        return ticket, ()
    named = [
        one.reference for one in ticket.tenders if tenders[one.tender].kind == Tender.Kind.VALUE
    ]
    accounts = _locked(named, at)
    amounts: dict[int, Yuan] = {}
    codes: dict[int, list[str]] = {}
    offered = []
    for one in ticket.tenders:
        if tenders[one.tender].kind == Tender.Kind.VALUE:
            account = accounts[one.reference]
            if value_codes.is_code(one.reference):
                codes.setdefault(account.pk, []).append(one.reference.strip())
            amounts[account.pk] = amounts.get(account.pk, ZERO) + one.amount
            one = replace(one, reference=account.number)
        offered.append(one)
    holds = value_spending.hold(
        amounts=amounts,
        accounts={one.pk: one for one in accounts.values()},
        proven=ticket.proven,
        figures=figures,
        at=at,
        codes=codes,
    )
    return replace(ticket, tenders=tuple(offered)), holds


def _locked(references: Sequence[str], at: datetime) -> dict[str, ValueAccount]:
    """The accounts that payments name, by their number or a payment code, under their locks."""
    coded = {
        one: value_codes.account_of(code=one, at=at).number
        for one in references
        if value_codes.is_code(one)
    }
    numbers = {one: coded.get(one) or number_of(one) for one in references}
    held = {one.number: one for one in locked_named(numbers=[*numbers.values()])}
    for reference, number in numbers.items():
        if number not in held:
            raise ValueRefused(
                f"没有收款：没有储值账户 {reference or '（空）'}。请重新选会员或刷卡。"
            )
    return {reference: held[number] for reference, number in numbers.items()}


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
