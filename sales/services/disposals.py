"""A fill that is no sale: 检定回罐, 自用, 跑单. Each claims its fill, so that nobody sells it too."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from devices.models import Fill
from inventory.services import movements
from sales.models import DriveOff, FillClaim, FillUse, Sale
from sales.queries.selling import fills_to_sell, locked_session
from sales.queries.tickets import Ticket
from sales.services.settling import SessionEnded, settle
from station.errors import Refusal
from station.models import Shift, TillSession, User
from station.services import audit, sealing
from station.services.numbering import next_number


class DisposalRefused(Refusal):
    """The fill is another's, or the reason or the second person is missing."""


@transaction.atomic
def use_fill(
    *,
    fill: Fill,
    kind: str,
    reason: str,
    session: TillSession,
    actor: User,
    approver: User,
    at: datetime,
) -> FillUse:
    """检定回罐 (the litres go back into their tank) or 自用. Approved by someone else, audited.

    Refuses a fill that is claimed, prepaid or on another till, a missing reason, and one's own
    approval.
    """
    if not reason.strip():
        raise DisposalRefused("没有登记：请写明原因。")
    if approver == actor:
        raise DisposalRefused("没有登记：检定回罐和自用须由另一人审批。")
    held = _open_session(session)
    loaded = _free_fill(fill, held, at)
    number = _number("U", held)
    used = FillUse.objects.create(
        station=held.station,
        number=number,
        kind=kind,
        fill=loaded,
        day=held.shift.day,
        shift=_shift_of_litres(loaded, held),
        reason=reason.strip(),
        actor=actor,
        approved_by=approver,
        occurred_at=at,
    )
    _claim(loaded, kind, number, held, at)
    if kind == FillUse.Kind.TEST:
        _return_to_tank(used, at)
    audit.record(
        at=at,
        actor=actor,
        station=held.station,
        action=f"sales.fill.{kind.lower()}",
        document=number,
        reason=reason,
        after=_told(loaded, approver),
    )
    return used


def _return_to_tank(used: FillUse, at: datetime) -> None:
    """In the shift whose run holds the litres: its tank was measured with them back in it."""
    movements.return_test(
        tank=used.fill.tank,
        litres=used.fill.litres,
        document=used.number,
        day=used.shift.day,
        shift=used.shift,
        at=at,
        actor=used.actor,
        reason=used.reason,
    )


def _told(fill: Fill, approver: User) -> dict[str, object]:
    return {
        "nozzle": fill.nozzle.number,
        "litres": str(fill.litres),
        "amount": str(fill.amount),
        "approver": approver.name,
    }


@transaction.atomic
def drive_off(
    *,
    fill: Fill,
    plate: str,
    note: str,
    session: TillSession,
    actor: User,
    at: datetime,
) -> DriveOff:
    """跑单: the car left without paying; a receivable that blocks its plate. Audited (masked).

    The plate may be unknown; then the note must say what was seen. Refuses a fill that is claimed,
    prepaid or on another till.
    """
    if not plate.strip() and not note.strip():
        raise DisposalRefused("没有登记跑单：请填车牌；没有看清就写明车型、颜色、去向。")
    held = _open_session(session)
    loaded = _free_fill(fill, held, at)
    number = _number("DO", held)
    key = sealing.new_key(at=at)
    gone = DriveOff.objects.create(
        station=held.station,
        number=number,
        fill=loaded,
        amount=loaded.amount,
        key=key,
        plate_sealed=sealing.seal(key, plate.strip().upper()),
        plate_index=sealing.blind_index("plate", plate),
        note=note.strip()[:200],
        day=held.shift.day,
        shift=_shift_of_litres(loaded, held),
        actor=actor,
        occurred_at=at,
    )
    _claim(loaded, FillClaim.Kind.DRIVE_OFF, number, held, at)
    audit.record(
        at=at,
        actor=actor,
        station=held.station,
        action="sales.drive_off",
        document=number,
        after={"nozzle": loaded.nozzle.number, "amount": str(loaded.amount)},
    )
    return gone


