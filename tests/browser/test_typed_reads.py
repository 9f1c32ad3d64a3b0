"""Readers that type, in a real browser: recognised by their speed, and payment codes left nowhere."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from devices.models import ReadRule, Swipe
from sales.models import Sale
from tests import make
from tests.browser.conftest import Look
from tests.browser.reader import shoot

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WECHAT = "134567890123456789"


def left_of(page: Page) -> str:
    """Wherever a page could keep a text: itself, its fields, its address and its stores."""
    return str(
        page.evaluate(
            """async () => {
              const fields = [...document.querySelectorAll("input, textarea")].map((one) => one.value);
              const kept = [JSON.stringify(localStorage), JSON.stringify(sessionStorage)];
              for (const { name } of await indexedDB.databases()) {
                const base = await new Promise((done) => { indexedDB.open(name).onsuccess = (e) => done(e.target.result); });
                for (const store of base.objectStoreNames) {
                  const rows = await new Promise((done) => { base.transaction(store).objectStore(store).getAll().onsuccess = (e) => done(e.target.result); });
                  kept.push(JSON.stringify(rows));
                }
                base.close();
              }
              return [document.documentElement.outerHTML, location.href, ...fields, ...kept].join("|");
            }"""
        )
    )


@pytest.mark.req("DEV-02", "SAL-02")
def test_the_till_takes_goods_by_the_rules_and_leaves_no_payment_code(look: Look) -> None:
    session = make.session()
    make.tenders()
    make.item("农夫山泉 550ml", "2.00", on_hand="50", barcode="6921168509256")
    ReadRule.objects.create(
        station=session.station, position=1, medium="CODE", pattern=r"\d{13}", meaning="GOODS"
    )
    page = look.at(1440, as_=session.cashier).open("/sales/till/")
    expect(page.locator("#freshness")).to_contain_text("在线")
    page.locator("#command").focus()
    shoot(page, "6921168509256")
    expect(page.locator("#due")).to_have_text("¥2.00")
    expect(page.locator("#command")).to_have_value("")
    shoot(page, WECHAT)
    expect(page.locator("body")).to_contain_text("没有接通扫码收款")
    assert WECHAT not in left_of(page)
    kept = list(Swipe.objects.order_by("pk").values_list("meaning", "text", "till"))
    assert kept == [
        ("GOODS", "6921168509256", session.till_id),
        ("PAYMENT_CODE", "13************6789", session.till_id),
    ]
    assert not Sale.objects.exists()


@pytest.mark.req("DEV-02", "SAL-02")
def test_a_scan_while_the_till_opens_waits_for_its_goods(look: Look) -> None:
    session = make.session()
    make.tenders()
    make.item("农夫山泉 550ml", "2.00", on_hand="50", barcode="6921168509256")
    window = look.at(1440, as_=session.cashier)
    held: list[Route] = []
    window.page.route("**/till/catalogue/**", lambda asked: held.append(asked))
    page = window.open("/sales/till/")
    expect(page.locator("#freshness")).to_have_text("正在连接")
    page.locator("#command").focus()
    shoot(page, "6921168509256")
    expect(page.locator("#due")).to_have_text("¥0.00")
    while not held:
        page.wait_for_timeout(50)
    held[0].continue_()
    expect(page.locator("#due")).to_have_text("¥2.00")


@pytest.mark.req("DEV-02")
def test_a_managers_page_tells_what_was_read_and_typing_stays_typing(look: Look) -> None:
    station = make.station()
    ReadRule.objects.create(
        station=station, position=1, medium="CODE", pattern=r"\d{13}", meaning="GOODS"
    )
    page = look.at(1440, as_=make.manager(station)).open("/devices/swipes/")
    shoot(page, "6921168509256")
    expect(page.locator("#toasts")).to_contain_text("商品条码")
    assert Swipe.objects.count() == 1
    page.goto(page.url.split("/devices/")[0] + "/devices/rules/test/")
    field = page.locator("[name=sample]")
    field.focus()
    page.keyboard.type("6921168509256", delay=1)  # into a field, by hand or by a scanner
    expect(field).to_have_value("6921168509256")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("第 1 条规则")
    assert Swipe.objects.count() == 1
    page.locator("[name=sample]").fill("")
    page.locator("[name=sample]").focus()
    shoot(page, WECHAT)
    expect(page.locator("#toasts")).to_contain_text("读到付款码")
    assert WECHAT not in left_of(page)
    assert Swipe.objects.latest("pk").text == "13************6789"
