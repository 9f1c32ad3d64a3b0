"""What goes back out of a pool: spent points that come back, what a leaver brought, what a refund takes.

Points of a pool belong to whoever earned them (the lot's root), so that they can go back to him. A
pool never owes: what a refund does not find of his in it, he owes himself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from django.db.models import Sum
from django.utils.timezone import localdate

from members.models import (
    PointsAccount,
    PointsAlloc,
    PointsLot,
    PointsProgram,
    PointsTxn,
    Pool,
    PoolMember,
)
from members.queries.points import fifo
from members.queries.pools import State, ends_of, owners_of
from members.services import points as ledger
from members.services import points_returning
from members.services.points import Cause, Kind
from members.services.points_clawing import expired_credit, still_to_take, take
from members.services.points_moving import OUT, arrive
from members.services.pool_purses import POOL, lessen, locked_accounts


def accounts_for(rows: Sequence[PointsTxn]) -> dict[int, PointsAccount]:
    """Every account that giving back these rows may touch, locked: also of who left the pool since."""
    asked = {row.account_id for row in rows}
    for row in rows:
        if row.place_id is not None and row.kind == Kind.REDEEM:
            roots = PointsAlloc.objects.filter(txn=row).values_list("lot__root__account")
            asked |= set(ends_of({pk for (pk,) in roots}).values())
    return locked_accounts(asked)


def cancel_spent(
    *,
    held: Mapping[int, PointsAccount],
    rows: Sequence[PointsTxn],
    upto: int,
    program: PointsProgram,
    cause: Cause,
) -> PointsTxn | None:
    """Give back what a cause spent until `upto` of it is back: the pool's first, as it was spent last.

    Points of somebody who left the pool meanwhile go on to himself. Returns the first row's.
    """
    back: PointsTxn | None = None
    theirs = sum(row.amount for row in rows if row.place_id is not None)
    for row in rows:
        pooled = row.place_id is not None
        part = min(upto, theirs) if pooled else max(upto - theirs, 0)
        why = replace(cause, key=cause.key + (POOL if pooled else ""))
        done = points_returning.cancel_redeem(
            account=held[row.account_id], redeemed=row, upto=part, program=program, cause=why
        )
        back = back or done
        if pooled and done is not None:
            return_strays(pool=held[row.account_id], held=held, cause=why)
    return back


def return_strays(*, pool: PointsAccount, held: Mapping[int, PointsAccount], cause: Cause) -> None:
    """Points of a family's pool whose contributor is no longer in it go to him; locked accounts."""
    place = PoolMember.objects.select_related("pool").filter(pool__account=pool).first()
    assert place is not None  # only who was in it can have spent of it
    if not place.pool.is_family and place.pool.closed_at is None:
        return
    staying = PointsAccount.objects.filter(
        member__pool_places__pool=place.pool, member__pool_places__state=State.ACTIVE
    )
    give_out(pool=pool, held=held, but=set(staying.values_list("pk", flat=True)), cause=cause)


def give_out(
    *,
    pool: PointsAccount,
    held: Mapping[int, PointsAccount],
    cause: Cause,
    but: set[int] | None = None,
    only: int | None = None,
) -> int:
    """Points of a locked pool go to the locked accounts that they were earned by; how many went.

    `but`: the accounts that stay in the pool; `only`: the one that gets his. With expiry and root,
    pending ones as pending. Again with the same key nothing is left to go.
    """
    lots = list(fifo(pool).select_related("root"))
    owners = owners_of(lots)
    into = {one.pk: one for one in held.values()}
    gone = 0
    for owner in sorted(set(owners.values())):
        if owner in (but or ()) or (only is not None and owner != only) or owner not in into:
            continue
        parts = [(lot, lot.remaining) for lot in lots if owners[lot.pk] == owner]
        why = replace(cause, key=f"{cause.key}:{owner}")
        gone += hand_over(pool, into[owner], parts, why)
    return gone


