"""What a point needs next. Each job is a generator: it asks, waits, decides.

Nothing is repeated blindly. After a question without an answer the job ends, and the next round
starts from what the head says then.
"""

from __future__ import annotations

from devices.line.accounting import audit, close, release, synchronise
from devices.line.allowing import (
    abandoned,
    authorise,
    forget_orphan,
    goes_by_itself,
    orphaned,
)
from devices.line.link import Job
from devices.line.obeying import next_order
from devices.line.point import Point
from devices.line.pricing import price_differs, set_prices
from devices.line.reporting import audit_due
from devices.line.stopping import stop
from devices.protocols.base import Condition


def choose(point: Point) -> Job | None:
    """The most urgent job, or nothing."""
    if point.condition is None or not point.synced:
        return synchronise(point)
    visit = point.visit
    if visit is not None and visit.ran and _over(point):
        return close(point, visit)
    if point.unclosed:
        return release(point)
    if visit is not None and (point.condition is Condition.IDLE or orphaned(point, visit)):
        forget_orphan(point, visit)
    if visit is None and point.condition is Condition.CALLING:
        point.visit = point.new_visit(point.nozzle)
    if point.halted:
        return stop(point) if point.running else None
    if abandoned(point):
        return stop(point)
    return next_order(point) or _by_itself(point)


def _over(point: Point) -> bool:
    """The nozzle was hung. Where heads forget nothing it may be out again before anybody saw it."""
    again = point.condition is Condition.CALLING and point.codec.abilities.totals_decide
    return point.condition is Condition.IDLE or again


def _by_itself(point: Point) -> Job | None:
    """What nobody ordered: prices, 自动授权, another look at the totalizers."""
    if point.condition not in (Condition.IDLE, Condition.CALLING):
        return None
    if price_differs(point):
        return set_prices(point)
    if point.condition is Condition.CALLING:
        return authorise(point, None) if goes_by_itself(point) else None
    return audit(point) if audit_due(point) else None
