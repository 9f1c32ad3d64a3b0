"""优惠 at the till: what a basket would cost with the best offers, and its coupons held for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction

from marketing.models import Coupon
from marketing.queries.loading import coupons_in_hand, rules_of
from marketing.queries.quoting import Offer
from marketing.queries.rules import Rule
from marketing.services import lock_uses, locking, uses
from members.queries.standing import held_standing, standing
from members.queries.tier_benefits import held_at
from sales.models import Sale, SaleLine
from sales.queries.offers import offer_of, rules_always
from sales.queries.refundable import LineLeft
from sales.queries.selling import price_lines, shelf_of
from sales.queries.tickets import Ticket
from sales.queries.totals import PricedLine
from sales.services.keys import check_key
from station.errors import Refusal
from station.models import TillSession, User
from station.money import FEN, ZERO, Yuan

RACES = 3
MOST_COUPONS = 200  # of one member's: those that run out first


class NotQuoted(Refusal):
    """The basket cannot be quoted."""


@dataclass(frozen=True)
class Quoted:
    """An offer with the coupons that it spoke of."""

    offer: Offer
    coupons: dict[int, Coupon]


@transaction.atomic
def quote(*, ticket: Ticket, session: TillSession, actor: User, at: datetime) -> Quoted:
    """Price a ticket with the best legal offers, and hold the coupons used for its basket.

    Coupons that the basket held and that are no longer used are let go. One that another basket
    took in the same moment is left out and the rest quoted again.
    """
    check_key(ticket.key, refused=NotQuoted, undone="没有算优惠")
    if ticket.member_id is not None:
        ticket = replace(ticket, member_id=standing(ticket.member_id).member_id)
    shelf = shelf_of(ticket=ticket, station=session.station, at=at)
    if set(ticket.fill_ids) - set(shelf.fills) or set(ticket.item_ids) - set(shelf.items):
        raise NotQuoted("没有算优惠：单上有查不到的加油或商品。请删去后重新添加。")
    lines = price_lines(ticket=ticket, shelf=shelf)
    tier = held_at(member_id=ticket.member_id, at=at)
    always = rules_always(station=session.station, member=ticket.member_id, at=at)
    for _ in range(RACES):
        coupons, rules = _coupons(ticket, session, at)
        offer = offer_of(
            lines=lines,
            member=ticket.member_id,
            held=tier,
            rules=[*always, *rules],
            at=at,
        )
        held = locking.hold(
            ids=offer.coupons, key=ticket.key, station=session.station, actor=actor, at=at
        )
        if held:
            return Quoted(offer, coupons)
    raise NotQuoted("没有算优惠：券正在别处使用。请稍后再试，或不用券。")


def _coupons(
    ticket: Ticket, session: TillSession, at: datetime
) -> tuple[dict[int, Coupon], list[Rule]]:
    found = coupons_in_hand(member=ticket.member_id, key=ticket.key, codes=ticket.codes)
    wanted = found.exclude(pk__in=ticket.without)[:MOST_COUPONS]
    coupons = {one.pk: one for one in wanted}
    rules = rules_of(list(coupons.values()), station=session.station, key=ticket.key, at=at)
    return coupons, rules


def redeem(offer: Offer, *, head: Sale, key: str, actor: User | None) -> None:
    """Spend the coupons and locked litres of a frozen offer and book its discounts.

    Refuses what was spent meanwhile.
    """
    if offer.coupons:
        locking.use(
            ids=offer.coupons, key=key, document=head.number, actor=actor, at=head.occurred_at
        )
    uses.book(offer=offer, document=head.number, day=head.day, at=head.occurred_at, actor=actor)


def take_back(
    *,
    head: Sale,
    original: Sale,
    lines: Sequence[PricedLine],
    left: Mapping[int, LineLeft],
    whole: bool,
    actor: User | None,
) -> None:
    """A correction takes its share of the discounts back; the coupons come back with the whole sale.

    Litres at a locked price come back with the share of the line's money that is back. `whole` says that nothing of the money is left. A present that the customer keeps keeps its
    coupon used. Nothing is asked for a sale without discounts.
    """
    if not original.discount:
        return
    everything, whole = whole, whole and not _keeps_a_present(lines, left)
    locked = uses.take_back(
        sale=original.number,
        document=head.number,
        lines={line.position: -line.discount for line in lines},
        whole=whole,
        day=head.day,
        at=head.occurred_at,
    )
    if locked:
        if original.member_id is not None:
            held_standing(original.member_id)  # his row before his litres, as a sale takes them
        lock_uses.give_back(
            sale=original.number,
            document=head.number,
            shares=_shares(lines, left, everything),
            station=head.station,
            actor=actor,
            at=head.occurred_at,
        )
    if whole:
        locking.give_back(
            document=original.number,
            back_by=head.number,
            station=head.station,
            actor=actor,
            at=head.occurred_at,
        )


def _shares(
    lines: Sequence[PricedLine], left: Mapping[int, LineLeft], everything: bool
) -> dict[int, tuple[Yuan, Yuan]]:
    """How much of each line's money is back with this correction and those before it, and of how much."""
    if everything:
        return dict.fromkeys(left, (FEN, FEN))
    now = {line.position: -line.net for line in lines}
    return {
        position: (one.line.net - one.net + now.get(position, ZERO), one.line.net)
        for position, one in left.items()
        if one.line.net
    }


def _keeps_a_present(lines: Sequence[PricedLine], left: Mapping[int, LineLeft]) -> bool:
    back = {line.position: -line.quantity for line in lines}
    return any(
        one.line.kind == SaleLine.Kind.GOODS
        and not one.line.net
        and one.quantity > back.get(position, 0)
        for position, one in left.items()
    )
