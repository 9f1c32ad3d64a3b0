"""What stands between a cut day and its close: what is still open and whose, and what differs.

A *blocker* must go away by work (a shift closed, a payment known). A *difference* is worked off on
its own page, or accepted by the owner with a reason and carried forward.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from devices.models import TotalizerGap
from finance.models import DayDifference
from finance.queries.figures import Figures
from finance.queries.links import link
from finance.queries.parts import TankDay
from sales.models import Discrepancy, FillClaim
from sales.queries.shifts import day_blockers
from sales.queries.uploads import uploads_waiting
from station.models import BusinessDay
from station.money import Litres, Yuan
from station.queries import settings, wording


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
    return Readiness(day, tuple(blockers(day=day, figures=figures)), _decided(day, figures))


def blockers(*, day: BusinessDay, figures: Figures) -> list[Blocker]:
    """What is still open and whose it is; the day cannot be closed before."""
    return [
        *_of_days(day),
        *_of_sales(day),
        *_of_uploads(day),
        *(
            Blocker(
                "CHECK",
                f"勾稽不符：{check.name}，相差 {abs(check.difference)}，请核对后再日结",
                "系统",
            )
            for check in figures.checks
            if not check.holds
        ),
    ]


def _of_days(day: BusinessDay) -> list[Blocker]:
    found = []
    if day.status == BusinessDay.Status.OPEN:
        found.append(
            Blocker(
                "DAY",
                "营业日还在营业：当日最后一班交班时选择“本班后结束营业日”",
                "当班班长",
                link("sales:shift"),
            )
        )
    earlier = (
        BusinessDay.objects.filter(station_id=day.station_id, date__lt=day.date)
        .exclude(status=BusinessDay.Status.CLOSED)
        .order_by("date")
        .first()
    )
    if earlier:
        found.append(
            Blocker(
                "DAY",
                f"{wording.local(earlier.date)} 还没有日结，请先完成前一天的日结",
                "站长",
                link("finance:day", earlier.date),
            )
        )
    return found


def _of_sales(day: BusinessDay) -> list[Blocker]:
    """Shifts, counts and payments that are not ended, as the forecourt's own floor tells them."""
    return [
        Blocker(
            row.kind.upper(),
            row.text,
            row.whose,
            link(row.url_name, *([] if row.url_key is None else [row.url_key])),
        )
        for row in day_blockers(day)
    ]


def _of_uploads(day: BusinessDay) -> list[Blocker]:
    waiting = uploads_waiting().filter(till__station_id=day.station_id)
    return [
        Blocker(
            "UPLOAD",
            f"{upload.till} 断网期间的销售 {upload.local_number} 已收到，还没有入账",
            "站长",
            link("sales:discrepancies"),
        )
        for upload in waiting.select_related("till").order_by("pk")
    ]


def _decided(day: BusinessDay, figures: Figures) -> tuple[Difference, ...]:
    """The differences with what was decided about them, on this day or on an earlier one."""
    found = [
        *_unpaid(figures),
        *_discrepancies(day),
        *_gaps(day),
        *_variances(day, figures.tanks),
    ]
    accepted = {
        (row.kind, row.subject): row
        for row in DayDifference.objects.filter(
            day__station_id=day.station_id,
            day__date__lte=day.date,
            status=DayDifference.Status.ACCEPTED,
            subject__in=[row.subject for row in found],
        )
        .select_related("decided_by", "day")
        .order_by("-pk")
    }
    return tuple(
        Difference(
            kind=row.kind,
            subject=row.subject,
            text=row.text,
            amount=row.amount,
            litres=row.litres,
            href=row.href,
            decision=accepted.get((row.kind, row.subject)),
        )
        for row in found
    )


def _unpaid(figures: Figures) -> list[Difference]:
    """Fills unpaid at the end of the day that nobody has paid since."""
    ids = [row.fill for row in figures.unpaid]
    paid = set(
        FillClaim.objects.filter(fill__in=ids, released_at=None).values_list("fill_id", flat=True)
    )
    return [
        Difference(
            kind="UNPAID",
            subject=str(row.fill),
            text=f"{row.nozzle} 号枪 {wording.local(row.occurred_at)} 加油 "
            f"{wording.litres(row.litres)} 升未收款",
            amount=row.amount,
            litres=row.litres,
            href=link("devices:fill", row.fill),
        )
        for row in figures.unpaid
        if row.fill not in paid
    ]


def _discrepancies(day: BusinessDay) -> list[Difference]:
    rows = Discrepancy.objects.filter(
        station_id=day.station_id, day__date__lte=day.date, status=Discrepancy.Status.OPEN
    )
    return [
        Difference(
            kind="DISCREPANCY",
            subject=str(row.pk),
            text=f"{row.get_kind_display()}：{row.text}",
            amount=row.amount,
            href=link("sales:discrepancies"),
        )
        for row in rows.order_by("pk")
    ]


def _gaps(day: BusinessDay) -> list[Difference]:
    rows = TotalizerGap.objects.filter(
        station_id=day.station_id, shift__day=day, explained_at=None
    ).select_related("nozzle", "shift")
    return [
        Difference(
            kind="GAP",
            subject=str(row.pk),
            text=f"{row.nozzle} {row.shift.name}有 "
            f"{wording.litres(row.litres_to - row.litres_from)} 升泵码走字没有加油记录",
            litres=row.litres_to - row.litres_from,
            href=link("devices:alarms"),
        )
        for row in rows.order_by("pk")
    ]


def _variances(day: BusinessDay, tanks: Sequence[TankDay]) -> list[Difference]:
    """Tanks whose variance passes both limits and has no words."""
    rate_limit = settings.number("inventory.variance_rate_limit", day.station)
    litres_limit = settings.number("inventory.variance_litres_limit", day.station)
    return [
        Difference(
            kind="VARIANCE",
            subject=f"{day.date}-{tank.number}",
            text=f"{tank.number} 号罐（{tank.grade}）{wording.gain_loss(tank.variance)}，"
            f"损溢率 {wording.loss_rate(tank.variance_permille)} 超过限额，尚未归因",
            litres=tank.variance,
            href=link("inventory:tanks"),
        )
        for tank in tanks
        if tank.variance is not None
        and not tank.reason
        and abs(tank.variance) > litres_limit
        and abs(tank.variance_permille or Decimal("Infinity")) > rate_limit
    ]
