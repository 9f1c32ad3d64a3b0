"""Shop stock: the append-only ledger and the balance that equals its sum, per place and item.

Where no place is named it is the one that sells. `inventory.services.balances` says in which order
balances are locked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from inventory.models import Item, StockBalance, StockMove, StockPlace
from inventory.queries.places import selling_place
from inventory.services import balances
from station.errors import Refusal
from station.models import BusinessDay, Station, User
from station.services import audit

Kind = StockMove.Kind


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
    place: StockPlace | None = None,
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
        place=place,
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
    place: StockPlace | None = None,
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
        reason=note,
        place=place,
    )


@transaction.atomic
def move(
    *,
    station: Station,
    day: BusinessDay,
    document: str,
    lines: Sequence[StockLine],
    source: StockPlace,
    target: StockPlace,
    at: datetime,
    actor: User,
    reason: str = "",
) -> None:
    """Carry goods from one place of a station to another: out of the one, into the other, at once.

    Refuses NotEnoughStock, and the same place twice or another station's.
    """
    if source.pk == target.pk or {source.station_id, target.station_id} != {station.pk}:
        raise Refusal("移库的两个地点须是本站不同的地点，请重选")
    if not (source.active and target.active):
        raise Refusal("停用的地点不能移库，请重选")
    balances.lock([source.pk, target.pk], sorted({line.item_id for line in lines}))
    for kind, sign, place in ((Kind.MOVED_OUT, -1, source), (Kind.MOVED_IN, 1, target)):
        _move(
            station=station,
            day=day,
            kind=kind,
            document=document,
            lines=lines,
            sign=sign,
            at=at,
            actor=actor,
            reason=reason,
            place=place,
        )


@transaction.atomic
def let_go_below(
    *, station: Station, item: Item, quantity: Decimal, reason: str, at: datetime, actor: User
) -> None:
    """Let the tills take so many pieces below zero, once: the next goods that come in end it.

    For what stands on the shelf and was not booked yet. Zero takes the leave back. Refuses without a
    reason, a negative quantity and a service. Audited.
    """
    if quantity < 0 or not reason.strip():
        raise Refusal("放行的数量不能为负，且必须写明原因")
    if item.kind != Item.Kind.GOODS:
        raise Refusal("服务没有库存，不需要放行")
    place = selling_place(station)
    defaults = {"station": station, "may_go_negative": item.may_go_negative}
    StockBalance.objects.get_or_create(place=place, item=item, defaults=defaults)
    StockBalance.objects.filter(place=place, item=item).update(lowest=-quantity)
    audit.record(
        at=at,
        actor=actor,
        station=station,
        action="inventory.stock.leave",
        document=f"item:{item.code}",
        reason=reason,
        after={"item": item.code, "quantity": str(quantity)},
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
    place: StockPlace | None = None,
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
        place=place,
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
    place: StockPlace | None = None,
) -> list[Short]:
    if not lines:
        return []
    totals: dict[int, Decimal] = defaultdict(Decimal)
    for line in lines:
        totals[line.item_id] += sign * line.quantity
    place_id, standing = balances.shift(station, place, totals, allow_negative)
    moves = []
    running = {item_id: standing[item_id] - totals[item_id] for item_id in totals}
    for line in lines:
        running[line.item_id] += sign * line.quantity
        moves.append(
            StockMove(
                station=station,
                place_id=place_id,
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
    return [Short(item_id, balance) for item_id, balance in standing.items() if balance < 0]
