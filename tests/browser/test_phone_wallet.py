"""A member's points, coupons, mall, stored value, tier and messages in a browser, on a phone."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils.timezone import now
from playwright.sync_api import expect

from members.models import PointsProgram, Redemption
from members.services import notices, tier_rules
from tests import make
from tests.browser.conftest import Look
from tests.browser.test_member_phone import CACHES, signed_in
from tests.marketing.offers import batch, coupon, template
from tests.members import rewards as mall
from tests.members.points_histories import default_rules

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PAGES = ("points", "coupons", "coupons/claim", "mall", "orders", "value", "tier", "me/messages")


@pytest.mark.req("CHN-02", "PTS-09", "MAL-05", "CPN-06", "PAY-05")
def test_everything_that_is_his_is_on_his_phone(look: Look) -> None:
    session = make.session()
    station = session.station
    default_rules()
    tier_rules.found_tiers(station=station, at=now() - timedelta(days=2), actor=None)
    member = make.member(station)
    make.sale(session, [make.fill_at(station)], member=member.pk)
    program = PointsProgram.objects.filter(active=True)
    for days, count in ((12, 300), (45, 520), (200, 180)):
        program.update(expiry="DAYS", expiry_n=days)
        mall.give(member, count, at=now())
    make.top_up(session, make.value_account(member), "500.00", "50.00")
    until = now() + timedelta(days=6)
    coupon(station, member, valid_until=until)
    gift = coupon(station, member, valid_until=until, transferable=True, name="早餐半价")
    claimable = batch(
        template(station, valid_from=None, valid_until=None, valid_days=10, name="新人券"),
        10,
        open=True,
        claim_until=until,
    )
    mall.reward("标准洗车一次", 600, "SERVICE", words="外观清洗，不含内饰。")
    mall.reward("10 元加油券", 1000)
    mall.reward("车载香水", 2400, "GOODS", item=make.item("香水", "30.00", on_hand="3", at=station))
    notices.tell(
        member=member,
        key="a",
        kind="POINTS_EXPIRY",
        subject="积分即将过期",
        text="300 分最后可用日是 2026-12-11（还有 7 天），过后作废。",
        at=now(),
        url="/m/points/",
    )

    page = signed_in(look, member)
    for width, scheme in ((390, "light"), (360, "dark")):
        look.resize(width, scheme)
        look.open("/m/")
        look.shoot("wallet-home", full=True)
        for one in PAGES:
            look.open(f"/m/{one}/")
            look.check()
            look.shoot(f"wallet-{one.replace('/', '-')}", full=True)

    look.resize(390, "light")
    look.open("/m/value/")
    page.get_by_role("img", name="付款码").wait_for()
    expect(page.locator(".my-code-left")).to_contain_text("秒内有效")
    look.open(f"/m/coupons/{gift.pk}/")
    look.check()
    look.shoot("wallet-coupon", full=True)
    look.open(f"/m/coupons/claim/?code={claimable.open_code}")
    page.get_by_role("button", name="领取").click()
    expect(page.locator("h2")).to_have_text("新人券")

    look.open("/m/mall/")
    expect(page.get_by_role("button", name="车载香水")).to_be_disabled()
    page.get_by_role("link", name="我换得起的").click()
    expect(page.locator(".my-reward")).to_have_count(2)
    page.get_by_label("名称或拼音").fill("洗车")
    page.get_by_role("button", name="搜索").click()
    expect(page.locator(".my-reward")).to_have_count(1)
    page.get_by_role("link", name="兑换 标准洗车一次").click()
    page.get_by_role("button", name="兑换", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="确定").click()
    expect(page.locator("h1")).to_have_text("兑换单")
    order = Redemption.objects.get()
    page.get_by_role("button", name="取消兑换").click()
    page.get_by_role("dialog").get_by_role("button", name="确定").click()
    expect(page.locator("#order")).to_contain_text("600 分已退回")
    look.open("/m/orders/")
    expect(page.locator("main")).to_contain_text(order.number)
    look.check()
    look.shoot("wallet-orders", full=True)
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    for one in ("points", "value", "mall", "coupons"):
        look.open(f"/m/{one}/")
    kept = set(page.evaluate(CACHES))
    assert {"/m/points/", "/m/value/", "/m/mall/", "/m/coupons/"} <= kept
    assert "/m/value/code/" not in kept


@pytest.mark.req("PTS-08")
def test_the_manager_looks_at_what_was_told(look: Look) -> None:
    station = make.station()
    member = make.member(station)
    for way, key in (("BOTH", "a"), ("NONE", "b"), ("INBOX", "c")):
        notices.choose(member=member, ways={"TIER": way}, at=now())
        notices.tell(
            member=member, key=key, subject="会员等级升级", text="升到银卡", at=now(), kind="TIER"
        )
    for width in (1440, 390):
        page = look.at(width, as_=make.manager(station)).open("/members/messages/")
        expect(page.locator("main")).to_contain_text("等级变化")
        look.check()
        look.shoot("messages", full=True)
        page.get_by_text(member.number).first.click()
        expect(page).not_to_have_url(re.compile(r"/members/messages/$"))
        look.check()
        look.shoot("message", full=True)
