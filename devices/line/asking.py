"""Questions that jobs put to a head, and the readings that may be believed."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias

from devices.line.link import Ask
from devices.line.point import Point
from devices.line.settling import agrees
from devices.protocols import asks, base
from devices.protocols.base import Event, Seconds, TotalsRead, TransactionRead

SETTLE_TRIES = 10
SETTLE_PAUSE: Seconds = 0.4
SURE_AFTER: Seconds = 1.0  # odd readings must stay equal so long before they are believed

Reading: TypeAlias = tuple[TransactionRead, TotalsRead]


def ask_status(point: Point, patience: Seconds = 3.0) -> Ask:
    command = asks.ReadStatus(address=point.address)
    return Ask(command, lambda event: isinstance(event, base.Status), patience)


def ask_totals(point: Point, nozzle: int) -> Ask:
    command = asks.ReadTotals(address=point.address, nozzle=nozzle)
    return Ask(command, lambda event: isinstance(event, TotalsRead) and event.nozzle == nozzle)


def ask_transaction(point: Point) -> Ask:
    command = asks.ReadTransaction(address=point.address)
    return Ask(command, lambda event: isinstance(event, TransactionRead))


def pause(seconds: Seconds) -> Ask:
    return Ask(None, lambda event: False, seconds)


def read_totals_of(point: Point, nozzle: int) -> Generator[Ask, Event | None, TotalsRead | None]:
    for _ in range(2):
        answer = yield ask_totals(point, nozzle)
        if isinstance(answer, TotalsRead):
            return answer
    return None


def read_fill(point: Point, nozzle: int) -> Generator[Ask, Event | None, Reading | None]:
    """The head's fill and totalizer: one read where they agree, else two equal ones."""
    seen: Reading | None = None
    since: Seconds = 0.0
    for _ in range(SETTLE_TRIES):
        fill = yield ask_transaction(point)
        totals = None
        if isinstance(fill, TransactionRead):
            totals = yield from read_totals_of(point, fill.nozzle or nozzle)
        if isinstance(fill, TransactionRead) and totals is not None:
            before = point.meters.get(totals.nozzle)
            if before is not None and agrees(before, totals, fill, point.wires(totals.nozzle)):
                return fill, totals
            if seen == (fill, totals) and point.moment.now - since >= SURE_AFTER:
                return seen
            if seen != (fill, totals):
                seen, since = (fill, totals), point.moment.now
        yield pause(SETTLE_PAUSE)
    return None
