"""盘点: the books of tanks over shifts, days or months, with the variance running up from the month's first.

variance = physical − book (loss is negative); rate = variance / sold in ‰; cumulative rate =
Σ variance / Σ sold from the first day of the month. Sources: domain rules of 油品盘点 and 日平衡表.
Frozen rows are read over the range only, so ten years behind it cost nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from inventory.models import TankBook
from inventory.queries.books import Book, add_up, from_row, live_books
from station.models import BusinessDay, Grade, Shift, Station
from station.money import NO_LITRES, Litres, permille

BARELY = Litres(1)  # sold no more than that, a rate says nothing (the trade shows 0 %)


class Grain(StrEnum):
    """How the books are cut."""

    SHIFT = "shift"
    DAY = "day"
    MONTH = "month"

    @property
    def label(self) -> str:
        return {"shift": "班", "day": "日", "month": "月"}[self.value]

    @property
    def most_days(self) -> int:
        """The longest range that is shown at this grain."""
        return {"shift": 31, "day": 366, "month": 1830}[self.value]


@dataclass(frozen=True)
class Dated:
    """The book of one tank over a shift or a day, with the date of the business day."""

    date: date
    book: Book
    day_id: int


@dataclass(frozen=True)
class Running:
    """Σ variance and Σ sold from the month's first day up to a line.

    Litres sold in a span that was not measured count with the next measurement, whose variance
    covers them too.
    """

    variance: Litres = NO_LITRES
    sold: Litres = NO_LITRES
    waiting: Litres = NO_LITRES

    def after(self, book: Book) -> Running:
        if book.variance is None:
            return replace(self, waiting=self.waiting + book.sold)
        return Running(self.variance + book.variance, self.sold + self.waiting + book.sold)

    @property
    def permille(self) -> Decimal | None:
        return rate_of(self.variance, self.sold)


@dataclass(frozen=True)
class Line:
    """One tank or one grade over one shift, day or month."""

    date: date
    grade: Grade
    books: tuple[Book, ...]  # one per tank
    running: Running
    day_id: int | None = None
    ordinal: int = 0  # of the shift within its day
    label: str = ""  # the shift's name, or the month
    days: int = 1  # business days in it; a shift is a part of one, and counts none

    @property
    def name(self) -> str:
        """The tank, or the grade where several were added up."""
        return str(self.books[0].tank) if len(self.books) == 1 else str(self.grade)

    def total(self, name: str) -> Litres:
        return sum((getattr(book, name) for book in self.books), NO_LITRES)

    @property
    def is_frozen(self) -> bool:
        return all(book.frozen for book in self.books)

    @property
    def physical(self) -> Litres | None:
        """实存; None unless every tank was measured."""
        if any(book.physical is None for book in self.books):
            return None
        return sum((book.physical or NO_LITRES for book in self.books), NO_LITRES)

    @property
    def variance(self) -> Litres | None:
        """损溢 = 实存 − 账存."""
        return None if self.physical is None else self.physical - self.total("book")

    @property
    def permille(self) -> Decimal | None:
        """损溢率 ‰ of the litres sold."""
        return None if self.variance is None else rate_of(self.variance, self.total("sold"))


def rate_of(variance: Litres, sold: Litres) -> Decimal | None:
    """‰ of the litres sold. Sold ≤ 1 L: nothing where nothing is missing, else no rate."""
    if sold <= BARELY:
        return None if variance else Decimal("0.00")
    return permille(variance, sold)


def percent_of(variance: Litres, sold: Litres) -> Decimal | None:
    """损耗率 of the paper forms, a ratio of six places (0.0274 % is 0.000274)."""
    if sold <= BARELY:
        return None if variance else Decimal(0)
    return (variance / sold).quantize(Decimal("0.000001"))


def lines(
    *, station: Station, since: date, until: date, grain: Grain, by_grade: bool = False
) -> list[Line]:
    """Every tank (or grade) over a range at a grain, oldest first, running up within each month.

    At most eleven statements, whatever the range and whatever lies behind it.
    """
    first = since.replace(day=1)
    rows = dated_books(station=station, since=first, until=until, shifts=grain == Grain.SHIFT)
    return lines_of(rows, since=since, grain=grain, by_grade=by_grade)


def lines_of(
    rows: Sequence[Dated], *, since: date, grain: Grain, by_grade: bool = False
) -> list[Line]:
    """The lines of books that are at hand, from a date on; the books go back to the month's first."""
    running: dict[date, dict[int, Running]] = defaultdict(lambda: defaultdict(Running))
    found: list[Line] = []
    for key, tanks in _slots(rows, grain):
        month = running[key.date.replace(day=1)]
        for parts in tanks:
            for book in parts:
                month[book.tank.pk] = month[book.tank.pk].after(book)
        if key.date < since and grain != Grain.MONTH:
            continue
        books = [_whole(parts) for parts in tanks]
        groups: dict[int, list[Book]] = defaultdict(list)
        for book in books:
            groups[book.tank.grade_id if by_grade else book.tank.pk].append(book)
        found += [
            Line(
                date=key.date,
                grade=group[0].tank.grade,
                books=tuple(group),
                running=_together(month[book.tank.pk] for book in group),
                day_id=key.day_id,
                ordinal=key.ordinal,
                label=key.label,
                days=0 if grain == Grain.SHIFT else max(map(len, tanks)),
            )
            for group in groups.values()
        ]
    return found


