"""A member's purse: his own account and that of the pool he is in, locked together.

What he earns is booked to himself and his share moved on to the pool in the same transaction, with
its expiry and root; what he spends comes from himself first. How points go back out of a pool is in
`pool_returns`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from django.db import connection
from django.db.models import F

from members.models import PointsAccount, PointsLot, PointsTxn, PoolMember
from members.queries.pools import (
    State,
    ends_of,
    largest_remainder,
    left_in_month,
    may_take,
    owners_of,
)
from members.services import points as ledger
from members.services import points_sweeping
from members.services.points import Cause, Kind, NotEnoughPoints, PointsFrozen
from members.services.points_moving import OUT, arrive
from station.queries.written import Part, Written

POOL = ":pool"


class PoolRefused(NotEnoughPoints):
    """The pool's head does not let the member spend so much of it."""


@dataclass
class Purse:
    """A member's account, and his pool's with his place in it; all locked."""

    own: PointsAccount
    pool: PointsAccount | None = None
    place: PoolMember | None = None


def locked_purse(*, member_id: int, beside: str = "") -> Purse:
    """A member's own account and his pool's, locked in the order of their ids.

    One statement where he is in no pool; it opens his account where he has none. `beside`: as for
    `points.locked_account`; it is taken before the accounts.
    """
    asked = _PURSE_BESIDE if beside else _PURSE
    values = {"member": member_id, "beside": beside}
    held: list[PointsAccount] = [one for (one,), _ in asked.rows(values)]
    own = next((one for one in held if one.member_id == member_id), None)
    if own is None or own.moved_to_id is not None:
        own = ledger.locked_account(member_id=member_id, beside=beside)
        if own.member_id is not None and own.member_id != member_id:
            return locked_purse(member_id=own.member_id, beside=beside)
    pool = next((one for one in held if one.member_id is None), None)
    if pool is None:
        return Purse(own)
    # Asked again under the lock: he may have left while it was waited for.
    place = (
        PoolMember.objects.filter(member=member_id, state=State.ACTIVE, pool__account=pool)
        .select_related("pool", "vehicle")
        .first()
    )
    return Purse(own, pool, place) if place is not None else Purse(own)


_HELD = """
SELECT {columns}{beside} FROM members_pointsaccount a
WHERE a.member_id = %(member)s OR a.id = (
 SELECT p.account_id FROM members_poolmember m JOIN members_pool p ON p.id = m.pool_id
 WHERE m.member_id = %(member)s AND m.state = 'ACTIVE' LIMIT 1)
ORDER BY a.id FOR NO KEY UPDATE OF a
"""
_BESIDE = ", pg_advisory_xact_lock(hashtextextended(%(beside)s, 0))"
_PURSE = Written(_HELD.replace("{beside}", ""), Part(PointsAccount, "a"))
_PURSE_BESIDE = Written(_HELD.replace("{beside}", _BESIDE), Part(PointsAccount, "a"))


def locked_accounts(ids: Iterable[int]) -> dict[int, PointsAccount]:
    """Accounts by id, locked in order; one that was merged is the one that it became."""
    asked = set(ids)
    rows = PointsAccount.objects.select_for_update(no_key=True).order_by("pk")
    held = {one.pk: one for one in rows.filter(pk__in=asked)}
    if any(one.moved_to_id for one in held.values()):
        ends = ends_of(asked)
        held |= {one.pk: one for one in rows.filter(pk__in=set(ends.values()))}
        return {pk: held[end] for pk, end in ends.items()}
    return held


def usable(purse: Purse, cause: Cause) -> int:
    """What a swept purse can pay now."""
    if purse.pool is None or purse.place is None:
        return purse.own.balance
    may = may_take(
        place=purse.place, balance=purse.pool.balance, frozen=purse.pool.frozen, day=cause.date
    )
    return purse.own.balance + may


def met(purse: Purse, *causes: Cause) -> bool:
    """Whether any of these causes made a row before; if none did, what is due of both is swept.

    One statement where nothing is due and there is no pool.
    """
    known, due = points_sweeping.known_or_due(
        account_id=purse.own.pk, keys=[one.key for one in causes], at=causes[0].at
    )
    if known is not None:
        return True
    if due:
        ledger.sweep(purse.own, causes[0])
    if purse.pool is not None:
        ledger.sweep(purse.pool, causes[0])
    return False


def sweep(purse: Purse, cause: Cause) -> None:
    """Expire and mature what is due of both."""
    ledger.sweep(purse.own, cause)
    if purse.pool is not None:
        ledger.sweep(purse.pool, cause)


# ------------------------------------------------------------------------------- earning


def contribute(*, purse: Purse, gained: PointsTxn, shared: int, cause: Cause) -> None:
    """Move a member's share of what a sale has just earned on to his pool.

    `shared` is how many of the points the pool takes part in. What paid a debt is not shared. The
    share is rounded down: the odd point stays with the member.
    """
    if purse.pool is None or purse.place is None:
        return
    lot = PointsLot.objects.get(txn=gained)
    part = min(shared, lot.remaining) * purse.place.share_pct // 100
    if part <= 0:
        return
    parts = ledger.consume(purse.own, [lot], part)
    told = replace(cause, reason=str(purse.place.pool))
    out = ledger.note(
        purse.own,
        Kind.TRANSFER_OUT,
        told,
        amount=part,
        suffix=OUT,
        delta=-part,
        place=purse.place,
    )
    ledger.allocate(out, parts, -1)
    ledger.keep(purse.own)
    arrive(purse.pool, told, parts, 0, purse.place)


