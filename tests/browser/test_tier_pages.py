"""The pages of tiers as a manager sees them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils.timezone import localdate, now

from members.services.tier_rules import found_tiers
from tests import make
from tests.members.test_tiers import buy

WIDTHS = (1440, 1024, 390)


@pytest.mark.browser
@pytest.mark.req("MEM-02")
@pytest.mark.django_db(transaction=True)
def test_a_rule_is_changed_after_its_effect_is_seen(look):
    station = make.station()
    found_tiers(station=station, at=now() - timedelta(days=2), actor=None)
    members = [make.member(station) for _ in range(3)]
    make.day(station)
    for number, member in enumerate(members):
        with transaction.atomic():
            buy(member, str(2500 * (number + 1)), localdate(now()))
    page = look.at(1440, as_=make.manager(station)).open("/members/tiers/")
    for width in WIDTHS:
        look.resize(width)
        look.check()
        look.shoot("tiers")
    look.resize(1440)
    page.get_by_role("link", name="改定级规则").click()
    page.get_by_label("银卡 消费满(元)").fill("4000.00")
    page.get_by_role("button", name="试算影响").click()
    page.get_by_text("马上升级").first.wait_for()
    for width in WIDTHS:
        look.resize(width)
        page.get_by_role("button", name="保存规则").scroll_into_view_if_needed()
        look.check()
        look.shoot("tier-rule")
    page.get_by_role("button", name="保存规则").click()
    page.get_by_text("定级规则已保存").wait_for()
    look.open(f"/members/{members[2].number}/")
    for width in WIDTHS:
        look.resize(width)
        page.get_by_text("等级历史").first.scroll_into_view_if_needed()
        look.check()
        look.shoot("member-tier")
    page.get_by_role("button", name="已当面告知").first.click()
    look.open("/members/tiers/GOLD/")
    look.resize(1440)
    look.check()
    look.shoot("tier")
