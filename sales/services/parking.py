"""挂单与取单: a basket put aside at one till and taken up at any, exactly once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from sales.models import FillLease, ParkedTicket
from sales.queries.selling import locked_session
from sales.queries.tickets import read_ticket, storable
from sales.services.leasing import lease
from sales.services.settling import SessionEnded
from station.errors import Refusal
from station.models import TillSession, User
from station.money import Yuan
from station.services import audit
from station.services.numbering import next_number

# A parked basket keeps its fills from the other tills until it is taken up or voided.
PARKED_LEASE = timedelta(days=2)


class NotParked(Refusal):
    """There is no such basket to take up."""


@transaction.atomic
def park(
    *,
    basket: Mapping[str, Any],
    total: Yuan,
    label: str,
    session: TillSession,
    actor: User,
    at: datetime,
) -> ParkedTicket:
    """Put a basket aside; its fills stay locked. Again with the same key, the same parked ticket.

    A basket that was taken up keeps its key, so only what still waits counts as the same. Refuses
    an empty basket and an ended session.
    """
    ticket = read_ticket(basket)
    held = locked_session(session=session, key="")  # two clicks go one after the other
    waiting = ParkedTicket.objects.filter(
        station=held.station, recalled_session=None, voided_at=None
    )
    twin = waiting.filter(basket__key=ticket.key).first()
    if twin is not None:
        return twin
    if held.status != TillSession.Status.OPEN:
        raise SessionEnded("没有挂单：收银班已结束。请开新的收银班后再挂，明细仍在屏幕上。")
    if ticket.fill_ids:
        lease(fill_ids=ticket.fill_ids, session=held, at=at)
        FillLease.objects.filter(fill__in=ticket.fill_ids).update(expires_at=at + PARKED_LEASE)
    return ParkedTicket.objects.create(
        station=held.station,
        number=next_number(
            station=held.station,
            kind="K",
            day=held.shift.day.date,
            till=held.till.number,
        ),
        label=label.strip()[:40],
        basket=storable(basket),
        total=total,
        parked_by=actor,
        parked_session=held,
        parked_at=at,
    )


@transaction.atomic
def recall(*, parked: ParkedTicket, session: TillSession, at: datetime) -> ParkedTicket:
    """Take a basket up at this till; its fills are now held here.

    Refuses NotParked when another till was first. The same till may ask again (a lost answer).
    """
    moved = ParkedTicket.objects.filter(pk=parked.pk, recalled_session=None, voided_at=None).update(
        recalled_session=session, recalled_at=at
    )
    fresh = ParkedTicket.objects.select_related("recalled_session__till").get(pk=parked.pk)
    if not moved and fresh.recalled_session_id != session.pk:
        whose = f"已在 {fresh.recalled_session.till} 取走" if fresh.recalled_session else "已作废"
        raise NotParked(f"没有取单：{fresh.number} {whose}。请刷新挂单列表。")
    ids = read_ticket(fresh.basket).fill_ids
    if ids and moved:
        FillLease.objects.filter(fill__in=ids, session=fresh.parked_session_id).update(
            session=session
        )
        lease(fill_ids=ids, session=session, at=at)
    return fresh


@transaction.atomic
def void_parked(*, parked: ParkedTicket, reason: str, actor: User, at: datetime) -> None:
    """Void a parked basket: its fills are unpaid again and free. Audited.

    Refuses without a reason, and a basket that was taken up.
    """
    if not reason.strip():
        raise NotParked("没有作废：请写明原因。")
    moved = ParkedTicket.objects.filter(pk=parked.pk, recalled_session=None, voided_at=None).update(
        voided_at=at
    )
    if not moved:
        raise NotParked(f"没有作废：{parked.number} 已取单或已作废。")
    FillLease.objects.filter(
        fill__in=read_ticket(parked.basket).fill_ids, session=parked.parked_session_id
    ).delete()
    audit.record(
        at=at,
        actor=actor,
        station=parked.station,
        action="sales.parked.voided",
        document=parked.number,
        reason=reason,
        before={"total": str(parked.total)},
    )


@transaction.atomic
def void_basket(
    *, lines: int, total: Yuan, reason: str, session: TillSession, actor: User, at: datetime
) -> None:
    """Leave the trace of a basket (or of some lines of it) thrown away before it was paid."""
    if not reason.strip():
        raise Refusal("没有清空：请写明原因。")
    audit.record(
        at=at,
        actor=actor,
        station=session.station,
        action="sales.basket.voided",
        document=f"session:{session.pk}",
        reason=reason,
        before={"lines": lines, "total": str(total)},
    )
