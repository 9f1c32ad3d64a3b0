"""The business day: opened once, cut once, closed in order and then frozen."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import DatabaseError

from station.models import AuditEntry, BusinessDay
from station.queries.calendar import open_day
from station.services import days
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.req("FIN-01")]


def test_the_first_day_is_opened_once():
    station, li = make.station(), make.owner()
    day = days.open_first_day(station=station, date=make.TODAY, at=make.NOW, actor=li)
    assert open_day(station) == day
    with pytest.raises(days.DayAlreadyThere, match="2026-04-22"):
        days.open_first_day(station=station, date=make.TODAY, at=make.NOW, actor=li)


def test_cutting_a_day_opens_the_next_in_the_same_moment():
    station, wang = make.station(), make.owner()
    day = make.day(station)
    at = make.at(7, 30, day=date(2026, 4, 23))
    following = days.cut_day(day=day, at=at, actor=wang)
    assert (following.date, following.opened_at) == (date(2026, 4, 23), at)
    day.refresh_from_db()
    assert (day.status, day.cut_at) == ("CUT", at)
    assert open_day(station) == following


def test_a_cut_just_before_midnight_opens_tomorrow():
    wang = make.owner()
    following = days.cut_day(day=make.day(), at=make.at(23, 59), actor=wang)
    assert following.date == make.TODAY + timedelta(days=1)


def test_days_left_out_are_skipped():
    following = days.cut_day(
        day=make.day(), at=make.at(8, day=date(2026, 4, 26)), actor=make.owner()
    )
    assert following.date == date(2026, 4, 26)


def test_a_day_is_cut_once():
    day, wang = make.day(), make.owner()
    days.cut_day(day=day, at=make.at(23), actor=wang)
    with pytest.raises(days.DayNotOpen):
        days.cut_day(day=day, at=make.at(23, 5), actor=wang)
    assert BusinessDay.objects.filter(station=day.station).count() == 2


def test_a_day_that_lies_ahead_is_not_cut():
    with pytest.raises(days.DayNotReached, match="2026-04-22"):
        days.cut_day(
            day=make.day(), at=make.at(23, day=make.TODAY - timedelta(days=1)), actor=make.owner()
        )


def test_a_day_closes_only_after_its_cut_and_after_the_days_before():
    wang = make.owner()
    first = make.day()
    with pytest.raises(days.DayNotCut, match="营业中"):
        days.mark_closed(day=first, at=make.NOW, actor=wang)
    second = days.cut_day(day=first, at=make.at(23), actor=wang)
    days.cut_day(day=second, at=make.at(23, day=second.date), actor=wang)
    with pytest.raises(days.EarlierDayOpen, match="2026-04-22"):
        days.mark_closed(day=second, at=make.NOW, actor=wang)
    days.mark_closed(day=first, at=make.NOW, actor=wang)
    days.mark_closed(day=second, at=make.NOW, actor=wang)
    assert first.status == second.status == "CLOSED"
    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions == ["station.day.cut"] * 2 + ["station.day.closed"] * 2


def test_a_closed_day_stays_closed_in_the_database():
    day, wang = make.day(), make.owner()
    days.cut_day(day=day, at=make.at(23), actor=wang)
    days.mark_closed(day=day, at=make.at(23, 30), actor=wang)
    with pytest.raises(DatabaseError, match="closed and frozen"), transaction.atomic():
        BusinessDay.objects.filter(pk=day.pk).update(status="OPEN")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM station_businessday WHERE id = %s", [day.pk])


def test_a_station_has_one_open_day():
    day = make.day()
    with pytest.raises(IntegrityError, match="one_open_day"), transaction.atomic():
        BusinessDay.objects.create(station=day.station, date=date(2026, 4, 23), opened_at=make.NOW)


def test_the_cast_stands():
    station = make.station()
    nozzle = make.nozzle(station)
    session = make.session(station)
    make.price(station, nozzle.tank.grade)
    assert nozzle.dispenser.island.station == session.shift.day.station == station
    assert make.signed_in(make.manager(station)).session["_auth_user_id"]
