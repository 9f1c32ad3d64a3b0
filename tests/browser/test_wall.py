"""现场看板 in a browser: 32 nozzles on one screen, live without a reload, presets by number pad."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils.timezone import now

from devices.models import Authorisation, Line, LineState
from sales.models import FillLease
from tests import make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
GRADES = ("92#", "95#", "98#", "0#")
STATES = ("IDLE", "CALLING", "AUTHORISED", "FUELLING", "SUSPENDED", "IDLE", "OFFLINE", "IDLE")


def forecourt():
    """8 dispensers with 4 nozzles each, in every state a nozzle can be in."""
    station = make.station(name="昆明东站加油站")
    make.day(station, date=now().date(), opened_at=now())
    nozzles = []
    for _ in range(8):
        head = make.dispenser(station)
        nozzles += [make.nozzle(station, make.grade(code), dispenser=head) for code in GRADES]
    for code in GRADES:
        make.price(station, make.grade(code), "7.85")
    for number, nozzle in enumerate(nozzles):
        state = STATES[(number * 5) % len(STATES)]
        running = {"litres": Decimal("23.45"), "amount": Decimal("184.08")}
        make.nozzle_state(
            nozzle,
            state,
            since=now() - timedelta(seconds=17 * number),
            unit_price=Decimal("7.85"),
            **(running if state in {"FUELLING", "SUSPENDED"} else {}),
        )
    line = Line.objects.create(station=station, name="1 号线", url="/dev/x", protocol="DART")
    LineState.objects.create(line=line, is_open=True, heard_at=now(), written_at=now())
    for number in (0, 0, 0, 5, 8, 13):
        make.fill(nozzles[number], "38.21", at=now() - timedelta(minutes=number + 1))
    held = make.fill(nozzles[16], "25", at=now() - timedelta(minutes=3))
    FillLease.objects.create(
        fill=held,
        session=make.session(station),
        leased_at=now(),
        expires_at=now() + timedelta(minutes=10),
    )
    return station, nozzles


def tile(page, nozzle):
    return page.locator(f"#tile-{nozzle.pk}")


def test_the_whole_forecourt_is_on_one_screen_at_every_width(look):
    station, nozzles = forecourt()
    page = look.at(1440, as_=make.manager(station)).open("/sales/wall/")
    page.wait_for_selector("text=实时")
    last = tile(page, nozzles[-1]).bounding_box()
    look.shoot("wall")
    assert last["y"] + last["height"] <= 900
    for width in (1440, 1024, 390):
        for scheme in ("light", "dark"):
            look.resize(width, scheme)
            look.check(axe=scheme == "light")
            look.shoot("wall", full=width < 1440)


@pytest.mark.req("SAL-02")
def test_a_lifted_nozzle_shows_by_itself_and_is_said_aloud(look):
    station, nozzles = forecourt()
    idle = nozzles[8]
    page = look.at(1440, as_=make.cashier(station)).open("/sales/wall/")
    page.wait_for_selector("text=实时")
    other = tile(page, nozzles[20])
    other.evaluate("one => { one.mark = 'never swapped' }")
    make.nozzle_state(idle, "CALLING", since=now(), unit_price=Decimal("7.85"), version=2)
    tile(page, idle).locator("text=提枪").wait_for(timeout=2500)
    assert other.evaluate("one => one.mark") == "never swapped"
    assert f"{idle.number} 号枪提枪" in page.locator("#board-news").inner_text()
    make.nozzle_state(idle, "FUELLING", litres=Decimal("9.99"), amount=Decimal("78.42"), version=3)
    tile(page, idle).locator("text=¥78.42").wait_for(timeout=2500)


@pytest.mark.req("SAL-03")
def test_a_preset_is_typed_on_the_pad_and_a_refusal_stays_in_the_panel(look):
    station, nozzles = forecourt()
    page = look.at(1024, as_=make.cashier(station)).open("/sales/wall/")
    calling = next(one for one in nozzles if one.state.state == "CALLING")
    tile(page, calling).locator(".tile-open").click()
    dialog = page.locator("#nozzle-dialog")
    dialog.locator("text=预置方式").wait_for()
    look.check()
    look.shoot("nozzle")
    for key in "1", "5", "0":
        dialog.locator(f"[data-pad='{key}']").click()
    assert dialog.locator("[name=figure]").input_value() == "150"
    dialog.locator(".nozzle-authorise").click()
    page.locator("text=已下发授权").wait_for()
    dialog.wait_for(state="hidden")
    made = Authorisation.objects.get()
    assert (made.nozzle_id, made.limit_amount) == (calling.pk, Decimal("150.00"))
    tile(page, calling).locator("text=预置 150.00 元").wait_for(timeout=2500)
    look.expect_errors()
    offline = next(one for one in nozzles if one.state.state == "OFFLINE")
    tile(page, offline).locator(".tile-open").click()
    dialog.locator(".nozzle-authorise").click()
    dialog.locator("text=加油机离线，请检查通讯后再试").wait_for()
    dialog.locator("[data-close]").click()
    dialog.wait_for(state="hidden")


@pytest.mark.req("DEV-05")
def test_the_stop_is_seen_on_the_wall_by_everybody(look):
    station, _ = forecourt()
    page = look.at(1440, as_=make.cashier(station)).open("/sales/wall/")
    page.wait_for_selector("text=实时")
    page.locator(".btn-stop").click()
    page.get_by_role("button", name="确定").click()
    page.locator(".wall-stop").wait_for()
    look.check()
    look.shoot("wall-stopped")


@pytest.mark.req("SAL-02")
def test_paying_from_a_tile_opens_the_till_with_that_nozzles_oldest_fill(look):
    station, nozzles = forecourt()
    session = station.sessions.get()
    page = look.at(1440, as_=session.cashier).open("/sales/wall/")
    tile(page, nozzles[0]).locator("a.tile-act").click()
    page.locator("#fills [aria-pressed=true]").wait_for()
    assert page.locator("#fills [aria-pressed=true] .fill-nozzle").inner_text() == "1 号枪"
    assert "nozzle=" not in page.url
