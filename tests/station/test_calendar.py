"""节假日历: filled from the library, shown by the year, changed with a reason."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from django.urls import reverse

from station.models import Alert, AuditEntry, CalendarDay
from station.queries.audit import ACTIONS
from station.queries.holidays import year_of
from station.services import calendar
from tests import make

pytestmark = pytest.mark.django_db

LABOUR = date(2026, 5, 1)


def put(day=date(2026, 6, 1), kind="REST", name="端午节", reason="县政府通知", **more):
    told = {"at": make.NOW, "actor": make.owner(), "station": make.station(), **more}
    return calendar.save_day(day=day, kind=kind, name=name, reason=reason, **told)


def test_the_calendar_is_filled_with_what_the_state_announced():
    assert calendar.fill(at=make.NOW) > 50
    assert calendar.fill(at=make.NOW) == 0
    kinds = dict(CalendarDay.objects.values_list("date", "kind"))
    assert kinds[date(2026, 10, 1)] == "STATUTORY"
    assert kinds[date(2026, 10, 10)] == "MAKE_UP"
    assert CalendarDay.objects.get(date=date(2026, 10, 1)).name == "国庆节"


def test_a_typed_day_is_not_overwritten():
    CalendarDay.objects.create(date=date(2026, 10, 1), kind="MAKE_UP", source="TYPED")
    calendar.fill(at=make.NOW)
    assert CalendarDay.objects.get(date=date(2026, 10, 1)).kind == "MAKE_UP"


def test_sixty_days_before_the_calendar_ends_every_station_is_warned():
    station = make.station()
    calendar.fill(at=make.NOW)
    calendar.warn(at=make.NOW)
    assert not Alert.objects.exists()
    november = make.NOW.replace(month=11)
    calendar.warn(at=november)
    assert "2026-12-31" in Alert.objects.get(station=station).text
    CalendarDay.objects.create(date=date(2027, 1, 1), kind="STATUTORY", source="TYPED")
    calendar.warn(at=november + timedelta(days=1))
    assert Alert.objects.get().status == "CLEARED"


# ---------------------------------------------------------------------------------- typed


@pytest.mark.req("SEC-08")
def test_a_day_is_added_changed_and_struck_out_with_a_reason_and_leaves_its_traces():
    entry = put()
    assert (entry.kind, entry.source) == ("REST", "TYPED")
    assert put().pk == entry.pk  # twice is once
    put(entry=entry, kind="STATUTORY")
    where = {"at": make.NOW, "actor": make.owner(), "station": make.station()}
    for _ in range(2):
        assert calendar.remove_day(entry=entry, reason="写错了日子", **where)
    assert not CalendarDay.objects.exists()
    told = [
        (one.action, one.reason, one.before, one.after)
        for one in AuditEntry.objects.filter(document="calendar:2026-06-01").order_by("pk")
    ]
    rest = {"类别": "调休放假", "名称": "端午节"}
    off = {"类别": "法定节假日", "名称": "端午节"}
    assert told == [
        ("station.calendar.saved", "县政府通知", None, rest),
        ("station.calendar.saved", "县政府通知", rest, off),
        ("station.calendar.removed", "写错了日子", off, {"类别": "", "名称": ""}),
    ]
    assert {action for action, *_ in told} <= set(ACTIONS)


@pytest.mark.parametrize(
    ("given", "refusal", "words"),
    [
        ({"reason": " "}, calendar.ReasonMissing, "请写明依据"),
        ({"day": LABOUR}, calendar.BadDay, "已在日历里"),
        ({"day": date(2028, 1, 1)}, calendar.BadDay, "不在日历范围内"),
        ({"day": date(1999, 1, 1)}, calendar.BadDay, "不在日历范围内"),
    ],
)
def test_a_day_that_cannot_be_is_refused_and_nothing_is_written(given, refusal, words):
    calendar.fill(at=make.NOW)
    known = CalendarDay.objects.count()
    with pytest.raises(refusal, match=words):
        put(**given)
    assert CalendarDay.objects.count() == known
    assert not AuditEntry.objects.exists()


def test_a_day_of_the_library_that_was_struck_out_does_not_come_back_by_night():
    calendar.fill(at=make.NOW)
    where = {"at": make.NOW, "actor": make.owner(), "station": make.station(), "reason": "照常"}
    entry = CalendarDay.objects.get(date=LABOUR)
    assert not calendar.remove_day(entry=entry, **where)
    assert calendar.fill(at=make.NOW) == 0
    entry.refresh_from_db()
    assert (entry.kind, entry.source) == ("ORDINARY", "TYPED")
    assert calendar.remove_day(entry=entry, **where)
    assert calendar.fill(at=make.NOW) == 1
    assert CalendarDay.objects.get(date=LABOUR).kind == "STATUTORY"


# ----------------------------------------------------------------------------------- page


def test_a_year_has_twelve_months_in_whole_weeks_with_its_days():
    put()
    shown = year_of(2026, make.TODAY)
    assert [month.number for month in shown.months] == list(range(1, 13))
    assert all(len(week) == 7 for month in shown.months for week in month.weeks)
    days = [cell for month in shown.months for week in month.weeks for cell in week if cell]
    assert len(days) == 365
    assert [cell.sign for cell in days if cell.entry] == ["休"]
    assert (shown.before, shown.after) == (None, 2027)
    assert year_of(1900, make.TODAY).number == year_of(None, make.TODAY).number == 2026


def test_the_page_shows_a_year_and_leads_to_each_day(client):
    station = make.station()
    calendar.fill(at=make.NOW)
    page = make.signed_in(make.manager(station)).get(reverse("station:calendar"), {"year": "2026"})
    said = page.text
    assert "2026 年" in said and "国庆节 法定节假日" in said and "从日历库补全" in said
    national = CalendarDay.objects.get(date=date(2026, 10, 1))
    assert reverse("station:calendar_day", args=[national.pk]) in said
    assert reverse("station:calendar_new") + "?date=2026-06-01" in said
    quiet = make.signed_in(make.accountant(station)).get(reverse("station:calendar")).text
    assert "从日历库补全" not in quiet and "calendar/new" not in quiet
    for odd in ("0000", "9999", "x", "２０２６", "20266"):
        assert (
            make.signed_in(make.manager(station))
            .get(reverse("station:calendar"), {"year": odd})
            .status_code
            == 200
        )


def test_it_stands_in_the_menu_of_the_settings():
    page = make.signed_in(make.manager(make.station())).get(reverse("station:calendar"))
    assert page.context["frame"].section.label == "设置"


def test_the_page_costs_the_same_for_an_empty_year_and_a_full_one(django_assert_max_num_queries):
    client = make.signed_in(make.manager(make.station()))
    client.get(reverse("station:calendar"))
    for filled in (False, True):
        if filled:
            calendar.fill(at=make.NOW)
        with django_assert_max_num_queries(8):
            client.get(reverse("station:calendar"), {"year": "2026"})


@pytest.mark.parametrize(("last", "warned"), [("-60", True), ("-61", False)])
def test_sixty_days_before_its_end_the_page_says_so(monkeypatch, last, warned):
    put(date(2026, 12, 30))
    monkeypatch.setattr(
        "station.views.calendar.timezone.localdate",
        lambda: date(2026, 12, 31) + timedelta(days=int(last)),
    )
    page = make.signed_in(make.manager(make.station())).get(reverse("station:calendar")).text
    assert ("离结束不到 60 天" in page) is warned


def test_a_person_adds_changes_and_strikes_out_a_day_on_the_page():
    station = make.station()
    client = make.signed_in(make.manager(station))
    new = reverse("station:calendar_new")
    assert 'value="2026-06-01"' in client.get(new, {"date": "2026-06-01"}).text
    day = {"date": "2026-06-01", "kind": "REST", "name": "端午节"}
    refused = client.post(new, day)
    assert refused.status_code == 422 and "请写明依据" in refused.text
    saved = client.post(new, {**day, "reason": "县政府通知"})
    assert saved.url == reverse("station:calendar") + "?year=2026"
    entry = CalendarDay.objects.get()
    page = reverse("station:calendar_day", args=[entry.pk])
    assert "县政府通知" in client.get(page).text
    assert client.post(page, {"kind": "NONSENSE", "reason": "x"}).status_code == 422
    assert client.post(page, {"kind": "MAKE_UP", "name": "", "reason": "更正"}).status_code == 302
    entry.refresh_from_db()
    assert (entry.kind, entry.name) == ("MAKE_UP", "")
    remove = reverse("station:calendar_remove", args=[entry.pk])
    assert client.post(remove).status_code == 422
    assert client.post(remove, {"reason": "写错"}).status_code == 302
    assert client.get(page).status_code == 404
    assert AuditEntry.objects.filter(station=station, document="calendar:2026-06-01").count() == 3


def test_the_button_fills_what_is_missing_once_and_its_alert_leads_to_the_page():
    station = make.station()
    client = make.signed_in(make.manager(station))
    calendar.warn(at=make.NOW)
    assert Alert.objects.get().url == reverse("station:calendar")
    first = client.post(reverse("station:calendar_refill"), follow=True).text
    assert re.search(r"从日历库补了 \d+ 天", first)
    again = client.post(reverse("station:calendar_refill"), follow=True).text
    assert "没有新的日子" in again
    assert AuditEntry.objects.filter(action="station.calendar.filled").count() == 1
