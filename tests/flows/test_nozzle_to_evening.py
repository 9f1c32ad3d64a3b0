"""From the nozzle to the evening report: once in peace, once with everything that can break breaking."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from django.urls import reverse

from devices.models import Alarm, Fill
from devices.poller.main import Poller
from devices.simulator.bus import Faults
from inventory.models import StockBalance
from sales.models import Payment, Sale
from station.models import BusinessDay
from station.money import round_to
from tests import make
from tests.devices.poller.kit import Process, Proxy, Wired, until
from tests.flows.story import JIAO, WATER, Story

D = Decimal
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def story(tmp_path: Path, settings) -> Iterator[Story]:  # type: ignore[no-untyped-def]
    settings.VAR_DIR = tmp_path
    wired = Wired(tmp_path)
    yield Story(wired)
    wired.close()


@pytest.mark.timeout(180)
@pytest.mark.req("SAL-02", "SAL-06", "FIN-01", "RPT-01", "PAY-01")
def test_a_car_a_bottle_of_water_twenty_yuan_short_and_the_owner_knows(story: Story) -> None:
    poller = Poller(story.wired.var)
    thread = threading.Thread(target=poller.run)
    thread.start()
    try:
        story.wired.customer()
        until(Fill.objects.exists, 5, "the fill is recorded")
    finally:
        poller.ending.set()
        thread.join()
    (fill,) = story.unpaid()
    assert fill.litres == story.wired.delivered()

    sale = story.pay(fill, with_water=True, tries=3)
    assert Sale.objects.count() == 1
    assert sale.list_amount == fill.amount + WATER
    assert sale.due == round_to(sale.list_amount, JIAO) == sale.list_amount + sale.rounding
    assert sum(Payment.objects.values_list("amount", flat=True)) == sale.due
    assert StockBalance.objects.get(item=story.water).quantity == 23

    shift = story.hand_over()
    cash = story.close_short(shift, D("20.00"))
    assert (cash.difference, cash.reason) == (D("-20.00"), "找错零钱，已调监控")

    day = BusinessDay.objects.get(pk=shift.day_id)
    figures = story.close_day(day)
    assert (figures.fuel_litres, figures.fuel_net) == (fill.litres, fill.amount)
    assert (figures.shop_net, figures.over_short, figures.variance_l) == (WATER, D("-20.00"), D(0))
    assert figures.rounding == sale.rounding

    page = (
        make.signed_in(story.owner)
        .get(reverse("finance:owner"), {"day": f"{day.date}"})
        .content.decode()
    )
    assert f"{fill.litres:,.2f}" in page
    daily = (
        make.signed_in(story.owner)
        .get(reverse("finance:daily"), {"day": f"{day.date}"})
        .content.decode()
    )
    assert f"¥{fill.amount:,.2f}" in daily
    assert "短 ¥20.00" in daily


@pytest.mark.timeout(280)
@pytest.mark.req("DEV-01", "SAL-02", "SAL-04")
def test_the_same_day_with_the_poller_killed_twice_postgresql_away_and_damaged_frames(
    story: Story, tmp_path: Path
) -> None:
    wired = story.wired
    wired.heads.bus.faults = Faults(damaged=50, unheard=50)
    wired.heads.bus._dice = random.Random(92)
    proxy = Proxy(tmp_path)
    process = Process(wired.var, proxy.url)
    wired.customer(1)
    until(lambda: wired.recorded() == wired.delivered(), 30, "the first fill")
    process.kill()
    process = Process(wired.var, proxy.url)
    wired.customer(2)
    proxy.cut()
    wired.customer(1)
    process.kill()
    process = Process(wired.var, proxy.url)
    wired.customer(2)
    proxy.mend()
    until(lambda: wired.recorded() == wired.delivered(), 60, "everything is caught up")
    assert process.end() == 0

    fills = story.unpaid()
    assert sum((fill.litres for fill in fills), D(0)) == wired.delivered()
    assert len({(fill.nozzle_id, fill.totalizer_after) for fill in fills}) == len(fills)
    assert not Alarm.objects.filter(kind="GAP").exists()
    for fill in fills:
        story.pay(fill, with_water=fill is fills[0], tries=2)
    assert Sale.objects.count() == len(fills)

    shift = story.hand_over()
    cash = story.close_short(shift, D("20.00"))
    assert cash.difference == D("-20.00")
    figures = story.close_day(BusinessDay.objects.get(pk=shift.day_id))
    assert figures.fuel_litres == wired.delivered()
    assert figures.fuel_net == sum((fill.amount for fill in fills), D(0))
    assert (figures.shop_net, figures.over_short, figures.variance_l) == (WATER, D("-20.00"), D(0))
    assert figures.fuel_count == len(fills)
