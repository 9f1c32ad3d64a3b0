"""Shop stock: the append-only ledger and the balance that equals its sum.

Balances move in item order, all lines of a document in one statement, so that two tills with the
same two items never wait for each other in a ring.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction

from inventory.models import Item, StockBalance, StockMove
from station.errors import Refusal
from station.models import BusinessDay, Station, User
from station.services import audit

Kind = StockMove.Kind


class NotEnoughStock(Refusal):
    """An item is not there in that quantity, and it may not go below zero."""


@dataclass(frozen=True)
class StockLine:
    """One line of a document: which item, how many (positive), at which line number."""

    line: int
    item_id: int
    quantity: Decimal
    unit_cost: Decimal = Decimal(0)


@dataclass(frozen=True)
class Short:
    """An item whose balance is below zero after the movement."""

    item_id: int
    balance: Decimal


@transaction.atomic(savepoint=False)
def sell(
    *,
    station: Station,
    day: BusinessDay,
    document: str,
    lines: Sequence[StockLine],
    at: datetime,
    actor: User | None,
    allow_negative: bool = False,
) -> list[Short]:
    """Take sold goods out. Two statements for one item, three for several, no savepoint: a refusal
    undoes all of the caller's transaction.

    Refuses NotEnoughStock, unless `allow_negative`: then what went below zero is returned, since
    the goods have left already (an upload of an offline till).
    """
    return _move(
        station=station,
        day=day,
        kind=Kind.SALE,
        document=document,
        lines=lines,
        sign=-1,
        at=at,
        actor=actor,
        allow_negative=allow_negative,
    )


@transaction.atomic
def take_back(
    *,
    station: Station,
    day: BusinessDay,
    document: str,
    lines: Sequence[StockLine],
    at: datetime,
    actor: User | None,
) -> None:
    """Put refunded goods back on the shelf."""
    _move(
        station=station,
        day=day,
        kind=Kind.RETURN,
        document=document,
        lines=lines,
        sign=1,
        at=at,
        actor=actor,
    )


@transaction.atomic
def give_away(
    *,
    station: Station,
    day: BusinessDay,
    document: str,
    item: Item,
    at: datetime,
    actor: User | None,
) -> None:
    """Take one piece out for an order of the points mall. Refuses NotEnoughStock."""
    _gift(Kind.GIFT, -1, station, day, document, item, at, actor)


@transaction.atomic
def put_gift_back(
    *,
    station: Station,
    day: BusinessDay,
    document: str,
    item: Item,
    at: datetime,
    actor: User | None,
) -> None:
    """Put the piece of a cancelled order back on the shelf; the database refuses it a second time."""
    _gift(Kind.GIFT_BACK, 1, station, day, document, item, at, actor)


def _gift(
    kind: str,
    sign: int,
    station: Station,
    day: BusinessDay,
    document: str,
    item: Item,
    at: datetime,
    actor: User | None,
) -> None:
    _move(
        station=station,
        day=day,
        kind=kind,
        document=document,
        lines=[StockLine(line=1, item_id=item.pk, quantity=Decimal(1), unit_cost=item.cost)],
        sign=sign,
        at=at,
        actor=actor,
    )


@transaction.atomic
def receive(
    *,
    station: Station,
    day: BusinessDay,
    document: str,
    lines: Sequence[StockLine],
    at: datetime,
    actor: User,
    note: str = "",
    opening: bool = False,
) -> None:
    """Take goods in, and move each item's average cost (before VAT) on.

    new cost = (on hand × cost + received × price) / (on hand + received), at receipt only.
    """
    for line in sorted(lines, key=lambda line: line.item_id):
        _average(station, line)
    kind = Kind.OPENING if opening else Kind.RECEIPT
    _move(
        station=station,
        day=day,
        kind=kind,
        document=document,
        lines=lines,
        sign=1,
        at=at,
        actor=actor,
    )


@transaction.atomic
def adjust(
    *,
    station: Station,
    day: BusinessDay,
    document: str,
    item: Item,
    quantity: Decimal,
    reason: str,
    at: datetime,
    actor: User,
    write_off: bool = False,
) -> None:
    """Correct an item's balance by a signed quantity, or write goods off. Audited with its reason.

    Refuses a zero quantity, an empty reason and what would make the balance negative.
    """
    if not quantity or not reason.strip():
        raise Refusal("调整数量不能为零，且必须写明原因")
    if write_off and quantity > 0:
        raise Refusal("报损数量应为减少")
    lines = [StockLine(line=1, item_id=item.pk, quantity=abs(quantity), unit_cost=item.cost)]
    kind = Kind.WRITE_OFF if write_off else Kind.ADJUST
    _move(
        station=station,
        day=day,
        kind=kind,
        document=document,
        lines=lines,
        sign=1 if quantity > 0 else -1,
        at=at,
        actor=actor,
        reason=reason,
    )
    audit.record(
        at=at,
        actor=actor,
        station=station,
        action="inventory.stock.adjust",
        document=document,
        reason=reason,
        after={"item": item.code, "quantity": str(quantity)},
    )


def _average(station: Station, line: StockLine) -> None:
    # no_key: a till that sells it holds the balance, and looks at this row when it commits.
    item = Item.objects.select_for_update(no_key=True).get(pk=line.item_id)
    on_hand = StockBalance.objects.filter(item=item).values_list("quantity", flat=True)
    before = max(sum(on_hand, Decimal(0)), Decimal(0))
    cost = (before * item.cost + line.quantity * line.unit_cost) / (before + line.quantity)
    Item.objects.filter(pk=item.pk).update(cost=cost.quantize(Decimal("0.000001")))


def _move(
    *,
    station: Station,
    day: BusinessDay,
    kind: str,
    document: str,
    lines: Sequence[StockLine],
    sign: int,
    at: datetime,
    actor: User | None,
    allow_negative: bool = False,
    reason: str = "",
) -> list[Short]:
    if not lines:
        return []
    totals: dict[int, Decimal] = defaultdict(Decimal)
    for line in lines:
        totals[line.item_id] += sign * line.quantity
    balances = _shift_balances(station, totals, allow_negative)
    moves = []
    running = {item_id: balances[item_id] - totals[item_id] for item_id in totals}
    for line in lines:
        running[line.item_id] += sign * line.quantity
        moves.append(
            StockMove(
                station=station,
                item_id=line.item_id,
                day=day,
                kind=kind,
                quantity=sign * line.quantity,
                balance_after=running[line.item_id],
                unit_cost=line.unit_cost,
                document=document,
                line=line.line,
                occurred_at=at,
                actor=actor,
                reason=reason,
            )
        )
    StockMove.objects.bulk_create(moves)
    return [Short(item_id, balance) for item_id, balance in balances.items() if balance < 0]


def _shift_balances(
    station: Station, totals: dict[int, Decimal], allow_negative: bool
) -> dict[int, Decimal]:
    """Move the balances of several items at once; the new balances by item id."""
    ids = sorted(totals)
    if len(ids) > 1:
        # Locked in item order; one item needs no order.
        list(
            StockBalance.objects.select_for_update()
            .filter(station=station, item__in=ids)
            .order_by("item_id")
            .values_list("pk")
        )
    balances = _update(station, ids, totals, allow_negative)
    missing = [item_id for item_id in ids if item_id not in balances]
    if missing:
        _refuse_short(station, missing, totals)
        rows = [
            StockBalance(station=station, item_id=item.pk, may_go_negative=item.may_go_negative)
            for item in Item.objects.filter(pk__in=missing)
        ]
        StockBalance.objects.bulk_create(rows, ignore_conflicts=True)
        balances |= _update(station, missing, totals, allow_negative)
        _refuse_short(station, [one for one in missing if one not in balances], totals)
    return balances


def _update(
    station: Station, ids: Sequence[int], totals: dict[int, Decimal], allow_negative: bool
) -> dict[int, Decimal]:
    """Move the balances that may move; those that would go below zero are not among the answer.

    Whether an item may is the item's word: a balance that an upload drove below zero says so for
    the constraint `stock_is_not_negative`, and only until it is above again. A condition instead of
    a caught error: no savepoint, and the other statements of the sale stay good.
    """
    sql = (
        "UPDATE inventory_stockbalance balance SET quantity = balance.quantity + moved.quantity,"
        " may_go_negative = item.may_go_negative OR balance.quantity + moved.quantity < 0"
        " FROM unnest(%s::bigint[], %s::numeric[]) AS moved(item_id, quantity)"
        " JOIN inventory_item item ON item.id = moved.item_id"
        " WHERE balance.station_id = %s AND balance.item_id = moved.item_id"
        " AND (%s OR item.may_go_negative OR moved.quantity > 0"
        " OR balance.quantity + moved.quantity >= 0)"
        " RETURNING balance.item_id, balance.quantity"
    )
    amounts = [totals[item_id] for item_id in ids]
    with connection.cursor() as cursor:
        cursor.execute(sql, [list(ids), amounts, station.pk, allow_negative])
        return dict(cursor.fetchall())


def _refuse_short(station: Station, ids: Sequence[int], totals: dict[int, Decimal]) -> None:
    """Refuses NotEnoughStock where a balance is there but too small; a missing one is no refusal."""
    words = _what_is_short(station, ids, totals)
    if words:
        raise NotEnoughStock(words)


def _what_is_short(station: Station, ids: Sequence[int], totals: dict[int, Decimal]) -> str:
    rows = StockBalance.objects.filter(station=station, item__in=ids).select_related("item")
    short = [
        row
        for row in rows
        if row.quantity + totals[row.item_id] < 0 and not row.item.may_go_negative
    ]
    if not short:
        return ""
    words = "、".join(
        f"{row.item.name} 现存 {row.quantity.normalize():f} {row.item.unit}，"
        f"要出 {-totals[row.item_id].normalize():f} {row.item.unit}"
        for row in short
    )
    return f"库存不足：{words}。请减少数量，或由站长先入库、调整"
