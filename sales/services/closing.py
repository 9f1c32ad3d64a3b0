"""班结: litres explained, tills accepted, tanks measured; then the shift is frozen and signed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import transaction

from devices.models import TotalizerGap
from devices.services.facts import explain_gap
from inventory.queries.books import Book, shift_books
from inventory.services.books import freeze_shift_books
from sales.models import ShiftExplanation, ShiftNozzle, ShiftSignature
from sales.queries.runs import NozzleRun, nozzle_runs
from sales.queries.shifts import litres_to_explain, tanks_over_limit
from sales.services.shifts import document_of
from sales.services.slips import print_at_close
from station.access import may_do, role_at
from station.errors import Refusal
from station.models import Nozzle, Shift, TillSession, User
from station.money import NO_LITRES, Litres
from station.queries import wording
from station.services import audit

Reason = ShiftExplanation.Reason
Role = ShiftSignature.Role


class NotHandedOver(Refusal):
    """The shift still works, or is closed already."""


class TillsUnfinished(Refusal):
    """A session of the shift is not counted or not accepted."""


class LitresLeft(Refusal):
    """Litres without a fill and without a reason."""


class NothingToExplain(Refusal):
    """The nozzle's litres are all accounted for."""


class TankUnmeasured(Refusal):
    """A tank has no dip at the handover, or a variance without a reason."""


class BadSignature(Refusal):
    """Not the person who has to sign."""


@transaction.atomic
def explain(
    *, shift: Shift, nozzle: Nozzle, reason: str, at: datetime, actor: User, note: str = ""
) -> Litres:
    """Give everything a nozzle has left to explain one reason; 其他 needs words. Returns the litres.

    Refuses with NotHandedOver (closed), NothingToExplain or LitresLeft (no words).
    """
    held = _locked(shift)
    if held.status == Shift.Status.CLOSED:
        raise NotHandedOver(f"{held} 已班结，不能再说明；确有错误请用“订正”。")
    if reason not in Reason.values:
        raise LitresLeft("请选择一个原因。")
    if reason == Reason.OTHER and not note.strip():
        raise LitresLeft("选择“其他”须写明原因，请填写后再提交。")
    left = next((row.unexplained for row in nozzle_runs(held) if row.nozzle == nozzle), NO_LITRES)
    if not left:
        raise NothingToExplain(f"{nozzle} 的升数已经对上，不需要说明。")
    words = note.strip() or str(Reason(reason).label)
    rest = left - _explain_gaps(held, nozzle, words, left, at, actor)
    if rest:
        ShiftExplanation.objects.create(
            shift=held,
            nozzle=nozzle,
            reason=reason,
            litres=rest,
            note=note.strip(),
            actor=actor,
            at=at,
        )
    audit.record(
        at=at,
        actor=actor,
        action="sales.shift.litres_explained",
        station=held.station,
        document=document_of(held),
        reason=words,
        after={"nozzle": nozzle.number, "差异": wording.more_less(left)},
    )
    return left


def _explain_gaps(
    shift: Shift, nozzle: Nozzle, words: str, left: Litres, at: datetime, actor: User
) -> Litres:
    """Give the gaps that the meter reported the same words, so that their alarms rest; their litres."""
    done = NO_LITRES
    gaps = TotalizerGap.objects.filter(shift=shift, nozzle=nozzle, explained_at=None)
    for gap in gaps.select_related("station").order_by("pk"):
        litres = gap.litres_to - gap.litres_from
        if litres <= left - done:
            explain_gap(gap=gap, reason=words, actor=actor, at=at)
            done += litres
    return done


@transaction.atomic
def close_shift(
    *,
    shift: Shift,
    giver: User,
    receiver: User,
    at: datetime,
    actor: User,
    approver: User | None = None,
    tank_reasons: Mapping[int, str] | None = None,
) -> None:
    """Freeze a shift that was handed over: nozzles, tank books, signatures. Nothing changes after.

    `tank_reasons` are words by tank id, for a variance over the limits or a tank not measured.
    Litres explained by reason and variances over the limits need an approver other than the
    giver. Refuses with NotHandedOver, TillsUnfinished, LitresLeft, TankUnmeasured, BadSignature,
    or while an earlier shift is not closed.
    """
    held = _locked(shift)
    if held.status != Shift.Status.HANDED_OVER:
        raise NotHandedOver(f"不能班结：{held} 现在是「{held.get_status_display()}」，请刷新页面。")
    _refuse_unfinished(held)
    runs = nozzle_runs(held)
    books = shift_books(held)
    _refuse_unexplained(held, runs, books)
    words = _refuse_unmeasured(held, books, tank_reasons or {})
    _refuse_signatures(held, giver, receiver)
    if needs_approver(held, runs, books):
        _refuse_approver(held, approver, giver)
    ShiftNozzle.objects.bulk_create(_frozen(held, run) for run in runs)
    pumped, own_use = _by_tank(runs, "run"), _by_tank(runs, "own_use")
    freeze_shift_books(shift=held, at=at, runs=pumped, own_use=own_use, reasons=words)
    signers = {Role.GIVER: giver, Role.RECEIVER: receiver, Role.APPROVER: approver}
    _sign(held, signers, at)
    Shift.objects.filter(pk=held.pk, status=Shift.Status.HANDED_OVER).update(
        status=Shift.Status.CLOSED, closed_at=at
    )
    shift.refresh_from_db()
    names = {role.value: user.name for role, user in signers.items() if user}
    litres = str(sum((run.sold for run in runs), NO_LITRES))
    audit.record(
        at=at,
        actor=actor,
        action="sales.shift.closed",
        station=held.station,
        document=document_of(held),
        after={**names, "litres": litres},
    )
    print_at_close(shift=held, actor=actor, at=at)


