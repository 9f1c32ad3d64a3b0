"""节假日历, read: a year in months, and how far the calendar reaches."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from django.db.models import Max, Min

from station.models import CalendarDay
from station.queries import wording
from station.queries.columns import Tone

WARN: Final = timedelta(days=60)
Kind = CalendarDay.Kind
_SIGNS: Final = {Kind.STATUTORY: "节", Kind.REST: "休", Kind.MAKE_UP: "班", Kind.ORDINARY: "平"}
TONES: Final[dict[str, Tone]] = {
    Kind.STATUTORY: "bad",
    Kind.REST: "info",
    Kind.MAKE_UP: "wait",
    Kind.ORDINARY: "off",
}


@dataclass(frozen=True, slots=True)
class DayCell:
    """One square of a month: the date, and what the calendar says of it."""

    date: date
    entry: CalendarDay | None

    @property
    def sign(self) -> str:
        return _SIGNS[Kind(self.entry.kind)] if self.entry else ""

    @property
    def tone(self) -> str:
        if self.entry:
            return TONES[self.entry.kind]
        return "weekend" if self.date.weekday() >= 5 else ""

    @property
    def words(self) -> str:
        if not self.entry:
            return wording.local(self.date)
        return f"{wording.local(self.date)} {self.entry.name} {self.entry.get_kind_display()}"


@dataclass(frozen=True, slots=True)
class Month:
    """A month in weeks from Monday; None where a week belongs to the neighbour."""

    number: int
    weeks: tuple[tuple[DayCell | None, ...], ...]


@dataclass(frozen=True, slots=True)
class Year:
    """A year of the calendar: its months, its entries by date, and which years lie beside it."""

    number: int
    months: tuple[Month, ...]
    entries: tuple[CalendarDay, ...]
    before: int | None
    after: int | None

    @property
    def counts(self) -> tuple[tuple[str, Tone, int], ...]:
        kinds = [entry.kind for entry in self.entries]
        return tuple((kind.label, TONES[kind], kinds.count(kind)) for kind in Kind)


def ends_on() -> date | None:
    """The last day of the last year that the calendar knows; None while it is empty."""
    last = CalendarDay.objects.aggregate(last=Max("date"))["last"]
    return date(last.year, 12, 31) if last else None


def ends_soon(end: date | None, today: date) -> bool:
    """Whether the calendar ends within 60 days, or has ended."""
    return end is None or end - today <= WARN


def year_of(number: int | None, today: date) -> Year:
    """A year between the first that is known and the one after the last; else this year's.

    Two statements.
    """
    span = CalendarDay.objects.aggregate(first=Min("date"), last=Max("date"))
    years = [span[end].year for end in ("first", "last") if span[end]]
    first, last = min([today.year, *years]), max([today.year, *years]) + 1
    if number is None or not first <= number <= last:
        number = today.year
    entries = tuple(CalendarDay.objects.filter(date__year=number).order_by("date"))
    by_date = {entry.date: entry for entry in entries}
    return Year(
        number,
        tuple(_month(number, month, by_date) for month in range(1, 13)),
        entries,
        number - 1 if number > first else None,
        number + 1 if number < last else None,
    )


def _month(year: int, month: int, entries: dict[date, CalendarDay]) -> Month:
    weeks = calendar.Calendar().monthdatescalendar(year, month)
    return Month(
        month,
        tuple(
            tuple(DayCell(day, entries.get(day)) if day.month == month else None for day in week)
            for week in weeks
        ),
    )
