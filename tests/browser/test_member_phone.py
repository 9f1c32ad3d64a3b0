"""A member's phone in a browser: signing in, the code at the till, an app that opens without network."""

from __future__ import annotations

import re

import pytest
from django.core.cache import cache
from django.utils.timezone import now
from playwright.sync_api import Page, expect

from devices.models import Line, Reader
from devices.services.reads import record_read
from members.models import Member, Presence
from members.queries.present_codes import code_for
from members.services import notices
from members.views.guard import COOKIE
from station.channels import texts
from station.models import TillSession
from tests import make
from tests.browser.conftest import Look
from tests.browser.test_till import ready

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PHONE = "13887654321"
CACHES = "caches.keys().then(async (names) => (await Promise.all(names.filter((one) => one.includes('data')).map(async (one) => (await (await caches.open(one)).keys()).map((kept) => new URL(kept.url).pathname)))).flat())"


@pytest.fixture(autouse=True)
def demo(settings):
    settings.DEMO, settings.TEXT_CHANNEL = True, "local"
    cache.delete(texts.KEY)


def signed_in(look: Look, member: Member, width: int = 390) -> Page:
    page = look.at(width, touch=True).page
    token = make.phone_of(member, now()).cookies[COOKIE].value
    where = f"{look._address}/m/"
    page.context.add_cookies([{"name": COOKIE, "value": token, "url": where}])
    return page


def read_by_the_scanner_of(session: TillSession, code: str) -> None:
    """What the poller stores of a read by a scanner on a serial line."""
    line = Line.objects.create(
        station=session.station, name="扫码枪", url="/dev/ttyS9", protocol="SCANNER"
    )
    session.station.read_rules.create(
        position=1, medium="CODE", pattern="HY[A-Z2-7]{28}", meaning="MEMBER_CODE"
    )
    record_read(
        reader=Reader.objects.create(line=line, till=session.till),
        key="read:1",
        medium="CODE",
        text=code,
        secret=False,
        at=now(),
    )


@pytest.mark.req("CHN-02", "MEM-01", "PAY-05")
def test_a_customer_joins_on_his_phone_and_shows_a_code_that_the_till_takes(look: Look) -> None:
    till = ready()
    page = look.at(390, touch=True).open(f"/m/sign-in/?station={till.station.code}")
    look.check()
    look.shoot("phone-sign-in")
    page.get_by_label("手机号").fill(PHONE)
    page.get_by_role("button", name="获取验证码").click()
    page.get_by_text("验证码已发到").wait_for()
    look.check()
    code = re.search(r"验证码 (\d{6})", texts.lately()[0].text)[1]
    page.get_by_label("验证码").fill(code)
    page.get_by_role("button", name="登录").click()
    page.get_by_label("姓名").fill("李小龙")
    page.get_by_label("出生日期").fill("1990-05-01")
    page.get_by_label("我已阅读并同意隐私政策").check()
    look.check()
    look.shoot("phone-join", full=True)
    page.get_by_role("button", name="入会").click()
    page.locator(".my-code-picture svg").wait_for()
    expect(page.locator(".my-code-left")).to_contain_text("秒内有效")
    look.check()
    look.shoot("phone-home")
    look.resize(360, "dark")
    look.check()
    look.shoot("phone-home", full=True)
    shown = page.locator(".my-code").get_attribute("data-code")
    member = Member.objects.get()

    desk = look.at(1024, as_=till.cashier).open("/sales/till/")
    expect(desk.locator(".fill")).to_have_count(3)
    desk.locator("#command").fill(shown)
    desk.locator("#command").press("Enter")
    expect(desk.locator(".member-facts")).to_contain_text(member.number)
    expect(desk.locator(".member-facts")).to_contain_text("本人到场")
    assert Presence.objects.get().member == member
    look.expect_errors()  # a refusal is a 422
    desk.locator("#command").fill(shown)
    desk.locator("#command").press("Enter")
    expect(desk.locator("#refusal")).to_contain_text("已经用过")
    other = make.member(till.station)
    fresh = code_for(member_id=other.pk, at=now())
    read_by_the_scanner_of(till, fresh)
    expect(desk.locator(".member-facts")).to_contain_text(other.number)
    old = code_for(member_id=member.pk, at=make.NOW)
    desk.locator("#command").fill(old)
    desk.locator("#command").press("Enter")
    expect(desk.locator("#refusal")).to_contain_text("已过期")


