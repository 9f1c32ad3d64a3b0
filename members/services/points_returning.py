"""Spent points come back: to the lots they came from, or to one that lives a grace period."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F, Q, Sum

from members.models import PointsAccount, PointsAlloc, PointsLot, PointsProgram, PointsTxn
from members.queries.points_expiry import grace_until
from members.services import points as ledger
from members.services.points import Cause, Kind, MoreThanWas


@transaction.atomic(savepoint=False)
def cancel_redeem(
    *, account: PointsAccount, redeemed: PointsTxn, upto: int, program: PointsProgram, cause: Cause
) -> PointsTxn | None:
    """Give back spent points until `upto` of them are back, to the lots they came from.

    A lot that died meanwhile is replaced by one that lives as long as the programme's grace. None
    where nothing more is to be given. Refuses MoreThanWas.
    """
    twin = ledger.known(cause)
    if twin is not None:
        return twin
    back = redeemed.reversals.aggregate(total=Sum("amount"))["total"] or 0
    if upto > redeemed.amount:
        raise MoreThanWas(f"没有退回积分：只用过 {redeemed.amount} 分，不能退 {upto} 分。")
    points = upto - back
    if points <= 0:
        return None
    ledger.sweep(account, cause)
    account.balance += points
    txn = ledger.note(
        account, Kind.REDEEM_CANCEL, cause, amount=points, delta=points, reverses=redeemed
    )
    account.balance -= points
    give_back_lots(account, txn, redeemed, points, program, cause)
    ledger.offset_debt(account, cause)
    ledger.keep(account)
    return txn


def give_back_lots(
    account: PointsAccount,
    txn: PointsTxn,
    redeemed: PointsTxn,
    points: int,
    program: PointsProgram,
    cause: Cause,
) -> None:
    """Last taken, first returned, so that what is back longest lives longest."""
    allocs = redeemed.allocs.select_related("lot").order_by("-id")
    returned = _returned(redeemed)
    alive: list[tuple[PointsLot, int]] = []
    for alloc in allocs:
        lot = alloc.lot
        part = min(points, -alloc.qty - returned.get(lot.pk, 0))
        if part <= 0:
            continue
        points -= part
        here = lot.account_id == account.pk
        if here and (lot.expires_at is None or lot.expires_at > cause.at):
            PointsLot.objects.filter(pk=lot.pk).update(remaining=F("remaining") + part)
            account.balance += part
            alive.append((lot, part))
        else:
            _grace(account, txn, lot, part, program, cause)
    ledger.allocate(txn, alive, 1)


def _returned(redeemed: PointsTxn) -> dict[int, int]:
    """What of each lot was given back before."""
    mine = Q(txn__reverses=redeemed, txn__kind=Kind.REDEEM_CANCEL)
    back = dict(PointsAlloc.objects.filter(mine).values_list("lot").annotate(Sum("qty")))
    graces = PointsLot.objects.filter(mine).values_list("regained").annotate(Sum("issued"))
    for lot, points in graces:
        back[lot] = back.get(lot, 0) + points
    return back


def _grace(
    account: PointsAccount,
    txn: PointsTxn,
    lot: PointsLot,
    points: int,
    program: PointsProgram,
    cause: Cause,
) -> None:
    """Points of a lot that is dead, or went to another account: a lot of its own, same root."""
    dead = lot.expires_at is not None and lot.expires_at <= cause.at
    ledger.add_lot(
        account,
        txn,
        points,
        root_id=lot.root_id,
        regained=lot,
        station_id=lot.station_id,
        active_from=cause.at,
        expires_at=grace_until(program=program, at=cause.at) if dead else lot.expires_at,
    )
