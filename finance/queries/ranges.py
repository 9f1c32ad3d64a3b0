"""Ranges of dates, how they are cut into buckets, and what they are compared with."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum


class Grain(StrEnum):
    """How a range is cut."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"

    @property
    def label(self) -> str:
        return {"day": "日", "week": "周", "month": "月", "year": "年"}[self.value]

    def start_of(self, day: date) -> date:
        """The first date of the bucket that a date falls into; weeks begin on Monday."""
        if self == Grain.WEEK:
            return day - timedelta(days=day.weekday())
        if self == Grain.MONTH:
            return day.replace(day=1)
        if self == Grain.YEAR:
            return day.replace(month=1, day=1)
        return day

    def name_of(self, start: date) -> str:
        """How a bucket is called: 04-22 周三, 04-20 起一周, 2026-04, 2026."""
        if self == Grain.DAY:
            return f"{start:%m-%d} 周{'一二三四五六日'[start.weekday()]}"
        if self == Grain.WEEK:
            return f"{start:%Y-%m-%d} 周"
        return f"{start:%Y-%m}" if self == Grain.MONTH else f"{start:%Y}"


@dataclass(frozen=True)
class Range:
    """Dates from `since` to `until`, both included."""

    since: date
    until: date

    @property
    def days(self) -> int:
        return (self.until - self.since).days + 1

    @property
    def is_within_one_month(self) -> bool:
        return (self.since.year, self.since.month) == (self.until.year, self.until.month)

    @property
    def text(self) -> str:
        if self.since == self.until:
            return f"{self.since}"
        return f"{self.since} 至 {self.until}"

    @property
    def before(self) -> Range:
        """上期: the same days of the month before where the range lies at a month's head; a whole
        year's part against the year before; else as many days just before."""
        if self.since.day == 1 and self.is_within_one_month:
            last = self.since - timedelta(days=1)
            whole = self.until.day == monthrange(self.until.year, self.until.month)[1]
            day = last.day if whole else min(self.until.day, last.day)
            return Range(last.replace(day=1), last.replace(day=day))
        if (self.since.month, self.since.day) == (1, 1) and self.since.year == self.until.year:
            return self.year_before
        return Range(self.since - timedelta(days=self.days), self.since - timedelta(days=1))

    @property
    def year_before(self) -> Range:
        """同期: the same dates a year earlier."""
        return Range(_year_earlier(self.since), _year_earlier(self.until))


def month_to(day: date) -> Range:
    """From the first of the month to a date."""
    return Range(day.replace(day=1), day)


def _year_earlier(day: date) -> date:
    if (day.month, day.day) == (2, 29):
        return date(day.year - 1, 2, 28)
    return day.replace(year=day.year - 1)
