"""节假日历: filled from the library's official arrangements, kept as a table that people may edit."""

from __future__ import annotations

from datetime import date, datetime

import chinese_calendar.constants as official
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from station.errors import Refusal
from station.models import Alert, CalendarDay, Station, User
from station.queries.holidays import ends_on, ends_soon
from station.services import alerts, audit

KEY = "calendar:end"
FIRST_YEAR = 2004  # what the library begins with
Kind, Source = CalendarDay.Kind, CalendarDay.Source


class BadDay(Refusal):
    """The day is in the calendar already, or too far away to be known."""


class ReasonMissing(Refusal):
    """The calendar decides what other figures are compared with; it is changed with a reason."""


@transaction.atomic
def fill(*, at: datetime) -> int:
    """Add the holidays and make-up days that the library knows from last year on; returns how many.

    What is there already, typed by people above all, stays as it is.
    """
    since = date(timezone.localtime(at).year - 1, 1, 1)
    known = set(CalendarDay.objects.filter(date__gte=since).values_list("date", flat=True))
    fresh = [
        CalendarDay(date=day, kind=kind, name=name, source=Source.LIBRARY)
        for day, kind, name in _official()
        if day >= since and day not in known
    ]
    CalendarDay.objects.bulk_create(fresh, ignore_conflicts=True)
    return len(fresh)


@transaction.atomic
def refill(*, station: Station, at: datetime, actor: User) -> int:
    """The same, asked for by a person: audited where days came. Never refuses."""
    added = fill(at=at)
    if added:
        audit.record(
            at=at,
            actor=actor,
            action="station.calendar.filled",
            station=station,
            document="calendar",
            after={"新增天数": added},
        )
    warn(at=at)
    return added


@transaction.atomic
def save_day(
    *,
    day: date,
    kind: str,
    name: str,
    reason: str,
    station: Station,
    at: datetime,
    actor: User,
    entry: CalendarDay | None = None,
) -> CalendarDay:
    """Add a day, or say something else of `entry`; it counts as typed and no library changes it.

    Nothing is written where nothing changes. Refuses with ReasonMissing, or with BadDay a date
    that is there already, or in a year that nobody has announced.
    """
    said = _worded(reason)
    if not FIRST_YEAR <= day.year <= timezone.localtime(at).year + 1:
        raise BadDay(
            f"没有保存：{day.year} 年不在日历范围内（{FIRST_YEAR} 年到明年），请核对日期。"
        )
    if entry is not None:
        kept = CalendarDay.objects.select_for_update().get(pk=entry.pk)
    else:
        kept = CalendarDay.objects.select_for_update().filter(date=day).first() or CalendarDay(
            date=day
        )
    before = _said(kept) if kept.pk else None
    wanted = {"类别": Kind(kind).label, "名称": name.strip()}
    if before == wanted:
        return kept
    if before is not None and entry is None:
        raise BadDay(f"没有新增：{day} 已在日历里（{kept.get_kind_display()}），请点那一天修改。")
    kept.kind, kept.name, kept.source = kind, name.strip(), Source.TYPED
    try:
        with transaction.atomic():
            kept.save()
    except IntegrityError:  # somebody added the same day in this instant
        raise BadDay(f"没有新增：{day} 刚刚由别人加进日历，请刷新后再看。") from None
    _note("station.calendar.saved", kept.date, said, station, at, actor, before, wanted)
    warn(at=at)
    return kept


@transaction.atomic
def remove_day(
    *, entry: CalendarDay, reason: str, station: Station, at: datetime, actor: User
) -> bool:
    """Strike a day out; tells whether its line is gone.

    A day that the library knows stays as 按平日, for tonight's filling would bring it back; struck
    out once more the library's word holds again. Refuses with ReasonMissing.
    """
    said = _worded(reason)
    kept = CalendarDay.objects.select_for_update().filter(pk=entry.pk).first()
    if kept is None:  # twice is the same as once
        return True
    before, day = _said(kept), kept.date
    stays = kept.kind != Kind.ORDINARY and any(day == known for known, _, _ in _official())
    if stays:
        kept.kind, kept.source = Kind.ORDINARY, Source.TYPED
        kept.save()
    else:
        kept.delete()
    after = _said(kept) if stays else {"类别": "", "名称": ""}
    _note("station.calendar.removed", day, said, station, at, actor, before, after)
    warn(at=at)
    return not stays


def warn(*, at: datetime) -> None:
    """Raise an alert at every station 60 days before the calendar ends; clear it once it goes on."""
    end = ends_on()
    for station in Station.objects.filter(active=True):
        if not ends_soon(end, timezone.localtime(at).date()):
            alerts.clear_alert(station=station, key=KEY, at=at)
        else:
            alerts.raise_alert(
                station=station,
                key=KEY,
                kind="station.calendar",
                level=Alert.Level.WARNING,
                text=f"节假日历只到 {end or '（空）'}：请更新系统，或照国务院办公厅放假通知手工补录。",
                url=reverse("station:calendar"),
                at=at,
            )


# --------------------------------------------------------------------------------- inside


def _worded(reason: str) -> str:
    if not reason.strip():
        raise ReasonMissing("没有保存：请写明依据，例如「国办发明电〔2026〕1 号」。")
    return reason.strip()[:200]


def _said(entry: CalendarDay) -> dict[str, str]:
    return {"类别": Kind(entry.kind).label, "名称": entry.name}


def _note(
    action: str,
    day: date,
    reason: str,
    station: Station,
    at: datetime,
    actor: User,
    before: dict[str, str] | None,
    after: dict[str, str],
) -> None:
    audit.record(
        at=at,
        actor=actor,
        action=action,
        station=station,
        document=f"calendar:{day}",
        reason=reason,
        before=before,
        after=after,
    )


def _official() -> list[tuple[date, str, str]]:
    rest = official.in_lieu_days
    days: list[tuple[date, str, str]] = [
        (day, Kind.REST if day in rest else Kind.STATUTORY, _chinese(name))
        for day, name in official.holidays.items()
    ]
    days += [(day, Kind.MAKE_UP, _chinese(name)) for day, name in official.workdays.items()]
    return sorted(days)


def _chinese(name: str) -> str:
    names: dict[str, str] = {one.value: one.chinese for one in official.Holiday}
    return names.get(name, name)
