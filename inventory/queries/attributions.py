"""归因 of variances: which are over the limits, what was said of them, and what still waits.

Over the limits is over both: ‰ of the litres sold as it is shown (two places), and litres. Nothing
sold has no rate, and then the litres alone decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Count, Min, Q, QuerySet
from django.urls import reverse

from inventory.models import VarianceAttribution
from inventory.queries.books import Book, day_books
from station.models import BusinessDay, Shift, Station, Tank
from station.money import Litres, permille
from station.queries import settings, wording

Status = VarianceAttribution.Status
MOST = 20  # sentences on a paper
RATE, LITRES = "inventory.variance_rate_limit", "inventory.variance_litres_limit"


@dataclass(frozen=True)
class Limits:
    """损溢率 in ‰ and 损溢量 in litres, above both of which a variance wants its cause."""

    rate: Decimal
    litres: Litres

    def passed_by(self, variance: Litres | None, sold: Litres) -> bool:
        """Whether a variance is over both."""
        if variance is None or abs(variance) <= self.litres:
            return False
        rate = permille(variance, sold)
        return rate is None or abs(rate) > self.rate


def limits(station: Station) -> Limits:
    """The limits of a station. One statement."""
    told = settings.texts((RATE, LITRES), station)
    return Limits(Decimal(told[RATE]), Decimal(told[LITRES]))


@dataclass(frozen=True)
class Waiting:
    """How many variances wait for their cause and for approval, and since which day."""

    open: int
    proposed: int
    since: date | None

    @property
    def any(self) -> bool:
        return bool(self.open or self.proposed)


def attributions(station: Station) -> QuerySet[VarianceAttribution]:
    """Every variance over the limits of a station's closed days, and those told of before."""
    return VarianceAttribution.objects.filter(station=station).select_related(
        "tank__grade", "day", "proposed_by", "decided_by"
    )


def waiting(station: Station) -> Waiting:
    """What is not approved yet, however long ago. One statement, by its own index."""
    found = VarianceAttribution.objects.filter(
        ~Q(status=Status.APPROVED), station=station
    ).aggregate(
        open=Count("pk", filter=Q(status=Status.OPEN)),
        proposed=Count("pk", filter=Q(status=Status.PROPOSED)),
        since=Min("day__date"),
    )
    return Waiting(found["open"], found["proposed"], found["since"])


def of_days(
    station: Station, since: date, until: date
) -> dict[tuple[date, int], VarianceAttribution]:
    """The attributions of a range by date and tank number. One statement."""
    rows = attributions(station).filter(day__date__range=(since, until))
    return {(row.day.date, row.tank.number): row for row in rows}


def said(row: VarianceAttribution | None) -> str:
    """An attribution in words: 未归因, 计量（待审批）, 计量."""
    if row is None or row.status == Status.OPEN:
        return Status.OPEN.label
    cause = row.get_cause_display()
    return cause if row.status == Status.APPROVED else f"{cause}（{row.get_status_display()}）"


def number_of(tank: Tank, day: BusinessDay) -> str:
    """The number that an attribution of a tank and a day has, also before there is one."""
    return f"GY{day.station.code}-{day.date:%Y%m%d}-{tank.number}"


def book_of(tank: Tank, day: BusinessDay) -> Book | None:
    """The book of a tank over a day, once all shifts of the day are closed; None before."""
    open_shifts = Shift.objects.filter(day=day).exclude(status=Shift.Status.CLOSED)
    if day.status == BusinessDay.Status.OPEN or open_shifts.exists():
        return None
    return next((book for book in day_books(day) if book.tank.pk == tank.pk), None)


@dataclass(frozen=True)
class Told:
    """A variance over the limits with what was said of it, for the papers of its day."""

    date: date
    number: int
    grade: str
    variance: Litres
    sold: Litres
    row: VarianceAttribution | None

    @property
    def tank(self) -> str:
        return f"{self.number} 号罐（{self.grade}）"

    @property
    def href(self) -> str:
        """Where it is told."""
        return reverse("inventory:attribution", args=[self.number, self.date])

    @property
    def is_done(self) -> bool:
        return self.row is not None and self.row.status == Status.APPROVED

    @property
    def rate(self) -> Decimal | None:
        return permille(self.variance, self.sold)

    @property
    def text(self) -> str:
        """One sentence: 未归因：1 号罐（92#）损 31.00 L，损溢率 损 8.59‰。"""
        rate = "没有销量" if self.rate is None else f"损溢率 {wording.loss_rate(self.rate)}"
        words = f"{self.tank}{wording.gain_loss(self.variance)}，{rate}"
        row = self.row
        if row is None or row.status == Status.OPEN:
            return f"未归因：{words}"
        told = f"{row.get_cause_display()}——{row.evidence}"
        if row.status == Status.PROPOSED:
            return f"未归因（待审批）：{words}；{told}"
        approver = row.decided_by.name if row.decided_by else ""
        return f"已归因：{words}；{told}（{approver}审批）"


def told_of(
    *,
    station: Station,
    tanks: Iterable[tuple[date, int, str, Litres | None, Litres]],
    bounds: Limits | None = None,
) -> list[Told]:
    """What is over the limits among (date, tank number, grade, variance, sold), with its words.

    A variance that was attributed stays in, whatever the limits are now. Two statements.
    """
    rows = list(tanks)
    if not rows:
        return []
    dates = [row[0] for row in rows]
    known = of_days(station, min(dates), max(dates))
    bounds = bounds or limits(station)
    return [
        Told(on, number, grade, variance, sold, known.get((on, number)))
        for on, number, grade, variance, sold in rows
        if variance is not None and ((on, number) in known or bounds.passed_by(variance, sold))
    ]


def sentences(told: Sequence[Told], *, dated: bool = False) -> tuple[str, ...]:
    """The remarks of a paper; where it is about many days, with the date and the latest twenty only."""
    said = [f"{one.date} {one.text}。" if dated else f"{one.text}。" for one in told[-MOST:]]
    left = len(told) - len(said)
    return (*said, f"另有 {left} 项更早的，见“损溢归因”。") if left else tuple(said)
