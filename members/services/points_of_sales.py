"""A sale earns and spends points in its own transaction; a refund gives back and takes back.

The sale tells what was sold; nobody types the points. The document is the key: once per sale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import ROUND_FLOOR, Decimal

from members.models import PointsAccount, PointsProgram, PointsTxn
from members.queries.earn_rules import active_program, capped, rules_at, used_of
from members.queries.earning import Basket, BasketLine, earned
from members.queries.tier_benefits import Held, held_at
from members.services import points, pool_purses, pool_returns, risk
from members.services.points import Cause
from members.services.points_adjusting import write_off_gone
from members.services.points_clawing import claw_back
from members.services.points_moving import IN
from members.services.pool_purses import Purse
from members.services.risk import Act, Gain
from station.models import Grade, Station, User
from station.services.waking import wake

REMIND_REACHED = "members.tasks.remind_reached"

FUEL = "FUEL"


@dataclass(frozen=True)
class Sold:
    """A sale as points see it. `spent` are the points paid for each line, by its position.

    `held` is the member's tier at `at`, where it was read already; `nozzles`, `attendants` and the
    plate are what limits against abuse look at; `tells_at` is the balance that is told of when it
    is reached (0 none, None not known here).
    """

    document: str
    member_id: int
    station: Station
    at: datetime
    date: date
    lines: tuple[BasketLine, ...]
    actor: User | None
    spent: Mapping[int, int]
    held: Held | None = None
    nozzles: tuple[int, ...] = ()
    attendants: tuple[int, ...] = ()
    plate_index: str = ""
    tells_at: int | None = None


@dataclass(frozen=True)
class Part:
    """How much of a sold line is given back, all refunds together: `back` of `sold`, net or pieces."""

    position: int
    sold: Decimal
    before: Decimal
    back: Decimal


def cause_of(sold: Sold, act: str) -> Cause:
    """Why a sale's row is written; the key is the act and the document."""
    return Cause(
        key=f"{act}:{sold.document}",
        at=sold.at,
        date=sold.date,
        document=sold.document,
        station_id=sold.station.pk,
        actor=sold.actor,
    )


def settle(*, sold: Sold) -> dict[int, int]:
    """Spend what was paid with points and earn for the rest; the points earned by each line.

    Refuses NotEnoughPoints, PointsFrozen. The caller holds the sale's transaction.
    """
    rules = rules_at(sold.at)
    if not rules and not sold.spent:
        return {}
    purse = pool_purses.locked_purse(member_id=sold.member_id, beside=sold.plate_index)
    spent = sum(sold.spent.values())
    spending, earning = cause_of(sold, "redeem"), cause_of(sold, "earn")
    # Two rows of one sale, or of two accounts: looked for once and swept once.
    fresh = bool(spent or purse.pool) and not pool_purses.met(purse, spending, earning)
    if spent:
        pool_purses.spend(purse=purse, points=spent, cause=spending, lines=sold.spent, fresh=fresh)
    if not rules:
        return {}
    program, basket = rules[0].program, basket_of(sold)
    used = used_of(account_id=purse.own.pk, day=sold.date) if capped(program, rules) else None
    told = earned(basket, program=program, rules=rules, used=used)
    if not told.points:
        return {}
    verdict = risk.judge(_gain(sold, told.points))
    if verdict.blocks:
        verdict.leave()
        return {}
    before = purse.own.balance
    txn = points.issue(
        account=purse.own,
        points=told.points,
        program=program,
        cause=replace(earning, reason=verdict.words),
        fresh=fresh,
        breakdown=told.breakdown(basket),
        held=verdict.holds,
    )
    if sold.tells_at is None or before < sold.tells_at <= purse.own.balance:
        wake(REMIND_REACHED)
    verdict.leave(txn)
    by_line = {one.position: one.points for one in told.lines}
    # What waits for somebody to look stays with the member: a pool is no place to take it back from.
    if fresh and purse.place is not None and not verdict.holds:
        pool_purses.contribute(
            purse=purse, gained=txn, shared=_shared(sold, purse, by_line), cause=earning
        )
    return by_line


def _gain(sold: Sold, gained: int) -> Gain:
    """What limits against abuse look at in a sale."""
    fuel = [one for one in sold.lines if one.kind == FUEL]
    return Gain(
        member_id=sold.member_id,
        station=sold.station,
        at=sold.at,
        document=sold.document,
        points=gained,
        litres=sum((one.quantity for one in fuel), Decimal(0)),
        diesel=any(one.category == Grade.Kind.DIESEL.label for one in fuel),
        nozzles=sold.nozzles,
        plate_index=sold.plate_index,
        cashier=sold.actor,
        attendants=sold.attendants,
    )