@pytest.mark.req("CHN-02", "SEC-06")
def test_the_app_installs_opens_without_network_and_leaves_nothing_after_signing_out(
    look: Look,
) -> None:
    station = make.station(address="昆明市东风东路 1 号", phone="0871-1234567")
    make.price(station, make.grade("92#"), "7.85")
    member = make.member(station)
    make.sale(make.session(station), [make.fill_at(station)], member=member.pk)
    page = signed_in(look, member)
    look.open("/m/")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    session = page.context.new_cdp_session(page)
    told = session.send("Page.getAppManifest")
    assert told["url"].endswith("/m/manifest.webmanifest") and not told["errors"]
    wrong = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert {one["errorId"] for one in wrong} <= {"in-incognito"}  # as every window of a test is
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    for path in ("/m/", "/m/purchases/", "/m/prices/"):
        look.open(path)
    assert set(page.evaluate(CACHES)) == {"/m/", "/m/purchases/", "/m/prices/"}

    look.expect_errors()  # what asks again every few seconds finds no network
    page.context.set_offline(True)
    page.goto("/m/purchases/")
    expect(page.locator("#offline")).to_contain_text("没有网络：这是")
    expect(page.get_by_text("¥200.02").first).to_be_visible()
    look.shoot("phone-offline")
    page.goto("/m/")
    expect(page.locator("#offline")).to_be_visible()
    assert not page.locator(".my-code-picture").count()
    page.goto("/m/me/devices/")
    expect(page.get_by_text("没有存下的数据")).to_be_visible()
    page.context.set_offline(False)

    page.goto("/m/me/")
    page.get_by_role("button", name="退出登录").click()
    page.get_by_label("手机号").wait_for()
    page.wait_for_function(f"() => {CACHES}.then((kept) => kept.length === 0)")
    page.context.set_offline(True)
    page.goto("/m/purchases/")
    expect(page.get_by_text("没有存下的数据")).to_be_visible()


@pytest.mark.req("CHN-03", "CHN-06")
def test_prices_and_messages_are_there_within_five_seconds(look: Look) -> None:
    station = make.station(address="昆明市东风东路 1 号", phone="0871-1234567")
    make.price(station, make.grade("92#"), "7.85")
    make.price(station, make.grade("0#"), "7.50")
    member = make.member(station, plate="云A7K3M9")
    session = make.session(station)
    make.sale(session, [make.fill_at(station)], member=member.pk)
    page = signed_in(look, member)
    look.open("/m/prices/")
    expect(page.get_by_text("¥7.85")).to_be_visible()
    make.price(station, make.grade("92#"), "7.99", since=now())
    expect(page.get_by_text("¥7.99")).to_be_visible(timeout=5000)
    notices.tell(member=member, key="k", subject="优惠到账", text="请查看。", at=now())
    expect(page.locator(".count-badge")).to_have_text("1", timeout=5000)
    look.open("/m/purchases/")
    make.sale(session, [make.fill_at(station, "10.00")], member=member.pk)
    expect(page.get_by_text("¥78.50").first).to_be_visible(timeout=5000)
    paths = ("prices", "purchases", "stations", "inbox", "me", "me/vehicles", "me/devices")
    for path in (*paths, "me/consents", "me/profile", "me/phone", "privacy"):
        look.open(f"/m/{path}/")
        look.check(axe=path in ("inbox", "purchases", "me", "me/vehicles"))
        look.shoot(f"phone-{path.replace('/', '-')}", full=True)
    look.open("/m/inbox/")
    page.get_by_role("button", name="全部标为已读").click()
    expect(page.get_by_text("已读", exact=True)).to_be_visible()
    look.resize(1024)
    look.check(axe=False)
    look.shoot("phone-inbox")
    page = look.at(1440, as_=make.cashier(station)).open("/members/poster/")
    for width in (1440, 1024, 390):
        look.resize(width)
        look.check(axe=width == 1440)
        look.shoot("members-poster")
