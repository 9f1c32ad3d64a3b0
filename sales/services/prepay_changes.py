"""取消 and 换枪: what is asked of a prepay before fuel flowed.

Its money is free when nothing can be delivered for it any more, and not before. An authorisation
that a pump may hold is asked back, and the change waits for its end (`follow_up`); a fill that
began meanwhile belongs to the prepay, and then the change was not done.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from django.db import transaction

from devices.models import Authorisation
from devices.services import authorising
from sales.models import Prepay, PrepayChange
from sales.services.prepaying import OPEN, SECONDS, PrepayRefused, fill_of
from station.errors import Refusal
from station.models import Nozzle, User
from station.services import audit

Kind = PrepayChange.Kind
Status = PrepayChange.Status
ASK_AGAIN = timedelta(seconds=10)  # a pump that did not answer
PATIENCE = timedelta(seconds=30)  # until somebody may sign for a pump that does not answer


@transaction.atomic
def cancel(*, prepay: Prepay, reason: str, actor: User, at: datetime) -> PrepayChange:
    """Cancel an unused prepay: all of it is due back once its pump will deliver nothing for it.

    Done at once where no pump knows of it, else WAITING; asked twice, the same one. Audited.
    Refuses PrepayRefused without a reason, when it is over, and once fuel flows.
    """
    if not reason.strip():
        raise PrepayRefused("没有取消：请写明原因。")
    return _ask(prepay, kind=Kind.CANCEL, nozzle=None, reason=reason.strip(), actor=actor, at=at)


@transaction.atomic
def move(*, prepay: Prepay, nozzle: Nozzle, actor: User, at: datetime) -> PrepayChange:
    """Move an unused prepay to another nozzle, or authorise the same one anew, as `cancel` does.

    Another grade's nozzle is as good as any: the money counts. Refuses PrepayRefused as `cancel`
    does, and NotAuthorised for a nozzle that cannot be let loose now.
    """
    authorising.refuse_unready(nozzle=nozzle, at=at)
    return _ask(prepay, kind=Kind.MOVE, nozzle=nozzle, reason="", actor=actor, at=at)


@transaction.atomic
def give_up(*, prepay: Prepay, approver: User, actor: User, at: datetime) -> PrepayChange:
    """Cancel though the pump does not answer: the approver has seen that it delivered nothing.

    Should it have after all, the fill waits for payment like any other. Refuses what was not asked,
    or only just; one's own approval; and once fuel flows. Audited.
    """
    held = _locked(prepay)
    change = held.changes.filter(status=Status.WAITING, kind=Kind.CANCEL).first()
    if change is None or at - change.asked_at < PATIENCE:
        raise PrepayRefused(
            f"没有取消：{held.number} 先按“取消”，油枪 {PATIENCE.seconds} 秒没有应答才能由人确认。"
        )
    if approver == actor:
        raise PrepayRefused("没有取消：须由另一人看过加油机并确认。")
    _refuse_begun(held)
    change.approved_by = approver
    _perform(held, change, at=at)
    return change


def follow_up(*, at: datetime, limit: int = 50) -> int:
    """Take changes that wait for a pump as far as they go; how many ended. Called by a worker."""
    waiting = PrepayChange.objects.filter(status=Status.WAITING).order_by("pk")
    return sum(_follow(pk, at) for pk in list(waiting.values_list("pk", flat=True)[:limit]))


@transaction.atomic
def _follow(pk: int, at: datetime) -> bool:
    held = (
        Prepay.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("station")
        .filter(changes=pk)
        .first()
    )
    change = PrepayChange.objects.select_related("nozzle", "actor").get(pk=pk)
    if held is None or change.status != Status.WAITING:
        return False
    words = _begun(held)
    if words:
        _fail(held, change, f"{words}，按实际加油结算", at)
    elif _is_live(held):
        assert held.authorisation is not None
        authorising.take_back(
            authorisation=held.authorisation, actor=change.actor, at=at, pause=ASK_AGAIN
        )
        return False
    else:
        _perform_or_say(held, change, at)
    return True


def _perform_or_say(held: Prepay, change: PrepayChange, at: datetime) -> None:
    """The other nozzle may have been taken meanwhile: then the prepay waits for another word."""
    try:
        with transaction.atomic():
            _perform(held, change, at=at)
    except Refusal as refusal:
        _fail(held, change, str(refusal), at)


def _ask(
    prepay: Prepay,
    *,
    kind: PrepayChange.Kind,
    nozzle: Nozzle | None,
    reason: str,
    actor: User,
    at: datetime,
) -> PrepayChange:
    held = _locked(prepay)
    waiting = held.changes.filter(status=Status.WAITING).first()
    if waiting is not None and (waiting.kind, waiting.nozzle) == (kind, nozzle):
        return waiting
    _refuse_begun(held)
    if waiting is not None:
        _fail(held, waiting, f"改为{kind.label}", at)
    change = PrepayChange.objects.create(
        prepay=held, kind=kind, nozzle=nozzle, reason=reason, actor=actor, asked_at=at
    )
    if held.authorisation is not None and _is_live(held):
        # One that ended or began in this instant is sorted out by `follow_up`.
        with suppress(authorising.NotStopped):
            held.authorisation = authorising.cancel(
                authorisation=held.authorisation, actor=actor, at=at
            )
    if not _is_live(held):
        _perform(held, change, at=at)
    else:
        _note(held, change, "sales.prepay.asked", at)
    return change


def _locked(prepay: Prepay) -> Prepay:
    """The prepay under its lock. Refuses one that is over.

    Nozzle and authorisation are read afterwards: another change moves them, and a row that was
    waited for is joined again with what these were before, so that it would not be found.
    """
    waited = Prepay.objects.select_for_update(of=("self",)).select_related("station")
    held = waited.get(pk=prepay.pk)
    if held.status not in OPEN:
        raise PrepayRefused(f"没有改动：{held.number} {held.get_status_display()}。")
    return held


def _is_live(held: Prepay) -> bool:
    """Whether a pump may still deliver under the prepay, as far as was read."""
    return held.authorisation is not None and held.authorisation.status in authorising.LIVE


def _begun(held: Prepay) -> str:
    """Words where fuel flows or flowed for the prepay.

    The status is read first: it ends together with the fill, so that an end shows its fill too.
    """
    status = ""
    if held.authorisation is not None:
        held.authorisation.refresh_from_db(fields=["status"])
        status = held.authorisation.status
    if held.status not in OPEN or fill_of(held) is not None:
        return f"{held.nozzle}已经加了油"
    return f"{held.nozzle}已经开始加油" if status == Authorisation.Status.FUELLING else ""


def _refuse_begun(held: Prepay) -> None:
    words = _begun(held)
    if words:
        raise PrepayRefused(f"没有改动：{held.number} 的 {words}，按实际加油结算。")


def _perform(held: Prepay, change: PrepayChange, *, at: datetime) -> None:
    """Do what was asked: nothing can be delivered under the authorisation that was."""
    if change.kind == Kind.CANCEL:
        held.status = Prepay.Status.CANCELLED
        held.refund_due = held.amount
        held.settled_at = at
        held.save(update_fields=["status", "refund_due", "settled_at"])
        _note(held, change, "sales.prepay.cancelled", at, before={"amount": str(held.amount)})
    else:
        assert change.nozzle is not None
        before, held.nozzle = held.nozzle, change.nozzle
        held.authorisation = authorising.authorise(
            nozzle=held.nozzle,
            actor=change.actor,
            at=at,
            amount=held.amount,
            document=held.number,
            seconds=SECONDS,
        )
        held.save(update_fields=["nozzle", "authorisation"])
        _note(held, change, "sales.prepay.moved", at, before={"nozzle": before.number})
    _end(change, Status.DONE, "", at)


def _fail(held: Prepay, change: PrepayChange, words: str, at: datetime) -> None:
    _end(change, Status.FAILED, words, at)
    _note(held, change, "sales.prepay.kept", at)


def _end(change: PrepayChange, status: PrepayChange.Status, words: str, at: datetime) -> None:
    change.status, change.answer, change.ended_at = status, words[:200], at
    change.save(update_fields=["status", "answer", "ended_at", "approved_by"])


def _note(
    held: Prepay,
    change: PrepayChange,
    action: str,
    at: datetime,
    before: dict[str, object] | None = None,
) -> None:
    after: dict[str, object] = {"change": change.get_kind_display()}
    if change.nozzle is not None:
        after["nozzle"] = change.nozzle.number
    if change.answer:
        after["answer"] = change.answer
    if change.approved_by is not None:
        after["approver"] = change.approved_by.name
    audit.record(
        at=at,
        actor=change.actor,
        station=held.station,
        action=action,
        document=held.number,
        reason=change.reason,
        before=before,
        after=after,
    )
