"""The thread of a line on a real pseudo-terminal and over TCP, against simulated heads."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from devices.line import orders
from devices.line.listening import ReaderLine
from devices.line.orders import Grant, Order
from devices.line.thread import PumpLine
from devices.line.wiring import LineWiring, from_body, to_body
from devices.protocols.base import Seconds
from devices.protocols.dart.describe import describe
from devices.recorder import SENT, read_reference
from devices.simulator.bus import Bus, Faults
from devices.simulator.ends import End, PtyEnd, TcpEnd
from devices.simulator.lines import BusLine, Gun, Reader
from devices.spool import Spool
from tests.devices.line.kit import head, wiring


class Station:
    """One line and its simulated heads in real time."""

    def __init__(self, folder: Path, line: LineWiring, end: End, faults: Faults | None = None):
        pumps = [head(line, point) for point in line.points]
        self.pumps: list[Any] = pumps
        self.heads = BusLine(Bus(pumps, faults=faults), end, byte_times=False)
        self.heads.start()
        self.folder, self.wiring = folder, line
        self.spool = Spool(folder / "spool.sqlite3")
        self.start()

    def start(self) -> None:
        self.line = PumpLine(
            self.wiring, spool=self.spool, boxes=self.folder / "box", may_authorise=lambda: True
        )
        self.line.start()

    def stop(self) -> None:
        self.line.end()
        self.line.join()

    def state(self, nozzle: int = 1) -> str:
        return next((one.state for one in self.line.board() if one.nozzle == nozzle), "")

    def bodies(self, kind: str) -> list[dict[str, object]]:
        return [fact.body for fact in self.spool.waiting(1000) if fact.kind == kind]

    def order(self, id: int, kind: str, nozzle: int = 1, **limits: Decimal) -> None:
        """Order something of a nozzle, with a grant where it is an authorisation."""
        late = datetime.now(UTC) + timedelta(seconds=20)
        grant = Grant(90 + id, nozzle, late, **limits) if kind == orders.AUTHORISE else None
        self.line.order(Order(id, kind, nozzle, late, grant=grant))

    def answered(self, id: int) -> bool:
        """Whether an order was told to be done."""
        return (id, "DONE") in [(one["id"], one["status"]) for one in self.bodies("command")]

    def told(self, nozzle: int = 1) -> Decimal:
        """The litres of all fills that were told of a nozzle."""
        fills = [one for one in self.bodies("fill") if one["nozzle"] == nozzle]
        return sum((Decimal(str(one["litres"])) for one in fills), Decimal(0))

    def close(self) -> None:
        self.stop()
        self.heads.end_it()


def until(true: Callable[[], object], seconds: Seconds = 15) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "never happened"
        time.sleep(0.02)


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    end = PtyEnd(tmp_path / "line-1")
    made = Station(tmp_path, wiring(0x50, 0x51, url=str(tmp_path / "line-1")), end)
    until(lambda: made.state(1) == made.state(5) == "IDLE")
    yield made
    made.close()


def _customer(station: Station, litres: int = 2) -> None:
    pump = station.pumps[0]
    pump.lift(1)
    pump.squeeze(Decimal(3))
    until(lambda: pump.status == 4 and pump.shown.volume > litres * 1000)
    pump.hang()


@pytest.mark.req("DEV-01", "SAL-02")
def test_a_fill_over_a_pseudo_terminal_is_a_fact_with_its_frames(station: Station) -> None:
    _customer(station)
    hung = time.monotonic()
    until(lambda: station.bodies("fill"))
    assert time.monotonic() - hung < 1
    [fill] = station.bodies("fill")
    assert Decimal(str(fill["litres"])) == Decimal(station.pumps[0].meters[1].volume) / 1000
    frames = read_reference(station.folder / "box", str(fill["frames"]))
    words = [describe(one.data, from_master=one.direction == SENT) for one in frames]
    assert any("50 数据" in one and "泵码 枪位" in one for one in words)
    assert any("授权" in one for one in words)


def test_a_line_over_tcp_survives_its_converter(tmp_path: Path) -> None:
    end = TcpEnd(0)
    station = Station(tmp_path, wiring(0x50, url=f"socket://127.0.0.1:{end.port}"), end)
    until(lambda: station.state() == "IDLE")
    end.break_off()
    until(lambda: station.state() == "OFFLINE")
    assert not station.line.live.is_open and station.line.live.error
    station.pumps[0].sell_locally(1, Decimal("7.000"), Decimal("7.52"))
    end.mend()
    until(lambda: station.bodies("fill"))
    assert station.bodies("fill")[0]["source"] == "OFFLINE"
    assert [b["over"] for b in station.bodies("alarm") if b["kind"] == "LINE"] == [
        True,
        False,
        True,
    ]
    station.close()


@pytest.mark.req("DEV-03")
def test_an_unplugged_adapter_is_offline_within_ten_seconds_and_found_again(
    station: Station,
) -> None:
    station.heads.end.break_off()
    until(lambda: station.state() == "OFFLINE", seconds=10)
    order = Order(5, orders.STOP, 1, datetime.now(UTC) + timedelta(seconds=0.3))
    station.line.order(order)
    until(lambda: [b["status"] for b in station.bodies("command")] == ["VOID"])
    station.heads.end.mend()
    until(lambda: station.state() == "IDLE")


@pytest.mark.req("DEV-05")
def test_the_emergency_stop_reaches_every_head_of_the_line_within_a_second(
    station: Station,
) -> None:
    for pump in station.pumps:
        pump.lift(2)
        pump.squeeze(Decimal("0.5"))
    until(lambda: all(pump.status == 4 for pump in station.pumps))
    began = time.monotonic()
    station.line.halt()
    until(lambda: all(pump.status == 5 for pump in station.pumps))
    assert time.monotonic() - began < 1
    until(lambda: station.line.halt_report == "全部停止")
    for pump in station.pumps:
        pump.hang()
    until(lambda: station.state(2) == station.state(5) == "STOPPED")
    station.line.release()
    until(lambda: station.state(2) == "IDLE")


def test_orders_and_new_wiring_are_taken_while_the_line_runs(station: Station) -> None:
    changed = replace(
        station.wiring,
        points=tuple(
            replace(p, nozzles=tuple(replace(n, mode="MANUAL") for n in p.nozzles))
            for p in station.wiring.points
        ),
    )
    assert station.wiring.same_port(changed)
    assert not station.wiring.same_port(replace(changed, baud=19200))
    assert from_body(to_body((changed,))) == (changed,)
    station.line.rewire(changed)
    until(lambda: station.line.line is changed)
    station.pumps[0].lift(1)
    until(lambda: station.state() == "CALLING")
    time.sleep(1)
    assert station.state() == "CALLING"
    far = datetime.now(UTC) + timedelta(seconds=10)
    station.line.order(Order(1, orders.READ_TOTALS, 5, far, document="B1"))
    until(lambda: station.bodies("command"))
    station.stop()
    station.start()
    until(lambda: station.state(5) == "IDLE")


def test_a_converter_that_echoes_and_a_bad_wire_still_tell_every_fill(tmp_path: Path) -> None:
    end = PtyEnd(tmp_path / "line-1")
    line = wiring(0x50, url=str(tmp_path / "line-1"), echo=True, options={"turnaround_ms": 5})
    station = Station(tmp_path, line, end, Faults(echo=True, damaged=15, lost=15, noise=15))
    until(lambda: station.state() == "IDLE", seconds=30)
    for _ in range(3):
        _customer(station)
        count = len(station.bodies("fill"))
        until(lambda count=count: len(station.bodies("fill")) > count, seconds=30)
    told = sum(Decimal(str(fill["litres"])) for fill in station.bodies("fill"))
    assert told == Decimal(station.pumps[0].meters[1].volume) / 1000
    assert station.line.live.bad_frames > 0
    station.close()


def test_a_line_that_hears_mostly_rubbish_raises_one_alarm(tmp_path: Path) -> None:
    end = PtyEnd(tmp_path / "line-1")
    line = wiring(0x50, url=str(tmp_path / "line-1"), options={"turnaround_ms": 1})
    station = Station(tmp_path, line, end, Faults(damaged=3))
    until(lambda: [b for b in station.bodies("alarm") if b["kind"] == "CHECKSUM"], seconds=60)
    station.close()


@pytest.mark.req("DEV-02")
def test_a_swipe_and_a_scan_are_one_fact_each_and_payment_codes_are_masked(
    tmp_path: Path,
) -> None:
    spool = Spool(tmp_path / "spool.sqlite3")
    card, gun = PtyEnd(tmp_path / "reader-1"), PtyEnd(tmp_path / "scanner-1")
    secrets: list[tuple[str, str]] = []
    lines = [
        ReaderLine(
            wiring(
                url=str(end.path),
                id=7 + n,
                name=name,
                protocol=protocol,
                parity="N",
                points=(),
                reader=3 + n,
            ),
            spool=spool,
            boxes=tmp_path / "box",
            whisper=lambda key, code: secrets.append((key, code)),
        )
        for n, (end, name, protocol) in enumerate(
            [(card, "读卡器", "RDM6300"), (gun, "扫码枪", "SCANNER")]
        )
    ]
    for line in lines:
        line.start()
    until(lambda: all(line.live.is_open for line in lines))
    Reader(card).present("6499026")
    Gun(gun).scan("6901234567892")
    Gun(gun).scan("134567890123456789")
    until(lambda: spool.depth()[0] >= 5)
    swipes = [fact for fact in spool.waiting() if fact.kind == "swipe"]
    assert sorted((f.body["medium"], f.body["text"], f.body["secret"]) for f in swipes) == [
        ("CARD", "0006499026", False),
        ("CODE", "13************6789", True),
        ("CODE", "6901234567892", False),
    ]
    assert [code for _, code in secrets] == ["134567890123456789"]
    card.break_off()
    until(lambda: not lines[0].live.is_open)
    card.mend()
    until(lambda: lines[0].live.is_open)
    for line in lines:
        line.end()
        line.join()
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"134567890123456789" not in kept
    assert b"134567890123456789".hex().encode() not in kept
    card.close()
    gun.close()
