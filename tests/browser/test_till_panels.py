"""The till's panels in a real browser: 预付, 补录, 恢复核对, 跑单, a pump test returned, and asking for a refund."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db.models import Sum
from django.urls import reverse
from django.utils.timezone import now
from playwright.sync_api import Page, expect

from devices.models import Fill
from inventory.models import TankMovement
from sales.models import DriveOff, FillUse, LateEntry, Payment, Prepay, Sale
from sales.services import prepaying
from station.models import Nozzle, TillSession, User
from tests import make
from tests.browser.conftest import Look
from tests.browser.test_till import ready
from tests.sales.test_prepaying import deliver

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WIDTHS = (1440, 1024, 390)


def opened(look: Look, till: TillSession) -> Page:
    page = look.at(1024, as_=till.cashier).open("/sales/till/")
    expect(page.locator(".fill")).to_have_count(3)
    return page


def pictured(look: Look, name: str) -> None:
    """The panel as it stands, sound at every width."""
    for width in WIDTHS:
        look.resize(width)
        for panel in look.page.locator("dialog[open]").all():
            expect(panel).to_be_visible()
        look.check()
        look.shoot(f"till-panel-{name}")
    look.resize(1024)


def gun(till: TillSession, number: int) -> Nozzle:
    return till.station.nozzles.order_by("number")[number - 1]


def signed(page: Page, prefix: str, boss: User, pin: str = make.PIN) -> None:
    page.locator(f"#{prefix}-approver").fill(boss.username)
    page.locator(f"#{prefix}-secret").fill(pin)


def more(page: Page, number: int) -> None:
    """⋯ beside a fill."""
    page.locator("#fills li").nth(number - 1).locator(".fill-more").click()
    expect(page.locator("#panel-fill")).to_be_visible()


@pytest.mark.req("SAL-03")
def test_an_advance_is_taken_settled_for_what_ran_and_the_rest_paid_back(look: Look) -> None:
    till = ready()
    for one in till.station.nozzles.select_related("tank__grade"):
        make.price(till.station, one.tank.grade, "8.00")
        make.nozzle_state(one, unit_price=Decimal("8.00"))
    page = opened(look, till)
    look.expect_errors()  # the refusal is a 422
    page.get_by_role("button", name="预付").click()
    panel = page.locator("#panel-prepays")
    expect(panel.locator("#prepay-list")).to_contain_text("没有未结的预付")
    panel.get_by_role("button", name="收预付并授权").click()
    expect(panel.locator(".notice-error")).to_contain_text("金额")
    pictured(look, "prepay-refused")
    panel.locator("#prepay-nozzle").select_option(label="2 号枪 95#")
    panel.locator("#prepay-amount").fill("200")
    panel.get_by_role("button", name="收预付并授权").dblclick()
    expect(panel).to_be_hidden()
    paid = Prepay.objects.get()
    assert (paid.nozzle, paid.amount) == (gun(till, 2), Decimal("200.00"))
    expect(page.locator("[data-badge=prepays]")).to_have_text("1")

    page.get_by_role("button", name="预付").click()
    expect(panel.locator("li")).to_contain_text("2 号枪　预付 ¥200.00")
    expect(panel.get_by_role("button", name="换枪")).to_be_visible()
    pictured(look, "prepay-open")
    panel.locator("[data-close]").click()
    deliver(paid, "18.75")
    assert prepaying.settle_due(at=now()) == 1

    page.get_by_role("button", name="预付").click()
    expect(panel.locator("li")).to_contain_text("加了 ¥150.00")
    pictured(look, "prepay-due")
    panel.get_by_role("button", name="退 ¥50.00").click()
    expect(page.locator("#panel-reason")).to_contain_text("退 50.00 元给顾客")
    pictured(look, "prepay-back")
    page.locator("#panel-reason").get_by_role("button", name="确定").dblclick()
    expect(panel.locator("#prepay-list")).to_contain_text("没有未结的预付")
    expect(page.locator("[data-badge=prepays]")).to_be_hidden()
    paid.refresh_from_db()
    assert (paid.sale.due, paid.refund_due) == (Decimal("150.00"), Decimal("50.00"))
    assert paid.refunded_at is not None
    assert Payment.objects.aggregate(s=Sum("amount"))["s"] == Decimal("150.00")


@pytest.mark.req("SAL-07")
def test_a_fill_the_line_lost_is_entered_by_hand_and_paid(look: Look) -> None:
    till = ready()
    boss = make.manager(till.station)
    page = opened(look, till)
    look.expect_errors()
    page.get_by_role("button", name="补录").click()
    panel = page.locator("#panel-late")
    panel.locator("#late-nozzle").select_option(label="1 号枪 92#")
    for field, value in (
        ("litres", "20.00"),
        ("price", "8.00"),
        ("amount", "161.00"),
        ("totalizer", "1045.00"),
        ("reason", "断线时加的油"),
    ):
        panel.locator(f"#late-{field}").fill(value)
    send = panel.get_by_role("button", name="补录")
    send.click()
    expect(panel.locator(".notice-error")).to_contain_text("审批")
    signed(page, "late", boss)
    send.click()
    expect(panel.locator(".notice-error")).to_contain_text("不符")
    pictured(look, "late")
    panel.locator("#late-amount").fill("160.00")
    send.click()
    expect(panel).to_be_hidden()
    expect(page.locator(".fill")).to_have_count(4)
    entry = LateEntry.objects.get()
    assert (entry.approved_by, entry.fill.amount) == (boss, Decimal("160.00"))
    page.locator(f"[data-fill='{entry.fill_id}']").click()
    expect(page.locator("#due")).to_have_text("¥160.00")
    page.locator("[data-quick=exact]").click()
    expect(page.locator("#done")).to_contain_text("已收 ¥160.00")


@pytest.mark.req("SAL-07")
def test_what_is_missing_after_a_power_cut_is_proposed_and_made_good(look: Look) -> None:
    till = ready()
    boss = make.manager(till.station)
    first = gun(till, 1)
    make.price(till.station, first.tank.grade, "8.00")
    make.reading(first, "1037.50")  # its last fill ended at 1025
    page = opened(look, till)
    page.get_by_role("button", name="恢复核对").click()
    panel = page.locator("#panel-recovery")
    expect(panel).to_contain_text("1 号枪走字 12.50 升没有加油记录")
    expect(panel).to_contain_text("约 ¥100.00")
    pictured(look, "recovery")
    panel.get_by_role("button", name="补上").click()
    late = page.locator("#panel-late")
    expect(late.locator("#late-litres")).to_have_value("12.500")
    expect(late.locator("#late-totalizer")).to_have_value("1037.500")
    signed(page, "late", boss)
    late.get_by_role("button", name="补录").click()
    expect(late).to_be_hidden()
    expect(page.locator(".fill")).to_have_count(4)
    page.get_by_role("button", name="恢复核对").click()
    expect(panel).to_contain_text("没有缺的：每把枪的泵码都对得上。")
    assert LateEntry.objects.get().fill.litres == Decimal("12.500")


@pytest.mark.req("SAL-14")
def test_a_driver_who_left_is_written_down_and_his_fill_waits_no_more(look: Look) -> None:
    till = ready()
    page = opened(look, till)
    look.expect_errors()
    more(page, 1)
    panel = page.locator("#panel-fill")
    panel.get_by_role("button", name="登记跑单").click()
    expect(panel.locator(".notice-error").nth(1)).to_contain_text("车牌")
    panel.locator("#off-plate").fill("云A12345")
    panel.locator("#off-note").fill("白色轿车，往昆曲高速")
    pictured(look, "fill")
    panel.get_by_role("button", name="登记跑单").click()
    expect(panel).to_be_hidden()
    expect(page.locator(".fill")).to_have_count(2)
    gone = DriveOff.objects.get()
    assert (gone.amount, gone.status) == (Decimal("200.00"), "OPEN")
    page = look.open(reverse("sales:drive_off", args=[gone.pk]))
    pictured(look, "drive-off")
    expect(page.locator("main")).to_contain_text("¥200.00")
    expect(page.locator("main")).not_to_contain_text("A12345")
    expect(page.locator(".timeline")).to_contain_text("登记跑单")


@pytest.mark.req("SAL-13")
def test_a_pump_test_goes_back_to_its_tank_when_a_second_person_signs(look: Look) -> None:
    till = ready()
    boss = make.manager(till.station)
    page = opened(look, till)
    look.expect_errors()
    more(page, 2)
    panel = page.locator("#panel-fill")
    panel.locator("#use-reason").fill("月度自检")
    send = panel.get_by_role("button", name="登记", exact=True)
    send.click()
    expect(panel.locator(".notice-error").first).to_contain_text("审批")
    signed(page, "use", boss, "000000")
    send.click()
    expect(panel.locator(".notice-error").first).to_contain_text("不对")
    signed(page, "use", boss)
    send.dblclick()
    expect(panel).to_be_hidden()
    expect(page.locator(".fill")).to_have_count(2)
    used = FillUse.objects.get()
    back = TankMovement.objects.get(document=used.number)
    assert (used.kind, used.approved_by) == ("TEST", boss)
    assert (back.kind, back.litres) == ("TEST_RETURN", Decimal("31.200"))
    assert not Sale.objects.exists()
    assert Fill.objects.count() == 3


@pytest.mark.req("SAL-08")
def test_a_cashier_asks_for_a_refund_from_the_till_and_the_manager_signs_there(look: Look) -> None:
    till = ready()
    boss = make.manager(till.station)
    page = opened(look, till)
    look.expect_errors()
    page.locator(".favourite", has_text="红牛").click()
    page.locator("[data-quick=exact]").click()
    expect(page.locator("#done")).to_contain_text("已收 ¥6.00")
    page.keyboard.press("F10")
    pictured(look, "recent")
    page.get_by_role("link", name="看单").click()
    pictured(look, "sale")
    page.get_by_role("link", name="申请退款").click()
    page.get_by_label("红牛 250ml 退数量").fill("1")
    page.get_by_label("原因").fill("买错了")
    page.get_by_label("审批人", exact=False).first.select_option(boss.username)
    page.get_by_label("审批人口令").fill("000000")
    page.get_by_role("button", name="审批并退款").click()
    expect(page.locator("main")).to_contain_text("不对")
    expect(page.get_by_label("红牛 250ml 退数量")).to_have_value("1")
    pictured(look, "refund-asked")
    page.get_by_label("审批人口令").fill(make.PIN)
    page.get_by_role("button", name="审批并退款").dblclick()
    expect(page.locator("h1")).to_contain_text("退款单")
    back = Sale.objects.get(kind="REFUND")
    assert (back.due, back.approved_by) == (Decimal("-6.00"), boss)
