"""The shift at the screen: crew, handover, blind count, close, forms, custody; at every width."""

from __future__ import annotations

import pytest
from django.urls import reverse

from sales.queries.shifts import shift_report
from tests import make
from tests.sales.test_closing import dipped
from tests.sales.test_worked_shift import Day, accepted, closed, counted, handed_over, worked

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WIDTHS = (1440, 1024, 390)


def seen(look, who, path: str, name: str, *, dark: bool = False) -> None:
    look.at(1440, as_=who).open(path)
    for width in WIDTHS:
        look.resize(width)
        look.check()
        look.shoot(name, full=True)
    if dark:
        look.resize(1440, "dark")
        look.check()
        look.shoot(name, full=True)


@pytest.fixture
def day() -> Day:
    return worked()


def test_the_shift_on_duty(look, day):
    seen(look, day.manager, reverse("sales:shift"), "shift", dark=True)


def test_the_handover(look, day):
    seen(look, day.leader, reverse("sales:hand_over"), "hand-over")


@pytest.mark.req("SAL-06")
def test_the_blind_count_adds_up_while_it_is_typed(look, day):
    handed_over(day)
    page = look.at(1024, as_=day.leader).open(reverse("sales:session_count", args=[day.session.pk]))
    page.get_by_label("100 元").fill("13")
    page.get_by_label("1 角").fill("7")
    assert page.locator("#cash-total").inner_text() == "1,300.70"
    look.check()
    look.shoot("count", full=True)
    look.resize(390)
    look.check()
    look.shoot("count", full=True)


def test_the_close_on_one_page(look, day):
    make.reading(day.nozzles[1], "50092.5", make.at(15, 30))
    handed_over(day)
    seen(
        look,
        day.leader,
        reverse("sales:shift_close", args=[day.shift.pk]),
        "shift-close",
        dark=True,
    )


def test_acceptance_shows_each_difference(look, day):
    handed_over(day)
    counted(day)
    seen(look, day.leader, reverse("sales:session_accept", args=[day.session.pk]), "accept")


def test_the_forms_of_a_closed_shift(look, day):
    closed(day)
    assert shift_report(day.shift).frozen
    seen(look, day.manager, reverse("sales:shift_report", args=[day.shift.pk]), "shift-report")
    seen(
        look,
        day.manager,
        reverse("sales:shift_paper", args=[day.shift.pk, "paper"]),
        "shift-paper",
    )
    seen(look, day.manager, reverse("sales:session", args=[day.session.pk]), "session")
    seen(look, day.manager, reverse("sales:custody"), "custody")
    seen(look, day.manager, reverse("sales:deposit"), "deposit")
    seen(look, day.leader, reverse("sales:my_over_short"), "over-short")
    seen(look, day.manager, reverse("sales:shifts"), "shifts")
    seen(look, day.manager, reverse("sales:sessions"), "sessions")
    seen(look, day.manager, reverse("station:patterns"), "patterns")
    seen(look, day.manager, reverse("station:pattern_new"), "pattern")


def test_a_measured_tank_is_marked(look, day):
    handed_over(day)
    accepted(day)
    dipped(day.shift)
    page = look.at(1440, as_=day.leader).open(reverse("sales:shift_close", args=[day.shift.pk]))
    assert page.get_by_text("已量").count() == 2
    look.shoot("shift-close-measured", full=True)
