"""The kiosk in a browser: by touch alone, on both screens, and nothing left of who stood there."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from django.core.cache import cache
from django.utils.timezone import now
from playwright.sync_api import Page, expect

from members.models import KioskVisit, Member, Redemption, TopUpPlan
from members.queries.present_codes import code_for
from sales.models import KioskOrder, TopUp
from sales.views.kiosk_guard import TERMINAL
from station.channels import texts
from tests import make
from tests.browser.conftest import Look
from tests.browser.test_till import ready
from tests.members import rewards as mall
from tests.sales.kiosk import PHONE, kiosk

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
TALL, WIDE = (1080, 1920), (1280, 800)
SMALL = """() => [...document.querySelectorAll('button, summary, .k-check, input:not([type=hidden]):not([type=checkbox])')]
  .filter((one) => one.offsetParent && one.getBoundingClientRect().height < 63.5)
  .map((one) => one.outerHTML.slice(0, 100))"""
TYPED = """(code) => { for (const key of [...code, 'Enter']) document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true })); }"""


@pytest.fixture(autouse=True)
def demo(settings):
    settings.DEMO, settings.TEXT_CHANNEL = True, "local"
    cache.delete(texts.KEY)


def stand_at(look: Look, station, size=TALL, **fields: object) -> Page:
    """A registered terminal of a size, touched."""
    _, token = kiosk(station, name=f"终端 {size[0]}", **fields)
    page = look.at(1024, touch=True).page
    look.width = size[0]
    page.set_viewport_size({"width": size[0], "height": size[1]})
    where = f"{look._address}/kiosk/"
    page.context.add_cookies([{"name": TERMINAL, "value": token, "url": where}])
    look.open("/kiosk/")
    return page


def tap(page: Page, digits: str) -> None:
    for digit in digits:
        page.locator(f".k-pad [data-digit='{digit}']").tap()


def checked(look: Look, name: str) -> None:
    look.check()
    assert not look.page.evaluate(SMALL), name
    look.shoot(name)


def identify(page: Page, member: Member, ago: int = 0) -> None:
    """A phone's code is shown; one made so many seconds ago is another than one of now."""
    page.evaluate(TYPED, code_for(member_id=member.pk, at=now() - timedelta(seconds=ago)))
    page.get_by_text("可用积分").wait_for()


def stocked(session) -> Member:
    member = make.member(session.station, name="张建国", phone=PHONE)
    make.value_account(member)
    mall.give(member, 1500)
    for name, cost in (("玻璃水一瓶", 800), ("洗车券", 1000), ("机油一桶", 9000), ("抽纸", 300)):
        mall.reward(name, cost)
    for amount, bonus in (("500.00", "20.00"), ("1000.00", "50.00")):
        TopUpPlan.objects.create(
            name=f"充{amount[:-3]}送{bonus[:-3]}",
            amount=amount,
            bonus=bonus,
            audience="ALL",
            since=date(2026, 1, 1),
        )
    return member


