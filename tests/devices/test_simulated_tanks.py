"""模拟设备: buttons of the simulated gauge, each of which does something to a tank or its console."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from devices.protocols.veeder_root import frames
from devices.protocols.veeder_root import messages as m
from devices.queries import simulated
from devices.simulator import layout
from devices.simulator.control import ControlServer
from devices.simulator.forecourt import Forecourt
from devices.simulator.probes import Probe
from devices.simulator.tank_farm import TankNow
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.req("DEV-03", "INV-02")]
PAGE, ACT = reverse("devices:simulated"), reverse("devices:simulate")


@pytest.fixture
def forecourt(tmp_path: Path, settings, monkeypatch) -> Iterator[Forecourt]:  # type: ignore[no-untyped-def]
    settings.VAR_DIR = tmp_path
    lines = (layout.LINES[0], layout.SimulatedLine("二号线", layout.LINES[1].protocol, port=0))
    monkeypatch.setattr(layout, "LINES", lines)
    tanks = {1: TankNow(capacity=Decimal(30000), volume=Decimal(9000))}
    made = Forecourt(tmp_path / "sim", cars=False, byte_times=False, seed=1, tanks=tanks)
    server = ControlServer(tmp_path / "sim" / "control", made)
    yield made
    server.close()
    made.stop()


@pytest.fixture
def desk() -> Client:
    return make.signed_in(make.manager(make.station()))


def _shown(desk: Client) -> str:
    return desk.get(PAGE, headers={"HX-Target": "simulated"}).content.decode()


def _press(desk: Client, act: str) -> str:
    """Press a button that the page has, and look at the page."""
    assert f'value="{act}"' in _shown(desk)
    assert desk.post(ACT, {"act": act}).url == PAGE
    return _shown(desk)


def _told(forecourt: Forecourt) -> m.Tank:
    (answer,) = forecourt.farm.line.console.feed(frames.question("i20101"))
    (one,) = m.read_inventory(frames.read_computer(answer).data)
    return one


def test_the_page_knows_every_tank_of_the_simulator_and_its_line() -> None:
    assert tuple(layout.TANKS) == simulated.TANKS and layout.GAUGE.name == simulated.GAUGE
    assert Decimal(layout.WATER_MM) == Decimal(simulated.DRY)


def test_a_truck_comes_and_the_gauge_tells_of_the_delivery(
    forecourt: Forecourt, desk: Client
) -> None:
    probe = forecourt.farm.probe(1)
    text = _press(desk, "tank-1-truck")
    assert "正在卸油，车上还有 3,000 升" in text and 'value="tank-1-truck"' not in text
    assert _told(forecourt).delivering
    desk.post(ACT, {"act": "tank-1-truck"})  # a page that is a little old
    probe.advance(61, "2604221001")
    probe.advance(30, "2604221002")
    assert _told(forecourt).volume == 12000 and len(probe.deliveries) == 1
    assert "存油 12,000.0 升" in _shown(desk)


def test_a_truck_leaves_what_there_is_no_room_for(forecourt: Forecourt, desk: Client) -> None:
    probe = forecourt.farm.probe(1)
    probe.volume, probe.water_mm = Decimal(29000), Decimal(0)
    _press(desk, "tank-1-truck")
    probe.advance(61, "2604221001")
    assert (probe.volume, probe.room) == (30000, 0)
    probe.advance(30, "2604221002")
    desk.post(ACT, {"act": "tank-1-truck"})
    assert probe.pouring is None and "溢油报警" in _shown(desk)


def _wet(one: m.Tank) -> bool:
    return one.water == 60


def _hot(one: m.Tank) -> bool:
    return one.temperature == 35


def _out(one: m.Tank) -> bool:
    return one.invalid


@pytest.mark.parametrize(
    ("act", "back", "is_so", "words"),
    [
        ("wet", "dry", _wet, "水高 60.0 mm"),
        ("hot", "usual", _hot, "油温 35.0 度"),
        ("out", "in", _out, "探棒脱线"),
    ],
)
def test_what_the_probe_measures_is_changed_and_put_back(
    act: str,
    back: str,
    is_so: Callable[[m.Tank], bool],
    words: str,
    forecourt: Forecourt,
    desk: Client,
) -> None:
    before = _told(forecourt)
    assert not is_so(before)
    assert words in _press(desk, f"tank-1-{act}") and is_so(_told(forecourt))
    assert words not in _press(desk, f"tank-1-{back}")
    assert _told(forecourt) == before


def test_fuel_leaks_until_the_leak_is_stopped(forecourt: Forecourt, desk: Client) -> None:
    probe: Probe = forecourt.farm.probe(1)
    assert "正在漏油，每秒 0.1 升" in _press(desk, "tank-1-leak")
    probe.advance(100, "2604221000")
    assert _told(forecourt).volume == 8990
    assert "正在漏油" not in _press(desk, "tank-1-tight")
    probe.advance(100, "2604221001")
    assert _told(forecourt).volume == 8990


def test_fuel_is_gone_at_once_and_the_console_cries_until_it_is_told_to_be_quiet(
    forecourt: Forecourt, desk: Client
) -> None:
    assert "油量突降" in _press(desk, "tank-1-lose")
    assert _told(forecourt).volume == 8700 and forecourt.farm.probe(1).alarms() == ("06",)
    assert "油量突降" not in _press(desk, "tank-1-quiet")
    assert forecourt.farm.probe(1).alarms() == ()


def test_the_line_is_cut_the_console_dumb_or_an_old_one(forecourt: Forecourt, desk: Client) -> None:
    wire = forecourt.folder / layout.GAUGE.pty
    assert "已拔掉" in _press(desk, "gauge-unplug") and not wire.exists()
    _press(desk, "gauge-plug")
    assert wire.exists()
    console: Any = forecourt.farm.line.console
    assert "不应答" in _press(desk, "gauge-silent")
    assert console.feed(frames.question("i20100")) == []
    _press(desk, "gauge-answers")
    assert "老主机" in _press(desk, "gauge-display")
    assert frames.is_unknown(console.feed(frames.question("i20100"))[0])
    _press(desk, "gauge-computer")
    assert _told(forecourt).volume == 9000
