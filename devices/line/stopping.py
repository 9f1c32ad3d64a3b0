"""Jobs that stop fuel."""

from __future__ import annotations

from devices.line import orders
from devices.line.asking import ask_status
from devices.line.link import Ask, Job
from devices.line.orders import Order
from devices.line.point import RUNNING, Point
from devices.protocols import asks, base


def stopping(point: Point) -> Ask:
    """STOP, answered by a status in which nothing runs."""
    return Ask(
        asks.Stop(address=point.address),
        lambda event: isinstance(event, base.Status) and event.condition not in RUNNING,
    )


def stop(point: Point, order: Order | None = None) -> Job:
    """Stop, and believe it when the head says so."""
    if not point.running:
        if order is not None:
            point.answer(order, orders.DONE, "没有在加油", point.moment.at)
        return
    done = yield stopping(point)
    if done is None:
        done = yield ask_status(point)
    stopped = isinstance(done, base.Status) and done.condition not in RUNNING
    if not stopped:
        point.retry_at = point.moment.now + 0.5
    elif order is not None:
        point.answer(order, orders.DONE, "已停", point.moment.at)