def send_home(
    *, pool: Pool, places: Sequence[PoolMember], why: str, at: datetime, whole: bool
) -> int:
    """What is left of the points of these members goes from a pool back to them; how many.

    `whole`: and of everybody else. What a closed member had earned is written off.
    """
    leaving = PointsAccount.objects.filter(member__in=[one.member_id for one in places])
    asked = set(ends_of(leaving.values_list("pk", flat=True)).values())
    if whole:
        roots = PointsLot.objects.filter(account=pool.account_id, remaining__gt=0)
        asked |= set(ends_of(roots.values_list("root__account", flat=True)).values())
    held = locked_accounts(asked | {pool.account_id})
    cause = Cause(
        key=f"pool:{pool.number}:{'all' if whole else places[0].pk}",
        at=at,
        date=localdate(at),
        document=pool.number,
        station_id=pool.station_id,
        reason=f"{pool}：{why}",
    )
    for account in held.values():
        ledger.sweep(account, cause)
    source = held[pool.account_id]
    closed = set(
        PointsAccount.objects.filter(pk__in=asked, member__status="CLOSED").values_list(
            "pk", flat=True
        )
    )
    into = {pk: one for pk, one in held.items() if pk not in closed and pk in asked}
    gone = give_out(pool=source, held=into, cause=cause)
    if whole and source.balance + source.pending:
        _write_off(source, cause)
    return gone


def _write_off(pool: PointsAccount, cause: Cause) -> None:
    """What nobody is left for goes out of a pool as an adjustment."""
    lots = list(fifo(pool))
    points = pool.balance + pool.pending
    parts = ledger.consume(pool, lots, points)
    txn = ledger.note(pool, Kind.ADJUST, cause, amount=points, suffix=":void", delta=-points)
    ledger.allocate(txn, parts, -1)
    ledger.keep(pool)


def hand_over(
    pool: PointsAccount,
    there: PointsAccount,
    parts: list[tuple[PointsLot, int]],
    cause: Cause,
) -> int:
    """Whole lots of a locked pool go to another locked account."""
    points = sum(part for _, part in parts)
    for lot, part in parts:
        if lot.pending:
            pool.pending -= part
        else:
            pool.balance -= part
    lessen(parts)
    out = ledger.note(pool, Kind.TRANSFER_OUT, cause, amount=points, suffix=OUT, delta=-points)
    ledger.allocate(out, parts, -1)
    ledger.keep(pool)
    arrive(there, cause, parts, 0)
    return points


# --------------------------------------------------------------------------- taking back


def claw_back(
    *,
    held: Mapping[int, PointsAccount],
    earned: PointsTxn,
    given: PointsTxn,
    upto: int,
    program: PointsProgram,
    cause: Cause,
) -> None:
    """Take back what a sale earned until `upto` of it is gone, from where it went, in the same shares.

    `given` is the pool's row of it. What expired is let go first. The pool gives only what is the
    member's in it, his points of this sale first; the rest is his own. Again with the same key, once.
    """
    if ledger.known(cause) or ledger.known(cause, POOL):
        return
    points = still_to_take(earned, upto)
    if points <= 0:
        return
    own, pool = held[earned.account_id], held[given.account_id]
    for account in (own, pool):
        ledger.sweep(account, cause)
    expired = min(points, expired_credit(earned))
    before = earned.reversals.filter(account=pool).aggregate(total=Sum("amount"))["total"] or 0
    share = given.amount * upto // earned.amount - before
    parts = _his(pool, own, earned, max(min(share, points - expired), 0))
    theirs = sum(part for _, part in parts)
    if theirs:
        txn = ledger.note(
            pool,
            Kind.CLAWBACK,
            cause,
            amount=theirs,
            suffix=POOL,
            delta=-theirs,
            reverses=earned,
            place_id=given.place_id,
        )
        ledger.allocate(txn, parts, -1)
        ledger.keep(pool)
    if points - theirs:
        take(own, earned, points - theirs, expired, program, cause)


def _his(
    pool: PointsAccount, own: PointsAccount, earned: PointsTxn, wanted: int
) -> list[tuple[PointsLot, int]]:
    """Take what is a member's in a pool, the points of one sale first, pending ones first."""
    if not wanted:
        return []
    lots = list(fifo(pool).select_related("root"))
    owners = owners_of(lots)
    his = [lot for lot in lots if owners[lot.pk] == own.pk]
    his.sort(key=lambda lot: (lot.root_id != earned.pk, not lot.pending))
    return ledger.consume(pool, his, wanted)
