"""A console's line: in virtual time what it asks and believes, and as a thread on true wires."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from devices.line.gauge import Gauge
from devices.line.gauging import GaugeLine, gauge_for
from devices.line.holding import Holds
from devices.line.wiring import GaugedTank, LineWiring, from_body, to_body
from devices.protocols import table
from devices.protocols.veeder_root.messages import Units
from devices.simulator.console import Console, ConsoleOptions
from devices.simulator.ends import PtyEnd, TcpEnd
from devices.simulator.lines import ConsoleLine
from devices.simulator.probes import Probe
from devices.spool import Body, Spool
from tests.devices.line.kit import wiring

SHANGHAI = timezone(timedelta(hours=8))
START = datetime(2026, 4, 22, 2, 0, tzinfo=UTC)
TANKS = tuple(
    GaugedTank(
        number=number,
        tank=100 + number,
        name=f"{number} 号罐",
        capacity=Decimal(30000),
        water_limit=Decimal(20),
    )
    for number in (1, 2)
)


def gauged(url: str = "", **options: Any) -> LineWiring:
    return wiring(
        protocol=table.VEEDER_ROOT, parity="N", points=(), url=url, name="液位仪",
        tanks=TANKS, options=options,
    )  # fmt: skip


class World:
    """A gauge and a console in virtual time."""

    def __init__(self, folder: Path, console: Console | None = None, **options: Any) -> None:
        self.now, self.at = 0.0, START
        probes = [Probe(1, label="92#"), Probe(2, label="0#", volume=Decimal(8000))]
        self.console = console or Console(
            probes, clock=lambda: self.at.astimezone(SHANGHAI), dice=random.Random(5)
        )
        self.spool = Spool(folder / "spool.sqlite3")
        self.holds = Holds(self.spool)
        self.gauge = self.start(**options)

    def start(self, **options: Any) -> Gauge:
        made = gauge_for(gauged(**options), spool=self.spool, holds=self.holds, zone=SHANGHAI)
        made.opened()
        return made

    def _pass(self, seconds: float) -> None:
        self.now += seconds
        self.at += timedelta(seconds=seconds)
        for probe in self.console.probes.values():
            probe.advance(seconds, self.console.stamp)

    def run(self, seconds: float) -> None:
        until, codec = self.now + seconds, self.gauge.codec
        while self.now < until:
            self.gauge.plan(self.now)
            request = codec.next(self.now)
            if request is None:
                self._pass(0.25)
                continue
            outcome = None
            for answer in self.console.feed(request.data):
                self._pass(len(answer) / 960)
                outcome = codec.feed(answer, self.now)
            if outcome is None or not outcome.finished:
                self._pass(max(codec.until - self.now, 0))
                outcome = codec.expire(self.now)
            for event in outcome.events:
                self.gauge.hear(event, self.now, self.at)

    def bodies(self, kind: str) -> list[Body]:
        return [fact.body for fact in self.spool.waiting(100_000) if fact.kind == kind]

    def alarms(self) -> dict[str, str]:
        """What stands: text by subject."""
        out: dict[str, str] = {}
        for body in self.bodies("alarm"):
            out.pop(body["subject"], None)
            if not body["over"]:
                out[body["subject"]] = body["text"]
        return out


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.spool.close()


@pytest.mark.req("INV-02", "DEV-01")
def test_it_asks_in_its_time_and_keeps_what_stands_in_the_tanks(world: World) -> None:
    world.run(3700)
    readings = world.bodies("gauge")
    assert 330 <= len(readings) <= 371
    times = [datetime.fromisoformat(one["at"]) for one in readings]
    assert max(b - a for a, b in itertools.pairwise(times)) < timedelta(seconds=12)
    first = readings[0]["tanks"][0]
    assert (first["tank"], first["volume"], first["height"]) == (101, "15000.000", "1200.0")
    asked = world.console.asked
    assert asked[0] == "i51700"
    # The first answer of each was asked twice, since nothing had been believed before it.
    assert asked.count("i20500") == asked.count("i20100") == len(readings) + 1
    assert asked.count("i20200") == 3 and asked.count("i50100") == 1
    assert not [code for code in asked if code[1:4] == "051"]
    assert not world.alarms()


@pytest.mark.req("INV-02")
def test_water_above_the_limit_holds_a_tank_until_it_is_below_again(world: World) -> None:
    world.run(30)
    world.console.probes[2].water_mm = Decimal("20.5")
    world.run(11)
    held = world.holds.of(102)
    assert held is not None and "水高 20.5 mm" in held.text
    assert world.holds.of(101) is None
    world.console.probes[2].water_mm = Decimal(20)  # at the limit nothing changes
    world.run(30)
    assert world.holds.of(102) == held
    assert [one["over"] for one in world.bodies("water_hold")] == [False]
    world.console.probes[2].water_mm = Decimal(19)
    world.run(11)
    assert world.holds.of(102) is None
    assert [one["over"] for one in world.bodies("water_hold")] == [False, True]


def test_a_hold_outlives_the_poller_and_is_told_once(world: World) -> None:
    world.console.probes[1].water_mm = Decimal(30)
    world.run(11)
    world.holds = Holds(world.spool)
    world.gauge = world.start()
    assert world.holds.of(101) is not None
    world.run(60)
    assert len(world.bodies("water_hold")) == 1


def test_a_waived_hold_is_waived_until_there_is_another(tmp_path: Path) -> None:
    holds = Holds(Spool(tmp_path / "spool.sqlite3"))
    pumps = wiring(0x50)
    (point,) = pumps.points
    nozzles = tuple(replace(one, tank=101) for one in point.nozzles)
    pumps = replace(pumps, points=(replace(point, nozzles=nozzles),))

    def why() -> str:
        return holds.put_on(pumps).points[0].nozzles[0].held

    assert why() == ""
    holds.put(101, "水", START)
    assert why() == "水"
    waived = replace(gauged(), tanks=(replace(TANKS[0], waived=START.isoformat()),))
    holds.waive([waived])
    assert why() == ""
    holds.lift(101)
    holds.put(101, "又有水", START + timedelta(hours=1))
    assert why() == "又有水"


def test_a_delivery_is_told_once_however_often_it_is_read(world: World) -> None:
    world.run(20)
    world.console.probes[1].deliver(Decimal(9000), Decimal(60), world.console.stamp)
    world.run(120)
    assert any(one["tanks"][0]["delivering"] for one in world.bodies("gauge"))
    world.run(4000)
    assert world.console.asked.count("i20C00") == 5  # the new one was asked once more
    (told,) = world.bodies("gauge_delivery")
    assert told["tank"] == 101
    assert Decimal(told["end_volume"]) - Decimal(told["start_volume"]) == 9000
    assert datetime.fromisoformat(told["started_at"]).utcoffset() == timedelta(hours=8)


def test_impossible_values_are_no_facts_and_are_named(world: World) -> None:
    world.run(15)
    told = len(world.bodies("gauge"))
    probe = world.console.probes[1]
    for name, value, word in (
        ("volume", "-5", "油量为负"),
        ("volume", "NaN", "油量不是数"),
        ("volume", "40000", "超过罐容"),
        ("height", "Infinity", "油高不是数"),
    ):
        probe.impossible = {name: Decimal(value)}
        world.run(12)
        assert word in world.alarms()["1 号罐"]
        assert [one["tank"] for one in world.bodies("gauge")[-1]["tanks"]] == [102]
    probe.impossible, probe.invalid = {}, True
    world.run(12)
    assert "主机判为液位无效" in world.alarms()["1 号罐"]
    probe.invalid = False
    world.run(12)
    assert not world.alarms()
    assert len(world.bodies("gauge")) > told
    del world.console.probes[1]
    world.run(12)
    assert "没有报 1 号探棒" in world.alarms()["1 号罐"]


def test_a_silent_console_is_an_alarm_and_recovers(world: World) -> None:
    world.run(15)
    world.console.faults.silent = True
    world.run(60)
    assert "没有应答" in world.alarms()["液位仪"]
    assert len([one for one in world.bodies("alarm") if one["kind"] == "SILENCE"]) == 2
    world.console.faults.silent = False
    world.run(30)
    assert not world.alarms()


@pytest.mark.parametrize("fault", ["damaged", "halved", "lost", "noise", "wrong_tank"])
def test_a_bad_line_costs_readings_and_brings_no_wrong_one(world: World, fault: str) -> None:
    setattr(world.console.faults, fault, 3)
    world.run(600)
    readings = world.bodies("gauge")
    assert len(readings) > 20
    assert {one["volume"] for body in readings for one in body["tanks"]} == {
        "15000.000",
        "8000.000",
    }


def test_alarms_of_the_console_are_told_when_they_change(world: World) -> None:
    world.run(40)
    assert [one["types"] for one in world.bodies("gauge_alarms")] == [[], []]
    world.console.probes[1].set_alarms = {"09", "20"}
    world.run(40)
    assert world.bodies("gauge_alarms")[2:] == [
        {"tank": 101, "types": ["09"], "at": world.bodies("gauge_alarms")[2]["at"]}
    ]
    world.console.probes[1].set_alarms = set()
    world.run(40)
    assert world.bodies("gauge_alarms")[-1]["types"] == []


def test_the_clock_is_put_right_when_it_is_off(world: World) -> None:
    world.console.off = timedelta(minutes=-9)
    world.run(15)
    assert world.console.asked.count("s50100") == 1
    assert abs(world.console.off) <= timedelta(seconds=60)
    world.run(30)
    assert world.console.asked.count("s50100") == 1 and not world.alarms()


def test_a_clock_that_cannot_be_set_is_an_alarm(tmp_path: Path) -> None:
    class Stubborn(Console):
        def _clock_said(self, code: str, data: str) -> str:
            return self.stamp

    made = World(tmp_path)
    made.console = Stubborn(
        made.console.probes.values(), clock=lambda: made.at.astimezone(SHANGHAI)
    )
    made.console.off = timedelta(hours=1)
    made.run(20)
    assert "校时没有成功" in made.alarms()["液位仪时钟"]
    assert made.console.asked.count("s50100") == 1


@pytest.mark.parametrize("options", [{"units": Units.US}, {"display_only": True}, {"floats": 6}])
def test_other_consoles_say_the_same(tmp_path: Path, options: dict[str, Any]) -> None:
    made = World(tmp_path)
    made.console.options = ConsoleOptions(**options)
    made.run(120)
    last = made.bodies("gauge")[-1]
    assert last["format"] == ("DISPLAY" if "display_only" in options else "COMPUTER")
    assert [round(Decimal(one["volume"])) for one in last["tanks"]] == [15000, 8000]
    assert abs(Decimal(last["tanks"][0]["temperature"]) - Decimal("18.5")) < Decimal("0.02")


def test_a_console_that_hides_its_units_is_not_believed_until_somebody_says_them(
    tmp_path: Path,
) -> None:
    made = World(tmp_path)
    made.console.options.tells_units = False
    made.run(60)
    assert not made.bodies("gauge")
    assert "没有说明用公制还是英制" in made.alarms()["液位仪单位"]
    made.gauge = made.start(units="2")
    made.run(60)
    assert made.bodies("gauge") and not made.alarms()


def test_the_wiring_of_a_gauge_is_kept_as_json() -> None:
    line = replace(gauged(poll_seconds=20), tanks=(*TANKS[:1], replace(TANKS[1], waived="2026")))
    assert from_body(to_body((line, wiring(0x50)))) == (line, wiring(0x50))
    old = to_body((wiring(0x50),))
    del old["lines"][0]["tanks"]
    assert from_body(old) == (wiring(0x50),)


# ------------------------------------------------------------------ threads on true wires


def until(true: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture(params=["pty", "tcp"])
def wires(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[ConsoleLine, GaugeLine, Spool]]:  # fmt: skip
    end = PtyEnd(tmp_path / "gauge-1") if request.param == "pty" else TcpEnd(0)
    console = Console([Probe(1), Probe(2)], clock=lambda: datetime.now(SHANGHAI))
    far = ConsoleLine(console, end, byte_times=False)
    far.start()
    url = f"socket://127.0.0.1:{end.port}" if isinstance(end, TcpEnd) else str(end.path)
    spool = Spool(tmp_path / "spool.sqlite3")
    near = GaugeLine(
        gauged(url, poll_seconds=1), spool=spool, boxes=tmp_path / "box", holds=Holds(spool),
        zone=SHANGHAI,
    )  # fmt: skip
    near.start()
    yield far, near, spool
    near.end()
    near.join()
    far.end_it()
    spool.close()


def kinds(spool: Spool, kind: str) -> list[Body]:
    return [fact.body for fact in spool.waiting(10_000) if fact.kind == kind]


@pytest.mark.req("DEV-03", "INV-02")
def test_unplugged_and_plugged_in_again(wires: tuple[ConsoleLine, GaugeLine, Spool]) -> None:
    far, near, spool = wires
    until(lambda: kinds(spool, "gauge"))
    far.end.break_off()
    until(lambda: not near.live.is_open)
    assert near.live.error
    (lost,) = [one for one in kinds(spool, "alarm") if one["kind"] == "LINE" and not one["over"]]
    assert "已断开" in lost["text"]
    far.end.mend()
    told = len(kinds(spool, "gauge"))
    until(lambda: near.live.is_open and len(kinds(spool, "gauge")) > told)
    assert near.live.answers <= near.live.polls


def test_half_an_answer_and_then_nothing_is_no_fact(
    wires: tuple[ConsoleLine, GaugeLine, Spool],
) -> None:
    far, near, spool = wires
    until(lambda: kinds(spool, "gauge"))
    far.console.faults.halved = 1
    until(lambda: near.live.bad_frames > 0)
    far.console.faults.halved = 0
    told = len(kinds(spool, "gauge"))
    until(lambda: len(kinds(spool, "gauge")) > told)
    volumes = {one["volume"] for body in kinds(spool, "gauge") for one in body["tanks"]}
    assert volumes == {"15000.000"}
