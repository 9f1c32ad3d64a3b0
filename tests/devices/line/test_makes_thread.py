"""A line of each make but DART on a real pseudo-terminal, from the port to the spool: one story."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from devices.line import orders
from devices.line.port import Port
from devices.line.thread import codec_for
from devices.line.wiring import Price
from devices.protocols import table
from devices.recorder import SENT, read_reference, reference
from devices.simulator.bus import Faults
from devices.simulator.ends import PtyEnd, TcpEnd
from devices.simulator.forecourt import Forecourt
from devices.spool import Spool
from tests.devices.line.kit import line_of
from tests.devices.line.makes import MAKES, Make
from tests.devices.line.test_thread import Station, until

D = Decimal


@pytest.fixture(params=sorted(MAKES))
def make(request: pytest.FixtureRequest) -> Make:
    return MAKES[request.param]


def _station(folder: Path, make: Make, faults: Faults | None = None, **more: Any) -> Station:
    line = replace(make, addresses=(1, 16)).line(url=str(folder / "line-1"), **more)
    return Station(folder, line, PtyEnd(folder / "line-1"), faults)


@pytest.fixture
def station(make: Make, tmp_path: Path) -> Iterator[Station]:
    made = _station(tmp_path, make)
    until(lambda: made.state(1) == made.state(5) == "IDLE")
    yield made
    made.close()


def _customer(station: Station, make: Make, nozzle: int = 1, litres: int = 2) -> None:
    """Lifts, fills, hangs; waits until the fill is told and the head may sell again."""
    index, position = divmod(nozzle - 1, 4)
    pump, count = station.pumps[index], len(station.bodies("fill"))
    with station.heads.lock:
        pump.lift(position + 1)
        pump.squeeze(D(3))
    enough = litres * 10**pump.options.decimals.volume
    until(lambda: not pump.metered and pump.shown.volume > 0)
    until(lambda: not pump.open or pump.shown.volume >= enough)
    with station.heads.lock:
        pump.hang()
    until(lambda: len(station.bodies("fill")) > count and make.rests(pump), seconds=30)
    point = station.line.points[pump.address]
    until(lambda: station.state(nozzle) == "IDLE" and not point.unclosed, seconds=30)


def _start(station: Station, pump: Any, nozzle: int = 1, rate: str = "0.5") -> None:
    with station.heads.lock:
        pump.lift(nozzle)
        pump.squeeze(D(rate))
    until(lambda: not pump.metered and pump.shown.volume > 0)


@pytest.mark.req("DEV-01", "SAL-02")
def test_sales_at_two_nozzles_are_facts_with_their_frames(station: Station, make: Make) -> None:
    _customer(station, make, 1)
    _customer(station, make, make.other)
    assert [fill["nozzle"] for fill in station.bodies("fill")] == [1, make.other]
    for nozzle in (1, make.other):
        assert station.told(nozzle) == make.metered(station.pumps, nozzle)
    assert all(fill["flags"] == [] for fill in station.bodies("fill"))
    station.stop()
    box = station.folder / "box"
    told = read_reference(box, str(station.bodies("fill")[0]["frames"]))
    whole = read_reference(box, reference("line1", told[0].seq, station.line._box.seq))
    describe = table.PUMPS[make.key].describe
    words = [describe(one.data, from_master=one.direction == SENT) for one in whole]
    for wanted in make.words:
        assert any(wanted in one for one in words), wanted


@pytest.mark.req("SAL-03")
def test_presets_by_litres_and_by_sum_stop_at_their_limit(station: Station, make: Make) -> None:
    station.order(1, orders.AUTHORISE, limit_litres=D("2.00"))
    until(lambda: station.answered(1) and station.state() == "AUTHORISED")
    _customer(station, make, litres=90)
    station.order(2, orders.AUTHORISE, limit_yuan=D("15.04"))
    if make.abilities.binds_nozzle:  # else it waits until that nozzle is out
        until(lambda: station.answered(2) and station.state() == "AUTHORISED")
    _customer(station, make, litres=90)
    assert station.answered(2)
    assert [(one["litres"], one["amount"]) for one in station.bodies("fill")] == [
        ("2.000", "15.04"),
        ("2.000", "15.04"),
    ]
    assert [one["authorisation"] for one in station.bodies("fill")] == [91, 92]


def test_a_delivery_is_paused_where_it_can_be_and_is_stopped(station: Station, make: Make) -> None:
    pump = station.pumps[0]
    _start(station, pump)
    until(lambda: station.state() == "FUELLING")
    if make.abilities.suspends:
        station.order(1, orders.SUSPEND)
        until(lambda: station.answered(1) and station.state() == "SUSPENDED")
        held = pump.shown.volume
        station.order(2, orders.RESUME)
        until(lambda: station.answered(2) and pump.shown.volume > held)
    station.order(3, orders.STOP)
    until(lambda: station.answered(3))
    assert not pump.open
    with station.heads.lock:
        pump.hang()
    until(lambda: station.bodies("fill") and make.rests(pump))
    assert station.told() == make.metered(station.pumps)


@pytest.mark.req("SAL-05")
def test_a_price_changed_between_two_sales_goes_with_the_second(
    station: Station, make: Make
) -> None:
    _customer(station, make)
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
    until(lambda: {one.unit_price for one in station.line.board()} == {D("6.66")})
    if make.sends_price:
        assert [make.price_in(pump) for pump in station.pumps] == [666, 666]
    _customer(station, make)
    assert [fill["unit_price"] for fill in station.bodies("fill")] == ["7.52", "6.66"]
    assert all(fill["flags"] == [] for fill in station.bodies("fill"))
    kept = [one for one in station.bodies("totals") if one["kind"] == "PRICE"]
    ids = [one.id for point in station.wiring.points for one in point.nozzles]
    assert sorted(int(str(one["nozzle"])) for one in kept) == ids


@pytest.mark.req("DEV-01")
def test_a_sale_while_the_line_was_down_and_a_power_cut_lose_no_drop(
    station: Station, make: Make
) -> None:
    _customer(station, make)
    station.heads.end.break_off()
    until(lambda: station.state() == "OFFLINE")
    with station.heads.lock:
        station.pumps[0].sell_locally(1, D("7.00"), D("7.52"))
    station.heads.end.mend()
    until(lambda: len(station.bodies("fill")) == 2)
    assert station.bodies("fill")[1]["source"] == "OFFLINE"
    until(lambda: station.state() == "IDLE")
    pump = station.pumps[0]
    _start(station, pump, rate="2")
    with station.heads.lock:
        pump.cut_power()
    until(lambda: station.state() == "OFFLINE")
    with station.heads.lock:
        pump.give_power()
        pump.hang()
    until(lambda: len(station.bodies("fill")) == 3 and make.rests(pump))
    assert station.told() == make.metered(station.pumps)


def test_a_line_that_stops_between_the_fact_and_the_close_closes_it_next_time(
    tmp_path: Path,
) -> None:
    make = MAKES[table.GASKIT]
    station = _station(tmp_path, make)
    until(lambda: station.state() == "IDLE")
    pump = station.pumps[0]
    rest, pump._rest = pump._rest, lambda: None
    _start(station, pump, rate="3")
    with station.heads.lock:
        pump.hang()
    until(lambda: station.bodies("fill"))
    station.stop()
    pump._rest = rest
    station.start()
    until(lambda: make.rests(pump) and station.state() == "IDLE")
    assert len(station.bodies("fill")) == 1
    station.close()


@pytest.mark.req("DEV-05")
def test_the_emergency_stop_reaches_every_head_of_the_line(station: Station, make: Make) -> None:
    for pump in station.pumps:
        _start(station, pump, nozzle=len(pump.meters))
    station.line.halt()
    until(lambda: not any(pump.open for pump in station.pumps))
    until(lambda: station.line.halt_report == "全部停止")
    station.stop()
    if make.abilities.stops_all_at_once:
        whole = reference("line1", 1, station.line._box.seq)
        said = [one.data for one in read_reference(station.folder / "box", whole)]
        stops = [at for at, one in enumerate(said) if one in (b"\x31", b"\x30")]
        assert said.count(b"\xfc") == 1
        assert stops and said.index(b"\xfc") < stops[0]  # all at once, then each by itself


@pytest.mark.req("DEV-01")
def test_an_echoing_converter_and_a_bad_wire_still_tell_every_fill(
    make: Make, tmp_path: Path
) -> None:
    faults = Faults(echo=True, damaged=15, twice=15, lost=15, doubled=15, noise=15)
    station = _station(tmp_path, make, faults, echo=True)
    until(lambda: station.state() == "IDLE", seconds=30)
    for _ in range(3):
        _customer(station, make)
    assert station.told() == make.metered(station.pumps)
    assert all(fill["flags"] == [] for fill in station.bodies("fill"))
    assert station.line.live.bad_frames > 0
    station.close()


@pytest.mark.req("DEV-01")
def test_a_roll_over_on_the_wire_starts_the_next_epoch(make: Make, tmp_path: Path) -> None:
    line = make.line(url=str(tmp_path / "line-1"))
    points = tuple(
        replace(point, nozzles=tuple(replace(one, digits=make.digits) for one in point.nozzles))
        for point in line.points
    )
    station = Station(tmp_path, replace(line, points=points), PtyEnd(tmp_path / "line-1"))
    with station.heads.lock:
        meter = station.pumps[0].meters[1]
        meter.volume = 10 ** table.PUMPS[make.key].totalizer_digits - 50
    until(lambda: station.state() == "IDLE")
    _customer(station, make)
    [fill] = station.bodies("fill")
    assert (fill["meter_epoch"], fill["flags"]) == (1, [])
    station.close()


def test_a_port_on_a_pseudo_terminal_is_opened_again_and_again(make: Make, tmp_path: Path) -> None:
    """It has eight bits and no parity, and Linux refuses others the second time."""
    end = PtyEnd(tmp_path / "line-1")
    for _ in range(3):
        port = Port(str(end.path), table.PUMPS[make.key].serial)
        port.send(b"\x7f")
        assert end.read(1) == b"\x7f"
        port.close()
    end.close()


def test_the_codec_is_made_with_the_lines_own_port_and_times(make: Make) -> None:
    own = make.line(baud=19200, bits=7, parity="O", stop=2, options={"window_ms": 70})
    codec = codec_for(own)
    spoken = table.PUMPS[make.key]
    assert isinstance(codec, spoken.codec)  # type: ignore[arg-type]
    assert codec.settings == own.serial and codec.settings.baud == 19200
    assert codec.timing == replace(spoken.timing, window=0.07)
    assert codec_for(make.line()).settings == spoken.serial
    with pytest.raises(ValueError, match="no codec for SCANNER"):
        codec_for(replace(own, protocol=table.SCANNER))


@pytest.mark.req("DEV-01", "SAL-02")
def test_the_simulated_forecourt_can_speak_it_on_its_second_line(
    make: Make, tmp_path: Path
) -> None:
    protocols = {"二号线": make.key}
    forecourt = Forecourt(tmp_path / "sim", cars=False, protocols=protocols)
    assert isinstance(forecourt.lines["二号线"].end, TcpEnd)
    addresses = [place.pump.address for place in forecourt.places.values()]
    assert addresses == [80, 81, 82, 83, 1, 2, 3, 4]
    pump = forecourt.places[5].pump
    count = min(3, table.PUMPS[make.key].nozzles)
    line = line_of(
        make.key,
        1,
        nozzles=count,
        url=forecourt.addresses()["二号线"],
        places=pump.options.decimals,
    )
    forecourt.start()
    station = Station.__new__(Station)
    station.folder, station.wiring = tmp_path, line
    station.heads, station.pumps = forecourt.lines["二号线"], [pump]
    station.spool = Spool(tmp_path / "spool.sqlite3")
    station.start()
    until(lambda: station.state() == "IDLE")
    _customer(station, make, count)
    assert station.bodies("fill")[0]["nozzle"] == count
    station.stop()
    forecourt.stop()
    again = Forecourt(tmp_path / "sim", cars=False, protocols=protocols)
    assert again.places[5].pump.meters[count].volume == pump.meters[count].volume > 0
    again.stop()
