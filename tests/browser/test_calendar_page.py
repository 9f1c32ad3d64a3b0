"""The holiday calendar as it is used: a year by finger on every width, a day typed and struck out."""

from datetime import date

import pytest
from django.urls import reverse

from station.models import CalendarDay
from station.services import calendar
from tests import make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.req("SEC-09", "SEC-10")
def test_a_year_fits_every_width_and_a_day_is_typed_and_struck_out(look):
    station = make.station()
    calendar.fill(at=make.NOW)
    page = look.at(1440, as_=make.manager(station)).open("/calendar/?year=2026")
    for width, mode in ((1440, "light"), (1024, "light"), (390, "dark")):
        look.resize(width, mode)
        look.check()
        look.shoot("calendar")
    page.get_by_label("2026-06-01").click()
    page.get_by_label("类别").select_option("REST")
    page.get_by_label("依据").fill("县政府通知")
    look.check()
    page.get_by_role("button", name="保存").click()
    page.get_by_text("2026-06-01 已记为调休放假").wait_for()
    entry = CalendarDay.objects.get(date=date(2026, 6, 1))
    page = look.open(reverse("station:calendar_day", args=[entry.pk]))
    look.check()
    page.locator("#reason-off").fill("写错了")
    page.get_by_role("button", name="删去").click()
    page.locator("dialog[open]").get_by_role("button").last.click()
    page.get_by_text("2026-06-01 已删去").wait_for()
