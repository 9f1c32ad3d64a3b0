"""The cashier's, the manager's and the owner's first five minutes, as they see and touch them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils.timezone import now
from playwright.sync_api import expect

from inventory.models import Delivery, Dip
from inventory.services.dips import record_dip
from sales.models import Receipt, Sale, SessionCount
from sales.services import sessions as tills
from sales.services.sessions import SlipCount
from station.models import PriceChange, Shift, TillSession
from tests import make
from tests.browser.conftest import WIDTHS, Look
from tests.finance import days
from tests.sales.test_worked_shift import worked

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

D = Decimal
USED = (
    "/sales/till/",
    "/sales/wall/",
    "/sales/sales/",
    "/sales/sales/{sale.number}/",
    "/sales/sales/{sale.number}/receipt/",
    "/sales/discrepancies/",
    "/sales/shift/",
    "/sales/shift/hand-over/",
    "/sales/sessions/",
    "/sales/sessions/{session.pk}/",
    "/sales/prices/",
    "/inventory/tanks/",
    "/inventory/tanks/{tank.pk}/",
    "/inventory/deliveries/",
    "/inventory/dips/new/",
    "/devices/fills/",
    "/finance/owner/",
    "/finance/daily/",
    "/finance/days/{day.date}/",
    "/alerts/",
)
COUNT_TAPS = """() => {
  window.taps = 0;
  addEventListener('pointerdown', () => { window.taps += 1; }, true);
}"""


def station_to_sell():
    """A station whose shift is on duty, with fills to be paid and goods on the shelf; no till open."""
    station = make.station(name="滇池路加油站")
    make.shift(station)
    make.printer(make.till(station))
    make.tenders()
    make.item("农夫山泉 550ml", "2.00", on_hand="50", is_favourite=True)
    guns = [make.nozzle(station, make.grade(code)) for code in ("92#", "95#", "0#")]
    for gun, litres in zip(guns, ("25.00", "31.20", "60.00"), strict=True):
        make.fill(gun, litres, "8.00")
    return station


@pytest.mark.req("SAL-07", "PAY-01", "SAL-09", "SAL-06")
def test_the_cashier_signs_in_sells_parks_reprints_and_counts_blind(look: Look) -> None:
    station = station_to_sell()
    li = make.cashier(station)
    page = look.at(1024).open("/")

    page.locator("input[name$=username]").fill(li.username)
    page.locator("input[type=password]").fill(make.PASSWORD)
    look.check()
    page.get_by_role("button", name="登录").click()
    page.get_by_role("link", name="开收银班").click()
    page.get_by_label("备用金(元)").fill("500")
    page.get_by_label("收银员口令").fill(make.PIN)
    look.check()
    page.get_by_role("button", name="开班").click()

    # 25 L at 8.00 and a bottle of water: 100.00 by card, the rest in cash out of 110.00
    page.locator(".fill").first.click()
    page.locator(".favourite").first.click()
    expect(page.locator("#due")).to_have_text("¥202.00")
    page.get_by_role("button", name="银行卡").click()
    page.locator("#amount").fill("100")
    page.locator("#reference").fill("004711")
    page.get_by_role("button", name="银行卡").click()
    expect(page.locator("#due")).to_have_text("¥102.00")
    page.locator("[data-quick=note]").filter(has_text="110.00").click()
    expect(page.locator("#done")).to_contain_text("找零 ¥8.00")
    assert _inside(page, "#done"), "the change must be seen without scrolling"
    look.check()

    page.locator(".fill").first.click()
    expect(page.locator("#lines .ticket-line")).to_have_count(1)
    page.keyboard.press("F3")
    page.locator("#reason-text").fill("白色轿车")
    page.keyboard.press("Enter")
    expect(page.locator("[data-badge=parked]")).to_have_text("1")
    page.keyboard.press("F4")
    page.get_by_role("button", name="取单", exact=True).click()
    expect(page.locator("#due")).to_have_text("¥249.60")
    page.keyboard.press("F9")
    expect(page.locator("#done")).to_contain_text("已收 ¥249.60")

    first = Sale.objects.order_by("pk")[0]
    page.goto(f"/sales/sales/{first.number}/")
    # giving a refund is the manager's right
    expect(page.get_by_role("link", name="退款", exact=True)).to_have_count(0)
    with page.expect_navigation():
        page.get_by_role("button", name="补打").click()
    assert Receipt.objects.filter(document=first.number, kind="REPRINT").count() == 1

    session = TillSession.objects.get()
    page.goto(f"/sales/sessions/{session.pk}/")
    page.get_by_role("button", name="结束收银").click()
    page.get_by_role("button", name="确定").click()
    page.wait_for_url("**/count/")
    assert "应有" not in page.locator("form").last.inner_text()
    for face, pieces in {"100 元": "8", "20 元": "2", "1 元": "1", "5 角": "1"}.items():
        page.get_by_label(face, exact=True).fill(pieces)
    look.check()
    with page.expect_navigation():
        page.get_by_role("button", name="点款完成").click()
    expect(page.get_by_role("button", name="点款完成")).to_have_count(0)
    # 500 + 102 + 249.60 should be there, 841.50 is: ten yuan and ten fen short
    count = SessionCount.objects.get(session=session)
    assert count.cash_counted == D("841.50")


@pytest.mark.req("SEC-09")
def test_a_standard_sale_of_fuel_takes_at_most_five_taps_on_a_small_touch_screen(
    look: Look,
) -> None:
    station = station_to_sell()
    session = make.session(station)
    page = look.at(1024, as_=session.cashier).open("/sales/till/")
    expect(page.locator(".fill")).to_have_count(3)
    page.evaluate(COUNT_TAPS)
    page.locator(".fill").first.click()
    page.locator(".favourite").first.click()
    look.check()
    page.locator("[data-quick=exact]").click()
    expect(page.locator("#done")).to_contain_text("已收 ¥202.00")
    assert page.evaluate("window.taps") <= 5
    assert Sale.objects.get().due == D("202.00")


@pytest.mark.req("SAL-01")
def test_the_manager_plans_a_price_that_another_approves(look: Look) -> None:
    station = days.site().station
    wang, chen = make.manager(station), make.owner(station)
    page = look.at(1440, as_=wang).open("/sales/prices/new/")
    page.get_by_label("92#（元/升）").fill("7.95")
    page.get_by_label("说明").fill("发改委调价")
    look.check()
    page.get_by_role("button", name="提交审批").click()
    page.wait_for_url("**/prices/PC*/")
    expect(page.locator("main")).to_contain_text("制单人不能审批自己的单")
    change = PriceChange.objects.get(status="PLANNED")
    page = look.at(390, as_=chen).open(f"/sales/prices/{change.number}/")
    look.check()
    page.get_by_role("button", name="审批通过").click()
    page.get_by_role("button", name="确定").click()
    expect(page.get_by_role("button", name="审批通过")).to_have_count(0)
    change.refresh_from_db()
    assert (change.status, change.approved_by) == ("APPROVED", chen)


@pytest.mark.req("INV-03")
def test_the_manager_writes_a_delivery_and_a_dip(look: Look) -> None:
    site = days.site()
    tank = site.station.tanks.get()
    make.depot("中油昆明油库")
    page = look.at(1024, as_=site.manager).open("/inventory/deliveries/plan/")
    page.get_by_label("供应商").select_option(label="中油昆明油库")
    page.locator("[name=grade]").select_option(label=str(tank.grade))
    page.get_by_label("出库单号").fill("CK26042201")
    page.get_by_label("承运车号").fill("云A12345")
    page.get_by_label("原发升数").fill("5000")
    page.get_by_label("计划卸入").first.fill("5000")
    look.check()
    page.locator("main form button[type=submit], main form button.btn-primary").last.click()
    page.wait_for_url("**/deliveries/DL*/")
    look.check()
    expect(page.locator("main")).to_contain_text("卸前计量")
    assert Delivery.objects.get().note_no == "CK26042201"

    page = look.open("/inventory/dips/new/")
    page.get_by_label("净油体积").fill("18000")
    page.locator("main form button.btn-primary").last.click()
    page.wait_for_load_state()
    assert Dip.objects.get(tank=tank).net_l == D("18000.000")


@pytest.mark.req("SAL-06", "RPT-05")
def test_the_manager_hands_over_signs_the_shift_and_sees_what_the_day_still_wants(
    look: Look,
) -> None:
    day = worked()
    page = look.at(1440, as_=day.manager).open("/sales/shift/")
    page.get_by_role("link", name="交班", exact=True).click()
    page.get_by_label("接班人").select_option(day.receiver.username)
    look.check()
    page.locator("main form button.btn-primary").last.click()
    page.get_by_role("button", name="确定").click()
    page.wait_for_url(lambda address: not address.endswith("/hand-over/"))
    day.shift.refresh_from_db()
    assert day.shift.status == Shift.Status.HANDED_OVER

    _counted_and_measured(day)
    page = look.open(f"/sales/shifts/{day.shift.pk}/close/")
    look.check()
    for words in page.locator("main input[name^=tank_]").all():
        words.fill("首班，罐存未建账")
    page.locator("input[name=giver_secret]").fill(make.PIN)
    page.locator("input[name=receiver_secret]").fill(make.PIN)
    if page.locator("[name=approver]").count():
        page.locator("[name=approver]").select_option(label=day.manager.name)
        page.locator("[name=approver_secret]").fill(make.PIN)
    page.get_by_role("button", name="签字班结").click()
    page.get_by_role("button", name="确定").click()
    page.wait_for_url(lambda address: not address.endswith(("/close/", "/sign/")))
    day.shift.refresh_from_db()
    assert day.shift.status == Shift.Status.CLOSED

    page = look.open(f"/finance/days/{day.shift.day.date}/")
    look.check()
    expect(page.locator("main")).to_contain_text("还没有完成的事")


@pytest.mark.req("RPT-01", "RPT-06", "RPT-08")
def test_the_owner_reads_the_day_on_a_phone_drills_down_and_takes_it_away(look: Look) -> None:
    site = days.site()
    make.sale(site.session, [make.fill_at(site.station, "25.00", "8.00")])
    page = look.at(390, as_=site.owner).open("/finance/owner/")
    expect(page.locator("main")).to_contain_text("25.00")
    assert page.locator(".figure-card").first.bounding_box()["y"] < 844, "before the scroll"
    look.check()

    page.get_by_role("link", name="看完整的加油站日报").click()
    expect(page.locator("main")).to_contain_text("¥200.00")
    look.check(axe=False)
    page.locator("main table a").first.click()  # a figure opens its rows
    page.wait_for_load_state()
    look.check(axe=False)

    page = look.open("/finance/reports/")
    look.check(axe=False)
    page.locator("main a[href*='/finance/reports/']").first.click()
    page.wait_for_url("**/finance/reports/*/**")
    look.check(axe=False)
    for kind, start in (("xlsx", b"PK"), ("pdf", b"%PDF")):
        mark = "&" if "?" in page.url else "?"
        answer = page.request.get(f"{page.url}{mark}export={kind}")
        assert answer.status == 200
        assert answer.body().startswith(start)


@pytest.mark.req("SEC-10")
def test_the_pages_used_most_fit_every_width(look: Look) -> None:
    site = days.site()
    sale = make.sale(site.session, [make.fill_at(site.station)])
    tank = site.station.tanks.get()
    own = [path.format(sale=sale, session=site.session, day=site.day, tank=tank) for path in USED]
    assert len(own) == 20
    look.at(1440, as_=site.manager)
    for path in own:
        look.open(path)
        for width in WIDTHS:
            look.resize(width)
            look.check(axe=False)


def _counted_and_measured(day) -> None:
    """The drawer twenty yuan short, said and accepted; both tanks measured."""
    at = now()
    tills.count_session(
        session=day.session,
        denominations={"100": 13, "50": 1, "10": 1, "1": 4, "0.5": 1},
        slips={"CARD": SlipCount(D("2551.88"), 1), "WECHAT": SlipCount(D("636.00"), 1)},
        at=at,
        actor=day.leader,
    )
    tills.accept_count(
        session=day.session,
        receiver=day.receiver,
        reasons={"CASH": "找错零钱，已调监控"},
        approver=day.manager,
        at=at,
        actor=day.leader,
    )
    for tank in day.shift.station.tanks.order_by("number"):
        record_dip(
            tank=tank,
            source="DIP",
            purpose="HANDOVER",
            net_l=D("0.000"),
            shift=day.shift,
            day=day.shift.day,
            at=at,
            actor=day.leader,
        )


def _inside(page, mark: str) -> bool:
    """Whether something can be seen as the page stands."""
    box = page.locator(mark).bounding_box()
    return box is not None and box["y"] >= 0 and box["y"] + box["height"] <= 768
