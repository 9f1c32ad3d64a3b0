"""What a settled totalizer becomes: facts for the spool."""

from __future__ import annotations

from decimal import Decimal

from devices.line import facts
from devices.line.point import Point
from devices.line.settling import Found, FoundFill, Meter, Terms, settle, step_of
from devices.line.visit import Visit
from devices.line.wiring import NozzleWiring
from devices.protocols.base import Seconds, TotalsRead, TransactionRead
from devices.recorder import reference
from devices.spool import Fact

AUDIT_EVERY: Seconds = 30.0  # an idle head's totalizers are read again, one after another
AUDIT_APART: Seconds = 0.7  # heads of one line not all at once, although they came online together
AUDIT_LAST: Seconds = 300.0  # how long the fuelling of others may put it off


def first_reading(point: Point, nozzle: NozzleWiring, found: Found) -> Fact:
    """Where the count starts, or goes on after a break."""
    kind = "START" if nozzle.position in point.meters else "OPENING"
    at = point.moment.at
    return facts.totals(nozzle.id, found.meter, kind=kind, document="", at=at, read_at=at)


def settled(
    point: Point,
    nozzle: NozzleWiring,
    totals: TotalsRead,
    fill: TransactionRead | None,
    visit: Visit | None,
) -> Found:
    price = nozzle.price_at(point.moment.at)
    if fill is not None and _told_before(point, nozzle, totals, fill):
        fill = None
    return settle(
        before=point.meters.get(nozzle.position),
        epoch=nozzle.epoch,
        totals=totals,
        fill=fill,
        ran=visit is not None,
        alone=point.alone,
        terms=visit.terms if visit is not None and visit.price is not None else Terms(price),
        wires=point.wires(nozzle.position),
        serial=visit.serial if visit is not None else f"{facts.millis(point.moment.at):x}"[-12:],
    )


def name_of(fill: TransactionRead, *, totals_decide: bool) -> str:
    """A transaction as its head tells it from the one before; nothing where heads do not count them."""
    if not fill.transaction_id and not totals_decide:
        return ""
    return f"{fill.transaction_id}:{fill.nozzle}:{fill.litres}:{fill.amount}"


def _told_before(
    point: Point, nozzle: NozzleWiring, totals: TotalsRead, fill: TransactionRead
) -> bool:
    """Still the last fill that was told: some heads show it until the next one flows.

    Where only the totals tell whether there was a sale, it is the last one while they stand still.
    """
    before = point.meters.get(nozzle.position)
    if before is None:
        return False
    decide = point.codec.abilities.totals_decide
    again = bool(point.told) and name_of(fill, totals_decide=decide) == point.told
    wires = point.wires(nozzle.position)
    step, _ = step_of(before, totals, wires.digits)
    same = wires.same(step, fill.litres)
    if decide and step == 0:
        return again or not same
    return again and not same


def found_facts(
    point: Point, nozzle: NozzleWiring, found: Found, visit: Visit | None
) -> list[Fact]:
    at = point.moment.at
    new: list[Fact] = []
    if found.rolled_over:
        last = Decimal(10) ** nozzle.digits
        new.append(facts.roll_over(nozzle.id, found.meter.epoch, last, at))
    if found.backwards:
        before = point.meters[nozzle.position].litres
        text = f"{nozzle.number} 号枪泵码倒走：{before} → {found.meter.litres}"
        new.append(point.alarm_fact("BACKWARDS", text, f"{nozzle.number} 号枪", nozzle))
    for index, fill in enumerate(found.fills):
        last_one = index == len(found.fills) - 1
        mine = visit if visit is not None and last_one else None
        new.append(_fill_fact(point, nozzle, fill, mine))
        if "INFERRED" in fill.flags:
            text = f"{nozzle.number} 号枪断线期间走字 {fill.litres} 升，金额按推算入账"
            new.append(point.alarm_fact("GAP", text, f"{nozzle.number} 号枪", nozzle))
        new += _fill_alarms(point, nozzle, fill)
    for gap in found.gaps:
        new.append(facts.gap(nozzle.id, gap, nozzle.price_at(at), at))
        text = f"{nozzle.number} 号枪泵码缺口 {gap.litres_to - gap.litres_from} 升，无加油记录"
        new.append(point.alarm_fact("GAP", text, f"{nozzle.number} 号枪", nozzle))
    return new


def _fill_fact(point: Point, nozzle: NozzleWiring, fill: FoundFill, visit: Visit | None) -> Fact:
    at = point.moment.at
    last = point.frame()
    first = visit.first_frame if visit is not None and visit.first_frame else max(1, last - 200)
    return facts.fill(
        nozzle.id,
        fill,
        at=at,
        ended_at=(visit.ended_at if visit is not None else None) or at,
        lifted_at=visit.lifted_at if visit is not None else None,
        started_at=visit.started_at if visit is not None else None,
        authorisation=visit.grant.id if visit is not None and visit.grant is not None else None,
        frames=reference(point.line.box, min(first, last), last),
    )


def _fill_alarms(point: Point, nozzle: NozzleWiring, fill: FoundFill) -> list[Fact]:
    subject = f"{nozzle.number} 号枪"
    new = []
    if "PRICE_DIFFERS" in fill.flags:
        text = f"{subject}按 {fill.price} 元/升加油，与应执行价不符"
        new.append(point.alarm_fact("PRICE", text, subject, nozzle))
    if "TOTALIZER_MISMATCH" in fill.flags:
        text = f"{subject}加油 {fill.litres} 升，与泵码走字不符"
        new.append(point.alarm_fact("AMOUNT", text, subject, nozzle))
    return new


def grant_ended(point: Point, visit: Visit, *, delivered: bool) -> list[Fact]:
    """What became of the visit's grant: one under which fuel flowed was used, whoever stopped it."""
    if visit.grant is None:
        return []
    outcome = "USED" if delivered else visit.outcome
    return [facts.authorisation(visit.grant.id, outcome, point.moment.at)]


def read_now(point: Point, meters: dict[int, Meter]) -> None:
    for number in meters:
        point.read_at[number] = point.moment.at
    audit_later(point)


def audit_later(point: Point) -> None:
    apart = point.address % 16 * AUDIT_APART
    point.audit_at = point.moment.now + AUDIT_EVERY + apart


def audit_due(point: Point) -> bool:
    """Time for another look; while many fuel on the line it waits, but not for ever."""
    late = point.moment.now - point.audit_at
    return late >= AUDIT_LAST or (late >= 0 and not point.crowded())