@transaction.atomic
def recover(
    *, gone: DriveOff, ticket: Ticket, session: TillSession, actor: User, at: datetime
) -> Sale:
    """The driver came back and pays: the fill is released and sold by this ticket. Audited.

    Again with the same key, the same sale. Refuses a drive-off that is no longer open.
    """
    held = DriveOff.objects.select_for_update(of=("self",)).get(pk=gone.pk)
    if held.recovered_by_sale is not None and held.recovered_by_sale.client_key == ticket.key:
        return held.recovered_by_sale
    if held.status != DriveOff.Status.OPEN:
        raise DisposalRefused(f"没有收款：{held.number} {held.get_status_display()}。")
    if ticket.fill_ids != [held.fill_id]:
        raise DisposalRefused(f"没有收款：单上应只有跑单 {held.number} 的那笔加油。")
    FillClaim.objects.filter(document=held.number, released_at=None).update(
        released_at=at, released_day=session.shift.day, released_by_document=held.number
    )
    sale = settle(ticket, session=session, actor=actor, at=at)
    held.status = DriveOff.Status.RECOVERED
    held.recovered_by_sale = sale
    held.save(update_fields=["status", "recovered_by_sale"])
    audit.record(
        at=at,
        actor=actor,
        station=held.station,
        action="sales.drive_off.recovered",
        document=held.number,
        after={"sale": sale.number, "due": str(sale.due)},
    )
    return sale


@transaction.atomic
def write_off(*, gone: DriveOff, reason: str, actor: User, at: datetime) -> None:
    """核销: nothing more is expected. Audited. Refuses without a reason, or what is not open."""
    if not reason.strip():
        raise DisposalRefused("没有核销：请写明原因。")
    moved = DriveOff.objects.filter(pk=gone.pk, status=DriveOff.Status.OPEN).update(
        status=DriveOff.Status.WRITTEN_OFF
    )
    if not moved:
        raise DisposalRefused(f"没有核销：{gone.number} 已追回或已核销。")
    audit.record(
        at=at,
        actor=actor,
        station=gone.station,
        action="sales.drive_off.written_off",
        document=gone.number,
        reason=reason,
        before={"amount": str(gone.amount)},
    )


def _open_session(session: TillSession) -> TillSession:
    held = locked_session(session=session, key="")
    if held.status != TillSession.Status.OPEN:
        raise SessionEnded("没有登记：收银班已结束。请开新的收银班。")
    return held


def _free_fill(fill: Fill, session: TillSession, at: datetime) -> Fill:
    loaded = fills_to_sell(ids=[fill.pk], station=session.station, at=at).get(fill.pk)
    if loaded is None:
        raise DisposalRefused("没有登记：找不到这笔加油记录。")
    words = f"{loaded.nozzle} {loaded.amount} 元"
    owner = loaded.claimed_by or loaded.prepaid_by  # type: ignore[attr-defined]
    if owner:
        raise DisposalRefused(f"没有登记：{words} 已由 {owner} 处理。")
    held_by, till = loaded.held_by, loaded.held_till  # type: ignore[attr-defined]
    if held_by is not None and held_by != session.pk:
        raise DisposalRefused(f"没有登记：{words} 在 {till} 号收银台的单上。")
    return loaded


def _claim(fill: Fill, kind: str, document: str, session: TillSession, at: datetime) -> None:
    """Claim in a savepoint: a till that was faster is a refusal, not an error."""
    try:
        with transaction.atomic():
            FillClaim.objects.create(
                station=session.station,
                fill=fill,
                kind=kind,
                document=document,
                day=session.shift.day,
                claimed_at=at,
            )
    except IntegrityError as error:
        raise DisposalRefused(f"没有登记：{fill.nozzle} {fill.amount} 元刚被别处处理。") from error


def _shift_of_litres(fill: Fill, session: TillSession) -> Shift:
    """Litres belong to the shift in whose run they fell, unless that shift is frozen.

    A shift that was handed over is held until the end, so that its close counts them or comes first.
    """
    if fill.shift_id == session.shift_id:
        return session.shift
    shifts = Shift.objects.select_for_update(of=("self",), no_key=True).select_related("day")
    own = shifts.get(pk=fill.shift_id)
    return session.shift if own.status == Shift.Status.CLOSED else own


def _number(kind: str, session: TillSession) -> str:
    return next_number(
        station=session.station,
        kind=kind,
        day=session.shift.day.date,
        till=session.till.number,
    )