@dataclass(frozen=True)
class _Key:
    """A slot of time: a shift, a day or a month."""

    date: date
    ordinal: int
    label: str
    day_id: int | None


def _slots(rows: Sequence[Dated], grain: Grain) -> Iterator[tuple[_Key, list[list[Book]]]]:
    """Books by slot of time, oldest first: in each the books of every tank, tanks by number."""
    slots: dict[tuple[date, int], tuple[_Key, dict[int, list[Book]]]] = {}
    for row in rows:
        key = _key(row, grain)
        _, tanks = slots.setdefault((key.date, key.ordinal), (key, defaultdict(list)))
        tanks[row.book.tank.pk].append(row.book)
    for at in sorted(slots):
        key, tanks = slots[at]
        yield key, sorted(tanks.values(), key=lambda parts: parts[0].tank.number)


def slot_of(row: Dated, grain: Grain) -> tuple[date, int]:
    """Date and ordinal of the line that a book goes into."""
    key = _key(row, grain)
    return key.date, key.ordinal


def _key(row: Dated, grain: Grain) -> _Key:
    shift = row.book.shift
    if grain == Grain.MONTH:
        month = row.date.replace(day=1)
        return _Key(month, 0, f"{month:%Y-%m}", None)
    if grain == Grain.SHIFT and shift is not None:
        return _Key(row.date, shift.ordinal, shift.name, row.day_id)
    return _Key(row.date, 0, "", row.day_id)


def _whole(parts: Sequence[Book]) -> Book:
    if len(parts) == 1:
        return parts[0]
    return replace(add_up(parts), frozen=all(book.frozen for book in parts))


def _together(runs: Iterable[Running]) -> Running:
    whole = Running()
    for run in runs:
        whole = Running(whole.variance + run.variance, whole.sold + run.sold)
    return whole


def dated_books(*, station: Station, since: date, until: date, shifts: bool = False) -> list[Dated]:
    """The books of every tank over a range by date: frozen rows, and what is not frozen yet, live.

    `shifts` gives them shift by shift instead of day by day. Ten statements at most.
    """
    frozen = TankBook.objects.filter(
        tank__station=station, day__station=station, day__date__range=(since, until)
    ).select_related("tank__grade", "dip", "day", "shift")
    live = list(
        BusinessDay.objects.filter(station=station, date__range=(since, until))
        .exclude(status=BusinessDay.Status.CLOSED)
        .order_by("date")
    )
    if shifts:
        found = [_dated(row) for row in frozen.exclude(shift=None)]
        return _sorted(found + (_open_shifts(station, live) if live else []))
    found = [_dated(row) for row in frozen.filter(shift=None, day__status="CLOSED")]
    if not live:
        return _sorted(found)
    closed = frozen.exclude(shift=None).filter(day__in=live).order_by("shift__ordinal")
    parts: dict[tuple[int, int], list[Dated]] = defaultdict(list)
    for one in [*(_dated(row) for row in closed), *_open_shifts(station, live)]:
        parts[one.day_id, one.book.tank.pk].append(one)
    found += [
        Dated(group[0].date, add_up([one.book for one in group]), day)
        for (day, _), group in parts.items()
    ]
    return _sorted(found)


def _dated(row: TankBook) -> Dated:
    return Dated(row.day.date, from_row(row, row.shift), row.day_id)


def _open_shifts(station: Station, live: Sequence[BusinessDay]) -> list[Dated]:
    """The live books of the shifts of these days that are not closed."""
    dates = {day.pk: day.date for day in live}
    return [
        Dated(dates[book.shift.day_id], book, book.shift.day_id)
        for books in live_books(station).values()
        for book in books
        if book.shift is not None and book.shift.day_id in dates
    ]


def _sorted(rows: list[Dated]) -> list[Dated]:
    def place(row: Dated) -> tuple[date, int, int]:
        shift: Shift | None = row.book.shift
        return row.date, 0 if shift is None else shift.ordinal, row.book.tank.number

    return sorted(rows, key=place)
