"""A gauge, pumps and the poller from end to end: what is measured is kept, and water stops sales."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils.timezone import localtime, now

from devices.models import Alarm, Fill, GaugeDelivery, GaugeReading, GaugeTank, Line, TankHold
from devices.poller.main import Poller
from devices.protocols import table
from devices.services import authorising, holds
from devices.simulator.console import Console
from devices.simulator.ends import PtyEnd
from devices.simulator.lines import ConsoleLine
from devices.simulator.probes import Probe
from sales.queries.wall import wall
from station.models import Alert, AuditEntry, Setting
from tests import make
from tests.devices.poller.kit import Wired, until

pytestmark = pytest.mark.django_db(transaction=True)


class Gauged(Wired):
    """The wired station with a gauge in both of its tanks."""

    def __init__(self, var: Path) -> None:
        super().__init__(var)
        Setting.objects.create(station=self.station, name="devices.gauge_poll_seconds", value="1")
        self.gauge = Line.objects.create(
            station=self.station,
            name="液位仪",
            url=str(var / "gauge-1"),
            protocol=table.VEEDER_ROOT,
            parity="N",
        )
        for number, nozzle in enumerate(self.nozzles, 1):
            GaugeTank.objects.create(line=self.gauge, number=number, tank=nozzle.tank)
        console = Console([Probe(1), Probe(2)], clock=localtime)
        self.console = ConsoleLine(console, PtyEnd(var / "gauge-1"), byte_times=False)
        self.console.start()

    def water(self, number: int, mm: str) -> None:
        with self.console.lock:
            self.console.console.probes[number].water_mm = Decimal(mm)

    def words(self) -> dict[int, str]:
        """What the wall says of each nozzle."""
        return {tile.now.number: tile.word for tile in wall(station=self.station, at=now()).tiles}

    def close(self) -> None:
        self.console.end_it()
        super().close()


@pytest.fixture
def gauged(tmp_path: Path, settings) -> Iterator[Gauged]:  # type: ignore[no-untyped-def]
    settings.VAR_DIR = tmp_path
    made = Gauged(tmp_path)
    poller = Poller(tmp_path)
    thread = threading.Thread(target=poller.run)
    thread.start()
    until(lambda: GaugeReading.objects.filter(tank=made.nozzles[1].tank).exists())
    until(lambda: _idle(made))
    yield made
    poller.ending.set()
    thread.join()
    made.close()


def _idle(made: Gauged) -> bool:
    return made.nozzle.__class__.objects.filter(pk=made.nozzle.pk, state__state="IDLE").exists()


@pytest.mark.req("INV-02", "DEV-03")
def test_water_stops_a_tanks_nozzles_by_button_and_by_themselves_until_it_is_gone(
    gauged: Gauged,
) -> None:
    first, other = gauged.nozzles
    limit = first.tank.water_limit_mm
    gauged.water(1, str(limit + 5))
    until(lambda: TankHold.objects.filter(tank=first.tank).exists(), what="the tank is held")
    hold = TankHold.objects.get()
    assert hold.water_height == limit + 5
    alert = Alert.objects.get(text__contains="停售")
    assert (alert.level, alert.url) == ("CRITICAL", reverse("devices:hold", args=[hold.pk]))
    assert Alarm.objects.filter(kind="WATER", status="OPEN").exists()

    with pytest.raises(authorising.NotAuthorised, match="停售，罐内水高"):
        authorising.authorise(nozzle=first, actor=make.cashier(gauged.station), at=now())
    until(lambda: gauged.words() == {first.number: "停售", other.number: "空闲"}, what="the wall")

    with gauged.heads.lock:  # 自动授权 does not let it go either
        gauged.pump.lift(1)
        gauged.pump.squeeze(Decimal(4))
    until(
        lambda: first.__class__.objects.filter(pk=first.pk, state__state="CALLING").exists(),
        what="it calls",
    )
    for _ in range(3):
        asked = len(gauged.console.console.asked)
        until(lambda before=asked: len(gauged.console.console.asked) > before)
        assert gauged.pump.shown.volume == 0 and not gauged.pump.open
    with gauged.heads.lock:
        gauged.pump.hang()
    gauged.customer(2)  # the other tank is sold of as ever
    until(lambda: Fill.objects.filter(nozzle=other).exists())

    gauged.water(1, "3")
    until(lambda: TankHold.objects.filter(ended_at__isnull=False).exists(), what="lifted")
    assert not Alert.objects.filter(text__contains="停售", status="OPEN").exists()
    assert Alarm.objects.get(kind="WATER").status == "CLEARED"
    gauged.customer(1)
    until(lambda: Fill.objects.filter(nozzle=first).exists(), what="sold again")


@pytest.mark.req("INV-02")
def test_the_manager_lifts_a_hold_with_a_reason(gauged: Gauged) -> None:
    first = gauged.nozzle
    gauged.water(1, "45")
    until(lambda: TankHold.objects.exists(), what="the tank is held")
    with gauged.heads.lock:
        gauged.pump.lift(1)
        gauged.pump.squeeze(Decimal(4))
    until(
        lambda: first.__class__.objects.filter(pk=first.pk, state__state="CALLING").exists(),
        what="it calls",
    )
    hold = TankHold.objects.select_related("station", "tank").get()
    manager = make.manager(gauged.station)
    with pytest.raises(holds.ReasonMissing):
        holds.lift(hold=hold, reason=" ", actor=manager, at=now())
    holds.lift(hold=hold, reason="人工量水 8 mm", actor=manager, at=now())
    with pytest.raises(holds.NotHeld):
        holds.lift(hold=hold, reason="再来", actor=manager, at=now())
    until(lambda: gauged.pump.shown.volume > 1000, what="fuel flows in spite of the water")
    with gauged.heads.lock:
        gauged.pump.hang()
    until(Fill.objects.exists, what="the fill")
    assert AuditEntry.objects.filter(action="devices.hold.lifted").count() == 1
    gauged.water(1, "2")
    until(lambda: TankHold.objects.filter(ended_at__isnull=False).exists(), what="it is over")
    gauged.water(1, "50")
    until(lambda: TankHold.objects.filter(ended_at=None, lifted_at=None).exists(), what="again")


def test_a_delivery_is_posted_once_however_often_it_is_read(gauged: Gauged) -> None:
    with gauged.console.lock:
        probe = gauged.console.console.probes[1]
        probe.deliver(Decimal(6000), Decimal(1), gauged.console.console.stamp)
    until(lambda: GaugeReading.objects.filter(delivering=True).exists(), what="it is delivered")
    with gauged.console.lock:
        probe.advance(2, gauged.console.console.stamp)
        probe.advance(30, gauged.console.console.stamp)
    until(GaugeDelivery.objects.exists, what="the delivery is told")
    with gauged.console.lock:
        gauged.console.console.asked.clear()
    gauged.console.end.break_off()
    gauged.console.end.mend()  # after a break all deliveries are asked for again
    until(lambda: "i20200" in gauged.console.console.asked)
    asked = len(gauged.console.console.asked)
    until(lambda: len(gauged.console.console.asked) > asked + 4)
    made = GaugeDelivery.objects.get()
    assert made.end_volume - made.start_volume == 6000
