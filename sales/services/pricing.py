"""调价: planned, approved by someone else, in force to the second, and read back from every pump."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.urls import reverse
from django.utils.timezone import localtime

from devices.models import Command
from devices.services import commands
from sales.queries.pricing import grades_sold
from sales.services import price_downloads, signs
from station.errors import Refusal
from station.models import Grade, PriceChange, PriceLine, Station, User
from station.money import FEN, Yuan
from station.queries.prices import ceiling_at, prices_at
from station.services import audit, messages, waking
from station.services.numbering import next_number

Status = PriceChange.Status


class PlanRefused(Refusal):
    """The plan is no plan: nothing changes, an odd figure, a moment gone by."""


class AboveCeiling(PlanRefused):
    """A price above what was published for the zone."""


class NotYours(Refusal):
    """Who plans a price does not approve it."""


class ChangeIsOver(Refusal):
    """The change was decided on, withdrawn, or is in force."""


@transaction.atomic
def plan(
    *,
    station: Station,
    prices: Mapping[Grade, Yuan],
    effective_at: datetime,
    actor: User,
    at: datetime,
    note: str = "",
) -> PriceChange:
    """Plan new prices (元/升 by grade) from `effective_at` on; grades that stay are left out.

    Refuses with AboveCeiling what is above the zone's ceiling at that instant, with PlanRefused
    an odd figure, a grade not sold here, a past instant, a plan without a change, and a second
    plan for the same grade and instant.
    """
    if effective_at < at:
        raise PlanRefused(f"调价单未建立：执行时间 {_words(effective_at)} 已过，请选现在以后的时间")
    _check_prices(station=station, prices=prices, effective_at=effective_at)
    before = prices_at(station=station, at=effective_at)
    changed = {grade: new for grade, new in prices.items() if before.get(grade.pk) != new}
    if not changed:
        raise PlanRefused("调价单未建立：没有一个油品的价格有变化")
    _check_twins(station=station, grades=list(changed), effective_at=effective_at)
    change = PriceChange.objects.create(
        station=station,
        number=next_number(station=station, kind="PC", day=localtime(at).date()),
        effective_at=effective_at,
        note=note,
        planned_by=actor,
        planned_at=at,
    )
    PriceLine.objects.bulk_create(
        PriceLine(change=change, grade=grade, old_price=before.get(grade.pk), price=new)
        for grade, new in changed.items()
    )
    _record(change, "sales.price.planned", actor=actor, at=at, reason=note)
    return change


@transaction.atomic
def approve(*, change: PriceChange, actor: User, at: datetime) -> PriceChange:
    """Approve a planned change. One whose instant has gone by comes into force at once, from `at` on.

    Refuses with NotYours the planner himself, with AboveCeiling what a ceiling published since
    forbids, with ChangeIsOver what is no longer waiting.
    """
    held = _waiting(change)
    if held.planned_by_id == actor.pk:
        raise NotYours(f"调价单 {held.number} 未审批：制单人不能审批自己的单，请换一人")
    effective_at = max(held.effective_at, at)
    _check_prices(
        station=held.station,
        prices={line.grade: line.price for line in held.lines.select_related("grade")},
        effective_at=effective_at,
    )
    held.effective_at = effective_at
    PriceChange.objects.filter(pk=held.pk).update(
        status=Status.APPROVED, approved_by=actor, approved_at=at, effective_at=effective_at
    )
    _record(held, "sales.price.approved", actor=actor, at=at)
    _tell_planner(held, f"{actor.name} 已批准，{_words(effective_at)} 起执行。", at=at)
    _tell_poller(held, actor=actor, at=at)
    waking.wake("sales.tasks.put_due_prices")
    held.refresh_from_db()
    return held


@transaction.atomic
def reject(*, change: PriceChange, actor: User, at: datetime, reason: str) -> None:
    """Send a planned change back. Refuses without a reason, or what is no longer waiting."""
    held = _waiting(change)
    _demand(reason, "调价单未驳回：请写明驳回原因")
    PriceChange.objects.filter(pk=held.pk).update(status=Status.REJECTED)
    _record(held, "sales.price.rejected", actor=actor, at=at, reason=reason)
    _tell_planner(held, f"{actor.name} 驳回：{reason.strip()}", at=at)


@transaction.atomic
def withdraw(*, change: PriceChange, actor: User, at: datetime, reason: str) -> None:
    """撤销 a change before it is in force. Refuses without a reason, or one in force or decided."""
    _demand(reason, "调价单未撤销：请写明撤销原因")
    held = _held(change)
    if held.status not in (Status.PLANNED, Status.APPROVED) or (
        held.status == Status.APPROVED and held.effective_at <= at
    ):
        raise ChangeIsOver(
            f"调价单 {held.number} 未撤销：它{held.get_status_display()}或执行时间已到，"
            "要改回原价请另建调价单"
        )
    PriceChange.objects.filter(pk=held.pk).update(status=Status.CANCELLED)
    _record(held, "sales.price.withdrawn", actor=actor, at=at, reason=reason)
    if held.status == Status.APPROVED:
        _tell_poller(held, actor=actor, at=at)


@transaction.atomic
def put_into_force(*, change: PriceChange, at: datetime) -> bool:
    """Put an approved change into force and send it to every pump of its grades.

    A rise of a grade that a price sign shows goes to the sign first, and to the pumps when it is
    there (`services.signs`). Never refuses; False when it is not due, or was put into force before.
    """
    before = prices_at(station=change.station, at=change.effective_at)
    moved = PriceChange.objects.filter(
        pk=change.pk, status=Status.APPROVED, effective_at__lte=at
    ).update(status=Status.IN_FORCE, in_force_at=at)
    if not moved:
        return False
    held = signs.begin(change=change, before=before, at=at)
    lines = change.lines.exclude(pk__in=[line.pk for line in held])
    prices = dict(lines.values_list("grade_id", "price"))
    _record(change, "sales.price.in_force", actor=None, at=at)
    price_downloads.start(change=change, prices=prices, before=before, at=at)
    return True


def put_due(*, at: datetime) -> int:
    """Put every change into force whose instant has come, oldest first; the number put."""
    due = (
        PriceChange.objects.select_related("station")
        .filter(status=Status.APPROVED, effective_at__lte=at)
        .order_by("effective_at", "pk")
    )
    return sum(put_into_force(change=change, at=at) for change in due)


def _held(change: PriceChange) -> PriceChange:
    return (
        PriceChange.objects.select_for_update(of=("self",))
        .select_related("station")
        .get(pk=change.pk)
    )


def _waiting(change: PriceChange) -> PriceChange:
    held = _held(change)
    if held.status != Status.PLANNED:
        raise ChangeIsOver(
            f"调价单 {held.number} 不在待审批状态（{held.get_status_display()}），请刷新页面"
        )
    return held


def _check_prices(
    *, station: Station, prices: Mapping[Grade, Yuan], effective_at: datetime
) -> None:
    sold = {grade.pk for grade in grades_sold(station)}
    for grade, price in prices.items():
        if grade.pk not in sold:
            raise PlanRefused(f"调价单未通过：本站不卖 {grade}，请把它去掉")
        if price <= 0 or price >= 100 or price != price.quantize(FEN):
            raise PlanRefused(f"调价单未通过：{grade} 的 {price} 元/升不是两位小数的合理价格")
        ceiling = ceiling_at(station=station, grade=grade, at=effective_at)
        if ceiling is not None and price > ceiling.ceiling:
            raise AboveCeiling(
                f"调价单未通过：{grade} {price} 元/升高于{station.price_zone}最高零售价 "
                f"{ceiling.ceiling} 元/升（{ceiling.notice}），请改到限价以内"
            )


def _check_twins(*, station: Station, grades: list[Grade], effective_at: datetime) -> None:
    twin = (
        PriceLine.objects.select_related("change", "grade")
        .filter(
            change__station=station,
            change__status__in=[Status.PLANNED, Status.APPROVED],
            change__effective_at=effective_at,
            grade__in=grades,
        )
        .first()
    )
    if twin is not None:
        raise PlanRefused(
            f"调价单未建立：{twin.change.number} 已安排 {twin.grade} 在同一时刻调价，请先撤销那一张"
        )


def _demand(reason: str, text: str) -> None:
    if not reason.strip():
        raise PlanRefused(text)


def _tell_poller(change: PriceChange, *, actor: User, at: datetime) -> None:
    # The line keeps planned prices itself, so that it changes to the second without the database.
    commands.queue(
        kind=Command.Kind.REWIRE,
        station=change.station,
        actor=actor,
        at=at,
        document=change.number,
        seconds=60,
    )


def _tell_planner(change: PriceChange, said: str, *, at: datetime) -> None:
    messages.tell(
        recipient=change.planned_by,
        key=f"price:{change.number}:{at.isoformat()}",
        subject=f"调价单 {change.number} 有了结果",
        text=said,
        url=reverse("sales:price_change", args=[change.number]),
        station=change.station,
        at=at,
    )


def _record(
    change: PriceChange, action: str, *, actor: User | None, at: datetime, reason: str = ""
) -> None:
    lines = list(change.lines.select_related("grade").order_by("grade__position"))
    audit.record(
        at=at,
        actor=actor,
        action=action,
        station=change.station,
        document=change.number,
        reason=reason,
        before={line.grade.code: str(line.old_price or "") for line in lines},
        after={
            **{line.grade.code: str(line.price) for line in lines},
            "执行时间": _words(change.effective_at),
        },
    )


def _words(when: datetime) -> str:
    return f"{localtime(when):%Y-%m-%d %H:%M:%S}"
