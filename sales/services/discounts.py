"""手工优惠: what a person takes off by hand, with a reason, up to the limit of his role."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sales.models import Sale
from sales.queries.tickets import Ticket
from sales.queries.totals import PricedLine, spread_discount
from station.access import role_at
from station.errors import Refusal
from station.models import Station, User
from station.money import ZERO, Yuan
from station.queries import settings
from station.rights import MANAGER, OWNER
from station.services import audit


class DiscountRefused(Refusal):
    """A hand discount without a reason, above the limit, or above what the line costs."""


def given_by_hand(ticket: Ticket) -> bool:
    """Whether a person took anything off."""
    return bool(ticket.discount) or any(line.discount for line in ticket.lines)


def apply(ticket: Ticket, lines: Sequence[PricedLine]) -> list[PricedLine]:
    """Take the hand discounts off: each line's own, then the whole ticket's shared over its lines.

    Refuses DiscountRefused without a reason or for more than the line or ticket costs.
    """
    after = []
    for asked, line in zip(ticket.lines, lines, strict=True):
        if asked.discount and not (asked.reason or ticket.reason).strip():
            raise DiscountRefused(f"没有优惠：{line.name} 的手工优惠须写明原因。")
        if asked.discount > line.net:
            raise DiscountRefused(
                f"没有优惠：{line.name} 只有 {line.net} 元，不能再减 {asked.discount} 元。"
            )
        after.append(line.less(asked.discount, asked.reason or ticket.reason))
    if ticket.discount < 0:
        raise DiscountRefused("没有优惠：优惠金额不能为负。")
    if ticket.discount:
        if not ticket.reason.strip():
            raise DiscountRefused("没有优惠：整单优惠须写明原因。")
        net = sum((line.net for line in after), ZERO)
        if ticket.discount > net:
            raise DiscountRefused(f"没有优惠：整单只有 {net} 元，不能减 {ticket.discount} 元。")
        after = spread_discount(after, ticket.discount, ticket.reason)
    return after


def total_by_hand(ticket: Ticket) -> Yuan:
    """Everything taken off by hand."""
    return ticket.discount + sum((line.discount for line in ticket.lines), ZERO)


def limit_of(*, role: str, station: Station) -> Yuan | None:
    """How much a role may take off one ticket, in yuan; None is without limit (the owner)."""
    if role == OWNER:
        return None
    name = "sales.discount_limit_manager" if role == MANAGER else "sales.discount_limit_cashier"
    return settings.yuan(name, station)


def check_limit(
    *,
    ticket: Ticket,
    lines: Sequence[PricedLine],
    station: Station,
    actor: User,
    approver: User | None,
) -> None:
    """Refuses DiscountRefused above the limit of the higher of actor and approver."""
    total = total_by_hand(ticket)
    for person in (actor, approver):
        if person is None:
            continue
        limit = limit_of(role=role_at(person, station), station=station)
        if limit is None or total <= limit:
            return
    raise DiscountRefused(
        f"没有优惠：手工优惠 {total} 元超过了你的权限。请站长在本机授权后再收款，或减少优惠。"
    )


def record(
    *,
    head: Sale,
    lines: Sequence[PricedLine],
    actor: User,
    approver: User | None,
    at: datetime,
) -> None:
    """Leave the audit row of a hand discount."""
    audit.record(
        at=at,
        actor=actor,
        station=head.station,
        action="sales.discount",
        document=head.number,
        reason=head.reason or next((line.reason for line in lines if line.reason), ""),
        before={"list": str(head.list_amount)},
        after={"discount": str(head.discount), "approver": approver.name if approver else ""},
    )
