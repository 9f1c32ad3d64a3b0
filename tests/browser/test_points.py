"""Points at the till in a real browser: the member's tile, the panel, and a part paid with them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from playwright.sync_api import expect

from members.models import PointsAccount
from sales.models import Sale
from tests import make
from tests.browser.conftest import Look
from tests.browser.test_till import ready
from tests.members.points_histories import default_rules

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.req("MAL-04", "PTS-11")
def test_a_member_pays_a_part_with_points_and_hears_what_he_earned(look: Look) -> None:
    till = ready()
    default_rules()
    member = make.member(till.station, phone="13987654321")
    what = make.item("轮胎", "20000.00", kind="SERVICE")
    make.sale(till, items=[(what, 1)], member=member.pk)
    assert PointsAccount.objects.get().balance == 2000
    page = look.at(1024, as_=till.cashier).open("/sales/till/")
    page.locator(".fill").first.click()
    page.keyboard.press("F7")
    page.locator("#member-text").fill("13987654321")
    page.locator("#panel-member").get_by_role("button", name="查找").click()
    page.get_by_role("button", name="选他").click()
    tile = page.locator("#member").get_by_role("button", name="积分 2,000")
    tile.click()
    panel = page.locator("#panel-points")
    expect(panel).to_contain_text("这一单最多用 2,000 分，抵 ¥20.00")
    expect(panel).to_contain_text("每 100 元 10 分")
    for width in (1440, 1024, 390):
        look.resize(width)
        look.check()
        look.shoot("till-panel-points")
    look.resize(1024)
    look.expect_errors()
    panel.locator("#points-amount").fill("50")
    panel.get_by_role("button", name="抵扣").click()
    expect(panel.locator(".notice-error")).to_contain_text("至少用 100 分")
    panel.get_by_role("button", name="最多").click()
    panel.get_by_role("button", name="抵扣").click()
    expect(page.locator("#sums")).to_contain_text("积分抵扣")
    expect(page.locator("#member")).to_contain_text("2,000 分抵 20.00 元")
    look.check()
    look.shoot("till-points-chosen")
    page.keyboard.press("F9")
    expect(page.locator("#done")).to_contain_text("用积分 2,000")
    sale = Sale.objects.latest("pk")
    assert sale.discount == Decimal("20.00")
    look.shoot("till-points-done")