def _shared(sold: Sold, purse: Purse, by_line: Mapping[int, int]) -> int:
    """The points that a pool takes part in: a family's all of them, a company's those of fuel."""
    assert purse.place is not None
    if purse.place.pool.is_family:
        return sum(by_line.values())
    if purse.place.vehicle is None or not purse.place.vehicle.active:
        return 0
    return sum(by_line.get(one.position, 0) for one in sold.lines if one.kind == FUEL)


def basket_of(sold: Sold) -> Basket:
    """What the engine asks: the lines with the tier that the member held then, and its factor."""
    held = sold.held or held_at(member_id=sold.member_id, at=sold.at)
    return Basket(
        lines=sold.lines,
        at=sold.at,
        station=sold.station.code,
        tier=held.code,
        tier_name=held.name,
        factor=held.benefits.multiplier,
    )


def give_back(*, original: str, refund: Sold, parts: Sequence[Part]) -> dict[int, int]:
    """A refund: spent points go back to their lots, earned ones are taken back; by line, negative.

    Cumulative: what was given back before is known, so that any number of refunds come to the whole.
    With a closed member nothing stays.
    """
    rows = list(
        PointsTxn.objects.filter(
            document=original,
            kind__in=[points.Kind.EARN, points.Kind.REDEEM, points.Kind.TRANSFER_IN],
        ).order_by("pk")
    )
    if not rows:
        return {}
    program = active_program()
    assert program is not None  # what was earned under it cannot be deleted
    held = pool_returns.accounts_for(rows)
    told = _given_back(rows, held, refund, parts, program)
    write_off_gone(ids=[one.pk for one in held.values()], cause=cause_of(refund, "refund"))
    return told


def _given_back(
    rows: Sequence[PointsTxn],
    held: Mapping[int, PointsAccount],
    refund: Sold,
    parts: Sequence[Part],
    program: PointsProgram,
) -> dict[int, int]:
    risk.watch_refund(
        act=Act(refund.at, refund.station.pk, refund.document, refund.member_id, refund.actor)
    )
    redeemed = [one for one in rows if one.kind == points.Kind.REDEEM]
    gained = next((one for one in rows if one.kind == points.Kind.EARN), None)
    if redeemed:
        back = back_by_line(spent_by_line(redeemed), parts)
        pool_returns.cancel_spent(
            held=held,
            rows=redeemed,
            upto=sum(back.values()),
            program=program,
            cause=cause_of(refund, "cancel"),
        )
    if gained is None:
        return {}
    by_line = earned_by_line(gained)
    upto = back_by_line(by_line, parts)
    given = next((one for one in rows if one.idem == gained.idem + IN), None)
    _take_back(held, gained, given, sum(upto.values()), program, cause_of(refund, "clawback"))
    before = back_by_line(by_line, [replace(one, back=one.before) for one in parts])
    return {line: before[line] - upto[line] for line in upto}


def _take_back(
    held: Mapping[int, PointsAccount],
    gained: PointsTxn,
    given: PointsTxn | None,
    upto: int,
    program: PointsProgram,
    cause: Cause,
) -> None:
    if given is not None:
        pool_returns.claw_back(
            held=held, earned=gained, given=given, upto=upto, program=program, cause=cause
        )
        return
    account = held[gained.account_id]
    claw_back(account=account, earned=gained, upto=upto, program=program, cause=cause)


def spent_by_line(redeemed: Sequence[PointsTxn]) -> dict[int, int]:
    """The points that were paid for each line of a sale, by the member and his pool."""
    told: dict[int, int] = {}
    for row in redeemed:
        for line, part in (row.breakdown or {}).get("lines", {}).items():
            told[int(line)] = told.get(int(line), 0) + int(part)
    return told


def earned_by_line(gained: PointsTxn) -> dict[int, int]:
    """The points that each line of a sale earned."""
    return {one["position"]: one["points"] for one in (gained.breakdown or {}).get("lines", [])}


def back_by_line(by_line: Mapping[int, int], parts: Sequence[Part]) -> dict[int, int]:
    """What of each line's points belongs to what was given back of it so far, rounded down."""
    return {one.position: share(by_line.get(one.position, 0), one) for one in parts}


def share(whole: int, part: Part) -> int:
    """The points of a line times what was given back of it, rounded down; all for all of it."""
    if not part.sold:
        return 0
    return int((whole * part.back / part.sold).to_integral_value(ROUND_FLOOR))
