"""The simulated tanks: drawn from by the pumps, wished of by the control socket, asked by a client of others."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from devices.protocols.veeder_root import frames
from devices.protocols.veeder_root import messages as m
from devices.simulator import layout
from devices.simulator.console import Console
from devices.simulator.control import Control
from devices.simulator.ends import TcpEnd
from devices.simulator.forecourt import Forecourt
from devices.simulator.lines import ConsoleLine
from devices.simulator.probes import Probe
from devices.simulator.tank_farm import TankNow

WHEN = datetime(2026, 4, 22, 10, 0, tzinfo=UTC)


@pytest.fixture
def forecourt(tmp_path: Path) -> Iterator[Forecourt]:
    made = Forecourt(
        tmp_path,
        cars=False,
        byte_times=False,
        wall=lambda: WHEN,
        tanks={1: TankNow(capacity=Decimal(30000), volume=Decimal(9000))},
    )
    yield made
    made.stop()


def wish(forecourt: Forecourt, **asked: Any) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(Control(forecourt).answer(json.dumps(asked)))
    return answer


def inventory(forecourt: Forecourt) -> dict[int, m.Tank]:
    (answer,) = forecourt.farm.line.console.feed(frames.question("i20100"))
    return {one.tank: one for one in m.read_inventory(frames.read_computer(answer).data)}


def test_a_fill_goes_out_of_its_tank_and_what_is_left_is_kept(forecourt: Forecourt) -> None:
    forecourt.step(0.0, 0.0)
    assert inventory(forecourt)[1].volume == 9000
    assert wish(forecourt, do="sell", dispenser=3, nozzle=1, litres="20", price="7.52")["ok"]
    forecourt.step(0.1, 0.1)
    assert inventory(forecourt)[1].volume == 8980
    forecourt.step(0.2, 0.1)
    assert inventory(forecourt)[1].volume == 8980
    forecourt.farm.keep()
    kept = json.loads((forecourt.folder / "tanks.json").read_text())
    assert Decimal(kept["1"]["volume"]) == 8980


@pytest.mark.req("DEV-03")
def test_every_event_of_a_gauge_can_be_wished(forecourt: Forecourt) -> None:
    farm = forecourt.farm
    assert wish(forecourt, do="water", tank=3, mm="35")["ok"]
    assert inventory(forecourt)[3].water == 35
    assert wish(forecourt, do="deliver", tank=1, litres="3000", seconds=10)["ok"]
    assert inventory(forecourt)[1].delivering
    farm.probe(1).advance(10, "2604221010")
    farm.probe(1).advance(30, "2604221011")
    assert inventory(forecourt)[1].volume == 12000 and len(farm.probe(1).deliveries) == 1
    assert wish(forecourt, do="leak", tank=1, rate="0.5")["ok"]
    farm.probe(1).advance(20, "2604221012")
    assert inventory(forecourt)[1].volume == 11990
    assert wish(forecourt, do="tank_alarms", tank=2, types=["09"])["ok"]
    assert farm.probe(2).alarms() == ("09",)
    assert wish(forecourt, do="figure", tank=1, name="volume", value="-1")["ok"]
    assert inventory(forecourt)[1].volume == -1
    assert wish(forecourt, do="figure", tank=1, name="volume")["ok"]
    assert inventory(forecourt)[1].volume == 11990
    assert wish(forecourt, do="console", display_only=True, units="1", floats=6)["ok"]
    (answer,) = farm.line.console.feed(frames.question("i20100"))
    assert frames.is_unknown(answer)
    assert wish(forecourt, do="gauge_faults", silent=True)["ok"]
    assert farm.line.console.feed(frames.question("I20100")) == []
    assert wish(forecourt, do="break", line=layout.GAUGE.name)["ok"]
    assert not (forecourt.folder / layout.GAUGE.pty).exists()
    assert wish(forecourt, do="mend", line=layout.GAUGE.name)["ok"]
    assert (forecourt.folder / layout.GAUGE.pty).exists()
    for wrong in ({"tank": 9, "mm": "1"}, {"tank": 1}, {"tank": 1, "mm": "x"}):
        assert not wish(forecourt, do="water", **wrong)["ok"]
    assert not wish(forecourt, do="figure", tank=1, name="colour", value="1")["ok"]


CLIENT = """
import json, sys
from veeder_root_tls_socket_library.socket import TlsSocket
from veeder_root_tls_socket_library import tls_3xx
with TlsSocket("127.0.0.1", int(sys.argv[1])) as tls:
    said = {code: getattr(tls_3xx, f"function_{code[1:4]}")(tls.execute(code, timeout=0.2))
            for code in ("i20100", "i20200", "i20500", "i10100", "i60200")}
    said["display"] = tls.execute("I20100", timeout=0.2)
print(json.dumps(said))
"""


@pytest.mark.req("DEV-01")
def test_a_client_that_others_published_reads_the_console() -> None:
    """`pip install veeder-root-tls-socket-library`; it is no dependency, so most runs skip this."""
    try:
        importlib.import_module("veeder_root_tls_socket_library")
    except ImportError:
        pytest.skip("NOT PROVEN: veeder-root-tls-socket-library is not installed")
    probes = [Probe(1, label="92#", volume=Decimal(9000)), Probe(2, set_alarms={"11"})]
    probes[0].deliver(Decimal(1000), Decimal(1), "2604220900")
    probes[0].advance(2, "2604220901")
    probes[0].advance(30, "2604220902")
    end = TcpEnd(0)
    line = ConsoleLine(Console(probes, clock=lambda: WHEN), end, byte_times=False)
    line.start()
    try:
        run = subprocess.run(
            [sys.executable, "-c", CLIENT, str(end.port)],
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
    finally:
        line.end_it()
    said = json.loads(run.stdout)
    first, second = said["i20100"]["tanks"]
    assert (first["volume"], first["temperature"], second["tank_number"]) == (10000.0, 18.5, "02")
    (told,) = said["i20200"]["tanks"][0]["deliveries"]
    assert (told["start_hour"], told["starting_volume"], told["ending_volume"]) == (9, 9000, 10000)
    assert [one["alarm_type"] for one in said["i10100"]["alarms"]] == [11]
    assert said["i60200"]["labels"]["1"] == "92#"
    assert "IN-TANK INVENTORY" in said["display"]
