"""日结: accept what differs, then freeze the day in one short transaction."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from finance.models import (
    DayClose,
    DayDifference,
    DayDiscount,
    DayFigures,
    DayHour,
    DayProduct,
    DayTank,
    DayTender,
)
from finance.queries.closing import Difference, readiness
from finance.queries.figures import Figures, figures_of_facts
from finance.queries.frozen import digest, to_json
from finance.queries.parts import total_litres
from inventory.services.books import freeze_day_books
from station.errors import Refusal
from station.models import BusinessDay, User
from station.money import ZERO
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
    locked = _lock(day)
    figures = figures_of_facts(day=locked)
    ready = readiness(day=locked, figures=figures)
    if not ready.is_ready:
        raise DayNotReady(
            f"{locked.date} 还不能日结："
            + "；".join(
                [f"{row.text}（{row.whose}）" for row in ready.blockers]
                + [f"{row.text}，须处理或由老板认可" for row in ready.undecided]
            )
        )
    _note_resolved(locked, ready.differences)
    freeze_day_books(day=locked, at=at)
    head = _freeze(locked, figures, at, actor)
    close = DayClose.objects.create(
        day=locked,
        number=next_number(station=locked.station, kind="D", day=locked.date),
        closed_by=actor,
        closed_at=at,
        remarks=remarks.strip(),
    )
    mark_closed(day=locked, at=at, actor=actor)
    audit.record(
        at=at,
        actor=actor,
        action="finance.day.closed",
        station=locked.station,
        document=close.number,
        reason=close.remarks,
        after={
            "营业日": f"{locked.date}",
            "油品升数": f"{head.fuel_litres}",
            "应收": f"{head.due}",
            "长短款": wording.over_short(head.over_short),
            "摘要": head.sha256,
        },
    )
    wake("finance.tasks.archive_reports")
    day.refresh_from_db()
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


def _freeze(day: BusinessDay, figures: Figures, at: datetime, actor: User) -> DayFigures:
    body = to_json(figures)
    head = figures.head
    shared = {"station": day.station, "day": day, "date": day.date}
    DayProduct.objects.bulk_create(
        DayProduct(
            **shared,
            kind=row.kind,
            code=row.code,
            name=row.name,
            category=row.category,
            quantity=row.quantity,
            list_amount=row.list_amount,
            discount=row.discount,
            net=row.net,
            tax=row.tax,
            cost=row.cost,
            count=row.count,
        )
        for row in figures.products
    )
    _freeze_money(figures, shared)
    _freeze_tanks(figures, shared)
    return DayFigures.objects.create(
        **shared,
        fuel_litres=total_litres(figures.products),
        fuel_net=figures.fuel_net,
        shop_net=figures.shop_net,
        discount=head.discount,
        rounding=head.rounding,
        due=head.due,
        tax=sum((row.tax for row in figures.products), ZERO),
        fuel_tax=sum((row.tax for row in figures.fuels), ZERO),
        cost=figures.cost,
        fuel_cost=sum((row.cost for row in figures.fuels), ZERO),
        sales_count=head.sales,
        fuel_count=head.fuel_lines,
        fuel_sales_count=head.fuel_sales,
        shop_count=head.shop_sales,
        both_count=head.both_sales,
        corrections_count=head.corrections,
        over_short=figures.over_short,
        variance_l=figures.variance,
        new_members=figures.new_members,
        body=body,
        sha256=digest(body),
        frozen_at=at,
        frozen_by=actor,
    )


def _freeze_money(figures: Figures, shared: dict[str, object]) -> None:
    DayTender.objects.bulk_create(
        DayTender(
            **shared,
            code=row.code,
            name=row.name,
            count=row.count,
            received=row.received,
            refunded=row.refunded,
            moved=row.moved,
            fuel=row.fuel,
            shop=row.shop,
            advance=row.advance,
            litres=row.litres,
            net=row.net,
            over_short=row.over_short,
        )
        for row in figures.tenders
    )
    DayDiscount.objects.bulk_create(
        DayDiscount(
            **shared, person=row.person, reason=row.reason, count=row.count, amount=row.amount
        )
        for row in figures.discounts
    )
    DayHour.objects.bulk_create(
        DayHour(**shared, hour=row.hour, count=row.count, litres=row.litres, net=row.net)
        for row in figures.hours
    )


def _freeze_tanks(figures: Figures, shared: dict[str, object]) -> None:
    DayTank.objects.bulk_create(
        DayTank(
            **shared,
            tank_number=row.number,
            grade_code=row.grade,
            opening_l=row.opening,
            received_l=row.received,
            pumped_l=row.pumped,
            returned_l=row.returned,
            other_l=row.other,
            sold_l=row.sold,
            book_l=row.book,
            physical_l=row.physical,
            variance_l=row.variance,
            price=row.price,
        )
        for row in figures.tanks
    )
