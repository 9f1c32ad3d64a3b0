"""Jobs that orders from above become."""

from __future__ import annotations

from datetime import datetime, timedelta

from devices.line import facts, orders
from devices.line.allowing import authorise, forget_orphan, nozzle_of
from devices.line.asking import read_totals_of
from devices.line.link import Ask, Job
from devices.line.orders import Order
from devices.line.point import Point
from devices.line.stopping import stop
from devices.line.wiring import NozzleWiring
from devices.protocols import asks, base
from devices.protocols.base import Condition


def next_order(point: Point) -> Job | None:
    for order in list(point.orders):
        job = _start(point, order)
        if job is not None:
            return job
    return None


def _start(point: Point, order: Order) -> Job | None:
    """The order's job, or nothing while it has to wait; what is done already is answered."""
    nozzle = nozzle_of(point, order)
    if nozzle is None:
        point.answer(order, orders.FAILED, "油枪不在此线路", point.moment.at)
        return None
    match order.kind:
        case orders.AUTHORISE:
            return _start_authorising(point, order, nozzle)
        case orders.STOP:
            return stop(point, order)
        case orders.CANCEL:
            return cancel(point, order)
        case orders.SUSPEND | orders.RESUME:
            return suspend_or_resume(point, order)
        case orders.READ_TOTALS:
            return read_totals(point, order, nozzle)
        case orders.PRICE:
            _answer_price(point, order, nozzle)
            return None
    point.answer(order, orders.FAILED, "线路不认识此命令", point.moment.at)
    return None


def _start_authorising(point: Point, order: Order, nozzle: NozzleWiring) -> Job | None:
    if nozzle.held:
        point.answer(order, orders.FAILED, f"停售：{nozzle.held}", point.moment.at)
        return None
    if point.condition is Condition.CALLING and point.nozzle == nozzle.position:
        return authorise(point, order)
    loose = point.wiring.loose(point.codec.abilities)
    if point.condition is Condition.IDLE and (order.names_product or not loose):
        return authorise(point, order)
    return None


def cancel(point: Point, order: Order) -> Job:
    """Take a grant back, unless fuel flows already; what became of it is told before the answer."""
    visit, grant = point.visit, order.grant
    for waiting in point.orders_of(grant):
        point.answer(waiting, orders.FAILED, "已取消", point.moment.at)
    if visit is None or not visit.holds(grant):
        if grant is not None:  # what flowed under it was told before: it is over
            over = facts.authorisation(grant.id, "CANCELLED", point.moment.at)
            point.spool.record(facts=[over])
        point.answer(order, orders.DONE, "没有此授权", point.moment.at)
        return
    if not visit.ran:
        forget_orphan(point, visit)
        point.answer(order, orders.DONE, "加油机没有接受过此授权", point.moment.at)
        return
    if point.condition is not Condition.AUTHORISED:
        point.answer(order, orders.FAILED, "已开始加油，不能取消", point.moment.at)
        return
    visit.outcome = "CANCELLED"
    yield from stop(point, order)


def suspend_or_resume(point: Point, order: Order) -> Job:
    """Pause a delivery or let it go on."""
    pausing = order.kind == orders.SUSPEND
    wanted = {Condition.SUSPENDED} if pausing else {Condition.AUTHORISED, Condition.FUELLING}
    ready = {Condition.AUTHORISED, Condition.FUELLING} if pausing else {Condition.SUSPENDED}
    if not point.codec.abilities.suspends:
        text = "这种加油机没有暂停，要停请用停止"
        point.answer(order, orders.FAILED, text, point.moment.at)
        return
    if point.condition not in ready:
        text = "没有在加油，无法暂停" if pausing else "没有暂停中的加油"
        point.answer(order, orders.FAILED, text, point.moment.at)
        return
    command: asks.Command = (
        asks.Suspend(address=point.address) if pausing else asks.Resume(address=point.address)
    )
    done = yield Ask(
        command, lambda event: isinstance(event, base.Status) and event.condition in wanted
    )
    if done is None:
        point.answer(order, orders.FAILED, "加油机未执行", point.moment.at)
        return
    point.answer(order, orders.DONE, "已暂停" if pausing else "已继续", point.moment.at)


def read_totals(point: Point, order: Order, nozzle: NozzleWiring) -> Job:
    """The last totalizer known right: read now, or as it stood before the fill under way."""
    meter = point.meters.get(nozzle.position)
    if point.condition in (Condition.IDLE, Condition.CALLING) and point.visit is None:
        totals = yield from read_totals_of(point, nozzle.position)
        if totals is None or meter is None or totals.litres != meter.litres:
            point.synced = False  # explain it first; the order waits
            return
        point.read_at[nozzle.position] = point.moment.at
    if meter is None:
        point.answer(order, orders.FAILED, "泵码尚未读到", point.moment.at)
        return
    at: datetime = point.read_at.get(nozzle.position, point.moment.at)
    reading = facts.totals(
        nozzle.id,
        meter,
        kind=order.reading,
        document=order.document,
        at=point.moment.at,
        read_at=at,
    )
    point.save([reading], visit=point.visit)
    point.answer(order, orders.DONE, f"泵码 {meter.litres}", point.moment.at)


def _answer_price(point: Point, order: Order, nozzle: NozzleWiring) -> None:
    """Done when the head holds it; until then the difference is worked off by `set_prices`."""
    if point.held.get(nozzle.position) == order.price:
        point.answer(order, orders.DONE, f"机上单价 {order.price}", point.moment.at)
        return
    due = nozzle.price_at(point.moment.at + timedelta(seconds=1))
    if due != order.price and not point.running:
        text = f"油站在用价为 {due}，与命令不符"
        point.answer(order, orders.FAILED, text, point.moment.at)
