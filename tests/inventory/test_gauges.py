"""The stock asks the gauges: live levels, dips that begin with a reading, deliveries without a note."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils.timezone import now

from devices.models import GaugeDelivery, GaugeReading, GaugeTank
from inventory.models import Dip
from inventory.queries import gauges as asked
from inventory.services import gauges
from station.models import Alert
from tests import make

pytestmark = pytest.mark.django_db


class Gauged:
    def __init__(self):
        self.station = make.station()
        make.shift(self.station)
        self.tank = make.tank(self.station)
        line = self.station.lines.create(name="液位仪", url="/dev/ttyS9", protocol="VEEDER-ROOT")
        GaugeTank.objects.create(line=line, number=1, tank=self.tank)

    def reads(self, at, volume="12345.6"):
        return GaugeReading.objects.create(
            station=self.station,
            tank=self.tank,
            occurred_at=at,
            volume=Decimal(volume),
            ullage=Decimal("17000"),
            height=Decimal("1004.4"),
            water_height=Decimal("3.6"),
            temperature=Decimal("18.54"),
            format="COMPUTER",
        )


@pytest.fixture
def gauged():
    return Gauged()


@pytest.mark.req("INV-02")
def test_the_tanks_page_shows_what_stands_there_and_how_old_it_is(gauged):
    browser = make.signed_in(make.manager(gauged.station))
    assert browser.get(reverse("inventory:tanks")).status_code == 200
    gauged.reads(now() - timedelta(seconds=40))
    page = browser.get(reverse("inventory:tanks")).content.decode()
    assert "12,345.60" in page and "18.5" in page
    one = browser.get(reverse("inventory:tank", args=[gauged.tank.pk])).content.decode()
    assert "24 小时" in one


def test_a_dip_that_begins_with_a_reading_is_the_gauges_until_somebody_changes_it(gauged):
    at = now()
    assert asked.measured(station=gauged.station, at=at) == {}
    reading = gauged.reads(at)
    measured = asked.measured(station=gauged.station, at=at)[gauged.tank.pk]
    typed = measured.values
    assert typed["water_height_mm"] == 4 and typed["temp_c"] == Decimal("18.5")
    source = asked.source_of(tank=gauged.tank, gauge=reading.pk, typed=typed)
    assert source is Dip.Source.GAUGE
    other = {**typed, "water_height_mm": 9}
    assert asked.source_of(tank=gauged.tank, gauge=reading.pk, typed=other) is Dip.Source.DIP
    assert asked.source_of(tank=gauged.tank, gauge=None, typed=typed) is Dip.Source.DIP
    elsewhere = make.tank(gauged.station)
    assert asked.source_of(tank=elsewhere, gauge=reading.pk, typed=typed) is Dip.Source.DIP
    late = at + timedelta(minutes=10)
    assert asked.measured(station=gauged.station, at=late) == {}


def test_a_delivery_that_no_note_explains_is_asked_about_once(gauged):
    ended = now() - timedelta(hours=1)
    GaugeDelivery.objects.create(
        station=gauged.station,
        tank=gauged.tank,
        started_at=ended - timedelta(minutes=20),
        ended_at=ended,
        start_volume=5000,
        end_volume=15000,
    )
    for _ in range(2):
        gauges.ask_about_deliveries(station=gauged.station, at=now())
    alert = Alert.objects.get()
    assert alert.count == 1 and "进油 10000 升，没有对应的卸油单" in alert.text
    page = make.signed_in(make.manager(gauged.station)).get(reverse("inventory:gauge-deliveries"))
    assert "没有对应的卸油单" in page.content.decode()
