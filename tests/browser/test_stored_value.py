"""储值 at the till as a cashier does it: top up, pay with a PIN, and look at the account."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils.timezone import localdate, now
from playwright.sync_api import expect

from members.models import TopUpPlan, ValueAccount
from members.services import value_accounts, value_codes
from sales.models import Sale, TopUp
from tests import make
from tests.browser.conftest import Look
from tests.browser.test_till_panels import opened, pictured, ready

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(300),  # nine pictures looked through by axe
]


@pytest.mark.req("PAY-01", "PAY-03")
def test_a_member_tops_up_at_the_till_and_pays_with_his_pin(look: Look) -> None:
    till = ready()
    account = make.value_account(at=till.station)
    TopUpPlan.objects.create(
        name="充1000送50", amount=1000, bonus=50, since=now().date() - timedelta(days=9)
    )
    value_accounts.set_pin(account=account, pin="258036", at=now(), actor=till.cashier)
    water = make.item("打蜡", price="30.00", kind="SERVICE", is_favourite=True)
    page = opened(look, till)
    look.expect_errors()  # a refusal is a 422
    page.locator(".till-foot").get_by_role("button", name="充值").click()
    panel = page.locator("#panel-topup")
    panel.locator("#topup-who").fill(account.member.number)
    panel.get_by_role("button", name="查找").click()
    expect(panel.locator("#topup-facts")).to_contain_text("储值 ¥0.00")
    panel.get_by_role("button", name="充1000送50").click()
    expect(panel.locator("#topup-rule")).to_contain_text("收回赠金 50.00 元")
    pictured(look, "topup")
    panel.locator("[data-post=topup] .btn-primary").dblclick()
    expect(panel).to_be_hidden()
    assert TopUp.objects.get().principal == Decimal("1000.00")
    expect(page.locator("#done")).to_contain_text("余额 ¥1,050.00")

    page.get_by_role("button", name=water.name).click()
    page.keyboard.press("F7")
    page.locator("#member-text").fill(account.member.number)
    page.locator("#panel-member").get_by_role("button", name="查找").click()
    page.locator("#panel-member").get_by_role("button", name="选他").click()
    expect(page.locator("#member")).to_contain_text("储值 ¥1,050.00")
    page.locator("#tender-buttons").get_by_role("button", name="会员储值").click()
    value = page.locator("#panel-value")
    expect(value.locator("#value-facts")).to_contain_text("须输支付密码")
    value.get_by_role("button", name="用储值付").click()
    expect(value.locator(".notice-error")).to_contain_text("支付密码")
    value.locator("#value-pin").fill("111112")
    pictured(look, "value-pay")
    value.get_by_role("button", name="用储值付").click()
    expect(page.locator("#refusal")).to_contain_text("支付密码不对")
    page.locator("#tender-buttons").get_by_role("button", name="会员储值").click()
    expect(value.locator("#value-facts")).to_contain_text("¥1,050.00")
    value.locator("#value-pin").fill("258036")
    value.get_by_role("button", name="用储值付").click()
    expect(page.locator("#done")).to_contain_text("已收 ¥30.00")
    assert Sale.objects.get().due == Decimal("30.00")
    account.refresh_from_db()
    assert account.balance == Decimal("1020.00")


@pytest.mark.req("PAY-05")
def test_a_payment_code_that_is_scanned_pays_at_once(look: Look) -> None:
    till = ready()
    account = make.value_account(at=till.station)
    make.top_up(till, account, "100.00")
    wax = make.item("打蜡", price="30.00", kind="SERVICE", is_favourite=True)
    page = opened(look, till)
    page.get_by_role("button", name=wax.name).click()
    page.locator("#command").fill(value_codes.issue(account=account, at=now()))
    page.keyboard.press("Enter")
    expect(page.locator("#done")).to_be_visible()
    expect(page.locator("#done")).to_contain_text("已收 ¥30.00")
    account.refresh_from_db()
    assert account.balance == Decimal("70.00")


@pytest.mark.parametrize("width", [1440, 390])
def test_the_pages_of_stored_value_look_right(look: Look, width: int) -> None:
    till = ready()
    account = make.value_account(at=till.station)
    top = make.top_up(till, account, "1000.00", bonus="50.00", at=now())
    fill = make.fill_at(till.station, litres="25.00", unit_price="8.00")
    make.sale(till, [fill], tenders=[("MEMBER", "200.00", account.number)], at=now())
    card = make.value_account(at=till.station, card="A12345678")
    make.top_up(till, card, "300.00")
    ValueAccount.objects.filter(pk=card.pk).update(
        opened_at=now() - timedelta(days=4 * 365), expires_on=localdate() - timedelta(days=9)
    )
    boss = make.manager(till.station)
    for name, path in (
        ("value-card-over", f"/members/value/{card.number}/"),
        ("value-account", f"/members/value/{account.number}/"),
        ("value-accounts", "/members/value/"),
        ("value-liability", "/members/value/liability/"),
        ("top-up", f"/sales/top-ups/{top.number}/"),
        ("top-up-refund", f"/sales/top-ups/{top.number}/refund/"),
    ):
        look.at(width, as_=boss).open(path)
        look.check()
        look.shoot(f"{name}-{width}")
