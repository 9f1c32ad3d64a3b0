"""收银班: opened with a float, ended, counted blind, accepted by someone else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, transaction

from sales.models import SessionCount, SessionTender
from sales.queries.sessions import FACES, TenderDue, tender_dues, under_way
from sales.services.leasing import let_go
from station.errors import Refusal
from station.models import Crew, Shift, Station, Till, TillSession, User
from station.money import ZERO, Yuan
from station.queries import settings, wording
from station.services import audit

Status = TillSession.Status


class NoOpenShift(Refusal):
    """The station has no shift on duty."""


class TillTaken(Refusal):
    """Another session is open at the till, or the cashier sits at another."""


class SessionNotOpen(Refusal):
    """The session takes no more money."""


class WrongSessionState(Refusal):
    """The step does not fit where the session stands."""


class BadCount(Refusal):
    """The count is no count."""


class NotTheSamePerson(Refusal):
    """Somebody else must accept or approve."""


class ReasonMissing(Refusal):
    """A difference over the limit has no reason or no approver."""


class PaymentsUnderWay(Refusal):
    """What should be in the drawer is not known yet."""


@dataclass(frozen=True)
class SlipCount:
    """What was counted of a tender that is not cash: yuan, and how many slips."""

    amount: Yuan
    count: int = 0


@transaction.atomic
def open_session(
    *, till: Till, cashier: User, float_amount: Yuan, at: datetime, actor: User
) -> TillSession:
    """Open a till for a cashier with a float in yuan, in the shift on duty.

    A cashier who was not on the crew joins it. Refuses with NoOpenShift, TillTaken, and a
    negative float.
    """
    if float_amount < 0:
        raise BadCount("备用金不能是负数，请重新填写。")
    shift = lock_open_shift(till.station)
    _refuse_taken(till, cashier)
    Crew.objects.get_or_create(shift=shift, user=cashier, defaults={"post": Crew.Post.CASHIER})
    try:
        with transaction.atomic():
            session = TillSession.objects.create(
                station_id=till.station_id,
                shift=shift,
                till=till,
                cashier=cashier,
                float_amount=float_amount,
                opened_at=at,
            )
    except IntegrityError as error:
        raise TillTaken(f"{till} 或 {cashier} 刚刚已开收银班，请刷新后再试。") from error
    _note("sales.session.opened", session, at, actor, after={"float": str(float_amount)})
    return session


def _refuse_taken(till: Till, cashier: User) -> None:
    taken = (
        TillSession.objects.select_related("cashier").filter(till=till, status=Status.OPEN).first()
    )
    if taken:
        raise TillTaken(
            f"不能开班：{till} 由 {taken.cashier} 使用中，请他先结束收银，或换一台收银台。"
        )
    sits = (
        TillSession.objects.select_related("till").filter(cashier=cashier, status=Status.OPEN)
    ).first()
    if sits:
        raise TillTaken(f"不能开班：{cashier} 正在 {sits.till} 收银，请先结束那边的收银班。")


def lock_open_shift(station: Station) -> Shift:
    """The shift on duty, locked, so that a handover and a writer of the shift cannot cross.

    Refuses with NoOpenShift.
    """
    shift = (
        Shift.objects.select_for_update(of=("self",), no_key=True)
        .select_related("day", "station")
        .filter(station=station, status=Shift.Status.OPEN)
        .first()
    )
    if shift is None:
        # The lock may have waited for a handover: the next shift is open by then.
        shift = (
            Shift.objects.select_for_update(of=("self",), no_key=True)
            .select_related("day", "station")
            .filter(station=station, status=Shift.Status.OPEN)
            .first()
        )
    if shift is None:
        raise NoOpenShift("现在没有当班班次，请班长先在“班次”页面开班。")
    return shift


@transaction.atomic
def end_session(*, session: TillSession, at: datetime, actor: User) -> None:
    """Stop selling at a till; what it had on lease is free for the others, but for baskets put aside.

    Refuses SessionNotOpen.
    """
    ended = TillSession.objects.filter(pk=session.pk, status=Status.OPEN).update(
        status=Status.ENDED, ended_at=at
    )
    if not ended:
        raise SessionNotOpen(f"{session.till} 的收银班已经结束，请刷新页面。")
    let_go(sessions=[session])
    session.refresh_from_db()
    _note("sales.session.ended", session, at, actor)


@transaction.atomic
def count_session(
    *,
    session: TillSession,
    denominations: Mapping[str, int],
    slips: Mapping[str, SlipCount],
    at: datetime,
    actor: User,
    approver: User | None = None,
) -> SessionCount:
    """Keep the blind count: notes and coins by face value, other tenders by amount and slips.

    Counting again is allowed before the acceptance, with someone else's approval; the first count
    stays in the audit log. Refuses with WrongSessionState, BadCount or NotTheSamePerson.
    """
    held = _locked(session)
    cash = _cash(denominations)
    if any(slip.amount < 0 or slip.count < 0 for slip in slips.values()):
        raise BadCount("其他付款方式的金额和张数不能是负数，请重新清点。")
    before = SessionCount.objects.filter(session=held).first()
    if held.status == Status.COUNTED and before is not None:
        _refuse_same(approver, held, "重新点款")
    elif held.status != Status.ENDED:
        raise WrongSessionState(
            f"不能点款：{held.till} 现在是「{held.get_status_display()}」，请先结束收银。"
        )
    written = {
        code: {"amount": f"{slip.amount:.2f}", "count": slip.count} for code, slip in slips.items()
    }
    count, _ = SessionCount.objects.update_or_create(
        session=held,
        defaults={
            "denominations": {face: number for face, number in denominations.items() if number},
            "slips": written,
            "cash_counted": cash,
            "counted_by": actor,
            "counted_at": at,
            "attempt": before.attempt + 1 if before else 1,
        },
    )
    TillSession.objects.filter(pk=held.pk).update(status=Status.COUNTED, counted_at=at)
    session.refresh_from_db()
    _note(
        "sales.session.counted",
        session,
        at,
        actor,
        before=_said(before) if before else None,
        after={**_said(count), "approver": approver.name if approver else ""},
    )
    return count


def _said(count: SessionCount) -> dict[str, object]:
    return {
        "cash": str(count.cash_counted),
        "denominations": count.denominations,
        "slips": count.slips,
    }


def _cash(denominations: Mapping[str, int]) -> Yuan:
    known = {face for face, _ in FACES}
    strange = set(denominations) - known
    if strange:
        raise BadCount(f"没有面额 {'、'.join(sorted(strange))}，请按人民币面额清点。")
    if any(number < 0 for number in denominations.values()):
        raise BadCount("张数不能是负数，请重新清点。")
    return sum((Decimal(face) * number for face, number in denominations.items()), ZERO)


@transaction.atomic
def accept_count(
    *,
    session: TillSession,
    receiver: User,
    reasons: Mapping[str, str],
    at: datetime,
    actor: User,
    approver: User | None = None,
    deposit_slip: str = "",
) -> list[SessionTender]:
    """The receiver takes over what was counted; expected, counted and difference are frozen.

    `reasons` are words by tender code. Each tender whose difference is over the station's limit
    needs a reason and an approver who is not the cashier; none is set against another. Who counted
    does not receive. Refuses with WrongSessionState, NotTheSamePerson, PaymentsUnderWay or
    ReasonMissing.
    """
    held = _locked(session)
    if held.status != Status.COUNTED:
        raise WrongSessionState(
            f"不能接收：{held.till} 现在是「{held.get_status_display()}」，请先点款。"
        )
    _refuse_same(receiver, held, "接收现金")
    if SessionCount.objects.filter(session=held, counted_by=receiver).exists():
        raise NotTheSamePerson(f"接收现金不能由点款人（{receiver}）自己办理，请换一人接收。")
    if waiting := under_way(held):
        raise PaymentsUnderWay(f"有 {waiting} 笔付款结果未知，请先在收银台查询结果，再交接。")
    dues = tender_dues(held)
    if needing := needs_reason(dues, held.station):
        _refuse_unreasoned(needing, reasons)
        _refuse_same(approver, held, "审批超限的长短款")
    rows = _freeze(held, dues, reasons)
    SessionCount.objects.filter(session=held).update(
        accepted_by=receiver, accepted_at=at, approved_by=approver, deposit_slip=deposit_slip
    )
    TillSession.objects.filter(pk=held.pk).update(status=Status.CLOSED, closed_at=at)
    session.refresh_from_db()
    _note(
        "sales.session.accepted",
        session,
        at,
        actor,
        reason="；".join(row.reason for row in rows if row.reason),
        after={
            "receiver": receiver.name,
            "approver": approver.name if approver else "",
            **{row.tender.name: wording.over_short(row.difference) for row in rows},
        },
    )
    return rows


def _freeze(
    session: TillSession, dues: Sequence[TenderDue], reasons: Mapping[str, str]
) -> list[SessionTender]:
    return SessionTender.objects.bulk_create(
        SessionTender(
            session=session,
            tender=due.tender,
            day=session.shift.day,
            expected=due.expected,
            counted=due.counted or ZERO,
            difference=(due.counted or ZERO) - due.expected,
            reason=reasons.get(due.tender.code, "").strip(),
        )
        for due in dues
    )


def needs_reason(dues: list[TenderDue], station: Station) -> list[TenderDue]:
    """The tenders whose difference is over the station's limit; over and short alike."""
    limit = settings.yuan("sales.over_short_limit", station)
    return [due for due in dues if due.difference is not None and abs(due.difference) > limit]


