"""What the wall shows of a point, nozzle by nozzle."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from devices.protocols.base import Condition

if TYPE_CHECKING:
    from devices.line.point import Point

OFFLINE, IDLE, CALLING, AUTHORISED = "OFFLINE", "IDLE", "CALLING", "AUTHORISED"
FUELLING, SUSPENDED, STOPPED, CLOSED = "FUELLING", "SUSPENDED", "STOPPED", "CLOSED"

_WORDS = {
    Condition.UNPROGRAMMED: CLOSED,
    Condition.IDLE: IDLE,
    Condition.CALLING: CALLING,
    Condition.AUTHORISED: AUTHORISED,
    Condition.FUELLING: FUELLING,
    Condition.SUSPENDED: SUSPENDED,
    Condition.LIMIT: SUSPENDED,
    Condition.ENDED: SUSPENDED,
    Condition.OFF: CLOSED,
    Condition.ERROR: CLOSED,
}
_MOVING = {AUTHORISED, FUELLING, SUSPENDED}


@dataclass(frozen=True, slots=True)
class NozzleLive:
    """One tile. `heard_at` is left out of comparisons: it changes with every poll."""

    nozzle: int
    state: str
    litres: Decimal
    amount: Decimal
    unit_price: Decimal | None
    totalizer: Decimal | None
    totalizer_at: datetime | None
    epoch: int
    lifted_at: datetime | None


def states(point: Point) -> list[NozzleLive]:
    """All nozzles of a point; one of them at most is moving."""
    out = []
    for nozzle in point.wiring.nozzles:
        word = _word(point, nozzle.position)
        here = word in _MOVING
        meter = point.meters.get(nozzle.position)
        visit = point.visit
        mine = visit is not None and visit.nozzle == nozzle.position
        out.append(
            NozzleLive(
                nozzle=nozzle.id,
                state=word,
                litres=point.litres if here else Decimal(0),
                amount=point.amount if here else Decimal(0),
                unit_price=point.held.get(nozzle.position),
                totalizer=meter.litres if meter else None,
                totalizer_at=point.read_at.get(nozzle.position),
                epoch=meter.epoch if meter else nozzle.epoch,
                lifted_at=visit.lifted_at if visit and mine else None,
            )
        )
    return out


def _word(point: Point, position: int) -> str:
    if not point.link.online or point.condition is None:
        return OFFLINE
    word = _WORDS[point.condition]
    if word == CLOSED or (point.doubt and word in (IDLE, CALLING)):
        return CLOSED
    chosen = point.visit.nozzle if point.visit is not None else point.nozzle
    if word != IDLE and position == chosen:
        return word
    if point.halted:
        return STOPPED
    if not point.synced and word == IDLE:
        return OFFLINE
    return IDLE
