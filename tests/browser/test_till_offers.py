"""Offers at the till in a real browser: the screen's due is the server's, in no more than five taps."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.utils.timezone import now
from playwright.sync_api import expect

from marketing.models import Coupon
from marketing.services import promotions, terms
from sales.models import Sale
from tests import make
from tests.browser.conftest import Look
from tests.browser.test_till import ready
from tests.marketing.offers import lock, terms_of
from tests.marketing.test_coupon_pages import issued

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def promoted(station, **fields):
    values = terms_of(
        **{
            "valid_from": now() - timedelta(days=1),
            "valid_until": now() + timedelta(days=9),
            **fields,
        }
    )
    planned = promotions.plan(
        station=station, values=values, actor=make.marketer(station), at=now()
    )
    return terms.approve(offer=planned, actor=make.manager(station), at=now())


@pytest.mark.req("SEC-09", "CPN-04", "SAL-17")
def test_a_fill_with_member_promotion_and_coupon_takes_five_taps(look: Look) -> None:
    till = ready()
    promoted(till.station, amount=D("0.10"))
    zhang = make.member(till.station, phone="13987654321")
    coupon = issued(till.station, zhang, threshold=D(190))
    issued(till.station, zhang, name="满300减50", amount=D(50), threshold=D(300))
    page = look.at(1024, as_=till.cashier).open("/sales/till/")
    expect(page.locator(".fill")).to_have_count(3)
    page.locator(".fill").first.click()  # tap 1
    expect(page.locator("#due")).to_have_text("¥197.50")
    expect(page.locator(".ticket-line small")).to_contain_text("每升直降三角 -2.50")
    page.locator("#member [data-open=member], #member .btn").first.click()  # tap 2
    page.locator("#member-text").fill("13987654321")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="选他").click()  # tap 3
    expect(page.locator("#due")).to_have_text("¥177.50")
    expect(page.locator(".coupon-used")).to_contain_text("满200减20")
    expect(page.locator(".coupon-list")).to_contain_text("满 300.00 元可用，还差 102.50 元")
    look.check()
    look.shoot("till-offers")
    page.locator("[data-quick=exact]").click()  # tap 4
    expect(page.locator("#done")).to_contain_text("已收 ¥177.50")
    assert Sale.objects.get().due == D("177.50")
    coupon.refresh_from_db()
    assert coupon.state == "USED"
    expect(page.locator(".coupon")).to_have_count(0)


@pytest.mark.req("CPN-03", "CPN-04")
def test_a_coupon_is_left_out_taken_again_typed_and_let_go(look: Look) -> None:
    till = ready()
    bearer = issued(till.station, threshold=D(190))
    page = look.at(1440, as_=till.cashier).open("/sales/till/")
    expect(page.locator(".fill")).to_have_count(3)
    page.locator(".fill").first.click()
    expect(page.locator("#due")).to_have_text("¥200.00")
    page.get_by_role("button", name="券码").click()
    page.locator("#coupon-code").fill(bearer.code.lower())
    page.get_by_role("button", name="用券").click()
    expect(page.locator("#due")).to_have_text("¥180.00")
    assert Coupon.objects.get().state == "LOCKED"
    page.locator(".coupon-used .btn").click()
    expect(page.locator("#due")).to_have_text("¥200.00")
    page.get_by_role("button", name="改回自动").click(timeout=5000)
    expect(page.locator("#due")).to_have_text("¥180.00")
    page.locator(".line-remove").first.click()
    expect(page.locator("#lines-none")).to_be_visible()
    expect(page.locator(".coupon")).to_have_count(0)
    for _ in range(50):
        if Coupon.objects.get().state == "ISSUED":
            break
        page.wait_for_timeout(100)
    assert Coupon.objects.get().state == "ISSUED"


@pytest.mark.req("CPN-04")
def test_a_code_that_is_none_is_told_and_the_sale_goes_on(look: Look) -> None:
    look.expect_errors()
    till = ready()
    page = look.at(1440, as_=till.cashier).open("/sales/till/")
    expect(page.locator(".fill")).to_have_count(3)
    page.locator(".fill").first.click()
    page.get_by_role("button", name="券码").click()
    page.locator("#coupon-code").fill("AAAABBBBCCCCDD")
    page.get_by_role("button", name="用券").click()
    expect(page.locator("#refusal")).to_contain_text("没有这张券")
    page.locator("[data-quick=exact]").click()
    expect(page.locator("#done")).to_contain_text("已收 ¥200.00")


def test_a_promotion_that_begins_while_the_till_is_open_is_on_the_screen_before_money_is_taken(
    look: Look,
) -> None:
    till = ready()
    page = look.at(390, as_=till.cashier).open("/sales/till/")
    expect(page.locator(".fill")).to_have_count(3)
    page.locator(".fill").first.click()
    expect(page.locator("#due")).to_have_text("¥200.00")
    promoted(till.station)
    expect(page.locator("#due")).to_have_text("¥192.50")
    look.shoot("till-offers")
    page.locator("[data-quick=exact]").click()
    expect(page.locator("#done")).to_contain_text("已收 ¥192.50")


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_the_pages_of_offers_are_sound(look: Look, width: int) -> None:
    till = ready()
    one = promoted(till.station, weekdays=[5], month_days=[8, 18, 28])
    coupon = issued(till.station, make.member(till.station))
    look.at(width, as_=make.manager(till.station))
    for name, path in (
        ("promotion", f"/marketing/promotions/{one.pk}/"),
        ("promotion-form", "/marketing/promotions/new/"),
        ("batch", f"/marketing/coupons/batches/{coupon.batch.number}/"),
        ("coupon", f"/marketing/coupons/{coupon.pk}/"),
        ("costs", "/marketing/costs/"),
    ):
        look.open(path)
        look.check(axe=width == 1024)
        look.shoot(f"offers-{name}", full=True)


@pytest.mark.req("SAL-17")
def test_locked_litres_and_how_many_stay_are_on_the_screen(look: Look) -> None:
    till = ready()
    zhang = make.member(till.station, phone="13987654321")
    lock(till.station, zhang, valid_until=now() + timedelta(days=9), at=now())
    page = look.at(1024, as_=till.cashier).open("/sales/till/")
    expect(page.locator(".fill")).to_have_count(3)
    page.locator(".fill").first.click()
    page.locator("#member .btn").first.click()
    page.locator("#member-text").fill("13987654321")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="选他").click()
    expect(page.locator("#due")).to_have_text("¥180.00")
    expect(page.locator(".ticket-line small")).to_contain_text(
        "锁价 ¥7.20 × 25.00 升（余 25.00 升）"
    )
    expect(page.locator(".coupon-used")).to_contain_text("这次 25.00 升，余 25.00 升")
    look.check()
    look.shoot("till-lock")
    page.locator("[data-quick=exact]").click()
    expect(page.locator("#done")).to_contain_text("已收 ¥180.00")
    expect(page.locator(".coupon")).to_have_count(0)


@pytest.mark.req("CPN-01")
def test_a_coupon_of_one_way_of_paying_is_said_and_kept_before_money_is_taken(look: Look) -> None:
    till = ready()
    zhang = make.member(till.station, phone="13987654321")
    issued(till.station, zhang, threshold=D(190), tenders=["WECHAT"])
    page = look.at(1024, as_=till.cashier).open("/sales/till/")
    expect(page.locator(".fill")).to_have_count(3)
    page.locator(".fill").first.click()
    page.locator("#member .btn").first.click()
    page.locator("#member-text").fill("13987654321")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="选他").click()
    expect(page.locator("#due")).to_have_text("¥180.00")
    expect(page.locator(".coupon-used")).to_contain_text("限微信")
    page.locator("[data-quick=exact]").click()
    expect(page.locator("#refusal")).to_contain_text("限微信，不能用现金")
    expect(page.locator("#tenders li")).to_have_count(0)
    look.check()
    look.shoot("till-coupon-limit")
    page.wait_for_timeout(500)
    page.locator(".tender", has_text="微信").click()
    expect(page.locator("#done")).to_contain_text("已收 ¥180.00")
    assert Sale.objects.get().payments.get().tender.code == "WECHAT"
