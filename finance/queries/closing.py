"""What stands between a cut day and its close: what is still open and whose, and what differs.

A *blocker* must go away by work (a shift closed, a payment known). A *difference* is worked off on
its own page, or accepted by the owner with a reason and carried forward. A tank's variance over the
limits stops nothing: it wants its cause, which may be told after the close (`attributing`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from devices.models import TotalizerGap
from finance.models import DayDifference
from finance.queries.figures import Figures
from finance.queries.links import link
from finance.queries.parts import FillRow
from sales.models import Discrepancy, FillClaim
from sales.queries.shifts import Blocker as Unfinished
from sales.queries.shifts import days_blockers
from sales.queries.uploads import uploads_waiting
from station.models import BusinessDay
from station.money import Litres, Yuan
from station.queries import wording


@dataclass(frozen=True)
class Blocker:
    """Something still open, whose it is, and the page where it is ended."""

    kind: str
    text: str
    whose: str
    href: str = ""


@dataclass(frozen=True)
class Difference:
    """Something that does not fit, with its money or litres, and what was decided about it."""

    kind: str
    subject: str
    text: str
    amount: Yuan | None = None
    litres: Litres | None = None
    href: str = ""
    decision: DayDifference | None = None

    @property
    def is_decided(self) -> bool:
        return self.decision is not None

    @property
    def worth(self) -> str:
        """The money it is about; which way it went is in the text, so no sign stands here."""
        return wording.yuan(None if self.amount is None else abs(self.amount))

    @property
    def volume(self) -> Litres | None:
        """The litres it is about, likewise without a sign."""
        return None if self.litres is None else abs(self.litres)

    def is_carried_into(self, day: BusinessDay) -> bool:
        """Whether it was accepted on an earlier day and only passes through this one."""
        return self.decision is not None and self.decision.day_id != day.pk


@dataclass(frozen=True)
class Readiness:
    """Whether a day can be closed now."""

    day: BusinessDay
    blockers: tuple[Blocker, ...]
    differences: tuple[Difference, ...]

    @property
    def undecided(self) -> tuple[Difference, ...]:
        return tuple(row for row in self.differences if not row.is_decided)

    @property
    def is_ready(self) -> bool:
        return not self.blockers and not self.undecided


def readiness(*, day: BusinessDay, figures: Figures) -> Readiness:
    """Blockers and differences of a day, asked now; `figures` are the day's."""
    (ready,) = readiness_of_days(days=[day], figures=[figures])
    return ready


def readiness_of_days(
    *, days: Sequence[BusinessDay], figures: Sequence[Figures]
) -> list[Readiness]:
    """Blockers and differences of consecutive days, each asked as if those before it were closed."""
    station = days[0].station_id
    earlier = _earlier(days[0])
    sales = days_blockers(days)
    uploads = _of_uploads(station)
    found = _differences(days, figures)
    accepted = _accepted(days[-1], [row.subject for rows in found.values() for row in rows])
    return [
        Readiness(
            day,
            (
                *_of_day(day),
                *(earlier if day == days[0] else ()),
                *map(_of_sales, sales[day.pk]),
                *uploads,
                *_of_checks(its),
            ),
            tuple(_decided(row, day, accepted) for row in found[day.pk]),
        )
        for day, its in zip(days, figures, strict=True)
    ]


def _of_day(day: BusinessDay) -> list[Blocker]:
    if day.status != BusinessDay.Status.OPEN:
        return []
    return [
        Blocker(
            "DAY",
            "营业日还在营业：当日最后一班交班时选择“本班后结束营业日”",
            "当班班长",
            link("sales:shift"),
        )
    ]


def _earlier(day: BusinessDay) -> list[Blocker]:
    earlier = (
        BusinessDay.objects.filter(station_id=day.station_id, date__lt=day.date)
        .exclude(status=BusinessDay.Status.CLOSED)
        .order_by("date")
        .first()
    )
    if earlier is None:
        return []
    return [
        Blocker(
            "DAY",
            f"{wording.local(earlier.date)} 还没有日结，请先完成前一天的日结",
            "站长",
            link("finance:day", earlier.date),
        )
    ]


