"""A sale earns and spends points in its own transaction; a refund gives back and takes back.

The sale tells what was sold; nobody types the points. The document is the key: once per sale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import ROUND_FLOOR, Decimal

from members.models import PointsTxn
from members.queries.earn_rules import active_program, capped, rules_at, used_of
from members.queries.earning import Basket, BasketLine, earned
from members.queries.tier_benefits import Held, held_at
from members.services import points, risk
from members.services.points import Cause
from members.services.points_clawing import claw_back
from members.services.risk import Act, Gain
from station.models import Grade, Station, User
from station.services.waking import wake

REMIND_REACHED = "members.tasks.remind_reached"
FUEL = "FUEL"


@dataclass(frozen=True)
class Sold:
    """A sale as points see it. `spent` are the points paid for each line, by its position.

    `held` is the member's tier at `at`, where it was read already; `nozzles`, `attendants` and the
    plate are what limits against abuse look at.
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
    account = points.locked_account(member_id=sold.member_id, beside=sold.plate_index)
    spent = sum(sold.spent.values())
    spending, earning = cause_of(sold, "redeem"), cause_of(sold, "earn")
    # Two rows of one sale: looked for once and swept once.
    fresh = bool(spent) and not _are_known(spending, earning)
    if fresh:
        points.sweep(account, spending)
    if spent:
        points.redeem(
            account=account,
            points=spent,
            cause=spending,
            fresh=fresh,
            breakdown={"lines": {str(line): part for line, part in sold.spent.items()}},
        )
    if not rules:
        return {}
    program, basket = rules[0].program, basket_of(sold)
    used = used_of(account_id=account.pk, day=sold.date) if capped(program, rules) else None
    told = earned(basket, program=program, rules=rules, used=used)
    if not told.points:
        return {}
    verdict = risk.judge(_gain(sold, told.points))
    if verdict.blocks:
        verdict.leave()
        return {}
    txn = points.issue(
        account=account,
        points=told.points,
        program=program,
        cause=replace(earning, reason=verdict.words),
        fresh=fresh,
        breakdown=told.breakdown(basket),
        held=verdict.holds,
    )
    verdict.leave(txn)
    wake(REMIND_REACHED)
    return {one.position: one.points for one in told.lines}


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


def _are_known(*causes: Cause) -> bool:
    return PointsTxn.objects.filter(idem__in=[one.key for one in causes]).exists()


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
    """
    rows = {
        one.kind: one
        for one in PointsTxn.objects.filter(
            document=original, kind__in=[points.Kind.EARN, points.Kind.REDEEM]
        )
    }
    if not rows:
        return {}
    program = active_program()
    assert program is not None  # what was earned under it cannot be deleted
    account = points.locked(account_id=next(iter(rows.values())).account_id)
    risk.watch_refund(
        act=Act(refund.at, refund.station.pk, refund.document, refund.member_id, refund.actor)
    )
    redeemed, gained = rows.get(points.Kind.REDEEM), rows.get(points.Kind.EARN)
    if redeemed is not None:
        back = back_by_line(spent_by_line(redeemed), parts)
        points.cancel_redeem(
            account=account,
            redeemed=redeemed,
            upto=sum(back.values()),
            program=program,
            cause=cause_of(refund, "cancel"),
        )
    if gained is None:
        return {}
    by_line = earned_by_line(gained)
    upto = back_by_line(by_line, parts)
    claw_back(
        account=account,
        earned=gained,
        upto=sum(upto.values()),
        program=program,
        cause=cause_of(refund, "clawback"),
    )
    before = back_by_line(by_line, [replace(one, back=one.before) for one in parts])
    return {line: before[line] - upto[line] for line in upto}


def spent_by_line(redeemed: PointsTxn) -> dict[int, int]:
    """The points that were paid for each line of a sale."""
    told = (redeemed.breakdown or {}).get("lines", {})
    return {int(line): int(part) for line, part in told.items()}


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
