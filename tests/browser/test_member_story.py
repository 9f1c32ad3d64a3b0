"""One member from joining to a refund, at the till, on his phone and as the manager sees it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils.timezone import now
from playwright.sync_api import Page, expect

from members.models import Member, PointsAccount, Redemption
from members.queries.tiers import tier_at
from members.services import tier_rules
from sales.models import Sale
from tests import make
from tests.browser.conftest import Look
from tests.browser.test_member_phone import signed_in
from tests.browser.test_till import ready
from tests.members import rewards as mall
from tests.members.points import violations
from tests.members.points_histories import default_rules

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def points() -> int:
    return PointsAccount.objects.get().balance


def joins(page: Page) -> Member:
    """He gives his phone and his plate, and agrees to the policy."""
    page.keyboard.press("F7")
    page.locator("#member-text").fill("13887654321")
    page.keyboard.press("Enter")
    expect(page.locator("#member-join")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#join-plate")).to_be_focused()
    page.keyboard.type("云A7K3M9", delay=120)
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.locator(".member-facts").first).to_contain_text("138****4321")
    return Member.objects.get()


def chosen(page: Page) -> None:
    """The cashier finds him by his plate and puts him on the ticket."""
    page.keyboard.press("F7")
    page.locator("#member-text").fill("云A7K3M9")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="选他").click()
    expect(page.locator(".member-facts").first).to_contain_text("138****4321")


def fills(page: Page, litres: str, due: str) -> Sale:
    """The fill of so many litres is put on the ticket and paid exactly in cash."""
    page.locator(".fill", has_text=litres).click()
    expect(page.locator("#due")).to_have_text(due)
    page.locator("[data-quick=exact]").click()
    expect(page.locator("#done")).to_contain_text("已收")
    return Sale.objects.latest("pk")


@pytest.mark.req("MEM-04", "PTS-04", "MAL-03", "MAL-05", "PTS-14")
def test_a_member_joins_earns_rises_redeems_and_a_refund_takes_its_points(look: Look) -> None:
    till, yesterday = ready(), now() - timedelta(days=1)
    boss = make.manager(till.station)
    default_rules()
    tier_rules.found_tiers(station=till.station, at=yesterday, actor=None)
    mall.reward("标准洗车一次", 600, "SERVICE")
    make.fill_at(till.station, "800.00", "8.00")
    page = look.at(1024, as_=till.cashier).open("/sales/till/")
    expect(page.locator(".fill")).to_have_count(4)

    member = joins(page)
    fills(page, "800.00", "¥6,400.00")
    assert points() == 640
    tier = tier_at(member_id=member.pk, at=now())
    assert tier is not None
    assert tier.name == "银卡"

    chosen(page)
    page.locator(".fill", has_text="25.00").click()
    expect(page.locator("#due")).to_have_text("¥198.75")  # 0.05 a litre
    expect(page.locator("#lines")).to_contain_text("银卡每升减 0.05")
    look.check()
    look.shoot("story-silver")
    page.locator("[data-quick=exact]").click()
    expect(page.locator("#done")).to_contain_text("已收 ¥198.75")
    second = Sale.objects.latest("pk")
    assert points() == 640 + 23  # 198.75 yuan, 10 per 100, ×1.2

    phone = signed_in(look, member)
    look.open("/m/mall/")
    phone.get_by_role("link", name="兑换 标准洗车一次").click()
    expect(phone.locator("h1")).to_have_text("礼品")
    phone.wait_for_load_state()
    look.check()
    look.shoot("story-phone-reward", full=True)
    phone.get_by_role("button", name="兑换", exact=True).click()
    phone.get_by_role("dialog").get_by_role("button", name="确定").click()
    expect(phone.locator("h1")).to_have_text("兑换单")
    expect(phone.get_by_alt_text("核销码")).to_be_visible()
    phone.wait_for_load_state()
    look.check()
    look.shoot("story-phone-code", full=True)
    assert points() == 63

    look.page, look.width = page, 1024  # back at the till's window
    page.bring_to_front()
    chosen(page)
    expect(page.locator("#reward-next")).to_contain_text("再 537 分可换")
    code = Redemption.objects.get().code
    page.get_by_role("button", name="核销码").press("Enter")
    page.locator("#code-text").fill(code)
    page.locator("#panel-code").get_by_role("button", name="核销").click()
    expect(page.locator("#panel-code")).to_be_hidden()
    look.expect_errors()  # the code is used: the second time is a 422
    page.wait_for_timeout(500)  # sooner, a tap at the same place would be half of a double tap
    page.get_by_role("button", name="核销码").click()
    page.locator("#code-text").fill(code)
    page.locator("#panel-code").get_by_role("button", name="核销").click()
    expect(page.locator("#panel-code .notice-error")).to_be_visible()
    assert Redemption.objects.get().state == "FULFILLED"
    expect(phone.locator("#order")).to_contain_text("核销码已使用")

    page = look.open(f"/sales/sales/{second.number}/refund/ask/")
    page.get_by_label("退金额").first.fill("198.75")
    page.get_by_label("原因").fill("加错了油")
    page.get_by_label("审批人", exact=False).first.select_option(boss.username)
    page.get_by_label("审批人口令").fill(make.PIN)
    page.get_by_role("button", name="审批并退款").click()
    expect(page.locator("h1")).to_contain_text("退款单")
    assert Sale.objects.get(kind="REFUND").due == Decimal("-198.75")
    assert points() == 40
    assert not violations()

    page = look.at(1024, as_=boss).open(f"/members/{member.number}/points/")
    expect(page.locator(".facts").first).to_contain_text("40 分")
    for words in ("银卡 ×1.2", "600", "扣回"):
        expect(page.locator("main")).to_contain_text(words)
    look.check()
    look.shoot("story-points")
