"""What the till's screen needs: its settings once, and what changes each second.

Everything here is JSON-ready: amounts are strings, instants ISO text, so that one piece of script
shows what came from the server and what its own store kept while the server was away.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from django.db import connection

from devices.models import Fill, NozzleState, Swipe
from devices.queries.printers import stuck_word
from devices.queries.signs import display_at
from inventory.models import Item, ItemBarcode
from sales.models import ParkedTicket, Sale
from sales.queries.selling import tender_table
from sales.queries.unpaid import unpaid_fills
from station.models import Crew, Nozzle, Station, TillSession


def setup_of(session: TillSession, *, role: str) -> dict[str, Any]:
    """What the screen keeps while the session lasts: tenders, crew, nozzles, rounding."""
    station = session.station
    return {
        "session": session.pk,
        "station": {"id": station.pk, "code": station.code, "name": station.name},
        "till": {
            "id": session.till_id,
            "number": session.till.number,
            "name": session.till.name,
            "enrolled": bool(session.till.public_key),
        },
        "cashier": {"id": session.cashier_id, "name": session.cashier.name, "role": role},
        "day": session.shift.day.date.isoformat(),
        "step": str(station.rounding_step),
        "tenders": [
            {
                "code": one.code,
                "name": one.name,
                "cash": one.kind == one.Kind.CASH,
                "reference": one.needs_reference,
                "value": one.kind == one.Kind.VALUE,
            }
            for one in tender_table().values()
        ],
        "crew": [
            {"id": one.user_id, "name": one.user.name}
            for one in Crew.objects.filter(shift=session.shift_id)
            .select_related("user")
            .order_by("pk")
        ],
        "nozzles": nozzles_of(station),
        "display": display_at(session.till) is not None,
    }


def nozzles_of(station: Station) -> list[dict[str, Any]]:
    """The nozzles in their order, with the grade each delivers."""
    return [
        {
            "id": one.pk,
            "number": one.number,
            "grade": one.tank.grade.code,
            "grade_id": one.tank.grade_id,
        }
        for one in Nozzle.objects.filter(station=station, active=True)
        .select_related("tank__grade")
        .order_by("number")
    ]


def catalogue() -> list[dict[str, Any]]:
    """Everything the shop sells, for searching at the till itself, also without the network."""
    barcodes: dict[int, list[list[Any]]] = defaultdict(list)
    for item_id, code, quantity in ItemBarcode.objects.values_list(
        "item_id", "barcode", "quantity"
    ):
        barcodes[item_id].append([code, quantity])
    items = Item.objects.filter(active=True).select_related("category")
    return [
        {
            "id": one.pk,
            "code": one.code,
            "name": one.name,
            "pinyin": one.pinyin,
            "kind": one.kind,
            "unit": one.unit,
            "price": str(one.price),
            "category": one.category.name,
            "favourite": one.is_favourite,
            "barcodes": barcodes.get(one.pk, []),
        }
        for one in items.order_by("category__position", "code")
    ]


def pulse(*, session: TillSession, at: datetime, swipes_after: int) -> dict[str, Any]:
    """What changes each second: fills to pay, scans, and the badges. Four statements."""
    station = session.station
    fills = [_fill(fill, session, at) for fill in unpaid_fills(station=station)]
    scans = list(
        Swipe.objects.filter(pk__gt=swipes_after, reader__till=session.till_id)
        .order_by("pk")
        .values("id", "key", "medium", "meaning", "text", "outcome")[:20]
    )
    return {
        "fills": fills,
        "scans": scans,
        "fuelling": list(
            NozzleState.objects.filter(
                nozzle__station=station, state__in=["CALLING", "AUTHORISED", "FUELLING"]
            )
            .order_by("nozzle__number")
            .values_list("nozzle__number", "state")
        ),
        "badges": _badges(session),
    }


_BADGES = """
SELECT
 (SELECT count(*) FROM sales_parkedticket
   WHERE station_id = %(station)s AND recalled_session_id IS NULL AND voided_at IS NULL),
 (SELECT count(*) FROM sales_prepay
   WHERE station_id = %(station)s AND refund_due > 0 AND refunded_at IS NULL),
 (SELECT count(*) FROM sales_prepay
   WHERE station_id = %(station)s AND status IN ('OPEN', 'FUELLING')),
 (SELECT count(*) FROM sales_discrepancy WHERE station_id = %(station)s AND status = 'OPEN'),
 (SELECT count(*) FROM station_tillsession WHERE station_id = %(station)s AND status = 'OPEN'),
 (SELECT count(*) FROM marketing_promotion
   WHERE (everywhere OR station_id = %(station)s) AND status = 'APPROVED'),
 (SELECT state.condition FROM devices_printer AS printer
    JOIN devices_printerstate AS state ON state.printer_id = printer.id
   WHERE printer.till_id = %(till)s AND printer.active ORDER BY printer.id LIMIT 1)
"""


def _badges(session: TillSession) -> dict[str, Any]:
    """Counts that stand on the buttons, and what keeps the printer, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_BADGES, {"station": session.station_id, "till": session.till_id})
        *counts, condition = cursor.fetchone()
    names = ("parked", "refunds", "prepays", "discrepancies", "tills", "offers")
    return {**dict(zip(names, counts, strict=True)), "printer": stuck_word(condition or "")}


def _fill(fill: Fill, session: TillSession, at: datetime) -> dict[str, Any]:
    held = fill.held_by if (fill.held_until and fill.held_until > at) else None  # type: ignore[attr-defined]
    return {
        "id": fill.pk,
        "nozzle": fill.nozzle.number,
        "grade": fill.grade.code,
        "grade_id": fill.grade_id,
        "litres": str(fill.litres),
        "price": str(fill.unit_price),
        "amount": str(fill.amount),
        "ended": fill.occurred_at.isoformat(),
        "mine": held == session.pk,
        "held": fill.held_till if held and held != session.pk else None,  # type: ignore[attr-defined]
        "attendant": fill.attendant_id,  # type: ignore[attr-defined]
        "company": fill.company or "",  # type: ignore[attr-defined]
        "late": fill.shift_id != session.shift_id,
    }


def parked_tickets(*, station: Station) -> list[ParkedTicket]:
    """Baskets put aside and not yet taken up."""
    return list(
        ParkedTicket.objects.filter(station=station, recalled_session=None, voided_at=None)
        .select_related("parked_by", "parked_session__till")
        .order_by("parked_at")
    )


def last_sales(*, session: TillSession, count: int = 10) -> list[Sale]:
    """The newest sales of a till, whoever sat at it, newest first."""
    return list(
        Sale.objects.filter(till=session.till_id)
        .prefetch_related("lines", "payments__tender")
        .order_by("-pk")[:count]
    )
