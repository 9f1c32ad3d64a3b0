"""The points mall in a real browser: redeemed at the till in two taps, and the manager's pages."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils.timezone import now
from playwright.sync_api import expect

from members.models import Redemption
from tests import make
from tests.browser.conftest import Look
from tests.browser.test_till import ready
from tests.members import rewards as mall

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WIDTHS = (1440, 1024, 390)


def pictured(look: Look, name: str) -> None:
    for width in WIDTHS:
        look.resize(width)
        look.check()
        look.shoot(name)
    look.resize(1024)


@pytest.mark.req("MAL-02", "MAL-03", "MAL-05")
def test_a_swiped_card_and_two_taps_are_a_gift(look: Look) -> None:
    till = ready()
    member = make.member(till.station, name="张建国", phone="13987654321")
    mall.give(member, 1000, at=now() - timedelta(hours=1))
    cloth = make.item("擦车布", "9.00", on_hand="5", at=till.station)
    mall.reward("擦车布", 300, "GOODS", item=cloth)
    mall.reward("标准洗车一次", 600, "SERVICE")
    mall.reward("10 元加油券", 1120)
    card = mall.card_of(member, till.station)
    page = look.at(1024, as_=till.cashier).open("/sales/till/")
    expect(page.locator(".fill")).to_have_count(3)
    mall.swipe(card, till.till, at=now())
    panel = page.locator("#panel-rewards")
    expect(page.locator("#member")).to_contain_text("再 120 分可换 10 元加油券")
    expect(page.locator("#member").get_by_role("button", name="积分 1,000")).to_be_visible()
    page.get_by_role("button", name="兑换", exact=True).click()  # 1
    expect(panel.locator("#mall-seen")).to_have_text("本人在场（刷会员卡），可以兑换")
    dear = panel.locator("#mall-list li", has_text="10 元加油券")
    expect(dear).to_contain_text("还差 120 分")
    expect(dear.get_by_role("button")).to_be_disabled()
    pictured(look, "till-rewards")
    panel.get_by_role("button", name="兑换 擦车布").click()  # 2
    expect(panel.locator("#mall-done")).to_contain_text("擦车布 已完成，单号 DH")
    assert Redemption.objects.get().state == "FULFILLED"

    expect(panel.locator("#mall-seen")).to_contain_text("请会员刷卡")
    look.expect_errors()  # the refusal is a 422
    panel.get_by_role("button", name="兑换 标准洗车一次").click()
    expect(panel.locator("> .notice-error")).to_contain_text("没有刷过这位会员的卡")
    mall.swipe(card, till.till, at=now())
    expect(panel.locator("#mall-seen")).to_have_text("本人在场（刷会员卡），可以兑换")
    panel.get_by_role("button", name="兑换 标准洗车一次").click()
    expect(panel.locator("#mall-orders")).to_contain_text("标准洗车一次　待领取")
    panel.locator("summary").click()
    pictured(look, "till-rewards-waiting")
    panel.locator("[data-close]").click()
    pictured(look, "till-member-points")
    code = Redemption.objects.order_by("-pk")[0].code
    page.get_by_role("button", name="核销码").click()
    page.locator("#code-text").fill(code)
    pictured(look, "till-code")
    page.locator("#panel-code").get_by_role("button", name="核销").click()
    expect(page.locator("#panel-code")).to_be_hidden()
    assert Redemption.objects.order_by("-pk")[0].state == "FULFILLED"


@pytest.mark.req("MAL-07", "MAL-08")
def test_the_managers_pages_of_the_mall(look: Look) -> None:
    till = ready()
    station, boss = till.station, make.manager(till.station)
    member = make.member(station)
    mall.give(member, 3000, at=now() - timedelta(days=1))
    cloth = make.item("擦车布", "9.00", on_hand="5", at=station)
    extra = make.item("兑换加价款", "9.90", kind="SERVICE")
    gift = mall.reward("超细纤维擦车布三条装", 300, "GOODS", item=cloth, surcharge_item=extra)
    mall.reward("10 元加油券", 1000, added_at=now() - timedelta(days=90), limit_day=20)
    mall.reward("话费 10 元", 1100, "PARTNER", partner="COUNTER", value=Decimal(10))
    order = mall.order(member, gift, station, at=now())
    look.at(1440, as_=boss)
    for name, address in (
        ("rewards", "/members/rewards/"),
        ("reward", f"/members/rewards/{gift.pk}/"),
        ("reward-form", f"/members/rewards/{gift.pk}/change/"),
        ("reward-report", "/members/rewards/report/"),
        ("redemptions", "/members/orders/"),
        ("redemption", f"/members/orders/{order.number}/"),
    ):
        look.open(address)
        pictured(look, name)