@pytest.mark.req("CHN-01", "MAL-11", "MAL-05")
@pytest.mark.parametrize("size", [TALL, WIDE], ids=["tall", "wide"])
def test_a_member_redeems_and_orders_by_touch_alone(look: Look, size) -> None:
    session = ready()
    member = stocked(session)
    page = stand_at(look, session.station, size, printer=make.printer(session.till))
    expect(page.locator(".k-step")).to_have_count(3)
    checked(look, "kiosk-start")

    page.get_by_role("button", name="用手机号登录").tap()
    page.get_by_role("heading", name="请输入手机号").wait_for()
    tap(page, PHONE + "9")  # one more than there is room for
    page.get_by_role("button", name="退格").tap()
    tap(page, PHONE[-1])
    checked(look, "kiosk-phone")
    page.get_by_role("button", name="获取验证码").tap()
    page.get_by_role("heading", name="请输入验证码").wait_for()
    tap(page, re.search(r"验证码 (\d{6})", texts.lately()[0].text)[1])
    page.get_by_role("button", name="确定").tap()
    page.get_by_text("可用积分").wait_for()
    expect(page.locator("#k-idle")).to_contain_text("秒无操作回首页")
    checked(look, "kiosk-home")

    page.get_by_role("button", name="积分兑换").tap()
    page.locator(".k-offer").first.wait_for()
    expect(page.locator(".k-offer").first).to_contain_text("抽纸")
    expect(page.locator(".k-offer").last).to_contain_text("还差 7500 分")
    checked(look, "kiosk-mall")
    page.locator(".k-offer", has_text="洗车券").tap()
    page.get_by_role("button", name="确认兑换").wait_for()
    checked(look, "kiosk-reward")
    page.get_by_role("button", name="确认兑换").tap()
    order = page.locator(".k-code")
    order.wait_for()
    checked(look, "kiosk-done")
    assert Redemption.objects.get().number == order.inner_text()

    page.get_by_role("button", name="办别的").tap()
    page.get_by_role("button", name="积分兑换").tap()
    page.locator(".k-offer", has_text="抽纸").tap()
    page.get_by_text("请证明是您本人").wait_for()  # one proof, one order
    checked(look, "kiosk-prove")
    page.evaluate(TYPED, code_for(member_id=member.pk, at=now()))
    page.get_by_role("button", name="确认兑换").wait_for()
    page.get_by_role("button", name="返回").tap()
    page.get_by_role("button", name="返回").tap()

    page.get_by_role("button", name="储值充值").tap()
    page.locator(".k-offer", has_text="充1000送50").wait_for()
    checked(look, "kiosk-plans")
    page.locator(".k-offer", has_text="充1000送50").tap()
    page.get_by_text("请到收银台付").wait_for()
    checked(look, "kiosk-order")
    number = KioskOrder.objects.get().number
    page.get_by_role("button", name="结束").tap()
    page.get_by_text("欢迎使用自助终端").wait_for()
    assert not KioskVisit.objects.filter(ended_at=None).exists()

    if size == WIDE:  # the cashier takes the slip's number in one step
        desk = look.at(1024, as_=session.cashier).open("/sales/till/")
        expect(desk.locator(".fill")).to_have_count(3)
        desk.locator("#command").fill(number)
        desk.locator("#command").press("Enter")
        expect(desk.locator("#topup-facts")).to_contain_text(number)
        expect(desk.locator("#topup-amount")).to_have_value("1000.00")
        look.shoot("kiosk-order-at-the-till")
        desk.locator("#panel-topup").get_by_role("button", name="充值", exact=True).click()
        expect(desk.locator("#done")).to_contain_text("已充")
        assert TopUp.objects.get().kiosk_order.number == number


@pytest.mark.req("CHN-01", "MAL-11")
def test_after_a_minute_nothing_of_the_member_is_left_not_even_in_the_history(look: Look) -> None:
    session = ready()
    member = stocked(session)
    page = look.at(1024, touch=True).page
    page.clock.install()
    _, token = kiosk(session.station)
    where = f"{look._address}/kiosk/"
    page.context.add_cookies([{"name": TERMINAL, "value": token, "url": where}])
    page.set_viewport_size({"width": TALL[0], "height": TALL[1]})
    look.open("/kiosk/")
    length = page.evaluate("history.length")
    identify(page, member)
    page.get_by_role("button", name="积分兑换").tap()
    page.locator(".k-offer").first.wait_for()
    page.evaluate("localStorage.setItem('left', '1'); sessionStorage.setItem('left', '1')")
    assert page.url.endswith("/kiosk/")  # no screen has an address of its own
    assert page.evaluate("history.length") == length
    page.clock.run_for(46_000)
    expect(page.locator("#k-idle")).to_have_class(re.compile("near"))
    shown = int(page.locator("#k-left").inner_text())
    assert 10 <= shown <= 15
    look.shoot("kiosk-idle")
    page.clock.run_for(16_000)
    page.get_by_text("欢迎使用自助终端").wait_for()
    visit = KioskVisit.objects.get()
    assert visit.ended_by == "IDLE"
    nobody(page)
    stored = page.evaluate("[...Object.entries(localStorage), ...Object.entries(sessionStorage)]")
    assert set(map(tuple, stored)) <= {("htmx-current-path-for-history", "/kiosk/")}
    names = {one["name"] for one in page.context.cookies(where)}
    assert "zhongduan_ren" not in names

    look.expect_errors()  # what was open is no more: 405 and 422
    assert page.evaluate("fetch('/kiosk/home/').then((answer) => answer.status)") == 405
    identify(page, member, ago=30)
    page.goto("about:blank")  # leaving without 结束
    page.go_back()
    page.get_by_text("欢迎使用自助终端").wait_for()
    nobody(page)
    assert not KioskVisit.objects.filter(ended_at=None).exists()
    page.go_forward()
    page.go_back()
    nobody(page)


