"""What goes wrong at a till: taps that come twice, two windows, a fill that is gone, wrong figures."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db.models import Sum
from django.utils.timezone import now
from playwright.sync_api import Page, Route, expect

from devices.models import Fill
from inventory.models import Item, StockBalance
from sales.models import OfflineUpload, Payment, Sale
from sales.services import leasing, settling
from sales.services.settling import AlreadySold
from tests import make
from tests.browser.conftest import Look
from tests.browser.test_till import ready

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def opened(look: Look, till, width: int = 1024, **more) -> Page:
    page = look.at(width, as_=till.cashier, **more).open("/sales/till/")
    expect(page.locator(".fill")).to_have_count(3)
    return page


class Slow:
    """Requests to an address that are on their way until they are let go."""

    def __init__(self, page: Page, address: str) -> None:
        self.held: list[Route] | None = []
        page.route(address, lambda route: self.asked(route))

    def asked(self, route: Route) -> None:
        if self.held is None:
            route.continue_()
        else:
            self.held.append(route)

    def let_go(self) -> None:
        held, self.held = self.held or [], None
        assert held
        for route in held:
            route.continue_()


def press(page: Page, selector: str) -> None:
    """As a hand does it: down, a while, up. A button redrawn in between loses the click."""
    box = page.locator(selector).first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.wait_for_timeout(120)
    page.mouse.up()


@pytest.mark.req("SEC-09")
def test_taps_that_come_twice_do_a_thing_once(look: Look) -> None:
    page = opened(look, ready())
    page.locator(".fill").first.dblclick()
    expect(page.locator("#lines .ticket-line")).to_have_count(1)
    for name in ("农夫山泉", "红牛", "洗车"):
        page.locator(".favourite", has_text=name).click()
    page.locator("#lines .line-remove").nth(1).dblclick()  # the next line moves up under it
    expect(page.locator("#lines .ticket-line")).to_have_count(3)
    page.wait_for_timeout(700)
    for _ in range(2):
        page.locator("#lines .line-remove").last.click()
        page.wait_for_timeout(700)
    expect(page.locator("#lines .ticket-line")).to_have_count(1)
    page.locator("#amount").fill("50")
    page.get_by_role("button", name="微信", exact=True).dblclick()
    expect(page.locator("#tenders li")).to_have_count(1)
    expect(page.locator("#due")).to_have_text("¥150.00")
    page.locator("[data-quick=exact]").dblclick()
    expect(page.locator("#done")).to_contain_text("已收 ¥200.00")
    page.wait_for_timeout(300)
    assert page.locator("dialog[open]").count() == 0
    expect(page.locator("#refusal")).to_be_hidden()
    assert Sale.objects.count() == 1
    assert sorted(Payment.objects.values_list("amount", flat=True)) == [50, 150]


def test_a_quantity_counts_while_it_is_typed_and_the_next_tap_is_not_lost(look: Look) -> None:
    page = opened(look, ready())
    page.locator(".favourite", has_text="农夫山泉").click()
    page.locator("#lines .quantity").fill("12")
    expect(page.locator("#due")).to_have_text("¥24.00")
    press(page, "[data-quick=exact]")
    expect(page.locator("#done")).to_contain_text("已收 ¥24.00")
    page.locator(".favourite", has_text="农夫山泉").click()
    for wrong in ("", "0", "两瓶", "-3"):
        page.locator("#lines .quantity").fill(wrong)
        page.locator("#lines .quantity").blur()
        expect(page.locator("#lines .quantity")).to_have_value("1")
        expect(page.locator("#due")).to_have_text("¥2.00")


def test_a_wrong_amount_is_told_and_takes_no_money(look: Look) -> None:
    page = opened(look, ready())
    wechat = page.get_by_role("button", name="微信", exact=True)
    wechat.click()
    expect(page.locator("#refusal")).to_contain_text("单是空的")
    page.locator(".fill").first.click()
    expect(page.locator("#due")).to_have_text("¥200.00")
    for typed, words in (
        ("abc", "不是金额"),
        ("-5", "不是金额"),
        ("1.234", "不是金额"),
        ("99999999999", "不是金额"),
        ("0", "金额是 0"),
        ("200.01", "不能多收"),
    ):
        page.locator("#amount").fill(typed)
        wechat.click()
        expect(page.locator("#refusal")).to_contain_text(words)
        expect(page.locator("#tenders li")).to_have_count(0)
    page.locator("#amount").fill("１００")  # an input method left on full width
    wechat.click()
    expect(page.locator("#due")).to_have_text("¥100.00")
    assert not Sale.objects.exists()


@pytest.mark.req("SAL-02")
def test_a_fill_that_another_till_has_sold_is_off_the_ticket_before_it_is_paid_for(
    look: Look,
) -> None:
    till = ready()
    page = opened(look, till)
    page.locator(".fill").first.click()
    page.locator(".favourite", has_text="农夫山泉").click()
    page.locator("#amount").fill("100")
    page.get_by_role("button", name="微信", exact=True).click()
    expect(page.locator("#tenders li")).to_have_count(1)
    other = make.session(till.station, till=make.till(till.station, 2))
    fill = Fill.objects.order_by("occurred_at", "pk").first()
    boss = make.manager(till.station)
    leasing.set_free(fill_id=fill.pk, station=till.station, actor=boss, at=make.NOW)
    settling.settle(make.ticket(fills=[fill]), session=other, actor=other.cashier, at=make.NOW)
    expect(page.locator("#refusal")).to_contain_text("92# 1 号枪 200.00 元 已在别处收款")
    expect(page.locator("#lines .ticket-line")).to_have_count(1)
    expect(page.locator("#tenders li")).to_have_count(1)  # what came in is still there to be seen
    look.shoot("till-lost-fill")


@pytest.mark.req("SAL-02")
def test_a_slow_lease_holds_up_the_money_and_not_the_hand(look: Look) -> None:
    till = ready()
    make.session(
        till.station, till=make.till(till.station, 2)
    )  # alone, a till holds all that waits
    page = opened(look, till)
    slow = Slow(page, "**/till/lease/")
    page.locator(".fill").first.click()
    page.locator(".favourite", has_text="农夫山泉").click()
    page.locator("#amount").fill("100")
    page.get_by_role("button", name="微信", exact=True).click()
    expect(page.locator("#tenders li")).to_have_count(1)
    page.locator("[data-quick=exact]").click()
    page.wait_for_timeout(1500)  # pulses come and go meanwhile
    assert not Sale.objects.exists()
    expect(page.locator("#lines .ticket-line")).to_have_count(2)
    slow.let_go()
    expect(page.locator("#done")).to_contain_text("已收 ¥202.00")
    assert sorted(Payment.objects.values_list("amount", flat=True)) == [100, 102]


@pytest.mark.req("SAL-02")
def test_a_fill_that_is_refused_after_the_tap_is_off_the_ticket_and_no_money_is_taken(
    look: Look,
) -> None:
    till = ready()
    other = make.session(till.station, till=make.till(till.station, 2))
    page = opened(look, till)
    look.expect_errors()
    slow = Slow(page, "**/till/lease/")
    page.locator(".fill").first.click()
    page.locator(".favourite", has_text="农夫山泉").click()
    page.locator("[data-quick=exact]").click()
    fills = Fill.objects.order_by("occurred_at", "pk")
    leasing.lease(fill_ids=[one.pk for one in fills], session=other, at=now())
    slow.let_go()
    expect(page.locator("#refusal")).to_contain_text("没有锁定")
    expect(page.locator("#lines .ticket-line")).to_have_count(1)
    expect(page.locator("#tenders li")).to_have_count(0)
    expect(page.locator("#due")).to_have_text("¥2.00")
    expect(page.locator("#settle")).to_be_enabled()
    page.locator("#lines .line-remove").click()
    slow = Slow(page, "**/till/lease/")
    page.locator(".fill").nth(1).click()
    page.get_by_role("button", name="微信", exact=True).click()
    expect(page.locator("#tenders li")).to_have_count(1)
    slow.let_go()
    expect(page.locator("#refusal")).to_contain_text("微信 249.60 元没有入账，客人付过的请退还")
    expect(page.locator("#lines .ticket-line")).to_have_count(0)
    assert not Sale.objects.exists()


def test_a_lease_that_ran_out_is_taken_again_while_nobody_else_wants_it(look: Look) -> None:
    till = ready()
    page = opened(look, till)
    page.locator(".fill").first.click()
    expect(page.locator("#lines .ticket-line")).to_have_count(1)
    fill = Fill.objects.order_by("occurred_at", "pk").first()
    boss = make.manager(till.station)
    make.session(till.station, till=make.till(till.station, 2))
    leasing.set_free(fill_id=fill.pk, station=till.station, actor=boss, at=make.NOW)
    page.wait_for_timeout(3000)
    fill.refresh_from_db()
    assert fill.lease.session == till
    expect(page.locator("#lines .ticket-line")).to_have_count(1)


def test_two_windows_are_one_till(look: Look) -> None:
    till = ready()
    page = opened(look, till)
    page.locator(".fill").first.click()
    expect(page.locator("#due")).to_have_text("¥200.00")
    second = page.context.new_page()
    second.goto("/sales/till/")
    expect(second.locator("#lines .ticket-line")).to_have_count(1)
    expect(page.locator("#panel-elsewhere")).to_be_visible()
    look.check()
    look.shoot("till-elsewhere")
    page.keyboard.press("Escape")
    expect(page.locator("#panel-elsewhere")).to_be_visible()
    page.get_by_role("button", name="在这里继续").click()
    expect(second.locator("#panel-elsewhere")).to_be_visible()
    expect(page.locator("#lines .ticket-line")).to_have_count(1)
    page.locator("[data-quick=exact]").click()
    expect(page.locator("#done")).to_contain_text("已收")
    second.get_by_role("button", name="在这里继续").click()
    expect(second.locator("#lines .ticket-line")).to_have_count(0)
    assert Sale.objects.count() == 1


def test_a_ticket_that_grew_after_it_was_paid_is_not_taken_for_paid(look: Look) -> None:
    till = ready()
    water = Item.objects.get(name="农夫山泉 550ml")
    fill = Fill.objects.order_by("pk").first()
    paid = make.ticket(fills=[fill], key="one", due="200.00")
    settling.settle(paid, session=till, actor=till.cashier, at=make.NOW)
    grown = make.ticket(fills=[fill], items=[(water, 1)], key="one", due="202.00")
    with pytest.raises(AlreadySold, match="已收 200"):
        settling.settle(grown, session=till, actor=till.cashier, at=make.NOW)


def test_back_and_forth_keeps_the_ticket(look: Look) -> None:
    page = opened(look, ready())
    page.locator(".fill").first.click()
    page.locator(".favourite", has_text="红牛").click()
    expect(page.locator("#due")).to_have_text("¥206.00")
    page.locator(".till-left").get_by_role("link", name="待处理").click()
    page.wait_for_url("**/sales/discrepancies/**")
    page.go_back()
    expect(page.locator("#due")).to_have_text("¥206.00")
    page.locator("[data-quick=exact]").click()
    expect(page.locator("#done")).to_contain_text("已收 ¥206.00")
    page.reload()
    expect(page.locator("#lines .ticket-line")).to_have_count(0)
    page.go_back()
    page.go_forward()
    expect(page.locator("#lines .ticket-line")).to_have_count(0)
    assert Sale.objects.count() == 1


def test_a_price_that_moved_is_told_and_the_ticket_takes_it(look: Look) -> None:
    page = opened(look, ready())
    look.expect_errors()  # the refusal is a 422
    page.locator(".favourite", has_text="农夫山泉").click()
    Item.objects.filter(name="农夫山泉 550ml").update(price=Decimal("2.50"))
    page.locator("[data-quick=exact]").click()
    expect(page.locator("#refusal")).to_contain_text("农夫山泉 550ml 2.00 → 2.50")
    expect(page.locator("#due")).to_have_text("¥2.50")
    page.wait_for_timeout(700)
    page.locator("[data-quick=exact]").click()
    expect(page.locator("#done")).to_contain_text("已收 ¥2.50")


def test_a_login_that_is_over_is_no_broken_network(look: Look) -> None:
    page = opened(look, ready())
    look.expect_errors()
    page.locator(".fill").first.click()
    expect(page.locator("#lines .ticket-line")).to_have_count(1)
    page.context.clear_cookies()
    expect(page.locator("#notice-line")).to_contain_text("登录已过期")
    expect(page.locator("#freshness")).to_have_text("在线")
    page.locator("[data-quick=exact]").click()
    expect(page.locator("#refusal")).to_contain_text("登录已过期")
    expect(page.locator("#lines .ticket-line")).to_have_count(1)


@pytest.mark.req("SAL-09", "SEC-09")
def test_a_sale_with_a_member_takes_five_taps_and_the_member_stays_with_a_parked_ticket(
    look: Look,
) -> None:
    till = ready()
    member = make.member(till.station, phone="13800005678")
    page = opened(look, till)
    taps = 0

    def tap(locator) -> None:
        nonlocal taps
        taps += 1
        locator.click()

    tap(page.locator(".fill").first)
    tap(page.locator("#member").get_by_role("button", name="会员", exact=True))
    page.locator("#member-text").fill("13800005678")
    tap(page.locator("#member-form").get_by_role("button", name="查找"))
    tap(page.get_by_role("button", name="选他"))
    expect(page.locator(".member-facts")).to_contain_text(member.number)
    page.keyboard.press("F3")
    page.keyboard.press("Enter")  # parked, and taken up again: not part of the sale
    expect(page.locator("#lines .ticket-line")).to_have_count(0)
    page.keyboard.press("F4")
    page.get_by_role("button", name="取单", exact=True).click()
    expect(page.locator(".member-facts")).to_contain_text(member.number)
    tap(page.locator("[data-quick=exact]"))
    expect(page.locator("#done")).to_contain_text("已收")
    assert (taps, Sale.objects.get().member) == (5, member)


@pytest.mark.req("SEC-09")
def test_a_finger_alone_sells_and_the_slip_number_is_typed_on_the_page(look: Look) -> None:
    till = ready()
    page = opened(look, till, touch=True)
    assert page.evaluate("matchMedia('(pointer: coarse)').matches")
    page.locator(".fill").first.tap()
    expect(page.locator("#due")).to_have_text("¥200.00")
    page.get_by_role("button", name="银行卡").tap()
    expect(page.locator("#reference")).to_be_visible()
    for digit in "00471":
        page.locator(f"[data-digit='{digit}']").tap()
    look.shoot("till-touch")
    page.get_by_role("button", name="银行卡").tap()
    expect(page.locator("#done")).to_contain_text("已收 ¥200.00")
    # nothing has raised the system's keyboard over the page
    assert page.evaluate("!document.activeElement.matches('input, textarea')")
    assert Payment.objects.get().reference == "00471"
    page.locator(".fill").first.tap()
    page.locator(".fill").first.tap()  # the second tap of a double tap
    expect(page.locator("#lines .ticket-line")).to_have_count(1)


@pytest.mark.req("SAL-15")
@pytest.mark.timeout(480)
def test_five_hundred_sales_without_the_network_arrive_once_each(look: Look) -> None:
    till = ready()
    boss = make.manager(till.station)
    page = opened(look, till)
    page.locator("#freshness").click()
    page.locator("#enrol-approver").fill(boss.username)
    page.locator("#enrol-secret").fill(make.PIN)
    page.get_by_role("button", name="登记本机").click()
    expect(page.locator("#enrol-form")).to_be_hidden()
    page.locator("#panel-offline [data-close]").click()
    look.expect_errors()
    page.context.set_offline(True)
    expect(page.locator("#freshness")).to_contain_text("断网")
    page.evaluate(SELL, 500)
    expect(page.locator("#freshness")).to_contain_text("待补传 500")
    numbers = page.evaluate("new Set(window.sold).size")
    assert numbers == 500
    page.context.set_offline(False)
    expect(page.locator("#freshness")).to_have_text("在线", timeout=300_000)
    assert Sale.objects.filter(source="OFFLINE").count() == 500
    assert Sale.objects.aggregate(total=Sum("due"))["total"] == Decimal("1000.00")
    assert StockBalance.objects.get(item__name="农夫山泉 550ml").quantity == -450
    assert OfflineUpload.objects.count() == 500


# As the cashier does it, as fast as the till allows.
SELL = """async (count) => {
  const until = async (true_) => { while (!true_()) await new Promise((go) => setTimeout(go, 5)); };
  const done = document.getElementById('done');
  window.sold = [];
  for (let one = 0; one < count; one += 1) {
    document.querySelector('.favourite').click();
    await until(() => document.querySelector('[data-quick=exact]'));
    document.querySelector('[data-quick=exact]').click();
    await until(() => !done.hidden && !window.sold.includes(done.textContent));
    window.sold.push(done.textContent);
  }
}"""
