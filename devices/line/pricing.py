"""Prices of a head: given, read back, and the totalizers of that moment kept."""

from __future__ import annotations

from decimal import Decimal

from devices.line import facts
from devices.line.asking import ask_status
from devices.line.link import Ask, Job
from devices.line.point import Point
from devices.protocols import asks, base
from devices.protocols.base import Seconds
from devices.spool import Fact

PRICES_LAST: Seconds = 12.0  # where each nozzle and level is a message of its own


def wanted_prices(point: Point) -> tuple[tuple[int, Decimal], ...] | None:
    rows = [
        (one.position, point.wanted_price(one, point.moment.at)) for one in point.wiring.nozzles
    ]
    known = [(position, price) for position, price in rows if price is not None]
    return tuple(known) if len(known) == len(rows) else None


def price_differs(point: Point) -> bool:
    wanted = wanted_prices(point)
    if wanted is None:
        return False
    return any(point.held.get(position) != price for position, price in wanted)


def set_prices(point: Point) -> Job:
    """Give the head its prices, read them back, and keep the totalizers of that moment.

    Where a protocol has no word for it, the price goes along with each authorisation: from this
    moment on with the next one.
    """
    wanted = wanted_prices(point)
    if wanted is None:
        return
    readings = _price_readings(point, dict(wanted))
    if not point.codec.abilities.sets_prices:
        point.save(readings, visit=point.visit)
        point.held.update(dict(wanted))
        return
    command = asks.SetPrices(address=point.address, prices=wanted)
    taken = yield Ask(command, lambda event: isinstance(event, base.Accepted), PRICES_LAST)
    if taken is None:
        point.retry_at = point.moment.now + 1
        return
    point.save(readings, visit=point.visit)
    read = yield Ask(
        asks.ReadPrices(address=point.address), lambda event: isinstance(event, base.PricesRead)
    )
    if read is None:
        # this head does not tell; what it acknowledged is checked again at each lift
        point.held.update(dict(wanted))
        if point.out:
            yield ask_status(point)
    if any(point.held.get(position) != price for position, price in wanted):
        point.retry_at = point.moment.now + 2
        for nozzle in point.wiring.nozzles:
            asked, held = dict(wanted)[nozzle.position], point.held.get(nozzle.position)
            if asked != held:
                text = f"{nozzle.number} 号枪机上单价 {held}，应为 {asked}，未改价前不授权"
                point.spool.record(
                    facts=[point.alarm_fact("PRICE", text, f"{nozzle.number} 号枪", nozzle)]
                )


def _price_readings(point: Point, wanted: dict[int, Decimal]) -> list[Fact]:
    """The totalizer splits the shift where a nozzle's price really changes."""
    at = point.moment.at
    new = []
    for nozzle in point.wiring.nozzles:
        held, meter = point.held.get(nozzle.position), point.meters.get(nozzle.position)
        if held is not None and held != wanted[nozzle.position] and meter is not None:
            new.append(facts.totals(nozzle.id, meter, kind="PRICE", document="", at=at, read_at=at))
    return new
