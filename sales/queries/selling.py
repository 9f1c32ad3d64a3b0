"""What a ticket names, loaded to be sold: fills with claim, lease and cost, items and tenders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from devices.models import Fill
from inventory.models import Item
from members.queries.value import FIGURES as VALUE_FIGURES
from sales.models import SaleLine, Tender
from sales.queries.tickets import Ticket, TicketLine
from sales.queries.totals import PricedLine
from station.models import BusinessDay, Grade, Nozzle, Shift, Station, Till, TillSession
from station.money import round_yuan
from station.queries.settings import filled
from station.queries.written import Part, Written

NO_COST = Decimal(0)
PRESENT_ABOVE = "members.points_present_above"
REMIND_AT = "members.points_remind_at"
FIGURES = (*VALUE_FIGURES, PRESENT_ABOVE, REMIND_AT)


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


# What selling reads of each row; anything else of it is loaded when asked for.
_FILL = "id station_id nozzle_id tank_id grade_id day_id shift_id litres unit_price amount meter_epoch totalizer_after authorisation_id occurred_at"
_NOZZLE = "id station_id dispenser_id tank_id number"
_GRADE = "id code name kind unit tax_rate"
_FILLS = """
SELECT {columns},
 (SELECT document FROM sales_fillclaim WHERE fill_id = f.id AND released_at IS NULL),
 (SELECT p.number FROM devices_authorisation a JOIN sales_prepay p ON p.number = a.document
   WHERE a.id = f.authorisation_id AND p.status IN ('OPEN', 'FUELLING')),
 CASE WHEN l.expires_at > %(at)s THEN l.session_id END,
 t.number,
 (SELECT c.user_id FROM station_crew c JOIN station_dispenser d ON d.island_id = c.island_id
   WHERE d.id = n.dispenser_id AND c.shift_id = f.shift_id AND c.post = 'ATTENDANT'
   ORDER BY c.id LIMIT 1),
 (SELECT k.unit_cost FROM inventory_fuelcost k
   WHERE k.station_id = f.station_id AND k.grade_id = f.grade_id AND k.occurred_at <= %(at)s
   ORDER BY k.occurred_at DESC, k.id DESC LIMIT 1)
FROM devices_fill f
JOIN station_nozzle n ON n.id = f.nozzle_id
JOIN station_grade g ON g.id = f.grade_id
LEFT JOIN sales_filllease l ON l.fill_id = f.id
LEFT JOIN station_tillsession s ON s.id = l.session_id
LEFT JOIN station_till t ON t.id = s.till_id
WHERE f.id = ANY(%(ids)s) AND f.station_id = %(station)s
"""


_TO_SELL = Written(
    _FILLS, Part(Fill, "f", _FILL), Part(Nozzle, "n", _NOZZLE), Part(Grade, "g", _GRADE)
)


def fills_to_sell(*, ids: Sequence[int], station: Station, at: datetime) -> dict[int, Fill]:
    """Fills by id with what selling them needs, in one statement.

    Each carries `claimed_by` (a document or None), `prepaid_by`, `held_by` (a session's id),
    `held_till`, `attendant_id` and `unit_cost`. Written by hand: composing it from querysets took a
    fifth of a whole sale.
    """
    extras = ("claimed_by", "prepaid_by", "held_by", "held_till", "attendant_id", "unit_cost")
    found: dict[int, Fill] = {}
    values = {"ids": list(ids), "station": station.pk, "at": at}
    for (fill, nozzle, grade), rest in _TO_SELL.rows(values):
        fill.nozzle, fill.grade = nozzle, grade
        for name, value in zip(extras, rest, strict=True):
            setattr(fill, name, value)
        found[fill.pk] = fill
    return found


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


_SESSION = """
SELECT {columns},
 EXISTS (SELECT 1 FROM sales_sale WHERE client_key = %(key)s),
 EXISTS (SELECT 1 FROM devices_printer p WHERE p.till_id = ts.till_id AND p.active),
 EXISTS (SELECT 1 FROM marketing_promotion m WHERE m.status = 'APPROVED'
   AND (m.everywhere OR m.station_id = ts.station_id)),
 EXISTS (SELECT 1 FROM marketing_pricelock k WHERE k.left > 0 AND k.member_id IN (%(member)s,
   (SELECT merged_into_id FROM members_member WHERE id = %(member)s))),
 ARRAY(SELECT ARRAY[f.name, f.value] FROM station_setting f
   WHERE f.station_id = ts.station_id AND f.name = ANY(%(figures)s))
FROM station_tillsession ts
JOIN station_station st ON st.id = ts.station_id
JOIN station_shift sh ON sh.id = ts.shift_id
JOIN station_businessday bd ON bd.id = sh.day_id
JOIN station_till t ON t.id = ts.till_id
WHERE ts.id = %(session)s
FOR NO KEY UPDATE OF ts
"""


_LOCKED = Written(
    _SESSION,
    Part(TillSession, "ts"),
    Part(Station, "st"),
    Part(Shift, "sh"),
    Part(BusinessDay, "bd"),
    Part(Till, "t"),
)


def locked_session(*, session: TillSession, key: str, member: int | None = None) -> TillSession:
    """The session locked, with `settled` (a sale of this key is known), `has_printer`, `has_offers`,
    `has_locks` (the member has litres at a locked price) and `figures`: what is set at its station
    of what a sale to a member asks, by name.

    One statement: sales of one till go one after the other, and a handover waits for them. Written
    by hand for the same reason as the fills.
    """
    row = _LOCKED.one(
        {"session": session.pk, "key": key, "member": member, "figures": list(FIGURES)}
    )
    if row is None:
        raise TillSession.DoesNotExist
    (held, station, shift, day, till), rest = row
    held.station, held.shift, held.till = station, shift, till
    held.shift.day = day
    held.settled, held.has_printer, held.has_offers, held.has_locks, set_here = rest
    held.figures = filled(FIGURES, dict(set_here))
    return held  # type: ignore[no-any-return]


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
        nozzle_id=fill.nozzle_id,
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
