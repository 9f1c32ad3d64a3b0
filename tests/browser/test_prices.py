"""The price pages in a browser: a plan that shows what it will do, and each pump's answer live."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils.timezone import now

from devices.models import Command
from sales.services import price_downloads, pricing
from station.models import PriceCeiling
from tests import make

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.req("SAL-05"),
]


def test_a_plan_shows_what_it_will_do_and_the_pumps_follow_it_live(look):
    station = make.station(name="昆明东站加油站")
    make.day(station, date=now().date(), opened_at=now())
    nozzles = [make.nozzle(station, make.grade(code)) for code in ("92#", "95#", "92#", "0#")]
    for code, price in (("92#", "7.85"), ("95#", "8.40"), ("0#", "7.49")):
        make.price(station, make.grade(code), price)
        PriceCeiling.objects.create(
            zone=station.price_zone,
            grade=make.grade(code),
            ceiling=Decimal(price) + Decimal("0.05"),
            effective_at=now() - timedelta(days=1),
            notice="云发改价格〔2026〕12 号",
        )
    for nozzle in nozzles:
        make.nozzle_state(nozzle, "IDLE", unit_price=Decimal("7.85"))
        make.fill(nozzle, "4321.5", at=now())
    accountant, manager = make.accountant(station), make.manager(station)
    page = look.at(1440, as_=accountant).open("/sales/prices/new/")
    page.get_by_label("92#（元/升）").fill("7.95")
    page.locator("text=超限价，不能提交").wait_for()
    page.get_by_label("92#（元/升）").fill("7.60")
    page.locator("text=跌 0.25").wait_for()
    for width in (1440, 390):
        look.resize(width)
        look.check()
        look.shoot("price-new", full=True)
    look.resize(1440)
    page.get_by_role("button", name="提交审批").click()
    page.locator("text=等另一位有审批权的人审批").wait_for()
    number = page.url.rstrip("/").rsplit("/", 1)[1]

    page = look.at(1440, as_=manager).open(f"/sales/prices/{number}/")
    look.check()
    look.shoot("price-approve", full=True)
    page.get_by_role("button", name="审批通过").click()
    page.get_by_role("button", name="确定").click()
    page.locator("text=待执行").wait_for()
    pricing.put_due(at=now() + timedelta(days=2))
    page = look.open(f"/sales/prices/{number}/")
    page.locator("text=0 / 2 已执行").wait_for()
    first = Command.objects.filter(kind="PRICE").order_by("id").first()
    Command.objects.filter(pk=first.pk).update(status="DONE", finished_at=now())
    price_downloads.follow_up(at=now())
    page.locator("text=1 / 2 已执行").wait_for(timeout=5000)
    for width in (1440, 1024, 390):
        look.resize(width)
        look.check()
        look.shoot("price-pumps", full=True)
    page = look.open("/sales/prices/")
    look.resize(1440)
    look.check()
    look.shoot("prices")
