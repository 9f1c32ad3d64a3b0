"""Readings thinned with age, litres that go by themselves, and a hold that somebody lifts."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse

from devices.models import Alarm, GaugeDelivery, GaugeReading, GaugeTank, TankHold
from devices.services import gauges, holds
from station.models import Alert, AuditEntry
from tests import make

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


class Gauged:
    """A station with one gauged tank."""

    def __init__(self):
        self.station = make.station()
        make.shift(self.station)
        self.tank = make.tank(self.station)
        self.nozzle = make.nozzle(self.station, self.tank.grade, self.tank)
        line = self.station.lines.create(name="液位仪", url="/dev/ttyS9", protocol="VEEDER-ROOT")
        GaugeTank.objects.create(line=line, number=1, tank=self.tank)

    def reads(self, at, volume="10000", **fields):
        return GaugeReading.objects.create(
            station=self.station,
            tank=self.tank,
            occurred_at=at,
            volume=Decimal(volume),
            height=1000,
            water_height=4,
            format="COMPUTER",
            **fields,
        )

    def kept(self):
        return list(
            GaugeReading.objects.order_by("occurred_at").values_list("occurred_at", flat=True)
        )


@pytest.fixture
def gauged():
    return Gauged()


@pytest.mark.req("INV-02")
def test_readings_are_kept_dense_then_by_five_minutes_then_by_the_hour(gauged):
    now = make.NOW.replace(minute=0, second=0, microsecond=0)
    spans = {"dense": timedelta(days=1), "five": timedelta(days=30), "hour": timedelta(days=200)}
    for age in spans.values():
        for minute in range(60):
            gauged.reads(now - age + minute * MINUTE, delivering=minute == 7)
    went = gauges.thin(station=gauged.station, at=now)
    left = {
        name: [at for at in gauged.kept() if at >= now - age][:60] for name, age in spans.items()
    }
    assert len(left["dense"]) == 60
    five = [at for at in gauged.kept() if now - spans["five"] <= at < now - spans["dense"]]
    assert [int((at - five[0]) / MINUTE) for at in five] == [0, 5, 7, *range(10, 60, 5)]
    hour = [at for at in gauged.kept() if at < now - spans["five"]]
    assert [int((at - hour[0]) / MINUTE) for at in hour] == [0, 7]
    assert went == 180 - 60 - 13 - 2
    assert gauges.thin(station=gauged.station, at=now) == 0  # twice is once


def test_what_was_read_while_fuel_flowed_stays_for_the_months_of_five_minutes(gauged):
    now = make.NOW.replace(minute=0, second=0, microsecond=0)
    begun = now - timedelta(days=30)
    for minute in range(20):
        gauged.reads(begun + minute * MINUTE)
    make.fill(
        gauged.nozzle, at=begun + 13 * MINUTE + timedelta(seconds=1), started_at=begun + 11 * MINUTE
    )
    gauges.thin(station=gauged.station, at=now)
    assert [int((at - begun) / MINUTE) for at in gauged.kept()] == [0, 5, 10, 11, 12, 13, 15]


def test_a_reading_never_changes_and_a_delivery_stays(gauged):
    reading = gauged.reads(make.NOW)
    with pytest.raises(DatabaseError), transaction.atomic():
        GaugeReading.objects.filter(pk=reading.pk).update(volume=1)
    seen = GaugeDelivery.objects.create(
        station=gauged.station,
        tank=gauged.tank,
        started_at=make.NOW,
        ended_at=make.NOW + 20 * MINUTE,
        start_volume=5000,
        end_volume=15000,
    )
    with pytest.raises(DatabaseError), transaction.atomic():
        seen.delete()


def test_litres_that_go_while_nobody_takes_them_are_an_alarm_until_they_stay(gauged):
    at = make.NOW
    gauged.reads(at - 31 * MINUTE, "10000")
    gauged.reads(at - 29 * MINUTE, "10000")
    gauged.reads(at, "9970")
    gauges.watch_idle(station=gauged.station, at=at)
    gauges.watch_idle(station=gauged.station, at=at)
    alarm = Alarm.objects.get(kind="IDLE_FALL")
    assert alarm.status == "OPEN" and "少了 30.0 升（每小时 62.1 升）" in alarm.text
    make.nozzle_state(gauged.nozzle, "FUELLING")
    later = at + 40 * MINUTE
    gauged.reads(later, "9900")
    gauges.watch_idle(station=gauged.station, at=later)  # it goes where it should
    alarm.refresh_from_db()
    assert alarm.count == 2


@pytest.mark.req("INV-02")
def test_a_hold_is_lifted_by_a_leader_with_a_reason_and_once(gauged):
    holds.begin(tank=gauged.tank.pk, water=Decimal(60), limit=Decimal(50), since=make.NOW)
    holds.begin(tank=gauged.tank.pk, water=Decimal(60), limit=Decimal(50), since=make.NOW)
    hold = TankHold.objects.get()
    assert "停售" in Alert.objects.get().text
    browser = make.signed_in(make.manager(gauged.station))
    url = reverse("devices:hold", args=[hold.pk])
    assert "罐内水高" in browser.get(url).content.decode()
    with pytest.raises(holds.ReasonMissing):
        holds.lift(hold=hold, reason=" ", actor=make.manager(gauged.station), at=make.NOW)
    actor = make.manager(gauged.station)
    holds.lift(hold=hold, reason="人工量水 8 mm", actor=actor, at=make.NOW)
    with pytest.raises(holds.NotHeld):
        holds.lift(hold=hold, reason="再来", actor=actor, at=make.NOW)
    assert AuditEntry.objects.filter(action="devices.hold.lifted").count() == 1
    assert not Alert.objects.filter(status="OPEN").exists()


@pytest.mark.req("INV-02")
def test_a_hold_is_one_alert_that_leads_to_it_whatever_the_console_cries(gauged):
    station, tank = gauged.station, gauged.tank
    told = {"tank": tank.pk, "water": Decimal(60), "limit": Decimal(50)}
    holds.begin(**told, since=make.NOW)
    gauges.take_alarms(tank=tank.pk, types=["03", "06"], at=make.NOW)
    hold = TankHold.objects.get()
    about = Alert.objects.filter(station=station, status="OPEN")
    assert about.exclude(text__contains="油量突降").get().url == reverse(
        "devices:hold", args=[hold.pk]
    )
    assert Alarm.objects.filter(kind="WATER", status="OPEN").count() == 2
    holds.lift(hold=hold, reason="人工量水 8 mm", actor=make.manager(station), at=make.NOW)
    assert about.count() == 1 and Alarm.objects.filter(kind="WATER", status="OPEN").count() == 2
    holds.begin(**told, since=make.at(11))  # its end was never told
    assert about.filter(url=reverse("devices:hold", args=[TankHold.objects.get(ended_at=None).pk]))
    holds.end(tank=tank.pk, at=make.at(12))
    assert about.count() == 1 and not Alarm.objects.filter(subject=str(tank), status="OPEN")


def test_without_a_hold_the_console_is_heard_about_water(gauged):
    gauges.take_alarms(tank=gauged.tank.pk, types=["03"], at=make.NOW)
    assert "水位过高" in Alert.objects.get().text
