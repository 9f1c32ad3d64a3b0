"""日结: accept what differs, then freeze the day in one short transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from finance.models import DayClose, DayDifference, DayFigures
from finance.queries.closing import Difference, Readiness, readiness, readiness_of_days
from finance.queries.figures import figures_of_days, figures_of_facts
from finance.services.freezing import Closing, freeze_figures
from inventory.services.attributions import open_attributions
from inventory.services.books import freeze_day_books
from station.errors import Refusal
from station.models import BusinessDay, User
from station.queries import wording
from station.services import audit
from station.services.days import mark_closed
from station.services.numbering import next_number
from station.services.waking import wake


class DayAlreadyClosed(Refusal):
    """The day is frozen; nothing of it changes any more."""


class DayNotReady(Refusal):
    """Something of the day is still open, or a difference is neither worked off nor accepted."""


class NoSuchDifference(Refusal):
    """What was to be accepted has been settled meanwhile."""


class ReasonMissing(Refusal):
    """A difference is accepted in words."""


@transaction.atomic
def accept_difference(
    *, day: BusinessDay, kind: str, subject: str, reason: str, at: datetime, actor: User
) -> DayDifference:
    """The owner accepts a difference with a reason; it is carried forward and stops no close.

    Accepting the same one twice changes nothing. Refuses with ReasonMissing, DayAlreadyClosed,
    DayNotReady (the day still sells, and the difference may settle itself) or NoSuchDifference.
    """
    reason = reason.strip()
    if not reason:
        raise ReasonMissing("认可差异必须写明理由：写清原因和后续如何处理，再提交。")
    locked = _lock(day)
    if locked.status == BusinessDay.Status.OPEN:
        raise DayNotReady(f"{locked.date} 还在营业，差异可能自己了结，请在营业日截止后再认可。")
    figures = figures_of_facts(day=locked)
    found = next(
        (
            row
            for row in readiness(day=locked, figures=figures).differences
            if (row.kind, row.subject) == (kind, subject)
        ),
        None,
    )
    if found is None:
        raise NoSuchDifference("这项差异已经处理，不需要再认可，请刷新页面。")
    if found.decision is not None:
        return found.decision
    return _accept(locked, found, reason, at, actor)


@transaction.atomic
def close_day(*, day: BusinessDay, at: datetime, actor: User, remarks: str = "") -> DayClose:
    """Freeze a cut day: its figures, their rows and its tank books. Nothing is added to it after.

    Locks the day first, so that every writer of it has finished and the next is refused. Refuses
    with DayAlreadyClosed, with DayNotReady (naming what is open and whose), or with what
    `mark_closed` refuses. The reports are archived by a worker afterwards.
    """
    (close,) = close_days(days=[(day, at)], actor=actor, remarks=remarks)
    return close


@transaction.atomic
def close_days(*, days: Sequence[Closing], actor: User, remarks: str = "") -> list[DayClose]:
    """Freeze cut days of one station in their order, each at its instant: all of them or none.

    Their figures are asked together, which is what makes years that were loaded in bulk closable.
    Refuses what `close_day` refuses.
    """
    locked = [(_lock(day), at) for day, at in days]
    figures = figures_of_days(days=[day for day, _ in locked])
    ready = readiness_of_days(days=[day for day, _ in locked], figures=figures)
    for one in ready:
        _refuse_unready(one)
    for one in ready:
        _note_resolved(one.day, one.differences)
    books = freeze_day_books(days=locked)
    open_attributions(station=locked[0][0].station, books=books, at=locked[-1][1])
    heads = freeze_figures(days=locked, figures=figures, actor=actor)
    closes = [
        _mark(day, head, at, actor, remarks) for (day, at), head in zip(locked, heads, strict=True)
    ]
    wake("finance.tasks.archive_reports")
    for day, _ in days:
        day.refresh_from_db()
    return closes


def _refuse_unready(ready: Readiness) -> None:
    if not ready.is_ready:
        raise DayNotReady(
            f"{ready.day.date} 还不能日结："
            + "；".join(
                [f"{row.text}（{row.whose}）" for row in ready.blockers]
                + [f"{row.text}，须处理或由老板认可" for row in ready.undecided]
            )
        )


def _mark(day: BusinessDay, head: DayFigures, at: datetime, actor: User, remarks: str) -> DayClose:
    """The close itself: its number, the day marked, and the audit row."""
    close = DayClose.objects.create(
        day=day,
        number=next_number(station=day.station, kind="D", day=day.date),
        closed_by=actor,
        closed_at=at,
        remarks=remarks.strip(),
    )
    mark_closed(day=day, at=at, actor=actor)
    audit.record(
        at=at,
        actor=actor,
        action="finance.day.closed",
        station=day.station,
        document=close.number,
        reason=close.remarks,
        after={
            "营业日": f"{day.date}",
            "油品升数": f"{head.fuel_litres}",
            "应收": f"{head.due}",
            "长短款": wording.over_short(head.over_short),
            "摘要": head.sha256,
        },
    )
    return close


def _lock(day: BusinessDay) -> BusinessDay:
    locked = (
        BusinessDay.objects.select_for_update(of=("self",)).select_related("station").get(pk=day.pk)
    )
    if locked.status == BusinessDay.Status.CLOSED:
        raise DayAlreadyClosed(f"{locked.date} 已经日结并冻结，不能再改；更正请记在当前营业日。")
    return locked


def _accept(
    day: BusinessDay, found: Difference, reason: str, at: datetime, actor: User
) -> DayDifference:
    decision, _ = DayDifference.objects.update_or_create(
        day=day,
        kind=found.kind,
        subject=found.subject,
        defaults={
            "amount": found.amount,
            "litres": found.litres,
            "text": found.text[:300],
            "status": DayDifference.Status.ACCEPTED,
            "reason": reason[:200],
            "decided_by": actor,
            "decided_at": at,
        },
    )
    audit.record(
        at=at,
        actor=actor,
        action="finance.difference.accepted",
        station=day.station,
        document=f"{day.date}",
        reason=reason,
        after={"差异": found.text, "金额": found.worth, "升数": wording.litres(found.volume)},
    )
    return decision


def _note_resolved(day: BusinessDay, differences: tuple[Difference, ...]) -> None:
    """What was accepted on this day and has been settled since was not carried after all."""
    still = [row.decision.pk for row in differences if row.decision]
    DayDifference.objects.filter(day=day, status=DayDifference.Status.ACCEPTED).exclude(
        pk__in=still
    ).update(status=DayDifference.Status.RESOLVED)
