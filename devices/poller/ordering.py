"""Commands of the database as orders of a line."""

from __future__ import annotations

from decimal import Decimal

from devices.line.orders import Grant, Order
from devices.services.taking import Taken, TakenGrant


def order_of(one: Taken, posted: Decimal | None) -> Order:
    """What the line is asked to do; `posted` is the price in force when it was asked."""
    price = one.arguments.get("price")
    return Order(
        id=one.id,
        kind=one.kind,
        nozzle=one.nozzle or 0,
        valid_until=one.valid_until,
        grant=_grant(one.grant, posted) if one.grant is not None else None,
        price=Decimal(price) if price is not None else None,
        reading=str(one.arguments.get("kind", "PERIODIC")),
        document=one.document,
    )


def _grant(held: TakenGrant, posted: Decimal | None) -> Grant:
    """A grant at the posted price has no price of its own: should the board change before the
    lift, it is filled at the new one."""
    return Grant(
        id=held.id,
        nozzle=held.nozzle,
        valid_until=held.valid_until,
        limit_yuan=held.limit_amount,
        limit_litres=held.limit_litres,
        price=held.unit_price if held.unit_price != posted else None,
    )
