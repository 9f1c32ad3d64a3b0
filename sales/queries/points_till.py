"""Points on the till's screen and on receipts: what a member has, what a basket would earn."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from members.queries.earn_rules import active_program, rules_at
from members.queries.earning import Basket, BasketLine, earned
from members.queries.points import points_of, wallet_of
from members.queries.pools import shared_of
from members.queries.risk import words_of_document
from members.queries.standing import standing
from members.queries.tier_benefits import Held, held_at
from sales.models import Sale
from sales.queries.offers import apply_offer, offer_on_screen
from sales.queries.points_payment import most_points, worth
from sales.queries.selling import price_lines, shelf_of
from sales.queries.tickets import Ticket
from sales.queries.totals import PricedLine
from station.models import Station
from station.money import ZERO


def gained_by(sale: Sale) -> dict[str, Any] | None:
    """What a sale did to its member's points, for the screen; None without a member."""
    if sale.member_id is None:
        return None
    told = points_of(document=sale.number)
    words = told.waits
    if not told.earned:
        withheld = words_of_document(sale.number)
        words = f"这一单不积分：{withheld}" if withheld else standing(sale.member_id).words
    return {"earned": told.earned, "spent": told.spent, "balance": told.balance, "words": words}


def basket_line(line: PricedLine) -> BasketLine:
    """A line as the earning engine sees it."""
    return BasketLine(
        position=line.position,
        kind=line.kind,
        product=line.product,
        category=line.category,
        quantity=line.quantity,
        net=line.net,
        list_amount=line.list_amount,
        by_points=line.by_points,
        name=line.name,
    )


def points_on_screen(*, ticket: Ticket, station: Station, at: datetime) -> dict[str, Any]:
    """What the points panel shows: the member's points, how many may be spent, what is earned.

    Before points and with the hand discounts that the ticket has. Writes nothing.
    """
    assert ticket.member_id is not None
    stands = standing(ticket.member_id)
    ticket = replace(ticket, member_id=stands.member_id)
    wallet, program = wallet_of(member_id=stands.member_id, at=at), active_program()
    frozen = wallet.frozen or not stands.may_spend
    shelf = shelf_of(ticket=ticket, station=station, at=at)
    known = all(
        one.fill_id in shelf.fills if one.fill_id is not None else one.item_id in shelf.items
        for one in ticket.lines
    )
    lines = price_lines(ticket=ticket, shelf=shelf) if known else []
    held = held_at(member_id=ticket.member_id, at=at)
    offer = offer_on_screen(lines=lines, ticket=ticket, station=station, held=held, at=at)
    lines = apply_offer(lines, offer)
    by_hand = ticket.discount + sum((one.discount for one in ticket.lines), ZERO)
    net = max(sum((line.net for line in lines), ZERO) - by_hand, ZERO)
    shared = shared_of(member_id=stands.member_id, at=at)
    have = wallet.balance + (shared.usable if shared else 0)
    most = most_points(net=net, balance=have, program=program) if program else 0
    return {
        "balance": wallet.balance,
        "pending": wallet.pending,
        "soon": wallet.soon,
        "debt": wallet.debt,
        "pool": shared.words if shared else "",
        "frozen": frozen,
        "most": 0 if frozen else most,
        "worth": str(worth(most, program)) if program else "0.00",
        "least": program.min_redeem if program else 0,
        "share": program.max_redeem_pct if program else 0,
        "per100": str(program.yuan_per_100) if program else "0.00",
        **(
            _preview(lines, station, held, at)
            if stands.may_earn
            else {"earns": 0, "words": [stands.words]}
        ),
    }


def _preview(lines: list[PricedLine], station: Station, held: Held, at: datetime) -> dict[str, Any]:
    """What the basket would earn as it stands, line by line in words; caps of earlier sales apart."""
    rules = rules_at(at)
    if not rules or not lines:
        return {"earns": 0, "words": []}
    basket = Basket(
        lines=tuple(basket_line(line) for line in lines),
        at=at,
        station=station.code,
        tier=held.code,
        tier_name=held.name,
        factor=held.benefits.multiplier,
    )
    told = earned(basket, program=rules[0].program, rules=rules)
    return {"earns": told.points, "words": [one.words for one in told.lines] + list(told.words)}
