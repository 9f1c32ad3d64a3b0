"""转移与合并: points move between accounts with their expiry and their root, in one transaction."""

from __future__ import annotations

from django.db import transaction

from members.models import PointsAccount, PointsLot, PointsTxn, PoolMember
from members.queries.points import fifo
from members.services.points import (
    Cause,
    Kind,
    NotEnoughPoints,
    PointsFrozen,
    add_lot,
    allocate,
    consume,
    keep,
    note,
    offset_debt,
    sweep,
)

OUT, IN = ":out", ":in"


def account_of_holder(*, holder: str) -> PointsAccount:
    """The account of a pool or company (such as ``pool:17``), opened where there is none."""
    account, _ = PointsAccount.objects.get_or_create(holder=holder)
    return account


@transaction.atomic
def move(
    *, source: PointsAccount, target: PointsAccount, cause: Cause, points: int | None = None
) -> PointsTxn | None:
    """Move points from one account to another: so many that can be used, first to expire first.

    Without `points` everything goes, pending points and debt too. Returns the row of the source,
    None where there was nothing. Again with the same key, once. Refuses NotEnoughPoints,
    PointsFrozen.
    """
    rows = PointsAccount.objects.select_for_update(no_key=True).order_by("pk")
    held = {one.pk: one for one in rows.filter(pk__in=[source.pk, target.pk])}
    here, there = held[source.pk], held[target.pk]
    twin = PointsTxn.objects.filter(idem=cause.key + OUT).first()
    if twin is not None or here.pk == there.pk:
        return twin
    if here.frozen:
        raise PointsFrozen("没有转出：积分已冻结。请客服核实后解冻。")
    for one in (here, there):
        sweep(one, cause)
    if points is not None and (points <= 0 or points > here.balance):
        raise NotEnoughPoints(f"没有转出：可用积分 {here.balance} 分，要转 {points} 分。")
    return _moved(here, there, cause, points)


def _moved(
    here: PointsAccount, there: PointsAccount, cause: Cause, points: int | None
) -> PointsTxn | None:
    lots = list(fifo(here))
    wanted = here.balance + here.pending if points is None else points
    debt = here.debt if points is None else 0
    if not wanted and not debt:
        return None
    parts = consume(here, lots, wanted)
    here.debt -= debt
    out = note(
        here,
        Kind.TRANSFER_OUT,
        cause,
        amount=wanted,
        suffix=OUT,
        delta=debt - wanted,
        debt_delta=-debt,
    )
    allocate(out, parts, -1)
    keep(here)
    arrive(there, cause, parts, debt)
    return out


def arrive(
    there: PointsAccount,
    cause: Cause,
    parts: list[tuple[PointsLot, int]],
    debt: int,
    place: PoolMember | None = None,
) -> None:
    """What was taken of another account's lots, and its debt, come to a locked account."""
    wanted = sum(part for _, part in parts)
    came = note(
        there,
        Kind.TRANSFER_IN,
        cause,
        amount=wanted,
        suffix=IN,
        delta=wanted - debt,
        debt_delta=debt,
        place=place,
    )
    there.debt += debt
    for lot, part in parts:
        add_lot(
            there,
            came,
            part,
            root_id=lot.root_id,
            station_id=lot.station_id,
            pending=lot.pending,
            active_from=lot.active_from,
            expires_at=lot.expires_at,
        )
    offset_debt(there, cause)
    keep(there)


@transaction.atomic
def merge(*, source: PointsAccount, target: PointsAccount, cause: Cause) -> PointsTxn | None:
    """Move everything, and let whatever still comes for the source go to the target. Once."""
    row = move(source=source, target=target, cause=cause)
    PointsAccount.objects.filter(pk=source.pk).exclude(pk=target.pk).update(moved_to=target.pk)
    return row
