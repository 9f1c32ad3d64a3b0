"""The business day: the first opens, the last handover cuts, the close freezes.

A day is OPEN, then CUT (the next one is open already, counting goes on), then CLOSED. Only the
handover in `sales` cuts, only the close in `finance` marks closed.
"""

from __future__ import annotations

from datetime import date as Date
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from station.errors import Refusal
from station.models import BusinessDay, Station, User
from station.services import audit


class DayAlreadyThere(Refusal):
    """The station has business days already; only a handover opens the next."""


class DayNotOpen(Refusal):
    """Another handover has cut the day already."""


class DayNotReached(Refusal):
    """The day to cut lies in the future."""


class DayNotCut(Refusal):
    """The day still takes facts, or is closed already."""


class EarlierDayOpen(Refusal):
    """Days close in their order."""


@transaction.atomic
def open_first_day(*, station: Station, date: Date, at: datetime, actor: User) -> BusinessDay:
    """Open a station's very first business day, at going live.

    Refuses with DayAlreadyThere.
    """
    Station.objects.select_for_update().get(pk=station.pk)
    latest = BusinessDay.objects.filter(station=station).order_by("-date").first()
    if latest:
        raise DayAlreadyThere(
            f"不能重复开始营业：{station} 已有营业日 {latest.date}，以后的营业日由交班自动产生。"
        )
    day = BusinessDay.objects.create(station=station, date=date, opened_at=at)
    _note(day, "station.day.opened", at, actor)
    return day


@transaction.atomic
def cut_day(*, day: BusinessDay, at: datetime, actor: User) -> BusinessDay:
    """Cut the open day at an instant and open the next; returns the next.

    The next day bears the following date, or today's where days were left out. Refuses with
    DayNotOpen when it was cut meanwhile, with DayNotReached when its date lies ahead.
    """
    today = timezone.localtime(at).date()
    if day.date > today:
        raise DayNotReached(f"营业日 {day.date} 还没有到，今天是 {today}，不能截止。")
    cut = BusinessDay.objects.filter(pk=day.pk, status=BusinessDay.Status.OPEN).update(
        status=BusinessDay.Status.CUT, cut_at=at
    )
    if not cut:
        raise DayNotOpen(f"营业日 {day.date} 已经截止，请刷新页面查看当前营业日。")
    day.refresh_from_db()
    following = BusinessDay.objects.create(
        station_id=day.station_id, date=max(day.date + timedelta(days=1), today), opened_at=at
    )
    _note(day, "station.day.cut", at, actor)
    return following


@transaction.atomic
def mark_closed(*, day: BusinessDay, at: datetime, actor: User) -> None:
    """Freeze a cut day: from here on the database refuses rows of it.

    Takes the lock that writers of the day hold shared, so it waits for them. Refuses with
    DayNotCut or EarlierDayOpen.
    """
    locked = BusinessDay.objects.select_for_update().get(pk=day.pk)
    if locked.status != BusinessDay.Status.CUT:
        raise DayNotCut(f"营业日 {day.date} 现在是「{locked.get_status_display()}」，不能日结。")
    earlier = (
        BusinessDay.objects.filter(station_id=day.station_id, date__lt=day.date)
        .exclude(status=BusinessDay.Status.CLOSED)
        .order_by("date")
        .first()
    )
    if earlier:
        raise EarlierDayOpen(f"营业日 {earlier.date} 还没有日结，请先日结它，再结 {day.date}。")
    BusinessDay.objects.filter(pk=day.pk).update(status=BusinessDay.Status.CLOSED, closed_at=at)
    day.refresh_from_db()
    _note(day, "station.day.closed", at, actor)


def _note(day: BusinessDay, action: str, at: datetime, actor: User) -> None:
    audit.record(at=at, actor=actor, action=action, station=day.station, document=f"{day.date}")
