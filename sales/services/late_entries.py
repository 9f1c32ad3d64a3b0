"""补录: a fill that the pump shows and the system lacks, typed with a reason and a second person."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from devices.models import Fill, TotalizerGap
from devices.queries.totalizers import reading_at
from devices.services.facts import FillFact, explain_gap, record_fill
from sales.models import LateEntry
from sales.queries.selling import locked_session
from sales.services.sessions import lock_open_shift
from sales.services.settling import SessionEnded
from station.errors import Refusal
from station.models import Nozzle, TillSession, User
from station.money import FEN, Litres, Yuan, round_yuan
from station.services import audit
from station.services.numbering import next_number

# A totalizer only rises, so that one typed too high would stand over every fill after it.
FAR = Decimal(10000)


class EntryRefused(Refusal):
    """What was typed cannot be a fill, or nobody else approved it."""


@transaction.atomic
def enter(
    *,
    nozzle: Nozzle,
    litres: Litres,
    unit_price: Yuan,
    amount: Yuan,
    totalizer_after: Litres,
    ended_at: datetime,
    reason: str,
    session: TillSession,
    actor: User,
    approver: User,
    at: datetime,
    gap: TotalizerGap | None = None,
) -> LateEntry:
    """Enter a fill from the pump's display; it then waits for payment like any other. Audited.

    A gap of the totalizer that it fills is explained by it. Refuses one's own approval, a missing
    reason, a time to come, an amount that is not litres × price to the fen, and a totalizer step
    that is there already.
    """
    lock_open_shift(session.station)  # before the session, as a handover locks them
    held = locked_session(session=session, key="")
    if held.status != TillSession.Status.OPEN:
        raise SessionEnded("没有补录：收银班已结束。请开新的收银班。")
    _check(litres, unit_price, amount, ended_at, reason, actor, approver, at)
    fill = _recorded(nozzle, litres, unit_price, amount, totalizer_after, ended_at, at)
    entry = LateEntry.objects.create(
        station=held.station,
        number=next_number(
            station=held.station, kind="LE", day=held.shift.day.date, till=held.till.number
        ),
        fill=fill,
        gap=gap or _gap_of(fill),
        reason=reason.strip(),
        actor=actor,
        approved_by=approver,
        at=at,
    )
    if entry.gap is not None:
        explain_gap(gap=entry.gap, fill=fill, actor=actor, at=at)
    _leave_trace(entry, approver, at)
    return entry


def _recorded(
    nozzle: Nozzle,
    litres: Litres,
    unit_price: Yuan,
    amount: Yuan,
    totalizer_after: Litres,
    ended_at: datetime,
    at: datetime,
) -> Fill:
    reading = reading_at(nozzle=nozzle, at=at)
    if reading is not None and totalizer_after > reading.litres + FAR:
        raise EntryRefused(
            f"没有补录：泵码 {totalizer_after} 比 {nozzle} 最近读到的 {reading.litres} 大出 {FAR:f} 升以上。"
            "请核对加油机上的泵码，是否多打了一位。"
        )
    fill = record_fill(
        FillFact(
            nozzle=nozzle.pk,
            litres=litres,
            unit_price=unit_price,
            amount=amount,
            totalizer_after=totalizer_after,
            occurred_at=ended_at,
            meter_epoch=reading.epoch if reading else 0,
            source=Fill.Source.MANUAL,
        )
    )
    if fill is None:
        raise EntryRefused(
            f"没有补录：{nozzle} 泵码 {totalizer_after} 已有一笔加油记录。请核对加油机上的泵码。"
        )
    return fill


def _leave_trace(entry: LateEntry, approver: User, at: datetime) -> None:
    fill = entry.fill
    audit.record(
        at=at,
        actor=entry.actor,
        station=entry.station,
        action="sales.late_entry",
        document=entry.number,
        reason=entry.reason,
        after={
            "nozzle": fill.nozzle.number,
            "litres": str(fill.litres),
            "amount": str(fill.amount),
            "totalizer": str(fill.totalizer_after),
            "approver": approver.name,
        },
    )


def _check(
    litres: Litres,
    unit_price: Yuan,
    amount: Yuan,
    ended_at: datetime,
    reason: str,
    actor: User,
    approver: User,
    at: datetime,
) -> None:
    if approver == actor:
        raise EntryRefused("没有补录：须由另一人审批。")
    if not reason.strip():
        raise EntryRefused("没有补录：请写明原因。")
    if ended_at > at:
        raise EntryRefused("没有补录：加油时间还没有到。")
    if litres <= 0 or abs(round_yuan(litres * unit_price) - amount) > FEN:
        raise EntryRefused(
            f"没有补录：{litres} 升 × {unit_price} 元 = {round_yuan(litres * unit_price)} 元，"
            f"与填的 {amount} 元不符。请照加油机显示核对。"
        )


def _gap_of(fill: Fill) -> TotalizerGap | None:
    """The unexplained gap that this fill lies in and fills to the centilitre."""
    start = fill.totalizer_after - fill.litres
    near = Decimal("0.011")
    gaps = TotalizerGap.objects.filter(
        nozzle=fill.nozzle_id,
        meter_epoch=fill.meter_epoch,
        explained_at=None,
        litres_from__lte=start + near,
        litres_to__gte=fill.totalizer_after - near,
    )
    return next(
        (one for one in gaps if abs(one.litres_to - one.litres_from - fill.litres) <= near), None
    )
