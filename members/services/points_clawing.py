"""扣回: what a refunded sale had earned is taken back, cumulatively, never more than it earned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Sum

from members.models import PointsAccount, PointsLot, PointsProgram, PointsTxn
from members.queries.points import fifo
from members.services.points import (
    Cause,
    Kind,
    MoreThanWas,
    allocate,
    consume,
    keep,
    known,
    note,
    sweep,
)


@dataclass(frozen=True)
class _Rest:
    """What lots could not give: forgiven because it had expired, written off, or owed."""

    expired: int
    written_off: int
    owed: int


@transaction.atomic(savepoint=False)
def claw_back(
    *, account: PointsAccount, earned: PointsTxn, upto: int, program: PointsProgram, cause: Cause
) -> PointsTxn | None:
    """Take back what a sale earned until `upto` of it is gone; again with the same key, once.

    First what expired unspent is let go, then the sale's own lots (pending ones first), then
    others, first to expire first; the rest is owed, or written off where the programme says so.
    None where nothing more is to be taken. Refuses MoreThanWas.
    """
    twin = known(cause)
    if twin is not None:
        return twin
    points = still_to_take(earned, upto)
    if points <= 0:
        return None
    sweep(account, cause)
    expired = min(points, expired_credit(earned))
    return take(account, earned, points, expired, program, cause)


def still_to_take(earned: PointsTxn, upto: int) -> int:
    """What is left to take back of a sale's points. Refuses MoreThanWas."""
    if upto > earned.amount:
        raise MoreThanWas(f"没有扣回积分：只得过 {earned.amount} 分，不能扣 {upto} 分。")
    return upto - taken_back(earned)


def take(
    account: PointsAccount,
    earned: PointsTxn,
    points: int,
    expired: int,
    program: PointsProgram,
    cause: Cause,
    kind: str = Kind.CLAWBACK,
) -> PointsTxn:
    """Take so many points of a locked and swept account, of which some are let go as expired."""
    parts = consume(account, in_order(account, earned), points - expired)
    rest = rest_of(points - expired - sum(part for _, part in parts), expired, program)
    account.debt += rest.owed
    txn = note(
        account,
        kind,
        cause,
        amount=points,
        delta=-(points - rest.expired - rest.written_off),
        debt_delta=rest.owed,
        forgiven=rest.expired + rest.written_off,
        reverses=earned,
        breakdown={"expired": rest.expired, "written_off": rest.written_off},
    )
    allocate(txn, parts, -1)
    keep(account)
    return txn


def taken_back(earned: PointsTxn) -> int:
    """What of it was taken back before."""
    return earned.reversals.aggregate(total=Sum("amount"))["total"] or 0


def expired_credit(earned: PointsTxn) -> int:
    """What of a sale's points expired unspent, wherever they had gone, and was not let go yet."""
    gone = PointsLot.objects.filter(root=earned).aggregate(total=Sum("expired"))["total"] or 0
    told = earned.reversals.values_list("breakdown", flat=True)
    let_go = sum(int((one or {}).get("expired", 0)) for one in told)
    return max(int(gone) - let_go, 0)


def in_order(account: PointsAccount, earned: PointsTxn) -> Sequence[PointsLot]:
    """The sale's own lots, pending first, then the others, first to expire first."""
    lots = list(fifo(account))
    own = [one for one in lots if one.root_id == earned.pk]
    own.sort(key=lambda one: not one.pending)
    return [*own, *(one for one in lots if one.root_id != earned.pk)]


def rest_of(missing: int, expired: int, program: PointsProgram) -> _Rest:
    """What becomes of points that no lot could give."""
    if program.clawback == PointsProgram.Clawback.WRITE_OFF:
        return _Rest(expired, missing, 0)
    return _Rest(expired, 0, missing)
