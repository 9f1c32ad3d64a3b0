"""收款 on an attendant's phone: the same quote and the same settling as at the till.

A phone's basket is one fill. Its key is made of the fill and the session, so that a second tap, a
page that was loaded again and a phone that lost its network find the sale that is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from devices.models import Fill, Printer
from marketing.models import Coupon
from marketing.queries.combining import Told, ToldLock
from members.queries.reward_hints import hint_for
from members.queries.rewards import next_beyond
from members.queries.standing import standing
from sales.models import Receipt, Sale
from sales.queries.attending import basket_key
from sales.queries.offers import apply_offer
from sales.queries.points_till import basket_line, points_on_screen
from sales.queries.selling import price_lines, shelf_of
from sales.queries.tickets import Tendered, Ticket, TicketLine
from sales.queries.totals import PricedLine
from sales.services import offering, points, settling
from sales.services.papers import NotPrintable
from sales.services.printing import PRINT
from station.models import TillSession, User
from station.money import ZERO, Yuan, round_to
from station.services.waking import wake


@dataclass(frozen=True)
class Wanted:
    """What the attendant has put on the fill: who, which coupons are read or left out, points or not."""

    fill_id: int
    member_id: int | None = None
    codes: tuple[str, ...] = ()
    without: tuple[int, ...] = ()
    with_points: bool = False


@dataclass(frozen=True)
class Bill:
    """What a fill comes to now, and what there is to say about it. Yuan."""

    ticket: Ticket
    listed: Yuan
    lines: tuple[PricedLine, ...]
    locks: tuple[ToldLock, ...]  # of each locked price, on how many litres it is or why it is not
    told: tuple[Told, ...]  # of each coupon, what it takes off or why it does not
    coupons: Mapping[int, Coupon]
    points: Mapping[str, Any]  # as the till's panel has them; empty without a member
    hint: str
    by_points: Yuan
    step: Decimal

    @property
    def net(self) -> Yuan:
        """To the fen, for whatever is not cash."""
        return sum((line.net for line in self.lines), ZERO)

    @property
    def cash(self) -> Yuan:
        """What cash pays: rounded to the station's step."""
        return round_to(self.net, self.step)

    @property
    def worth(self) -> Yuan:
        """What the member's points may pay of it."""
        return Decimal(self.points.get("worth", "0"))

    @property
    def off(self) -> Yuan:
        """What offers take off, points apart."""
        return self.listed - self.net - self.by_points


def bill(*, wanted: Wanted, session: TillSession, actor: User, at: datetime) -> Bill:
    """Price a fill with the best offers and hold its coupons, as the till's quote does.

    Refuses NotQuoted, and what points refuse.
    """
    member = standing(wanted.member_id).member_id if wanted.member_id else None
    ticket = Ticket(
        key=basket_key(fill_id=wanted.fill_id, session=session),
        lines=(TicketLine(kind="FUEL", fill_id=wanted.fill_id),),
        tenders=(),
        member_id=member,
        codes=wanted.codes,
        without=wanted.without,
    )
    quoted = offering.quote(ticket=ticket, session=session, actor=actor, at=at)
    ticket = replace(ticket, coupons=quoted.offer.coupons)
    listed = price_lines(
        ticket=ticket, shelf=shelf_of(ticket=ticket, station=session.station, at=at)
    )
    lines = apply_offer(listed, quoted.offer)
    panel, hint = _of_member(ticket, lines, session, at)
    before = sum((line.net for line in lines), ZERO)
    if wanted.with_points and panel.get("most"):
        ticket = replace(ticket, points=panel["most"])
        lines = points.pay_part(ticket=ticket, lines=lines)
    return Bill(
        ticket=ticket,
        listed=sum((line.list_amount for line in listed), ZERO),
        lines=tuple(lines),
        locks=quoted.offer.locks,
        told=quoted.offer.told,
        coupons=quoted.coupons,
        points=panel,
        hint=hint,
        by_points=before - sum((line.net for line in lines), ZERO),
        step=session.station.rounding_step,
    )


def _of_member(
    ticket: Ticket, lines: list[PricedLine], session: TillSession, at: datetime
) -> tuple[dict[str, Any], str]:
    """The till's points panel, and what is missing for the next reward: in yuan, else in points."""
    if ticket.member_id is None:
        return {}, ""
    panel = points_on_screen(ticket=ticket, station=session.station, at=at)
    told = hint_for(
        member_id=ticket.member_id,
        lines=[basket_line(line) for line in lines],
        station=session.station,
        day=session.shift.day.date,
        at=at,
    )
    if told is not None:
        return panel, told.words
    beyond = next_beyond(
        station=session.station, at=at, balance=panel["balance"], member_id=ticket.member_id
    )
    words = f"还差 {beyond.missing} 分可换「{beyond.reward.name}」" if beyond else ""
    return panel, words


def settle(
    *,
    bill: Bill,
    tendered: Tendered,
    due: Yuan,
    proven: frozenset[int],
    session: TillSession,
    actor: User,
    at: datetime,
) -> Sale:
    """Take the money; again for the same fill, the same sale. `due` is what the phone showed.

    Refuses what `settling.settle` refuses: FillTaken, SessionEnded, PriceMoved and the rest.
    """
    ticket = replace(bill.ticket, tenders=(tendered,), shown_due=due, proven=proven)
    return settling.settle(ticket, session=session, actor=actor, at=at)


def sale_of(*, fill: Fill, session: TillSession) -> Sale | None:
    """The sale that this phone made of a fill: nothing more is to be taken for it."""
    return Sale.objects.filter(client_key=basket_key(fill_id=fill.pk, session=session)).first()


@transaction.atomic
def print_at(*, sale: Sale, printer: Printer, actor: User, at: datetime) -> Receipt:
    """The receipt at a printer of the station, where the phone's own till has none. Once.

    Another copy is 补打, at the till. Refuses NotPrintable a printer that is out of use.
    """
    if not printer.active or printer.station_id != sale.station_id:
        raise NotPrintable("没有打印：这台打印机已停用。请换一台。")
    receipt, made = Receipt.objects.get_or_create(
        document=sale.number,
        kind=Receipt.Kind.ORIGINAL,
        copy=1,
        defaults={
            "station_id": sale.station_id,
            "printer": printer,
            "asked_by": actor,
            "asked_at": at,
        },
    )
    if made:
        wake(PRINT)
    return receipt
