"""Jobs that let fuel flow."""

from __future__ import annotations

from devices.line import facts, orders
from devices.line.asking import ask_status
from devices.line.link import Ask, Job
from devices.line.orders import Order
from devices.line.point import RUNNING, Point
from devices.line.pricing import price_differs, set_prices
from devices.line.visit import Visit
from devices.line.wiring import AUTO, NozzleWiring
from devices.protocols import asks, base
from devices.protocols.base import Condition, Seconds

AUTHORISE_PATIENCE: Seconds = 5.0
REFUSALS_UNTIL_ALARM = 3


def nozzle_of(point: Point, order: Order) -> NozzleWiring | None:
    """The nozzle that an order means."""
    return next((one for one in point.wiring.nozzles if one.id == order.nozzle), None)


def forget_orphan(point: Point, visit: Visit) -> None:
    """A grant that the head did not take, as its status says now; an order still waiting tries again.

    The process that gave it died, or its question found no answer.
    """
    new = []
    if visit.grant is not None and not point.orders_of(visit.grant):
        new.append(facts.authorisation(visit.grant.id, "FAILED", point.moment.at))
    _look_at_totals(point, visit)
    visit.grant, visit.price = None, None
    point.save(new, visit=visit if point.out else None)


def _look_at_totals(point: Point, visit: Visit) -> None:
    """Leave was given and never seen: where only totals tell of a sale, they are read before the next."""
    if visit.price is not None and point.codec.abilities.totals_decide:
        point.synced = False


def orphaned(point: Point, visit: Visit) -> bool:
    """With the nozzle out: a grant that the head did not take, and that no order gives again."""
    waits = point.condition is Condition.CALLING and not visit.ran
    return waits and visit.grant is not None and not point.orders_of(visit.grant)


def goes_by_itself(point: Point) -> bool:
    """自动授权: this nozzle may, the price is right, and nobody forbids it."""
    visit = point.visit
    nozzle = point.wiring.nozzle(point.nozzle)
    if visit is None or nozzle is None or nozzle.mode != AUTO or not point.may_authorise():
        return False
    if nozzle.held:
        return False
    price = nozzle.price_at(point.moment.at)
    return price is not None and point.held.get(nozzle.position) == price


def authorise(point: Point, order: Order | None) -> Job:
    """Allow one nozzle. Who it is for is durable before the head hears of it."""
    grant = order.grant if order is not None else None
    nozzle = nozzle_of(point, order) if order is not None else point.wiring.nozzle(point.nozzle)
    if nozzle is None:
        return
    visit = (
        point.visit if point.visit is not None else point.new_visit(nozzle.position, lifted=False)
    )
    visit.nozzle, visit.grant = nozzle.position, grant
    visit.price = grant.price if grant is not None and grant.price is not None else None
    visit.price = visit.price or nozzle.price_at(point.moment.at)
    point.save(visit=visit)
    if price_differs(point):
        yield from set_prices(point)
    done = yield _authorising(point, nozzle, visit)
    if done is None:  # no blind repetition: ask what the head made of it
        done = yield ask_status(point)
    if done is None:  # nobody knows what it made of it: nothing is told before it says so
        point.synced = False
    elif isinstance(done, base.Status) and done.condition in RUNNING:
        _authorised(point, visit, order)
    else:
        _not_authorised(point, visit, order)


def _authorising(point: Point, nozzle: NozzleWiring, visit: Visit) -> Ask:
    grant = visit.grant
    command = asks.Authorise(
        address=point.address,
        nozzles=(nozzle.position,),
        limit_litres=grant.limit_litres if grant else None,
        limit_yuan=grant.limit_yuan if grant else None,
        price=visit.price,
    )
    return Ask(
        command,
        lambda event: isinstance(event, base.Status) and event.condition in RUNNING,
        AUTHORISE_PATIENCE,
    )


def _authorised(point: Point, visit: Visit, order: Order | None) -> None:
    visit.ran, visit.authorised_at, point.failures = True, point.moment.at, 0
    if point.condition is Condition.FUELLING:
        visit.started_at = visit.started_at or point.moment.at
    new = []
    if visit.grant is not None:
        new.append(facts.authorisation(visit.grant.id, "SENT", point.moment.at))
    point.save(new, visit=visit)
    if order is not None:
        point.answer(order, orders.DONE, "加油机已授权", point.moment.at)


def _not_authorised(point: Point, visit: Visit, order: Order | None) -> None:
    _look_at_totals(point, visit)
    visit.grant, visit.price = None, None
    point.save(visit=visit if point.out else None)
    point.retry_at = point.moment.now + 1
    if order is not None:
        point.answer(order, orders.FAILED, "加油机未接受授权，请查看加油机后重试", point.moment.at)
        return
    point.failures += 1
    if point.failures == REFUSALS_UNTIL_ALARM:
        text = f"{point.subject}多次未接受授权"
        point.spool.record(facts=[point.alarm_fact("DEVICE", text, point.subject, None)])


def abandoned(point: Point) -> bool:
    """Authorised, but nobody will fill: hung up again, the grant ran out, or the tank is held."""
    visit = point.visit
    if point.condition is not Condition.AUTHORISED or point.out or visit is None:
        return False
    if visit.lifted_at is not None:
        return True
    nozzle = point.wiring.nozzle(visit.nozzle)
    if nozzle is not None and nozzle.held:
        visit.outcome = "CANCELLED"
        return True
    if visit.grant is not None and visit.grant.valid_until < point.moment.at:
        visit.outcome = "EXPIRED"
        return True
    return False