def _refuse_unreasoned(needing: list[TenderDue], reasons: Mapping[str, str]) -> None:
    silent = [due for due in needing if not reasons.get(due.tender.code, "").strip()]
    if silent:
        told = "、".join(
            f"{due.tender}{'长' if (due.difference or ZERO) > 0 else '短'} {abs(due.difference or ZERO)} 元"
            for due in silent
        )
        raise ReasonMissing(f"{told}，超过限额，请逐项写明原因；长款不得抵短款。")


def _refuse_same(person: User | None, session: TillSession, act: str) -> None:
    if person is None:
        raise NotTheSamePerson(f"{act}须由另一人到场确认，请他输入账号和口令。")
    if person.pk == session.cashier_id:
        raise NotTheSamePerson(f"{act}不能由本人（{person}）办理，请由另一人输入账号和口令。")


def _locked(session: TillSession) -> TillSession:
    return (
        TillSession.objects.select_for_update(of=("self",), no_key=True)
        .select_related("station", "till", "cashier", "shift__day")
        .get(pk=session.pk)
    )


def _note(
    action: str,
    session: TillSession,
    at: datetime,
    actor: User,
    *,
    reason: str = "",
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    audit.record(
        at=at,
        actor=actor,
        action=action,
        station=session.station,
        document=f"收银班 {session.pk}",
        reason=reason,
        before=before,
        after=after,
    )