def needs_approver(shift: Shift, runs: Sequence[NozzleRun], books: Sequence[Book]) -> bool:
    """Whether the manager has to look: litres with a reason instead of a fill, tanks over the limit."""
    return any(run.explained for run in runs) or bool(tanks_over_limit(books, shift.station))


def _locked(shift: Shift) -> Shift:
    return (
        Shift.objects.select_for_update(of=("self",), no_key=True)
        .select_related("day", "station", "leader", "receiver")
        .get(pk=shift.pk)
    )


def _refuse_unfinished(shift: Shift) -> None:
    unfinished = (
        TillSession.objects.filter(shift=shift)
        .exclude(status=TillSession.Status.CLOSED)
        .select_related("till", "cashier")
        .order_by("pk")
    )
    told = "、".join(
        f"{row.till} {row.cashier}（{row.get_status_display()}）" for row in unfinished
    )
    if told:
        raise TillsUnfinished(f"不能班结：{told} 还没有点款交接完，请先完成收银班交接。")


def _refuse_unexplained(shift: Shift, runs: Sequence[NozzleRun], books: Sequence[Book]) -> None:
    left = [row for row in litres_to_explain(shift, runs=runs, books=books) if row.left]
    if left:
        told = "、".join(f"{row.grade} {row.left:.2f} 升" for row in left)
        raise LitresLeft(f"不能班结：还有 {told} 没有说明，请逐枪补录或选择原因。")


def _refuse_unmeasured(
    shift: Shift, books: Sequence[Book], reasons: Mapping[int, str]
) -> dict[int, str]:
    """The words by tank id; refuses a tank that was not measured or is over the limit without any."""
    words = {key: text.strip() for key, text in reasons.items() if text.strip()}
    silent = [book for book in books if book.dip is None and book.tank.pk not in words]
    if silent:
        told = "、".join(str(book.tank) for book in silent)
        raise TankUnmeasured(f"不能班结：{told} 没有交班罐存，请量罐；确实无法量罐请写明原因。")
    over = [book for book in tanks_over_limit(books, shift.station) if book.tank.pk not in words]
    if over:
        told = "、".join(
            f"{book.tank}{'溢' if (book.variance or NO_LITRES) > 0 else '损'} "
            f"{abs(book.variance or NO_LITRES):.2f} 升"
            for book in over
        )
        raise TankUnmeasured(f"不能班结：{told}，超过限额，请写明归因。")
    return words


def _refuse_signatures(shift: Shift, giver: User, receiver: User) -> None:
    if giver == receiver:
        raise BadSignature("交班人和接班人不能是同一人，请由接班人另行签字。")
    if giver != shift.leader and not _leads(giver, shift):
        raise BadSignature(f"交班人应为 {shift.leader}，或由站长代签，请重新签字。")
    if receiver != shift.receiver and not _leads(receiver, shift):
        raise BadSignature(f"接班人应为 {shift.receiver}，或由站长代签，请重新签字。")


def _refuse_approver(shift: Shift, approver: User | None, giver: User) -> None:
    if approver is None:
        raise BadSignature("有升数差异或油罐损溢超限，须站长审核签字后才能班结。")
    if approver == giver or not _leads(approver, shift):
        raise BadSignature("审核人须为站长或老板，且不能是交班人本人，请换人签字。")


def _leads(user: User, shift: Shift) -> bool:
    return may_do(role_at(user, shift.station), "sales.approve")


def _frozen(shift: Shift, run: NozzleRun) -> ShiftNozzle:
    return ShiftNozzle(
        shift=shift,
        day=shift.day,
        nozzle=run.nozzle,
        tank=run.tank,
        grade=run.grade,
        opening=run.opening,
        closing=run.closing,
        meter_adjustment=run.meter_adjustment,
        run=run.run,
        fills_litres=run.fills_litres,
        tests=run.tests,
        own_use=run.own_use,
        sold=run.sold,
        sold_amount=run.sold_amount,
        passed_in=run.passed_in,
        passed_on=run.passed_on,
        claimed=run.claimed,
        claimed_amount=run.claimed_amount,
        difference=run.difference,
        explained=run.explained,
        segments=[
            {
                "opening": str(part.opening),
                "closing": str(part.closing),
                "litres": str(part.litres),
                "price": None if part.price is None else str(part.price),
                "amount": str(part.amount),
            }
            for part in run.segments
        ],
        reason="；".join(run.reasons)[:200],
    )


def _by_tank(runs: Iterable[NozzleRun], what: str) -> dict[int, Litres]:
    litres: dict[int, Litres] = defaultdict(lambda: NO_LITRES)
    for run in runs:
        litres[run.tank.pk] += getattr(run, what)
    return litres


def _sign(shift: Shift, signers: Mapping[ShiftSignature.Role, User | None], at: datetime) -> None:
    ShiftSignature.objects.bulk_create(
        ShiftSignature(shift=shift, role=role, user=user, signed_at=at)
        for role, user in signers.items()
        if user is not None
    )
