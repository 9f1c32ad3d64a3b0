"""What is on hand per place and item, moved under one order of locks.

Balances move in item order, all lines of a document in one statement, so that two tills with the
same two items never wait for each other in a ring. What touches two places locks both balances of
an item before those of the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from django.db import connection

from inventory.models import Item, StockBalance, StockPlace
from inventory.queries.places import selling_place
from station.errors import Refusal
from station.models import Station


class NotEnoughStock(Refusal):
    """An item is not there in that quantity, and it may not go below zero."""


def shift(
    station: Station,
    place: StockPlace | None,
    totals: dict[int, Decimal],
    allow_negative: bool,
) -> tuple[int, dict[int, Decimal]]:
    """Move the balances of several items at once; the place, and the new balances by item id."""
    ids = sorted(totals)
    if len(ids) > 1:  # one item needs no order
        lock([place.pk] if place else None, ids, station)
    where = place.pk if place else None
    found, balances = _update(station, where, ids, totals, allow_negative)
    missing = [item_id for item_id in ids if item_id not in balances]
    if missing or found is None:
        found = found or where or selling_place(station).pk
        _refuse_short(found, missing, totals)
        rows = [
            StockBalance(
                station=station,
                place_id=found,
                item_id=item.pk,
                may_go_negative=item.may_go_negative,
            )
            for item in Item.objects.filter(pk__in=missing).order_by("pk")
        ]
        StockBalance.objects.bulk_create(rows, ignore_conflicts=True)
        balances |= _update(station, found, missing, totals, allow_negative)[1]
        _refuse_short(found, [one for one in missing if one not in balances], totals)
    return found, balances


def lock(places: Sequence[int] | None, ids: Sequence[int], station: Station | None = None) -> None:
    """Lock the balances of items, in item order; of the selling place where none is named."""
    rows = StockBalance.objects.select_for_update(of=("self",)).filter(item__in=ids)
    rows = (
        rows.filter(place__in=places)
        if places
        else rows.filter(place__station=station, place__selling=True)
    )
    list(rows.order_by("item_id", "place_id").values_list("pk"))


def _update(
    station: Station,
    place_id: int | None,
    ids: Sequence[int],
    totals: dict[int, Decimal],
    allow_negative: bool,
) -> tuple[int | None, dict[int, Decimal]]:
    """Move the balances that may move; those that would go below zero are not among the answer.

    Whether an item may is the item's word, or a manager's for once (`lowest`, which ends as goods
    come in): a balance that an upload drove below zero says so for the constraint
    `stock_is_not_negative`, and only until it is above again. A condition instead of a caught
    error: no savepoint, and the other statements of the sale stay good.
    """
    sql = (
        "UPDATE inventory_stockbalance balance SET quantity = balance.quantity + moved.quantity,"
        " may_go_negative = item.may_go_negative OR balance.quantity + moved.quantity < 0,"
        " lowest = CASE WHEN moved.quantity > 0 THEN 0 ELSE balance.lowest END"
        " FROM unnest(%s::bigint[], %s::numeric[]) AS moved(item_id, quantity)"
        " JOIN inventory_item item ON item.id = moved.item_id"
        " WHERE balance.place_id = COALESCE(%s::bigint,"
        "  (SELECT id FROM inventory_stockplace WHERE station_id = %s AND selling))"
        " AND balance.item_id = moved.item_id"
        " AND (%s OR item.may_go_negative OR moved.quantity > 0"
        " OR balance.quantity + moved.quantity >= balance.lowest)"
        " RETURNING balance.item_id, balance.quantity, balance.place_id"
    )
    amounts = [totals[item_id] for item_id in ids]
    with connection.cursor() as cursor:
        cursor.execute(sql, [list(ids), amounts, place_id, station.pk, allow_negative])
        rows = cursor.fetchall()
    moved = {item_id: balance for item_id, balance, _ in rows}
    return (rows[0][2] if rows else place_id), moved


def _refuse_short(place_id: int, ids: Sequence[int], totals: dict[int, Decimal]) -> None:
    """Refuses NotEnoughStock where a balance is there but too small; a missing one is no refusal."""
    words = _what_is_short(place_id, ids, totals)
    if words:
        raise NotEnoughStock(words)


def _what_is_short(place_id: int, ids: Sequence[int], totals: dict[int, Decimal]) -> str:
    rows = StockBalance.objects.filter(place=place_id, item__in=ids).select_related("item")
    short = [
        row
        for row in rows
        if row.quantity + totals[row.item_id] < row.lowest and not row.item.may_go_negative
    ]
    if not short:
        return ""
    words = "、".join(
        f"{row.item.name} 现存 {row.quantity.normalize():f} {row.item.unit}，"
        f"要出 {-totals[row.item_id].normalize():f} {row.item.unit}"
        for row in short
    )
    return f"库存不足：{words}。请减少数量，或由站长先入库、调整"
