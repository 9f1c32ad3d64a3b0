"""What a preset may carry: one limit and one price, as whole numbers of the wire."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from devices.protocols import asks, base
from devices.protocols.base import Malformed, unscaled

MOST_PRICE = 9_999  # four digits


@dataclass(frozen=True, slots=True)
class Limit:
    """What a preset carries: litres or yuan, and the price, as integers of the wire."""

    litres: bool
    value: int
    price: int


def limit_of(
    command: asks.Authorise,
    places: base.Decimals,
    *,
    most_volume: int,
    most_amount: int,
    most_price: int = MOST_PRICE,
) -> Limit:
    """One nozzle's limit at its price. Without one the largest sum that the display holds.

    That is yuan, not litres: a fill of the most litres would be worth more than the display tells.
    Raises Malformed for what does not fit.
    """
    if len(command.nozzles) != 1 or not command.price:
        raise Malformed("a preset is for one nozzle at a price")
    price = unscaled(command.price, places.price)
    litres, yuan = command.limit_litres, command.limit_yuan
    if litres is not None and yuan is not None:  # one of them binds
        litres, yuan = (litres, None) if litres * command.price <= yuan else (None, yuan)
    if litres is not None:
        limit = Limit(True, unscaled(litres, places.volume), price)
        if (litres * command.price).scaleb(places.amount) > most_amount:
            raise Malformed(f"{litres} litres are worth more than the display holds")
    else:
        limit = Limit(False, most_amount if yuan is None else unscaled(yuan, places.amount), price)
    most = most_volume if limit.litres else most_amount
    if not (0 < limit.value <= most and 0 < price <= most_price):
        raise Malformed(f"{limit.value} at {price} does not fit")
    return limit


def only_nozzle(settings: base.DeviceSettings) -> int:
    """Of a protocol whose addresses are nozzles."""
    return settings.nozzles[0]


def only_price(prices: tuple[tuple[int, Decimal], ...], places: base.Decimals) -> int:
    """The one price of such an address, in the wire's integer. Raises Malformed for several."""
    if len(prices) != 1:
        raise Malformed("one address is one nozzle at one price")
    price = unscaled(prices[0][1], places.price)
    if not 0 < price <= MOST_PRICE:
        raise Malformed(f"{price} does not fit")
    return price
