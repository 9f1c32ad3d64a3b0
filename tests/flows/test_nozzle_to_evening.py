"""From the nozzle to the evening report: once in peace, once with everything that can break breaking."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from django.urls import reverse

from devices.models import Alarm, Fill, LineState
from devices.poller.main import Poller
from devices.simulator.bus import Faults
from inventory.models import StockBalance
from sales.models import Payment, Sale
from station.models import BusinessDay
from station.money import round_to
from tests import make
from tests.devices.poller.kit import Process, Wired, until
from tests.flows.server import Server, own_server
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


A_MINUTE = 60  # seconds of the clock on the wall, and cars come all the time
KEEPS_A_FILL = "VALUES ('fill:"


@pytest.fixture
def server(transactional_db: None) -> Iterator[Server]:
    with own_server() as made:
        yield made


@pytest.fixture
def hard_story(server: Server, tmp_path: Path, settings) -> Iterator[Story]:  # type: ignore[no-untyped-def]
    settings.VAR_DIR = tmp_path
    wired = Wired(tmp_path)
    wired.heads.bus.faults = Faults(damaged=50, unheard=50)
    wired.heads.bus._dice = random.Random(92)
    yield Story(wired)
    wired.close()


def a_day_of_trouble(wired: Wired, server: Server) -> int:
    """PostgreSQL stops for a minute; meanwhile the poller dies twice. Returns how many cars came."""
    pump = wired.pump

    def all_recorded() -> bool:
        return wired.recorded() == wired.delivered()

    with Process(wired.var, server.url) as process:
        wired.customer(1)
        until(all_recorded, 30, "the first fill")
        server.stop()
        wired.customer(2)
        pump.lift(1)
        pump.squeeze(D(2))
        until(lambda: pump.status == 4 and pump.shown.volume > 1000, 40, "fuel flows")
        process.kill()  # while it flows
    pump.hang()
    with Process(wired.var, server.url, dies_of=KEEPS_A_FILL) as process:
        until(lambda: not process.alive, 30, "it died where the fill would have been kept")
    cars = 3
    with Process(wired.var, server.url) as process:
        while server.away_for < A_MINUTE:
            wired.customer(1 + cars % 2)
            cars += 1
        assert process.alive
        server.start()
        until(all_recorded, 30, "everything is caught up")
        wired.customer(1)
        until(all_recorded, 10, "and goes on as before")
        assert process.end() == 0
    return cars + 1


@pytest.mark.timeout(300)
@pytest.mark.req("DEV-01", "SAL-02", "SAL-04")
def test_the_same_day_with_postgresql_stopped_for_a_minute_the_poller_killed_twice_and_damaged_frames(
    hard_story: Story, server: Server
) -> None:
    story, wired = hard_story, hard_story.wired
    cars = a_day_of_trouble(wired, server)
    assert (wired.var / "poller.log").read_text().count("database_away") >= 2
    assert Fill.objects.count() == cars >= 12
    assert LineState.objects.get(line=wired.line).bad_frames > 0

    fills = story.unpaid()
    assert sum((fill.litres for fill in fills), D(0)) == wired.delivered()
    assert len({(fill.nozzle_id, fill.totalizer_after) for fill in fills}) == len(fills)
    assert not Alarm.objects.filter(kind__in=["GAP", "AMOUNT", "SCALE"]).exists()
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
