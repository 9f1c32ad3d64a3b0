"""Jobs that account for every litre: after a break, at the end of a fill, and now and then."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from datetime import UTC, datetime

from devices.line import facts, orders, reporting, scale
from devices.line.asking import ask_status, ask_transaction, read_fill, read_totals_of
from devices.line.link import Ask, Job
from devices.line.point import RUNNING, Point
from devices.line.pricing import wanted_prices
from devices.line.reporting import audit_later, read_now, settled
from devices.line.settling import Meter, agrees
from devices.line.stopping import stopping
from devices.line.visit import Visit
from devices.protocols import asks, base
from devices.protocols.base import Condition, Event, TotalsRead, TransactionRead
from devices.spool import Fact

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def synchronise(point: Point) -> Job:
    """Status, prices, nozzles and totalizers known: before that nothing is authorised."""
    status = yield ask_status(point)
    if isinstance(status, base.Status) and (
        status.condition in RUNNING or status.condition is Condition.ENDED
    ):
        if status.condition is Condition.AUTHORISED and point.visit is None and not point.out:
            yield stopping(point)  # nobody here remembers having allowed this
            return
        _join(point)
        point.synced, point.scaled = True, False
        return
    if not isinstance(status, base.Status):
        point.retry_at = point.moment.now + 1
        return
    if not (yield from scale.known(point)):
        return
    if status.condition is Condition.UNPROGRAMMED:
        yield from _programme(point)
        status = yield ask_status(point)
        if not isinstance(status, base.Status) or status.condition is Condition.UNPROGRAMMED:
            point.retry_at = point.moment.now + 1
            return
    yield Ask(asks.ReadPrices(address=point.address), lambda e: isinstance(e, base.PricesRead))
    readings: dict[int, TotalsRead] = {}
    for nozzle in point.wiring.nozzles:
        totals = yield from read_totals_of(point, nozzle.position)
        if totals is None:
            point.retry_at = point.moment.now + 1
            return
        readings[nozzle.position] = totals
    yield from _account(point, readings)


def _programme(point: Point) -> Generator[Ask, Event | None, None]:
    """A head that lost its prices gets them back."""
    rows = wanted_prices(point)
    if rows is not None:
        command = asks.SetPrices(address=point.address, prices=rows)
        yield Ask(command, lambda event: isinstance(event, base.Accepted))


def _join(point: Point) -> None:
    """A fill is under way that we may not have seen begin."""
    visit = point.visit if point.visit is not None else point.new_visit(point.nozzle)
    new: list[Fact] = []
    if not visit.ran:
        visit.ran, visit.authorised_at = True, point.moment.at
        if visit.grant is not None:
            new.append(facts.authorisation(visit.grant.id, "SENT", point.moment.at))
    if point.condition is Condition.FUELLING and visit.started_at is None:
        visit.started_at = point.moment.at
    point.save(new, visit=visit)
    for order in point.orders_of(visit.grant):
        point.answer(order, orders.DONE, "加油机已授权", point.moment.at)


def _account(point: Point, readings: dict[int, TotalsRead]) -> Generator[Ask, Event | None, None]:
    """Explain every totalizer that moved while the head was out of sight."""
    moved = [
        number
        for number, totals in readings.items()
        if number in point.meters and totals.litres != point.meters[number].litres
    ]
    visit = point.visit
    ran = visit if visit is not None and visit.ran else None
    fill: TransactionRead | None = None
    if moved or ran is not None:
        reading = yield from read_fill(point, moved[0] if moved else ran.nozzle if ran else 1)
        if reading is None:
            point.retry_at = point.moment.now + 2
            return
        fill, fresh = reading
        readings[fresh.nozzle] = fresh
        of_it = readings.get(ran.nozzle, fresh) if ran is not None else fresh
        prices = [point.held[number] for number in moved if number in point.held]
        if scale.held_back(point, of_it, fill, ran, prices):
            return
    _believe(point, readings, fill, ran)


def _believe(
    point: Point,
    readings: dict[int, TotalsRead],
    fill: TransactionRead | None,
    ran: Visit | None,
) -> None:
    new: list[Fact] = []
    meters: dict[int, Meter] = {}
    delivered = False
    owner = _owner(point, readings, fill) if fill is not None else 0
    for number, totals in readings.items():
        nozzle = point.wiring.nozzle(number)
        if nozzle is None:
            continue
        mine = ran if ran is not None and ran.nozzle == number else None
        shown = fill if number == owner else None
        if shown is not None and shown.nozzle != owner:
            shown = replace(shown, nozzle=owner, price=None)
        found = settled(point, nozzle, totals, shown, mine)
        delivered = delivered or (mine is not None and bool(found.fills))
        new += reporting.found_facts(point, nozzle, found, mine)
        new.append(reporting.first_reading(point, nozzle, found))
        meters[number] = found.meter
    if ran is not None:
        new += reporting.grant_ended(point, ran, delivered=delivered)
    keep = None if ran is not None else point.visit
    decide = point.codec.abilities.totals_decide
    told = reporting.name_of(fill, totals_decide=decide) if fill is not None else ""
    point.save(new, visit=keep, meters=meters, told=told)
    read_now(point, meters)
    point.synced, point.alone = True, False
    scale.trust(point)


def _owner(point: Point, readings: dict[int, TotalsRead], fill: TransactionRead) -> int:
    """Whose fill the display shows.

    The head names the nozzle selected now. Where that one's totalizer does not agree and just one
    other's does, the fill is the other's.
    """
    agreeing = [
        number
        for number, totals in readings.items()
        if number in point.meters
        and fill.litres > 0
        and agrees(point.meters[number], totals, replace(fill, price=None), point.wires(number))
    ]
    return agreeing[0] if len(agreeing) == 1 else fill.nozzle


def close(point: Point, visit: Visit) -> Job:
    """Read what was delivered, keep it, and only then let the head forget it."""
    reading = yield from read_fill(point, visit.nozzle)
    if reading is None:
        point.retry_at = point.moment.now + 1
        return
    fill, totals = reading
    nozzle = point.wiring.nozzle(totals.nozzle)
    if nozzle is None:
        point.save(visit=None)
        return
    if scale.held_back(point, totals, fill, visit):
        return
    found = settled(point, nozzle, totals, fill, visit)
    new = reporting.found_facts(point, nozzle, found, visit)
    new += reporting.grant_ended(point, visit, delivered=bool(found.fills))
    if not found.fills:
        grant = visit.grant.id if visit.grant else None
        new.append(facts.nothing(nozzle.id, visit.serial, grant, point.moment.at))
    decide = point.codec.abilities.totals_decide
    told = reporting.name_of(fill, totals_decide=decide) if found.fills else ""
    point.save(new, visit=None, meters={totals.nozzle: found.meter}, told=told)
    read_now(point, {totals.nozzle: found.meter})
    point.synced = point.scaled  # one that was joined while it ran is looked at now
    if point.codec.abilities.closes_transactions:
        yield _closing(point)


def _closing(point: Point) -> Ask:
    command = asks.CloseTransaction(address=point.address)
    return Ask(command, lambda event: isinstance(event, base.Accepted))


def release(point: Point) -> Job:
    """The head still holds a finished fill: it may forget what the books know.

    Whoever told the fill died before he could say so, or his word was lost. A totalizer that the
    books do not know is explained first.
    """
    fill = yield ask_transaction(point)
    if not isinstance(fill, TransactionRead):
        point.retry_at = point.moment.now + 1
        return
    if fill.litres > 0 and point.wiring.nozzle(fill.nozzle) is not None:
        totals = yield from read_totals_of(point, fill.nozzle)
        known = point.meters.get(fill.nozzle)
        if totals is None or known is None or totals.litres != known.litres:
            point.synced, point.retry_at = False, point.moment.now + 0.5
            return
    if (yield _closing(point)) is None:
        point.retry_at = point.moment.now + 1


def audit(point: Point) -> Job:
    """Read one totalizer of an idle head; one that moved is explained as after a restart.

    One only, since a customer who lifts a nozzle meanwhile has to wait for the answer.
    """
    audit_later(point)
    oldest = min(point.wiring.nozzles, key=lambda one: point.read_at.get(one.position, _LONG_AGO))
    totals = yield from read_totals_of(point, oldest.position)
    known = point.meters.get(oldest.position)
    if totals is None or point.condition is not Condition.IDLE:
        return
    if known is None or totals.litres != known.litres:
        point.synced = False
        return
    point.read_at[oldest.position] = point.moment.at
