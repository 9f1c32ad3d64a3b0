"""锁价's pages in a real browser: form, list and one of them at both widths, and the member's phone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import now
from playwright.sync_api import expect

from tests import make
from tests.browser import test_attendant
from tests.browser.conftest import Look
from tests.browser.test_member_phone import signed_in
from tests.marketing.offers import lock
from tests.marketing.test_coupon_pages import issued

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.req("SAL-17")
@pytest.mark.parametrize("width", [1440, 390])
def test_the_pages_of_locked_prices_stand(look: Look, width: int) -> None:
    station = make.station()
    until = now() + timedelta(days=30)
    made = lock(station, make.member(station), valid_until=until, at=now())
    waits = lock(station, make.member(station), litres="2000", valid_until=until, at=now())
    page = look.at(width, as_=make.manager(station)).open(reverse("marketing:locks"))
    expect(page.locator("body")).to_contain_text(made.number)
    look.check()
    look.shoot("locks")
    look.open(reverse("marketing:lock_new"))
    look.check()
    look.shoot("lock-new")
    look.open(reverse("marketing:lock", args=[made.pk]))
    look.check()
    look.shoot("lock")
    look.open(reverse("marketing:lock", args=[waits.pk]))
    expect(page.get_by_role("button", name="批准")).to_be_visible()
    look.check()


@pytest.mark.req("SAL-17", "CPN-01")
def test_the_form_of_a_coupon_asks_how_it_is_paid_and_its_page_says_so(look: Look) -> None:
    station = make.station()
    make.tenders()
    one = issued(station, make.member(station), tenders=["WECHAT"])
    look.at(1440, as_=make.manager(station)).open(reverse("marketing:template_new"))
    look.check()
    look.shoot("coupon-template-form")
    page = look.open(reverse("marketing:template", args=[one.template_id]))
    expect(page.locator(".facts").first).to_contain_text("限微信")
    look.check()


@pytest.mark.req("SAL-17", "CPN-01")
def test_the_members_phone_shows_his_litres_and_what_a_coupon_wants(look: Look) -> None:
    station = make.station()
    make.tenders()
    zhang = make.member(station)
    lock(station, zhang, valid_until=now() + timedelta(days=30), at=now())
    issued(station, zhang, tenders=["WECHAT"])
    page = signed_in(look, zhang)
    look.open("/m/coupons/")
    expect(page.locator("#coupons")).to_contain_text("还剩 50.00 升")
    expect(page.locator("#coupons")).to_contain_text("限微信")
    look.check()
    look.shoot("phone-locks")


@pytest.mark.req("SAL-17", "CPN-01")
def test_the_attendants_bill_shows_both(look: Look) -> None:
    station, phone, _, sun = test_attendant.ground()
    make.session(station, cashier=sun, till=phone)
    zhang = make.member(station, phone="13987654321")
    lock(station, zhang, valid_until=now() + timedelta(days=30), at=now())
    issued(station, zhang, tenders=["WECHAT"], threshold=100)
    page = look.at(360, as_=sun, touch=True).open("/sales/attendant/")
    page.locator(".hand-fill", has_text="25.00").first.tap()
    page.locator("#find").fill("13987654321")
    page.get_by_role("button", name="查找").tap()
    expect(page.locator("#bill-part")).to_contain_text("这次 25.00 升")
    expect(page.locator("#bill-part")).to_contain_text("限微信")
    look.check()
    look.shoot("attendant-lock")
