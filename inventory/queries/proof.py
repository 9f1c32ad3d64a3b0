"""Whether what is on hand equals the sum of its ledger: cheaply at any time, in full each night."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection

from inventory.models import StockBalance
from station.queries.health import Check, State

_SUMS = """
SELECT station.id, place.name, item.name, COALESCE(held.quantity, 0), COALESCE(moved.quantity, 0)
FROM inventory_stockbalance held
FULL JOIN (SELECT place_id, item_id, SUM(quantity) AS quantity FROM inventory_stockmove
  GROUP BY place_id, item_id) moved USING (place_id, item_id)
JOIN inventory_stockplace place ON place.id = place_id
JOIN inventory_item item ON item.id = item_id
JOIN station_station station ON station.id = place.station_id
WHERE COALESCE(held.quantity, 0) <> COALESCE(moved.quantity, 0)
ORDER BY station.id, place.name, item.name
"""
# The newest move of each balance is one step in an index: no sum over years of sales.
_LAST = """
SELECT COUNT(*) FROM inventory_stockbalance held
LEFT JOIN LATERAL (SELECT balance_after FROM inventory_stockmove moved
  WHERE moved.item_id = held.item_id AND moved.place_id = held.place_id
  ORDER BY moved.id DESC LIMIT 1) last ON TRUE
WHERE held.quantity <> COALESCE(last.balance_after, 0)
"""


@dataclass(frozen=True)
class Unequal:
    """An item at a place whose balance is not the sum of its moves."""

    station_id: int
    place: str
    item: str
    balance: Decimal
    moved: Decimal


def unequal() -> list[Unequal]:
    """Every balance that is not the sum of its moves; nothing when the books are right. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_SUMS)
        return [Unequal(*row) for row in cursor.fetchall()]


def checks(*, at: datetime) -> list[Check]:
    """Whether each balance is what its newest move left. Two statements."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST)
        (wrong,) = cursor.fetchone()
    held = StockBalance.objects.count()
    detail = (
        f"{wrong} 个结存与流水对不上，请暂停调整库存并联系维护人员"
        if wrong
        else f"{held} 个结存都与最后一笔流水相等"
    )
    return [Check("stock", "商品库存账", State.FAILED if wrong else State.OK, detail, wrong)]