def _of_sales(row: Unfinished) -> Blocker:
    """A shift, a count or a payment that is not ended, as the forecourt's own floor tells it."""
    return Blocker(
        row.kind.upper(),
        row.text,
        row.whose,
        link(row.url_name, *([] if row.url_key is None else [row.url_key])),
    )


def _of_uploads(station: int) -> list[Blocker]:
    waiting = uploads_waiting().filter(till__station_id=station)
    return [
        Blocker(
            "UPLOAD",
            f"{upload.till} 断网期间的销售 {upload.local_number} 已收到，还没有入账",
            "站长",
            link("sales:discrepancies"),
        )
        for upload in waiting.select_related("till").order_by("pk")
    ]


def _of_checks(figures: Figures) -> list[Blocker]:
    return [
        Blocker(
            "CHECK", f"勾稽不符：{check.name}，相差 {abs(check.difference)}，请核对后再日结", "系统"
        )
        for check in figures.checks
        if not check.holds
    ]


def _differences(
    days: Sequence[BusinessDay], figures: Sequence[Figures]
) -> dict[int, list[Difference]]:
    unpaid = [row.fill for its in figures for row in its.unpaid]
    paid = set(
        FillClaim.objects.filter(fill__in=unpaid, released_at=None).values_list(
            "fill_id", flat=True
        )
    )
    discrepancies = _discrepancies(days[-1])
    gaps = _gaps(days)
    return {
        day.pk: [
            *(_unpaid(row) for row in its.unpaid if row.fill not in paid),
            *(row for raised, row in discrepancies if raised <= day.date),
            *(row for missed, row in gaps if missed == day.pk),
        ]
        for day, its in zip(days, figures, strict=True)
    }


def _accepted(last: BusinessDay, subjects: Sequence[str]) -> list[DayDifference]:
    """What was accepted up to a day of these subjects, the latest first."""
    return list(
        DayDifference.objects.filter(
            day__station_id=last.station_id,
            day__date__lte=last.date,
            status=DayDifference.Status.ACCEPTED,
            subject__in=subjects,
        )
        .select_related("decided_by", "day")
        .order_by("-pk")
    )


def _decided(row: Difference, day: BusinessDay, accepted: Sequence[DayDifference]) -> Difference:
    """A difference with what was decided about it first, on this day or on an earlier one."""
    decisions = [
        decision
        for decision in accepted
        if (decision.kind, decision.subject) == (row.kind, row.subject)
        and decision.day.date <= day.date
    ]
    return replace(row, decision=decisions[-1]) if decisions else row


def _unpaid(row: FillRow) -> Difference:
    """A fill unpaid at the end of the day that nobody has paid since."""
    return Difference(
        kind="UNPAID",
        subject=str(row.fill),
        text=f"{row.nozzle} 号枪 {wording.local(row.occurred_at)} 加油 "
        f"{wording.litres(row.litres)} 升未收款",
        amount=row.amount,
        litres=row.litres,
        href=link("devices:fill", row.fill),
    )


def _discrepancies(last: BusinessDay) -> list[tuple[date, Difference]]:
    """待处理 that are open, raised up to a day, each with the date of its own."""
    rows = Discrepancy.objects.filter(
        station_id=last.station_id, day__date__lte=last.date, status=Discrepancy.Status.OPEN
    )
    return [
        (
            row.day.date,
            Difference(
                kind="DISCREPANCY",
                subject=str(row.pk),
                text=f"{row.get_kind_display()}：{row.text}",
                amount=row.amount,
                href=link("sales:discrepancies"),
            ),
        )
        for row in rows.select_related("day").order_by("pk")
    ]


def _gaps(days: Sequence[BusinessDay]) -> list[tuple[int, Difference]]:
    """Litres without a fill that nobody explained, each with the day of its shift."""
    rows = TotalizerGap.objects.filter(
        station_id=days[0].station_id, shift__day__in=days, explained_at=None
    ).select_related("nozzle", "shift")
    return [
        (
            row.shift.day_id,
            Difference(
                kind="GAP",
                subject=str(row.pk),
                text=f"{row.nozzle} {row.shift.name}有 "
                f"{wording.litres(row.litres_to - row.litres_from)} 升泵码走字没有加油记录",
                litres=row.litres_to - row.litres_from,
                href=link("devices:alarms"),
            ),
        )
        for row in rows.order_by("pk")
    ]
