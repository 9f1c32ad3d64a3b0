"""A line of GasKitLink heads on a real pseudo-terminal, from the port to the spool."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from devices.line import orders
from devices.line.thread import codec_for
from devices.line.wiring import Price
from devices.protocols import table
from devices.protocols.gaskit import messages as m
from devices.protocols.gaskit.codec import GasKitCodec
from devices.recorder import SENT, read_reference
from devices.simulator.bus import Faults
from devices.simulator.ends import PtyEnd, TcpEnd
from devices.simulator.forecourt import Forecourt
from devices.spool import Spool
from tests.devices.line.kit import gaskit
from tests.devices.line.test_thread import Station, until

D = Decimal


def _station(folder: Path, faults: Faults | None = None, **fields: Any) -> Station:
    line = gaskit(1, 2, url=str(folder / "line-1"), **fields)
    return Station(folder, line, PtyEnd(folder / "line-1"), faults)


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    made = _station(tmp_path)
    until(lambda: made.state(1) == made.state(5) == "IDLE")
    yield made
    made.close()


def _customer(station: Station, nozzle: int = 1, litres: int = 2, rate: int = 3) -> None:
    """Lifts, fills, hangs; waits until the fill is told and the head may sell again."""
    pump, count = station.pumps[0], len(station.bodies("fill"))
    with station.heads.lock:
        pump.lift(nozzle)
        pump.squeeze(D(rate))
    until(
        lambda: (
            pump.status == m.STOPPED
            or (pump.status == m.FUELLING and pump.shown.volume >= litres * 100)
        )
    )
    with station.heads.lock:
        pump.hang()
    until(lambda: len(station.bodies("fill")) > count and pump.status == m.IDLE, seconds=30)


def _metered(station: Station, position: int = 1) -> Decimal:
    return D(station.pumps[0].meters[position].volume) / 100


@pytest.mark.req("DEV-01", "SAL-02")
def test_sales_at_two_nozzles_are_facts_with_their_frames(station: Station) -> None:
    _customer(station, 1)
    _customer(station, 2)
    assert [fill["nozzle"] for fill in station.bodies("fill")] == [1, 2]
    assert (station.told(1), station.told(2)) == (_metered(station, 1), _metered(station, 2))
    assert all(fill["flags"] == [] for fill in station.bodies("fill"))
    frames = read_reference(station.folder / "box", str(station.bodies("fill")[0]["frames"]))
    describe = table.PUMPS[table.GASKIT].describe
    words = [describe(one.data, from_master=one.direction == SENT) for one in frames]
    assert any("Preset(letter='M', nozzle=1, value=999999, price=752)" in one for one in words)
    assert any("Transaction(" in one for one in words) and any("Totalizer(" in one for one in words)


@pytest.mark.req("SAL-03")
def test_presets_by_litres_and_by_sum_stop_at_their_limit(station: Station) -> None:
    station.order(1, orders.AUTHORISE, limit_litres=D("2.00"))
    until(lambda: station.answered(1) and station.state() == "AUTHORISED")
    _customer(station, litres=90)
    station.order(2, orders.AUTHORISE, limit_yuan=D("15.04"))
    until(lambda: station.answered(2) and station.state() == "AUTHORISED")
    _customer(station, litres=90)
    assert [(one["litres"], one["amount"]) for one in station.bodies("fill")] == [
        ("2.000", "15.04"),
        ("2.000", "15.04"),
    ]
    assert [one["authorisation"] for one in station.bodies("fill")] == [91, 92]


def test_a_delivery_is_paused_goes_on_and_is_stopped(station: Station) -> None:
    pump = station.pumps[0]
    with station.heads.lock:
        pump.lift(1)
        pump.squeeze(D("0.5"))
    until(lambda: station.state() == "FUELLING")
    station.order(1, orders.SUSPEND)
    until(lambda: station.answered(1) and station.state() == "SUSPENDED")
    held = pump.shown.volume
    station.order(2, orders.RESUME)
    until(lambda: station.answered(2) and pump.shown.volume > held)
    station.order(3, orders.STOP)
    until(lambda: station.answered(3))
    assert pump.status == m.STOPPED
    with station.heads.lock:
        pump.hang()
    until(lambda: station.bodies("fill") and pump.status == m.IDLE)
    assert station.told() == _metered(station)


@pytest.mark.req("SAL-05")
def test_a_price_changed_between_two_sales_goes_with_the_second(station: Station) -> None:
    _customer(station)
    points = tuple(
        replace(
            point,
            nozzles=tuple(
                replace(one, prices=(*one.prices, Price(datetime.now(UTC), D("6.66"))))
                for one in point.nozzles
            ),
        )
        for point in station.wiring.points
    )
    station.line.rewire(replace(station.wiring, points=points))
    until(lambda: [one.unit_price for one in station.line.board()] == [D("6.66")] * 4)
    _customer(station)
    assert [fill["unit_price"] for fill in station.bodies("fill")] == ["7.52", "6.66"]
    assert all(fill["flags"] == [] for fill in station.bodies("fill"))
    kept = [one for one in station.bodies("totals") if one["kind"] == "PRICE"]
    assert sorted(int(str(one["nozzle"])) for one in kept) == [1, 2, 5, 6]


@pytest.mark.req("DEV-01")
def test_a_sale_while_the_line_was_down_and_a_power_cut_lose_no_drop(station: Station) -> None:
    _customer(station)
    station.heads.end.break_off()
    until(lambda: station.state() == "OFFLINE")
    with station.heads.lock:
        station.pumps[0].sell_locally(1, D("7.00"), D("7.52"))
    station.heads.end.mend()
    until(lambda: len(station.bodies("fill")) == 2)
    assert station.bodies("fill")[1]["source"] == "OFFLINE"
    until(lambda: station.state() == "IDLE")
    pump = station.pumps[0]
    with station.heads.lock:
        pump.lift(1)
        pump.squeeze(D(2))
    until(lambda: pump.shown.volume > 100 and pump.status == m.FUELLING)
    with station.heads.lock:
        pump.cut_power()
    until(lambda: station.state() == "OFFLINE")
    with station.heads.lock:
        pump.give_power()
        pump.hang()
    until(lambda: len(station.bodies("fill")) == 3 and pump.status == m.IDLE)
    assert station.told() == _metered(station)


def test_a_line_that_stops_between_the_fact_and_the_close_closes_it_next_time(
    station: Station,
) -> None:
    rest, station.pumps[0]._rest = station.pumps[0]._rest, lambda: None
    pump = station.pumps[0]
    with station.heads.lock:
        pump.lift(1)
        pump.squeeze(D(3))
    until(lambda: pump.shown.volume > 100)
    with station.heads.lock:
        pump.hang()
    until(lambda: station.bodies("fill"))
    station.stop()
    pump._rest = rest
    station.start()
    until(lambda: pump.status == m.IDLE and station.state() == "IDLE")
    assert len(station.bodies("fill")) == 1


@pytest.mark.req("DEV-05")
def test_the_emergency_stop_reaches_every_head_of_the_line(station: Station) -> None:
    for pump in station.pumps:
        with station.heads.lock:
            pump.lift(2)
            pump.squeeze(D("0.5"))
    until(lambda: all(pump.status == m.FUELLING for pump in station.pumps))
    station.line.halt()
    until(lambda: all(pump.status == m.STOPPED for pump in station.pumps))
    until(lambda: station.line.halt_report == "全部停止")


def test_an_echoing_converter_and_a_bad_wire_still_tell_every_fill(tmp_path: Path) -> None:
    faults = Faults(echo=True, damaged=15, twice=15, lost=15, doubled=15, noise=15)
    station = _station(tmp_path, faults, echo=True)
    until(lambda: station.state() == "IDLE", seconds=30)
    for _ in range(3):
        _customer(station)
    assert station.told() == _metered(station)
    assert all(fill["flags"] == [] for fill in station.bodies("fill"))
    assert station.line.live.bad_frames > 0
    station.close()


@pytest.mark.req("DEV-01")
def test_a_roll_over_on_the_wire_starts_the_next_epoch(tmp_path: Path) -> None:
    line = gaskit(1, url=str(tmp_path / "line-1"))
    [point] = line.points
    line = replace(
        line,
        points=(replace(point, nozzles=tuple(replace(one, digits=7) for one in point.nozzles)),),
    )
    station = Station(tmp_path, line, PtyEnd(tmp_path / "line-1"))
    station.pumps[0].meters[1].volume = 10**9 - 50
    until(lambda: station.state() == "IDLE")
    _customer(station)
    [fill] = station.bodies("fill")
    assert (fill["meter_epoch"], fill["flags"]) == (1, [])
    station.close()


def test_the_codec_is_made_with_the_lines_own_port_and_times() -> None:
    codec = codec_for(gaskit(baud=19200, bits=7, parity="E", stop=2, options={"window_ms": 70}))
    assert isinstance(codec, GasKitCodec)
    assert (codec.settings.baud, codec.settings.bits, codec.settings.parity) == (19200, 7, "E")
    assert codec.settings.stop == 2 and codec.timing.window == 0.07
    assert codec.timing.misses_until_offline == 10
    with pytest.raises(ValueError, match="no codec for SCANNER"):
        codec_for(gaskit(protocol=table.SCANNER))


@pytest.mark.req("DEV-01", "SAL-02")
def test_the_simulated_forecourt_can_speak_it_on_its_second_line(tmp_path: Path) -> None:
    forecourt = Forecourt(tmp_path / "sim", cars=False, protocols={"二号线": table.GASKIT})
    end = forecourt.lines["二号线"].end
    assert isinstance(end, TcpEnd)
    assert [place.pump.address for place in forecourt.places.values()] == [
        80,
        81,
        82,
        83,
        1,
        2,
        3,
        4,
    ]
    places = forecourt.places[5].pump.options.decimals
    line = gaskit(1, nozzles=4, url=forecourt.addresses()["二号线"], places=places)
    forecourt.start()
    station = Station.__new__(Station)
    station.folder, station.wiring = tmp_path, line
    station.heads, station.pumps = forecourt.lines["二号线"], [forecourt.places[5].pump]
    station.spool = Spool(tmp_path / "spool.sqlite3")
    station.start()
    until(lambda: station.state() == "IDLE")
    _customer(station, 3)
    assert station.bodies("fill")[0]["nozzle"] == 3
    station.stop()
    forecourt.stop()
    again = Forecourt(tmp_path / "sim", cars=False, protocols={"二号线": table.GASKIT})
    assert again.places[5].pump.meters[3].volume == forecourt.places[5].pump.meters[3].volume > 0
    again.stop()