def nobody(page: Page) -> None:
    text = page.content()
    for word in ("张*国", "138****4321", "1,500", "可用积分"):
        assert word not in text


@pytest.mark.req("CHN-01")
def test_it_says_that_there_is_no_network_and_goes_on_afterwards(look: Look) -> None:
    session = ready()
    member = stocked(session)
    page = stand_at(look, session.station)
    identify(page, member)
    look.expect_errors()
    page.context.set_offline(True)
    page.get_by_role("button", name="积分兑换").tap()
    expect(page.locator("#k-away")).to_contain_text("网络断开")
    look.shoot("kiosk-offline")
    page.context.set_offline(False)
    expect(page.locator("#k-away")).to_be_hidden()
    page.get_by_role("button", name="积分兑换").tap()
    page.locator(".k-offer").first.wait_for()


@pytest.mark.req("MEM-01", "CHN-01")
def test_a_screen_is_registered_and_a_customer_joins_at_it(look: Look) -> None:
    session = ready()
    manager = make.manager(session.station)
    page = look.at(1024, touch=True).page
    page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
    look.width = WIDE[0]
    look.open("/kiosk/")
    page.get_by_role("button", name="取配对码").tap()
    code = page.locator("#pairing-code").inner_text()
    checked(look, "kiosk-pairing")
    desk_look = Look(look._browser, look._address)
    desk = desk_look.at(1440, as_=manager).open("/devices/kiosks/new/")
    desk_look.check()
    desk_look.shoot("kiosk-new")
    desk.get_by_label("配对码").fill(code)
    desk.get_by_label("名称").fill("便利店门口")
    desk.get_by_role("button", name="登记").click()
    desk.get_by_text("已登记终端").wait_for()
    desk_look.check()
    desk_look.shoot("kiosks")
    desk_look.close()
    page.get_by_text("欢迎使用自助终端").wait_for()

    page.get_by_role("button", name="我要入会").tap()
    page.get_by_role("heading", name="入会：先验证手机号").wait_for()
    tap(page, PHONE)
    page.get_by_role("button", name="获取验证码").tap()
    page.get_by_role("heading", name="请输入验证码").wait_for()
    tap(page, re.search(r"验证码 (\d{6})", texts.lately()[0].text)[1])
    page.get_by_role("button", name="确定").tap()
    page.get_by_text("手机号已验证").wait_for()
    tap(page, "19900501")
    look.expect_errors()  # a refusal is a 422
    page.get_by_role("button", name="入会", exact=True).tap()
    page.get_by_text("请先阅读并同意隐私政策").wait_for()
    page.get_by_text("我已阅读并同意隐私政策").tap()
    checked(look, "kiosk-join")
    page.get_by_role("button", name="入会", exact=True).tap()
    page.get_by_text("入会成功").wait_for()
    assert Member.objects.count() == 1
