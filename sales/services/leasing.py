"""已锁定: a fill that one till shows on its ticket is held there, so that no other till takes it.

A lease runs out by itself, so that a till that died holds nothing for long. Offline, a till sells
what it has leased.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction

from sales.models import FillLease, ParkedTicket
from sales.queries.selling import fills_to_sell
from sales.queries.tickets import read_ticket
from station.errors import Refusal
from station.models import Station, TillSession, User
from station.queries import settings
from station.services import audit

_HOLD = """
INSERT INTO sales_filllease (fill_id, session_id, leased_at, expires_at)
SELECT fill_id, %(session)s, %(at)s, %(until)s FROM unnest(%(fills)s::bigint[]) AS fill_id
ON CONFLICT (fill_id) DO UPDATE
    SET session_id = EXCLUDED.session_id, leased_at = EXCLUDED.leased_at,
        expires_at = EXCLUDED.expires_at
    WHERE sales_filllease.session_id = EXCLUDED.session_id
       OR sales_filllease.expires_at <= EXCLUDED.leased_at
RETURNING fill_id
"""


class NotYours(Refusal):
    """The fill is another's: claimed, prepaid, or held by another till."""


@transaction.atomic
def lease(*, fill_ids: Sequence[int], session: TillSession, at: datetime) -> datetime:
    """Hold fills for a till; again by the same till, longer. Returns until when.

    Refuses NotYours with whose each fill is; then none is held.
    """
    if session.status != TillSession.Status.OPEN:
        raise NotYours("没有锁定：收银班已结束。请开新的收银班。")
    ids = sorted(set(fill_ids))
    fills = fills_to_sell(ids=ids, station=session.station, at=at)
    for fill_id in ids:
        fill = fills.get(fill_id)
        if fill is None:
            raise NotYours("没有锁定：找不到这笔加油记录。请刷新待付款。")
        owner = fill.claimed_by or fill.prepaid_by  # type: ignore[attr-defined]
        if owner:
            raise NotYours(f"没有锁定：{fill.nozzle} {fill.amount} 元已由 {owner} 收款。")
    until = at + timedelta(minutes=settings.whole("sales.lease_minutes", session.station))
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, {"fills": ids, "session": session.pk, "at": at, "until": until})
        held = {fill_id for (fill_id,) in cursor.fetchall()}
    for fill_id in ids:
        if fill_id not in held:
            # Asked again: who was faster was not there when it was read.
            fill = fills_to_sell(ids=[fill_id], station=session.station, at=at)[fill_id]
            raise NotYours(
                f"没有锁定：{fill.nozzle} {fill.amount} 元已在 {fill.held_till} 号收银台的单上。"  # type: ignore[attr-defined]
                "请在那边收款，或让那边退回。"
            )
    return until


@transaction.atomic
def put_back(*, fill_ids: Sequence[int], session: TillSession) -> int:
    """Let go of fills that this till holds; the number let go. What it does not hold stays."""
    gone, _ = FillLease.objects.filter(fill__in=list(fill_ids), session=session).delete()
    return gone


@transaction.atomic
def let_go(*, sessions: Sequence[TillSession]) -> None:
    """Tills that stop selling hold no fill any more, but those of baskets put aside: any till may
    still take such a basket up, and finds its fills unsold."""
    baskets = ParkedTicket.objects.filter(
        parked_session__in=sessions, recalled_session=None, voided_at=None
    ).values_list("basket", flat=True)
    aside = {fill_id for basket in baskets for fill_id in read_ticket(basket).fill_ids}
    FillLease.objects.filter(session__in=sessions).exclude(fill__in=aside).delete()


@transaction.atomic
def set_free(*, fill_id: int, station: Station, actor: User, at: datetime) -> None:
    """Take a fill of a station from a till that does not let go (broken, left). Audited."""
    lease = (
        FillLease.objects.select_for_update(of=("self",))
        .select_related("session__station", "session__till", "fill__nozzle")
        .filter(fill=fill_id, session__station=station)
        .first()
    )
    if lease is None:
        return
    audit.record(
        at=at,
        actor=actor,
        station=lease.session.station,
        action="sales.lease.freed",
        document=f"fill:{fill_id}",
        before={"till": lease.session.till.name},
        after={"fill": f"{lease.fill.nozzle} {lease.fill.amount}"},
    )
    lease.delete()


def drop_stale(*, at: datetime) -> int:
    """Remove leases that ran out an hour ago; settled fills leave theirs behind."""
    gone, _ = FillLease.objects.filter(expires_at__lt=at - timedelta(hours=1)).delete()
    return gone
