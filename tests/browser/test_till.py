"""The cashier's first five minutes, in a real browser."""

from __future__ import annotations

from decimal import Decimal

import pytest
from playwright.sync_api import expect

from sales.models import Discrepancy, OfflineUpload, Sale
from station.models import TillSession
from tests import make
from tests.browser.conftest import Look
from tests.browser.reader import shoot

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def ready() -> TillSession:
    till = make.session()
    make.tenders()
    make.item(
        "农夫山泉 550ml",
        "2.00",
        on_hand="50",
        barcode="6921168509256",
        is_favourite=True,
        pinyin="nongfushanquan nfsq",
    )
    make.item("红牛 250ml", "6.00", on_hand="50", is_favourite=True, pinyin="hongniu hn")
    make.item("标准洗车", "30.00", kind="SERVICE", is_favourite=True, pinyin="biaozhunxiche bzxc")
    guns = [make.nozzle(till.station, make.grade(code)) for code in ("92#", "95#", "0#")]
    for gun, litres in zip(guns, ("25.00", "31.20", "60.00"), strict=True):
        make.fill(gun, litres, "8.00")
    zhao = make.attendant(till.station)
    till.shift.crew.create(user=zhao, post="ATTENDANT", island=guns[0].dispenser.island)
    return till


@pytest.mark.req("SEC-09", "SAL-02")
@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_a_standard_sale_takes_two_taps_and_the_page_is_sound(look: Look, width: int) -> None:
    till = ready()
    page = look.at(width, as_=till.cashier).open("/sales/till/")
    expect(page.locator(".fill")).to_have_count(3)
    look.check()
    page.locator(".fill").first.click()  # tap 1
    expect(page.locator("#due")).to_have_text("¥200.00")
    look.check()
    look.shoot("till-ticket")
    page.locator("[data-quick=exact]").click()  # tap 2
    expect(page.locator("#done")).to_contain_text("已收 ¥200.00")
    look.shoot("till-done")
    assert Sale.objects.get().due == Decimal("200.00")


@pytest.mark.req("SAL-07")
def test_all_on_the_keyboard(look: Look) -> None:
    till = ready()
    page = look.at(1440, as_=till.cashier).open("/sales/till/")
    expect(page.locator(".fill")).to_have_count(3)
    page.keyboard.press("F2")
    page.keyboard.type("2", delay=60)
    page.keyboard.press("Enter")
    expect(page.locator("#due")).to_have_text("¥249.60")
    page.keyboard.type("nfsq", delay=60)
    page.keyboard.press("Enter")
    expect(page.locator("#due")).to_have_text("¥251.60")
    shoot(page, "6921168509256")
    expect(page.locator("#due")).to_have_text("¥253.60")
    page.keyboard.press("F9")
    expect(page.locator("#done")).to_contain_text("已收 ¥253.60")
    sale = Sale.objects.get()
    assert sale.lines.get(kind="GOODS").quantity == 2
    assert sale.lines.get(kind="FUEL").attendant is not None


@pytest.mark.req("PAY-01")
def test_a_note_gives_change_and_a_card_asks_for_its_slip(look: Look) -> None:
    till = ready()
    page = look.at(1024, as_=till.cashier).open("/sales/till/")
    page.locator(".fill").nth(1).click()
    expect(page.locator("#due")).to_have_text("¥249.60")
    page.get_by_role("button", name="银行卡").click()
    expect(page.locator("#reference")).to_be_visible()
    page.locator("#amount").fill("100")
    page.locator("#reference").fill("004711")
    page.get_by_role("button", name="银行卡").click()
    expect(page.locator("#due")).to_have_text("¥149.60")
    page.locator("[data-quick=note]").filter(has_text="200.00").click()
    expect(page.locator("#done")).to_contain_text("找零 ¥50.40")
    assert [p.amount for p in Sale.objects.get().payments.order_by("pk")] == [
        Decimal("100.00"),
        Decimal("200.00"),
        Decimal("-50.40"),
    ]


@pytest.mark.req("SAL-09")
def test_a_basket_is_put_aside_and_taken_up(look: Look) -> None:
    till = ready()
    page = look.at(1024, as_=till.cashier).open("/sales/till/")
    page.locator(".fill").first.click()
    expect(page.locator("#lines .ticket-line")).to_have_count(1)
    page.keyboard.press("F3")
    page.locator("#reason-text").fill("白色轿车")
    look.shoot("till-park")
    page.keyboard.press("Enter")
    expect(page.locator("#lines .ticket-line")).to_have_count(0)
    expect(page.locator("[data-badge=parked]")).to_have_text("1")
    page.keyboard.press("F4")
    look.check()
    page.get_by_role("button", name="取单", exact=True).click()
    expect(page.locator("#lines .ticket-line")).to_have_count(1)
    page.keyboard.press("F9")
    expect(page.locator("#done")).to_contain_text("已收")


@pytest.mark.req("SAL-15")
def test_the_till_sells_on_without_the_network_and_each_sale_arrives_once(look: Look) -> None:
    till = ready()
    boss = make.manager(till.station)
    page = look.at(1024, as_=till.cashier).open("/sales/till/")
    expect(page.locator(".fill")).to_have_count(3)
    page.locator("#freshness").click()
    page.locator("#enrol-approver").fill(boss.username)
    page.locator("#enrol-secret").fill(make.PIN)
    page.get_by_role("button", name="登记本机").click()
    expect(page.locator("#enrol-form")).to_be_hidden()
    page.locator("#panel-offline [data-close]").click()
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.reload()
    expect(page.locator(".fill")).to_have_count(3)
    page.wait_for_timeout(1500)  # alone at the station, the till leases what waits

    look.expect_errors()
    page.context.set_offline(True)
    expect(page.locator("#freshness")).to_contain_text("断网")
    page.locator(".fill").first.click()
    page.locator("[data-quick=exact]").click()
    expect(page.locator("#done")).to_contain_text("断1-")
    page.locator(".favourite").first.click()
    page.locator("[data-quick=exact]").click()
    expect(page.locator("#freshness")).to_contain_text("待补传 2")
    look.shoot("till-away")
    page.reload()  # the page itself comes from the till's own store
    expect(page.locator(".fill")).to_have_count(2)
    assert not Sale.objects.exists()

    page.context.set_offline(False)
    expect(page.locator("#freshness")).to_have_text("在线", timeout=20000)
    sales = Sale.objects.filter(source="OFFLINE")
    assert sorted(one.due for one in sales) == [Decimal("2.00"), Decimal("200.00")]
    assert OfflineUpload.objects.count() == 2
    assert not Discrepancy.objects.exists()
