"""What a ticket names, loaded to be sold: fills with claim, lease and cost, items and tenders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Subquery, When

from devices.models import Fill, Printer
from inventory.models import FuelCost, Item
from marketing.queries.quoting import Offer, QuoteLine, quote
from sales.models import Sale, SaleLine, Tender
from sales.queries.tickets import Ticket, TicketLine
from sales.queries.totals import PricedLine
from sales.queries.unpaid import live_claims, live_prepays, on_duty_at_the_island
from station.models import Station, TillSession
from station.money import round_yuan

NO_COST = Decimal(0)


@dataclass(frozen=True)
class Shelf:
    """Everything that the lines of one ticket name, by id."""

    fills: dict[int, Fill] = field(default_factory=dict)
    items: dict[int, Item] = field(default_factory=dict)


def tender_table() -> dict[str, Tender]:
    """Active tenders by code, in the till's order."""
    return {
        tender.code: tender
        for tender in Tender.objects.filter(active=True).order_by("position", "code")
    }


def fills_to_sell(*, ids: Sequence[int], station: Station, at: datetime) -> dict[int, Fill]:
    """Fills by id with what selling them needs, in one statement.

    Each carries `claimed_by` (a document or None), `prepaid_by`, `held_by` (a session's id),
    `held_till`, `attendant_id` and `unit_cost`.
    """
    # Joins where a join will do: each subquery costs more to write in Python than to run.
    holds = Q(lease__expires_at__gt=at)
    fills: QuerySet[Fill] = (
        Fill.objects.filter(pk__in=ids, station=station)
        .select_related("nozzle", "grade")
        .annotate(
            claimed_by=Subquery(live_claims().values("document")[:1]),
            prepaid_by=Subquery(live_prepays().values("number")[:1]),
            held_by=Case(When(holds, then=F("lease__session_id"))),
            held_till=F("lease__session__till__number"),
            attendant_id=Subquery(on_duty_at_the_island().values("user_id")[:1]),
            unit_cost=Subquery(_costs(at).values("unit_cost")[:1]),
        )
    )
    return {fill.pk: fill for fill in fills}


def _costs(at: datetime) -> QuerySet[FuelCost]:
    return FuelCost.objects.filter(
        station=OuterRef("station"), grade=OuterRef("grade"), occurred_at__lte=at
    ).order_by("-occurred_at", "-pk")


def items_to_sell(*, ids: Sequence[int]) -> dict[int, Item]:
    """Items by id with their category; also those no longer on sale, for what was sold offline."""
    return {item.pk: item for item in Item.objects.select_related("category").filter(pk__in=ids)}


def shelf_of(*, ticket: Ticket, station: Station, at: datetime) -> Shelf:
    """What the ticket names. At most two statements."""
    fill_ids, item_ids = ticket.fill_ids, ticket.item_ids
    return Shelf(
        fills=fills_to_sell(ids=fill_ids, station=station, at=at) if fill_ids else {},
        items=items_to_sell(ids=item_ids) if item_ids else {},
    )


def locked_session(*, session: TillSession, key: str) -> TillSession:
    """The session locked, with `settled` (a sale of this key is known) and `has_printer`.

    One statement: sales of one till go one after the other, and a handover waits for them.
    """
    return (
        TillSession.objects.select_for_update(of=("self",), no_key=True)
        .select_related("station", "shift__day", "till")
        .annotate(
            settled=Exists(Sale.objects.filter(client_key=key)),
            has_printer=Exists(Printer.objects.filter(till=OuterRef("till"), active=True)),
        )
        .get(pk=session.pk)
    )


def price_lines(*, ticket: Ticket, shelf: Shelf) -> list[PricedLine]:
    """The lines at list price: fuel as its pump says, goods at the price of the shelf."""
    return [
        fuel_line(position, line, shelf.fills[line.fill_id])
        if line.fill_id is not None
        else item_line(position, line, shelf.items[line.item_id or 0])
        for position, line in enumerate(ticket.lines, start=1)
    ]


def fuel_line(position: int, line: TicketLine, fill: Fill) -> PricedLine:
    """A fill as a line: the pump's litres, price and amount, never recomputed."""
    attendant: int | None = getattr(fill, "attendant_id", None)
    cost: Decimal | None = getattr(fill, "unit_cost", None)
    return PricedLine(
        position=position,
        kind=SaleLine.Kind.FUEL,
        name=f"{fill.grade.name} {fill.nozzle}",
        product=fill.grade.code,
        category=fill.grade.get_kind_display(),
        quantity=fill.litres,
        unit_price=fill.unit_price,
        list_amount=fill.amount,
        tax_rate=fill.grade.tax_rate,
        unit_cost=cost or NO_COST,
        fill_id=fill.pk,
        grade_id=fill.grade_id,
        attendant_id=line.attendant_id or attendant,
    )


def item_line(position: int, line: TicketLine, item: Item, *, as_shown: bool = False) -> PricedLine:
    """Goods or a service as a line; `as_shown` keeps the price that an offline till charged."""
    price = line.price if as_shown and line.price is not None else item.price
    amount = line.amount if as_shown and line.amount is not None else None
    return PricedLine(
        position=position,
        kind=item.kind,
        name=item.name,
        product=item.code,
        category=item.category.name,
        quantity=line.quantity,
        unit_price=price,
        list_amount=round_yuan(price * line.quantity) if amount is None else amount,
        tax_rate=item.tax_rate,
        unit_cost=item.cost,
        item_id=item.pk,
        attendant_id=line.attendant_id,
    )


def offer_for(*, lines: Sequence[PricedLine], member: int | None, at: datetime) -> Offer:
    """What marketing offers on these lines."""
    return quote(
        lines=[
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
        ],
        member=member,
        at=at,
    )


def apply_offer(lines: Sequence[PricedLine], offer: Offer) -> list[PricedLine]:
    """The lines with the offer's discounts taken off."""
    by_position = {line.position: line for line in offer.lines}
    return [
        line.less(by_position[line.position].discount, by_position[line.position].reason)
        for line in lines
    ]
