"""A recording read again makes the facts that were made of it at the time."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.line import orders
from devices.line.replaying import devices_of, header_text, replay
from devices.line.wiring import LineWiring
from devices.protocols import rdm6300, table
from devices.recorder import HEARD, JUNK, SENT, Recorded, Recorder, Recording, read_file, written
from devices.simulator.bus import Faults
from devices.simulator.ends import PtyEnd
from tests.devices.line.kit import FLOWS, gaskit, twowire, wiring
from tests.devices.line.test_thread import Station, until

D = Decimal
LINES: dict[str, Callable[..., LineWiring]] = {
    table.DART: lambda **fields: wiring(0x50, 0x51, **fields),
    table.GASKIT: lambda **fields: gaskit(1, 2, **fields),
    table.TWOWIRE: lambda **fields: twowire(1, 16, **fields),
}


def _sale(station: Station, nozzle: int, litres: int = 2) -> None:
    pump, count = station.pumps[0], len(station.bodies("fill"))
    enough = litres * 10 ** station.wiring.points[0].decimals.volume
    with station.heads.lock:
        pump.lift(nozzle)
        pump.squeeze(D(3))
    flows = FLOWS[station.wiring.protocol]
    until(  # the display may still show the fill before
        lambda: (
            not pump.metered
            and pump.shown.volume
            and (pump.shown.volume >= enough or pump.status != flows)
        ),
        30,
    )
    with station.heads.lock:
        pump.hang()
    until(lambda: len(station.bodies("fill")) > count and station.state(nozzle) == "IDLE", 30)


def _recorded(folder: Path, key: str, faults: Faults | None = None) -> tuple[Station, Recording]:
    """Two automatic sales and a preset one on a real line; its frames with their header."""
    url = str(folder / "line-1")
    station = Station(folder, LINES[key](url=url), PtyEnd(folder / "line-1"), faults)
    until(lambda: station.state(1) == station.state(5) == "IDLE", 30)
    _sale(station, 1)
    _sale(station, 2)
    station.order(1, orders.AUTHORISE, limit_yuan=D("15.04"))
    until(lambda: station.answered(1) or station.state(1) == "AUTHORISED" or key == table.TWOWIRE)
    _sale(station, 1, 1)
    if faults:
        until(lambda: station.line.live.bad_frames >= 5, 60)
    station.close()
    [path] = sorted((folder / "box" / "line1").glob("*.log"))
    frames = read_file(path)
    devices = {
        point.address: ([one.position for one in point.nozzles], point.decimals)
        for point in station.wiring.points
    }
    return station, Recording(header_text(key, devices), frames.frames, frames.skipped)


def _facts(station: Station) -> list[tuple[Any, ...]]:
    return [
        (
            one["nozzle"],
            D(str(one["litres"])),
            D(str(one["amount"])),
            D(str(one["totalizer_after"])),
        )
        for one in station.bodies("fill")
    ]


@pytest.mark.req("DEV-01", "SAL-02")
@pytest.mark.parametrize("key", sorted(LINES))
def test_a_recorded_sale_is_the_same_fill_again(key: str, tmp_path: Path) -> None:
    station, recording = _recorded(tmp_path, key)
    told = replay(recording)
    again = [
        (one["nozzle"], D(one["litres"]), D(one["amount"]), D(one["totalizer"]))
        for one in told.body()["fills"]
    ]
    assert len(again) == 3 and again == _facts(station)
    assert (told.protocol, told.guessed, told.skipped) == (key, False, 0)
    kinds = {one.kind for one in told.told}
    assert {"STATE", "NOZZLE", "LIVE", "READ", "TOTALS", "FILL"} <= kinds
    assert all(one.at_ms > 0 and one.words for one in told.told)
    assert replay(recording) == told  # twice is the same


@pytest.mark.parametrize("key", sorted(LINES))
def test_damage_in_a_recording_is_told_and_changes_no_fill(key: str, tmp_path: Path) -> None:
    station, recording = _recorded(tmp_path, key, Faults(damaged=25, doubled=20))
    told = replay(recording)
    damaged = [one for one in told.told if one.kind == "DAMAGED"]
    assert damaged and all(one.words.isascii() is False for one in damaged)
    again = [(one["nozzle"], D(one["litres"])) for one in told.body()["fills"]]
    assert again == [(nozzle, litres) for nozzle, litres, _, _ in _facts(station)]


@pytest.mark.parametrize("key", sorted(LINES))
def test_a_file_that_says_nothing_of_itself_is_recognised(key: str, tmp_path: Path) -> None:
    _, recording = _recorded(tmp_path, key)
    told = replay(Recording("", recording.frames, 0))
    assert (told.protocol, told.guessed) == (key, True)
    assert replay(recording, protocol=key).guessed is False


def test_a_card_and_a_masked_code_are_read_again() -> None:
    card = Recorded(1, 1000, HEARD, rdm6300.encode("0006499026"))
    [told] = replay(Recording("", [card], 0)).told
    assert (told.kind, told.figures["card"]) == ("CARD", "0006499026")
    code = Recorded(1, 1000, HEARD, b"13************6789\r")
    [told] = replay(Recording("", [code], 0), protocol=table.SCANNER).told
    assert told.kind == "CODE" and "13************6789" in told.words


def test_a_protocol_that_nobody_can_overhear_is_told_frame_by_frame(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bare = replace(table.PUMPS[table.DART], passive=None)
    monkeypatch.setitem(table.PUMPS, table.DART, bare)
    rows = [
        Recorded(1, 1, SENT, bytes.fromhex("5020FA")),
        Recorded(2, 2, SENT, bytes.fromhex("50300101009F5C03FA")),
    ]
    [told] = replay(Recording("", rows, 0), protocol=table.DART).told
    assert (told.kind, told.words) == ("FRAME", "50 数据 0：问状态")


def test_a_header_that_is_none_is_passed_over() -> None:
    for text in ("", "x", "{}", "[1]", '{"protocol": "NONE", "dispensers": []}'):
        assert devices_of(text) == ("", [])


@given(
    st.lists(st.tuples(st.sampled_from((SENT, HEARD, JUNK)), st.binary(max_size=40)), max_size=30),
    st.sampled_from(sorted(table.entries())),
)
def test_whatever_stands_in_a_file_is_read_to_its_end(
    said: list[tuple[str, bytes]], key: str
) -> None:
    rows = [Recorded(at, at, direction, raw) for at, (direction, raw) in enumerate(said)]
    told = replay(Recording("", rows, 0), protocol=key)
    assert json.dumps(told.body())


@given(st.binary(max_size=60), st.booleans(), st.sampled_from(sorted(table.PUMPS)))
def test_every_frame_has_words(raw: bytes, ours: bool, key: str) -> None:
    assert table.PUMPS[key].describe(raw, from_master=ours)


def test_a_file_is_read_packed_or_not_and_torn_lines_are_counted(tmp_path: Path) -> None:
    box = Recorder(tmp_path, "line1")
    for number in range(3):
        box.write(SENT, bytes((number,)), number)
    box.close()
    path = tmp_path / "line1" / "000000000001.log"
    whole = path.read_text()
    assert whole == "".join(written(one) for one in read_file(path).frames)
    path.write_text(f'# {{"version": 1}}\n{whole}4 17000 > 5')
    told = read_file(path)
    assert (told.header, len(told.frames), told.skipped) == ('{"version": 1}', 3, 1)
    packed = tmp_path / "x.log.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert read_file(packed) == told
    packed.write_bytes(packed.read_bytes()[:-12])
    cut = read_file(packed)
    assert cut.skipped >= 1 and len(cut.frames) <= 3
    with pytest.raises(OSError):
        read_file(tmp_path / "none.log")
