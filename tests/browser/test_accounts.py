"""Signing in, the lock over a page that stays, people, members and records, looked at."""

import pytest

from station.services import alerts
from tests import make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.req("SEC-01")
def test_a_manager_signs_in_binds_his_phone_and_arrives(look):
    from django_otp.plugins.otp_totp.models import TOTPDevice

    from station.services import second_factor

    station = make.station(name="滇池路加油站")
    wang = make.user("MANAGER", station, name="王站长", username="wang")
    page = look.at(390).open("/sign-in/")
    look.check()
    look.shoot("sign-in")
    page.get_by_label("账号").fill("wang")
    page.get_by_label("密码").fill(make.PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.get_by_role("heading", name="绑定手机动态码").wait_for()
    look.check()
    look.shoot("bind-phone", full=True)
    device = TOTPDevice.objects.get(user=wang, confirmed=False)
    page.get_by_label("验证码").fill(second_factor.code_now(device))
    page.get_by_role("button", name="绑定").click()
    page.get_by_role("heading", name="恢复码").wait_for()
    look.check()
    look.shoot("recovery-codes")
    page.get_by_role("link", name="已收好，继续").click()
    page.goto("/account/")
    page.get_by_role("heading", name="我的账户").wait_for()
    look.check()


@pytest.mark.req("SEC-01")
def test_the_lock_covers_the_page_and_what_was_typed_is_still_there(look):
    look.expect_errors()  # a wrong PIN is a 422, and the console says so
    li = make.cashier(make.station(name="滇池路加油站"))
    page = look.at(1024, as_=li).open("/account/pin/")
    page.get_by_label("新口令").fill("73")
    page.evaluate("document.dispatchEvent(new Event('locked'))")
    page.get_by_role("heading", name="屏幕已锁定").wait_for()
    look.check()
    look.shoot("locked")
    secret = page.locator("#lock-secret")
    secret.fill("000000")
    page.locator("#lock-screen").get_by_role("button", name="解锁").click()
    page.get_by_text("账号或口令不对").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    assert page.locator("#lock-screen").is_visible()
    secret.fill(make.PIN)
    page.locator("#lock-screen").get_by_role("button", name="解锁").click()
    page.locator("#lock-screen").wait_for(state="hidden")
    assert page.get_by_label("新口令").input_value() == "73"


@pytest.mark.req("SEC-01")
def test_a_screen_nobody_touches_locks_itself_and_the_server_holds_the_lock(look):
    li = make.cashier(make.station(name="滇池路加油站"))
    page = look.at(1024, as_=li)
    page.page.clock.install()
    page = look.open("/account/")
    with page.expect_response("**/lock/") as posted:
        page.clock.fast_forward("16:00")
    assert posted.value.status == 204
    assert page.locator("#lock-screen").is_visible()
    page.goto("/account/")
    page.get_by_role("button", name="解锁").wait_for()
    look.check()
    look.shoot("lock-page")


@pytest.mark.req("SEC-09")
@pytest.mark.parametrize("width", [1440, 390])
def test_the_pages_of_accounts_and_members_are_whole(look, width):
    station = make.station("S01", name="滇池路加油站")
    wang, li = make.manager(station), make.cashier(station)
    member = make.member(station, phone="13887654321", plate="云A7K3M9", consent=True)
    company = make.company(station)
    alerts.raise_alert(
        station=station, key="tank:2", kind="tank", level="WARNING",
        text="2 号罐液位低于 3,000 升，请安排要货", at=make.NOW,
    )  # fmt: skip
    alert = station.alerts.get()
    look.at(width, as_=wang)
    for name, path in {
        "account": "/account/",
        "people": "/people/",
        "person": f"/people/{li.pk}/",
        "person-change": f"/people/{li.pk}/change/",
        "roles": "/people/roles/",
        "audit": "/audit/",
        "alerts": "/alerts/",
        "alert": f"/alerts/{alert.pk}/",
        "jobs": "/jobs/",
        "settings": "/settings/",
        "members": "/members/",
        "join": "/members/new/",
        "member": f"/members/{member.number}/",
        "company": f"/members/companies/{company.number}/",
    }.items():
        look.open(path)
        look.shoot(name, full=True)
        look.check(axe=width == 390)
