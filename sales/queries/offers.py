"""What marketing offers on a ticket: promotions in force, and the coupons that are on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from marketing.models import Coupon
from marketing.queries.loading import coupons_named, rules_in_force, rules_of, tier_rules
from marketing.queries.locks import lock_rules
from marketing.queries.quoting import Offer, quote
from marketing.queries.rules import QuoteLine, Rule
from marketing.queries.uses import uses_of
from members.queries.tier_benefits import Held
from sales.models import Sale
from sales.queries.tickets import Ticket
from sales.queries.totals import PricedLine
from station.errors import Refusal
from station.models import Station, TillSession
from station.money import ZERO, Yuan

LONGEST = 60  # letters of a line's reasons that are kept


class CouponGone(Refusal):
    """A coupon of the quote is no longer this basket's."""


def quote_lines(lines: Sequence[PricedLine]) -> list[QuoteLine]:
    """The lines as offers see them."""
    return [
        QuoteLine(
            position=line.position,
            kind=line.kind,
            product=line.product,
            category=line.category,
            quantity=line.quantity,
            unit_price=line.unit_price,
            list_amount=line.list_amount,
        )
        for line in lines
    ]


def offer_to_settle(
    *,
    lines: Sequence[PricedLine],
    ticket: Ticket,
    session: TillSession,
    held: Held,
    at: datetime,
) -> Offer:
    """The offer that a sale is settled with. No statement where nothing is in force or on the ticket.

    `session` is a locked one, which knows whether its station has promotions and the ticket's
    member locked litres. Refuses CouponGone for a coupon that is neither held by this basket nor the member's own any more.
    """
    rules: list[Rule] = []
    if session.has_offers:  # type: ignore[attr-defined]
        rules += rules_in_force(station=session.station, member=ticket.member_id, at=at)
    if session.has_locks:  # type: ignore[attr-defined]
        rules += lock_rules(station=session.station, member=ticket.member_id, at=at)
    if ticket.coupons:
        found = coupons_named(ids=ticket.coupons, member=ticket.member_id, key=ticket.key)
        _check_all_there(ticket, found)
        rules += rules_of(found, station=session.station, key=ticket.key, at=at)
    return offer_of(lines=lines, member=ticket.member_id, held=held, rules=rules, at=at)


def offer_on_screen(
    *,
    lines: Sequence[PricedLine],
    ticket: Ticket,
    station: Station,
    held: Held,
    at: datetime,
) -> Offer:
    """What a ticket's offers take off as it stands; a coupon that is gone takes nothing."""
    rules = rules_always(station=station, member=ticket.member_id, at=at)
    if ticket.coupons:
        found = coupons_named(ids=ticket.coupons, member=ticket.member_id, key=ticket.key)
        rules += rules_of(found, station=station, key=ticket.key, at=at)
    return offer_of(lines=lines, member=ticket.member_id, held=held, rules=rules, at=at)


def rules_always(*, station: Station, member: int | None, at: datetime) -> list[Rule]:
    """The offers that need no coupon: promotions in force, and what a member has locked."""
    return [
        *rules_in_force(station=station, member=member, at=at),
        *lock_rules(station=station, member=member, at=at),
    ]


def offer_of(
    *,
    lines: Sequence[PricedLine],
    member: int | None,
    held: Held,
    rules: Sequence[Rule],
    at: datetime,
) -> Offer:
    """Quote lines with rules and with what the member's tier gives. No statement.

    A member who is frozen or gone is nobody here: what is for members is not for him.
    """
    return quote(
        lines=quote_lines(lines),
        member=member if held.active else None,
        at=at,
        rules=[*tier_rules(held), *rules],
        tier=held.rank,
    )


def _check_all_there(ticket: Ticket, found: Sequence[Coupon]) -> None:
    if len(found) < len(set(ticket.coupons)):
        raise CouponGone(
            "没有收款：单上有一张券已经用过、过期或在别处使用。请重新算一次优惠，看清金额再收。"
        )


def apply_offer(lines: Sequence[PricedLine], offer: Offer) -> list[PricedLine]:
    """The lines with the offer's discounts taken off."""
    by_position = {line.position: line for line in offer.lines}
    return [
        line.less(by_position[line.position].discount, by_position[line.position].reason)
        for line in lines
    ]


@dataclass(frozen=True)
class Reduction:
    """One discount of a line: from an offer by its name, or by hand with its reason."""

    name: str
    amount: Yuan
    campaign: str = ""


def reductions_of(sale: Sale) -> dict[int, list[Reduction]]:
    """Every discount of a sale one by one, by the line's position; they add up to the line's own.

    One statement, none for a sale without discounts.
    """
    if not any(line.discount for line in sale.lines.all()):
        return {}
    found: dict[int, list[Reduction]] = {}
    for use in uses_of(document=sale.number):
        found.setdefault(use.line, []).append(Reduction(use.name, use.amount, use.campaign))
    for line in sale.lines.all():
        offers = found.get(line.position, [])
        rest = line.discount - sum((one.amount for one in offers), ZERO)
        if rest:
            by_hand = _by_hand(line.discount_reason, offers)
            found.setdefault(line.position, []).append(Reduction(by_hand, rest))
    return found


def _by_hand(reasons: str, offers: Sequence[Reduction]) -> str:
    """What of a line's reasons is not an offer's name."""
    names = {one.name for one in offers}
    said = [one for one in reasons.split("，") if one]
    if len(reasons) >= LONGEST and any(name.startswith(said[-1]) for name in names):
        said.pop()  # the line keeps so many letters: the last is the beginning of a name
    left = [one for one in said if one not in names]
    return "，".join(left) or "优惠"
