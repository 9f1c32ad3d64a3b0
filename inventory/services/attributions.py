"""归因: opened at the day's close, said with evidence, approved by another person or sent back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from inventory.models import TankBook, VarianceAttribution
from inventory.queries.attributions import book_of, limits, number_of
from station.errors import Refusal
from station.models import BusinessDay, Station, Tank, User
from station.money import NO_LITRES, Litres
from station.queries import wording
from station.services import audit

Status, Cause = VarianceAttribution.Status, VarianceAttribution.Cause


class NotYetSettled(Refusal):
    """The day's books are not final."""


class WithinLimits(Refusal):
    """There is nothing to attribute."""


class AlreadyAttributed(Refusal):
    """Somebody was faster."""


@transaction.atomic
def open_attributions(*, station: Station, books: Iterable[TankBook], at: datetime) -> int:
    """Open an attribution for every day's book over both limits; returns how many were over.

    Called by the day's close. What was attributed before the close stays as it is.
    """
    bounds = limits(station)
    over = [
        book
        for book in books
        if book.shift_id is None and bounds.passed_by(book.variance_l, book.sold_l)
    ]
    VarianceAttribution.objects.bulk_create(
        [_row(book.tank, book.day, book.variance_l or NO_LITRES, book.sold_l, at) for book in over],
        ignore_conflicts=True,
    )
    return len(over)


def _row(
    tank: Tank, day: BusinessDay, variance: Litres, sold: Litres, at: datetime
) -> VarianceAttribution:
    return VarianceAttribution(
        station_id=tank.station_id,
        number=number_of(tank, day),
        tank=tank,
        day=day,
        variance_l=variance,
        sold_l=sold,
        opened_at=at,
    )


@transaction.atomic
def propose(
    *, tank: Tank, day: BusinessDay, cause: str, evidence: str, at: datetime, actor: User
) -> VarianceAttribution:
    """Say what a variance came from, with the evidence; it waits for another person. Twice is once.

    Refuses before all shifts of the day are closed, a variance within the limits, an attribution
    that somebody else has said or that is approved, and no evidence.
    """
    evidence = evidence.strip()
    if cause not in Cause.values or not evidence:
        raise Refusal("请选归因并写明证据：查了什么、看到什么、谁在场")
    row = _locked(tank, day, at)
    if row.status == Status.OPEN:
        row.status, row.cause, row.evidence = Status.PROPOSED, cause, evidence[:400]
        row.proposed_by, row.proposed_at = actor, at
        row.decided_by, row.decided_at, row.word = None, None, ""
        row.save()
        _audit(row, "inventory.attribution.propose", at, actor)
    elif (row.proposed_by_id, row.cause, row.evidence) != (actor.pk, cause, evidence[:400]):
        raise AlreadyAttributed(f"这项损溢{row.get_status_display()}，请刷新后查看")
    return row


def _locked(tank: Tank, day: BusinessDay, at: datetime) -> VarianceAttribution:
    """The row of a tank and a day, opened where the variance is over the limits."""
    rows = VarianceAttribution.objects.select_for_update().filter(tank=tank, day=day)
    found = rows.first()
    if found is not None:
        return found
    # The close of the day takes the day first as well, and opens what is over.
    day = (
        BusinessDay.objects.select_for_update(of=("self",)).select_related("station").get(pk=day.pk)
    )
    found = rows.first()
    if found is not None:
        return found
    book = book_of(tank, day)
    if book is None:
        raise NotYetSettled("这一天还有班次没有班结，损溢还会变，请班结后再归因")
    if book.variance is None or not limits(tank.station).passed_by(book.variance, book.sold):
        raise WithinLimits("这一天的损溢没有同时超过两个限额，不需要归因")
    row = _row(tank, day, book.variance, book.sold, at)
    row.save()
    return row


@transaction.atomic
def approve(*, attribution: VarianceAttribution, at: datetime, actor: User, word: str = "") -> None:
    """Approve what another person has said. Twice is once. Refuses one's own, and what is not said yet."""
    row = VarianceAttribution.objects.select_for_update().get(pk=attribution.pk)
    if row.status == Status.APPROVED and row.decided_by_id == actor.pk:
        return
    _refuse_deciding(row, actor)
    row.status, row.decided_by, row.decided_at, row.word = Status.APPROVED, actor, at, word[:200]
    row.save()
    _audit(row, "inventory.attribution.approve", at, actor)


@transaction.atomic
def send_back(*, attribution: VarianceAttribution, reason: str, at: datetime, actor: User) -> None:
    """Send an attribution back with the reason: it is 未归因 again. Refuses one's own, and no reason."""
    if not reason.strip():
        raise Refusal("退回必须写明原因：还缺什么证据")
    row = VarianceAttribution.objects.select_for_update().get(pk=attribution.pk)
    _refuse_deciding(row, actor)
    row.status, row.decided_by, row.decided_at = Status.OPEN, actor, at
    row.word = reason.strip()[:200]
    row.save()
    _audit(row, "inventory.attribution.send_back", at, actor)


def _refuse_deciding(row: VarianceAttribution, actor: User) -> None:
    if row.status != Status.PROPOSED:
        raise AlreadyAttributed(
            f"归因 {row.number} 现在是“{row.get_status_display()}”，请刷新后查看"
        )
    if row.proposed_by_id == actor.pk:
        raise Refusal("归因须由另一人审批，不能审批自己写的")


def _audit(row: VarianceAttribution, action: str, at: datetime, actor: User) -> None:
    audit.record(
        at=at,
        actor=actor,
        station=row.tank.station,
        action=action,
        document=row.number,
        reason=row.word or row.evidence,
        after={
            "损溢": wording.gain_loss(row.variance_l),
            "归因": row.get_cause_display(),
            "状态": row.get_status_display(),
        },
    )
