"""节假日历: filled from the library's official arrangements, kept as a table that people may edit."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import chinese_calendar.constants as official
from django.db import transaction
from django.utils import timezone

from station.models import Alert, CalendarDay, Station
from station.services import alerts

WARN = timedelta(days=60)
KEY = "calendar:end"


@transaction.atomic
def fill(*, at: datetime) -> int:
    """Add the holidays and make-up days that the library knows from last year on; returns how many.

    What is there already, typed by people above all, stays as it is.
    """
    since = date(timezone.localtime(at).year - 1, 1, 1)
    known = set(CalendarDay.objects.filter(date__gte=since).values_list("date", flat=True))
    fresh = [
        CalendarDay(date=day, kind=kind, name=name, source=CalendarDay.Source.LIBRARY)
        for day, kind, name in _official()
        if day >= since and day not in known
    ]
    CalendarDay.objects.bulk_create(fresh, ignore_conflicts=True)
    return len(fresh)


def ends_on() -> date | None:
    """The last day of the last year that the calendar knows; None while it is empty."""
    last = CalendarDay.objects.order_by("-date").values_list("date", flat=True).first()
    return date(last.year, 12, 31) if last else None


def warn(*, at: datetime) -> None:
    """Raise an alert at every station 60 days before the calendar ends; clear it once it goes on."""
    end = ends_on()
    for station in Station.objects.filter(active=True):
        if end and end - timezone.localtime(at).date() > WARN:
            alerts.clear_alert(station=station, key=KEY, at=at)
        else:
            alerts.raise_alert(
                station=station,
                key=KEY,
                kind="station.calendar",
                level=Alert.Level.WARNING,
                text=f"节假日历只到 {end or '（空）'}：请更新系统，或照国务院办公厅放假通知手工补录。",
                at=at,
            )


def _official() -> list[tuple[date, str, str]]:
    rest, kinds = official.in_lieu_days, CalendarDay.Kind
    days: list[tuple[date, str, str]] = [
        (day, kinds.REST if day in rest else kinds.STATUTORY, _chinese(name))
        for day, name in official.holidays.items()
    ]
    days += [(day, kinds.MAKE_UP, _chinese(name)) for day, name in official.workdays.items()]
    return sorted(days)


def _chinese(name: str) -> str:
    names: dict[str, str] = {one.value: one.chinese for one in official.Holiday}
    return names.get(name, name)
