"""The rows of a sale: head, lines, claims, payments, stock, purchases and receipt, in one order.

Settling, prepays, uploads and refunds all write through here, so that a sale is the same rows
wherever it came from. The caller holds the transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from inventory.services import stock
from inventory.services.stock import Short, StockLine
from members.models import Purchase
from members.queries.standing import Standing, held_standing
from members.queries.tier_benefits import Held
from members.services import purchases
from members.services.vehicles import plate_index
from sales.models import FillClaim, Payment, Receipt, Sale, SaleLine, Tender
from sales.queries.totals import PricedLine
from sales.services.points import settle_points
from station.models import BusinessDay, TillSession, User
from station.money import Yuan
from station.services.waking import wake

PRINT = "sales.tasks.print_receipts"


@dataclass(frozen=True)
class Money:
    """One payment row to be: signed, in is positive."""

    kind: str
    tender: Tender
    amount: Yuan
    reference: str = ""
    original: Payment | None = None


def add_sale(
    *,
    head: Sale,
    lines: Sequence[PricedLine],
    money: Sequence[Money],
    originals: Mapping[int, int] | None = None,
    points: Mapping[int, int] | None = None,
    tier: Held | None = None,
    stands: Standing | None = None,
    plate: str = "",
) -> list[SaleLine]:
    """Insert head, lines and payments; what was bought goes down to members. Four statements.

    `originals` are the ids of the lines that a refund's lines take back, by position, and `points`
    what that takes of their points; a sale to a member earns its own, booked to whom he became. Who
    may not earn buys without points. `tier` and `stands` are what the caller asked already; `plate` is
    what the till knows of the member's car, and counts only where it is one.
    """
    index, held = "", None
    if points is None and head.member_id:
        stands = stands or held_standing(head.member_id)
        head.member_id = held = stands.member_id
        index = plate_index(plate)
        points = (
            settle_points(head=head, lines=lines, tier=tier, plate_index=index)
            if stands.may_earn
            else {}
        )
    head.save(force_insert=True)
    rows = [_line(head, line, (originals or {}).get(line.position)) for line in lines]
    SaleLine.objects.bulk_create(rows)
    add_payments(sale=head, document=head.number, money=money, at=head.occurred_at)
    tenders = list(dict.fromkeys(one.tender.code for one in money))
    purchases.hand_down(
        [
            _purchase(head, row, line, tenders, (points or {}).get(line.position, 0), index)
            for row, line in zip(rows, lines, strict=True)
        ],
        held=held,
    )
    return rows


def _line(head: Sale, line: PricedLine, original_id: int | None) -> SaleLine:
    return SaleLine(
        sale=head,
        original_id=original_id,
        position=line.position,
        station_id=head.station_id,
        day_id=head.day_id,
        shift_id=head.shift_id,
        kind=line.kind,
        fill_id=line.fill_id,
        grade_id=line.grade_id,
        item_id=line.item_id,
        name=line.name,
        quantity=line.quantity,
        unit_price=line.unit_price,
        list_amount=line.list_amount,
        discount=line.discount,
        net=line.net,
        discount_reason=line.reason,
        tax_rate=line.tax_rate,
        tax=line.tax,
        cost=line.cost,
        attendant_id=line.attendant_id,
    )


def _purchase(
    head: Sale, row: SaleLine, line: PricedLine, tenders: list[str], points: int, plate: str
) -> Purchase:
    return Purchase(
        station_id=head.station_id,
        member_id=head.member_id,
        day_id=head.day_id,
        document=head.number,
        line=row.position,
        original=head.original.number if head.original else "",
        occurred_at=head.occurred_at,
        kind=row.kind,
        product=line.product,
        category=line.category,
        quantity=row.quantity,
        net=row.net,
        points=points,
        tenders=tenders,
        attendant_id=row.attendant_id,
        cashier=head.cashier,
        nozzle_id=line.nozzle_id,
        plate_index=plate,
    )


def add_payments(
    *,
    sale: Sale | None,
    document: str,
    money: Sequence[Money],
    at: datetime,
    session: TillSession | None = None,
    first: int = 1,
) -> list[Payment]:
    """Insert payments under a document, numbered after it (…-P1, …-P2). One statement.

    `first` is the number of the first one where the document has payments already; `session` is
    whose drawer they move, where it is not the sale's own.
    """
    if session is None:
        assert sale is not None
        session = sale.session
    rows = [
        Payment(
            station_id=session.station_id,
            number=f"{document}-P{number}",
            document=document,
            sale=sale,
            kind=one.kind,
            tender=one.tender,
            amount=one.amount,
            reference=one.reference,
            original=one.original,
            session=session,
            day_id=session.shift.day_id,
            shift_id=session.shift_id,
            occurred_at=at,
        )
        for number, one in enumerate(money, start=first)
    ]
    return Payment.objects.bulk_create(rows)


def claim_fills(
    *,
    lines: Sequence[PricedLine],
    document: str,
    day: BusinessDay,
    at: datetime,
    kind: str = FillClaim.Kind.SALE,
) -> None:
    """The fills now belong to this document; the database refuses a second claim. One statement."""
    FillClaim.objects.bulk_create(
        FillClaim(
            station_id=day.station_id,
            fill_id=line.fill_id,
            kind=kind,
            document=document,
            day=day,
            claimed_at=at,
            attendant_id=line.attendant_id,
        )
        for line in lines
        if line.fill_id is not None
    )


def take_goods(
    *, head: Sale, lines: Sequence[PricedLine], actor: User | None, allow_negative: bool = False
) -> list[Short]:
    """Goods leave the shelf. Refuses NotEnoughStock unless `allow_negative`; returns what is short."""
    goods = _stock_lines(lines)
    if not goods:
        return []
    return stock.sell(
        station=head.station,
        day=head.day,
        document=head.number,
        lines=goods,
        at=head.occurred_at,
        actor=actor,
        allow_negative=allow_negative,
    )


def return_goods(*, head: Sale, lines: Sequence[PricedLine], actor: User | None) -> None:
    """Refunded goods go back on the shelf; the lines carry negative quantities."""
    goods = _stock_lines(lines)
    if goods:
        stock.take_back(
            station=head.station,
            day=head.day,
            document=head.number,
            lines=goods,
            at=head.occurred_at,
            actor=actor,
        )


def _stock_lines(lines: Sequence[PricedLine]) -> list[StockLine]:
    return [
        StockLine(
            line=line.position,
            item_id=line.item_id,
            quantity=abs(line.quantity),
            unit_cost=line.unit_cost,
        )
        for line in lines
        if line.kind == SaleLine.Kind.GOODS and line.item_id is not None and line.quantity
    ]


def ask_for_receipt(
    *, head: Sale, actor: User | None, at: datetime, money: Sequence[Money]
) -> None:
    """A receipt waits for the till's printer and is looked at as soon as this commits."""
    Receipt.objects.create(
        station_id=head.station_id,
        kind=Receipt.Kind.ORIGINAL,
        document=head.number,
        opens_drawer=any(one.tender.opens_drawer for one in money),
        asked_by=actor,
        asked_at=at,
    )
    wake(PRINT)
