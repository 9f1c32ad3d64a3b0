"""The attendant's phone in a browser, at 360 px and under a thumb."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils.timezone import localdate, now
from playwright.sync_api import expect

from members.queries.present_codes import code_for
from sales.models import FillLease, Sale
from station.models import TillSession
from tests import make
from tests.browser.conftest import Look
from tests.marketing import offers
from tests.members import rewards as mall

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def shoot(look: Look, name: str, *, full: bool = False) -> None:
    """A picture. Taking it leaves empty `style` attributes, which htmx would carry to the next part."""
    look.shoot(name, full=full)
    look.page.evaluate(
        "document.querySelectorAll('[style]').forEach((one) => one.removeAttribute('style'))"
    )


def ground():
    station = make.station(rounding_step="0.1")
    make.day(station, date=localdate())
    shift = make.shift(station)
    make.tenders()
    phone = make.till(station, name="手机 1")
    make.printer(make.till(station, name="店里"))
    guns = [make.nozzle(station, make.grade(code)) for code in ("92#", "95#")]
    for gun, litres in zip(guns, ("25.00", "31.20"), strict=True):
        make.fill(gun, litres, "8.00", at=now())
    sun = make.attendant(station)
    shift.crew.create(user=sun, post="ATTENDANT", island=guns[0].dispenser.island)
    return station, phone, guns, sun


@pytest.mark.req("CHN-05")
def test_an_attendant_works_a_shift_on_his_phone(look: Look) -> None:
    station, _, guns, sun = ground()
    member = make.member(station, name="张建国", plate="云A12345")
    mall.give(member, 5000)
    mall.reward("玻璃水", 6000)
    offers.coupon(station, member, at=now(), valid_until=now() + timedelta(days=30))
    page = look.at(360, as_=sun, touch=True).open("/")
    page.get_by_text("还没有开收银班").wait_for()
    look.check()
    shoot(look, "attendant-start")
    page.get_by_text("还没有开收银班").tap()
    page.get_by_label("备用金").wait_for()
    look.check()
    shoot(look, "attendant-open")
    page.get_by_label("备用金").fill("100")
    page.get_by_label("自己的口令").fill(make.PIN)
    page.get_by_role("button", name="开班", exact=True).tap()
    page.get_by_text("手机 1 收银中").wait_for()

    make.fill(guns[0], "10.00", "8.00", at=now())  # a car has just filled up
    expect(page.locator(".hand-fill")).to_have_count(3)
    look.check()
    shoot(look, "attendant", full=True)
    page.locator(".hand-fill").first.tap()
    page.locator(".hand-total").wait_for()
    assert FillLease.objects.count() == 1
    look.check()
    shoot(look, "attendant-bill", full=True)
    page.get_by_label("会员（扫手机码").fill(code_for(member_id=member.pk, at=now()))
    page.get_by_role("button", name="查找").tap()
    page.get_by_text("张*国").wait_for()
    look.check()
    shoot(look, "attendant-member", full=True)
    page.get_by_role("button", name="用积分", exact=True).tap()
    page.get_by_text("积分抵").first.wait_for()
    before = page.locator(".hand-total").inner_text()
    if page.get_by_role("button", name="不用", exact=True).count():
        page.get_by_role("button", name="不用", exact=True).tap()
        page.get_by_role("button", name="用上", exact=True).tap()
        page.get_by_role("button", name="不用", exact=True).wait_for()
        assert page.locator(".hand-total").inner_text() == before
    look.resize(360, "dark")
    look.check()
    shoot(look, "attendant-member", full=True)
    look.resize(390)
    page.get_by_label("实收").fill("300")
    page.get_by_role("button", name=re.compile("^现金")).tap()
    page.get_by_text("下一辆").wait_for()
    look.check()
    shoot(look, "attendant-paid", full=True)
    sale = Sale.objects.get()
    assert sale.member == member
    page.get_by_role("button", name="打印小票").tap()
    page.get_by_text("正在 小票机 打印").wait_for()
    page.go_back()
    page.get_by_text("下一辆").tap()
    expect(page.locator(".hand-fill")).to_have_count(2)

    page.get_by_text("核销券码").tap()
    page.get_by_label("核销码或券码").wait_for()
    look.check()
    shoot(look, "attendant-verify")
    page.goto(f"{look._address}/sales/attendant/session/")
    look.check()
    shoot(look, "attendant-session")
    page.get_by_role("button", name="结束收银").tap()
    page.get_by_role("button", name="确定").tap()
    page.get_by_text("实点现金").wait_for()
    look.check()
    shoot(look, "attendant-count", full=True)
    page.locator("[data-face='100']").fill("2")
    page.get_by_role("button", name="点款完成").tap()
    page.get_by_role("button", name="接收").wait_for()
    look.check()
    shoot(look, "attendant-hand-over", full=True)
    assert TillSession.objects.get().status == "COUNTED"


@pytest.mark.req("CHN-05")
def test_the_codes_of_the_nozzles_and_the_second_attendant(look: Look) -> None:
    station, phone, guns, sun = ground()
    make.session(station, cashier=sun, till=phone)
    zhao = make.attendant(station)
    make.session(station, cashier=zhao, till=make.till(station, name="手机 2"))
    page = look.at(1440, as_=make.manager(station)).open("/sales/attendant/nozzles/")
    look.check()
    shoot(look, "nozzle-codes")
    look.resize(390)
    look.check()
    page = look.at(360, as_=sun, touch=True).open(f"/sales/attendant/nozzles/{guns[0].pk}/")
    look.check()
    shoot(look, "attendant-nozzle")
    other = look.at(360, as_=zhao, touch=True).open("/sales/attendant/")
    page.locator(".hand-fill").tap()
    page.locator(".hand-total").wait_for()
    expect(other.locator(".hand-fill").first).to_contain_text("号台")
    other.locator(".hand-fill").first.tap()
    other.get_by_text("没有认领").wait_for()
    look.check()
    shoot(look, "attendant-told")