# ------------------------------------------------------------------------------ spending


def spend(
    *,
    purse: Purse,
    points: int,
    cause: Cause,
    lines: Mapping[int, int] | None = None,
    fresh: bool = False,
) -> list[PointsTxn]:
    """Spend points of a purse, the member's own first; again with the same key, the same rows.

    `lines`: the points paid for each line of a sale. `fresh`: the purse is swept and the key new.
    Refuses NotEnoughPoints, PointsFrozen, PoolRefused.
    """
    if not fresh:
        rows = list(spent_rows(cause.key))
        if rows:
            return rows
        sweep(purse, cause)
    mine = min(purse.own.balance, points)
    if purse.place is None or purse.pool is None or mine == points:
        told = None if lines is None else {"lines": {str(line): n for line, n in lines.items()}}
        return [
            ledger.redeem(account=purse.own, points=points, cause=cause, breakdown=told, fresh=True)
        ]
    _refuse(purse, points - mine, cause)
    rows = []
    own_lines, pool_lines = _split(lines or {}, mine)
    if mine:
        told = {"lines": own_lines} if lines is not None else None
        rows.append(
            ledger.redeem(account=purse.own, points=mine, cause=cause, breakdown=told, fresh=True)
        )
    told = {"lines": pool_lines} if lines is not None else {}
    rows.append(_take(purse.pool, purse.place, points - mine, cause, told))
    return rows


def spent_rows(key: str) -> Sequence[PointsTxn]:
    """What a cause took: the member's own row, then the pool's."""
    return list(PointsTxn.objects.filter(idem__in=[key, key + POOL]).order_by("pk"))


def _refuse(purse: Purse, wanted: int, cause: Cause) -> None:
    assert purse.pool is not None
    assert purse.place is not None
    own, place = purse.own.balance, purse.place
    if purse.own.frozen or purse.pool.frozen:
        whose = "这个会员的积分" if purse.own.frozen else "积分池"
        raise PointsFrozen(f"没有抵扣：{whose}已冻结。请客服核实后解冻。")
    if not place.can_spend:
        raise PoolRefused(
            f"没有抵扣：自己的积分 {own} 分，不够；{place.pool} 没有给他开通使用。请改少。"
        )
    left = left_in_month(place=place, day=cause.date)
    if left is not None and wanted > left:
        raise PoolRefused(
            f"没有抵扣：自己的积分 {own} 分，{place.pool} 每月最多用 {place.cap_month} 分，"
            f"本月还可用 {left} 分。请改少。"
        )
    if wanted > purse.pool.balance:
        raise NotEnoughPoints(
            f"没有抵扣：自己的积分 {own} 分，{place.pool} 可用 {purse.pool.balance} 分，"
            f"合起来不够。请改少，或不用积分。"
        )


def _split(lines: Mapping[int, int], mine: int) -> tuple[dict[str, int], dict[str, int]]:
    """The points of each line as the member's own pay them, first line first, and as the pool does."""
    own, pool = {}, {}
    for line, points in sorted(lines.items()):
        part = min(points, mine)
        mine -= part
        if part:
            own[str(line)] = part
        if points - part:
            pool[str(line)] = points - part
    return own, pool


def _take(
    pool: PointsAccount,
    place: PoolMember,
    points: int,
    cause: Cause,
    breakdown: Mapping[str, object],
) -> PointsTxn:
    """Spend points of a locked pool that has them, first to expire first.

    Of what expires at one time each contributor gives in proportion to what is left of his.
    """
    lots = PointsLot.objects.filter(account=pool, remaining__gt=0, pending=False)
    ordered = lots.select_related("root").order_by(F("expires_at").asc(nulls_last=True), "pk")
    parts = _fairly(list(ordered), points)
    if sum(part for _, part in parts) != points:  # the balance said yes and the lots no
        raise RuntimeError(f"points account {pool.pk}: lots do not give {points}")
    pool.balance -= points
    lessen(parts)
    txn = ledger.note(
        pool,
        Kind.REDEEM,
        cause,
        amount=points,
        suffix=POOL,
        delta=-points,
        place=place,
        breakdown=dict(breakdown) or None,
    )
    ledger.allocate(txn, parts, -1)
    ledger.keep(pool)
    return txn


def _fairly(lots: list[PointsLot], points: int) -> list[tuple[PointsLot, int]]:
    owners = owners_of(lots)
    parts: list[tuple[PointsLot, int]] = []
    for _, group in groupby(lots, key=lambda lot: lot.expires_at):
        together = list(group)
        held: dict[int, int] = {}
        for lot in together:
            held[owners[lot.pk]] = held.get(owners[lot.pk], 0) + lot.remaining
        shares = largest_remainder(held, min(points, sum(held.values())))
        points -= sum(shares.values())
        for lot in together:
            part = min(lot.remaining, shares[owners[lot.pk]])
            shares[owners[lot.pk]] -= part
            if part:
                parts.append((lot, part))
        if not points:
            break
    return parts


def lessen(parts: Sequence[tuple[PointsLot, int]]) -> None:
    """Take parts of lots. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE members_pointslot SET remaining = remaining - taken.part"
            " FROM unnest(%s::bigint[], %s::bigint[]) AS taken(id, part)"
            " WHERE members_pointslot.id = taken.id",
            [[lot.pk for lot, _ in parts], [part for _, part in parts]],
        )
