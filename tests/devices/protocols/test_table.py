"""The table of protocols: nothing stands in it that cannot run from end to end."""

import re
from pathlib import Path

import pytest

from devices.line.listening import listener_for
from devices.line.thread import codec_for
from devices.protocols import table
from devices.protocols.asks import ReadStatus
from devices.protocols.base import Decimals, Status
from devices.simulator.bus import Bus
from devices.simulator.heads import HEADS
from tests.devices.line.kit import port, wiring

ROOT = Path(__file__).parents[3]


@pytest.mark.req("DEV-01")
@pytest.mark.parametrize("key", sorted(table.PUMPS))
def test_every_protocol_of_pumps_is_asked_and_answered_by_its_simulated_head(key: str) -> None:
    spoken = table.PUMPS[key]
    address = spoken.addresses[0]
    line = wiring(address, protocol=key, nozzles=min(2, spoken.nozzles), **port(key))
    codec = codec_for(line)
    bus = Bus([HEADS[key](address, 2, Decimals(), "0000000001")])
    codec.submit(ReadStatus(address=address))
    seen = []
    for turn in range(10):
        request = codec.next(address, turn / 10)
        said = spoken.describe(request.data, from_master=True)
        assert not said.startswith("损坏")
        for answer in bus.feed(request.data):
            assert not spoken.describe(answer.data, from_master=False).startswith("损坏")
            outcome = codec.feed(answer.data, turn / 10)
            seen += outcome.events
            if outcome.reply is not None:
                bus.feed(outcome.reply.data)
    assert any(isinstance(event, Status) for event in seen)
    assert bus.settings == spoken.serial == codec.settings
    assert spoken.takes(address) and not spoken.takes(spoken.addresses[-1] + 1)
    assert str(address) in spoken.address_words(address)
    assert spoken.label and spoken.address_help and spoken.totalizer_digits > 0


def test_every_pump_protocol_has_a_head_and_every_entry_its_own_key() -> None:
    assert set(HEADS) == set(table.PUMPS)
    assert [key for key, _ in table.choices()] == [*table.entries()]
    shelves = (table.PUMPS, table.READERS, table.GAUGES, table.DISPLAYS, table.SIGNS)
    assert sum(map(len, shelves)) == len(table.entries())
    for key, one in table.entries().items():
        assert key == one.key and len(key) <= 12


@pytest.mark.parametrize("key", sorted(table.READERS))
def test_every_reader_is_heard(key: str) -> None:
    baud = table.READERS[key].serial.baud
    line = wiring(protocol=key, baud=baud, parity="N", points=(), reader=1)
    assert listener_for(line).settings == table.READERS[key].serial
    with pytest.raises(ValueError, match="no listener"):
        listener_for(wiring())


def test_a_port_in_words() -> None:
    dart = table.PUMPS[table.DART].serial
    assert table.serial_in_words(dart) == "9600，8 位，奇校验，1 停止位"
    assert table.serial_in_short(dart) == "9600 8O1"


def test_the_handbook_tells_a_fitter_what_the_table_says() -> None:
    """One column for each make, and in it the table's figures."""
    text = (ROOT / "docs" / "manual" / "devices.md").read_text("utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    head = next(row for row in rows if row[1:2] == [table.PUMPS[table.DART].label])
    said = {
        row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows if len(row) == len(head)
    }
    assert set(head[1:]) == {one.label for one in table.PUMPS.values()}
    for one in table.PUMPS.values():
        assert said["默认端口"][one.label] == table.serial_in_short(one.serial)
        first, last = one.addresses[0], one.addresses[-1]
        assert said["地址"][one.label].startswith(f"{first} 到 {last}")
        assert said["升数小数位（常见）"][one.label] == str(one.volume_decimals)
        assert said["泵码共几位（含小数）"][one.label] == str(one.totalizer_digits)
        assert said["几次不答算离线"][one.label] == str(one.timing.misses_until_offline)
        abilities = one.codec([], one.timing).abilities
        assert said["暂停、继续"][one.label].startswith("有") is abilities.suspends
        assert said["机上金额累计"][one.label].startswith("有") is abilities.amount_totals
        assert ("读回" in said["改价"][one.label]) is abilities.reads_prices
        closes = said["加完要结单才能再加"][one.label]
        assert closes.startswith("是") is abilities.closes_transactions


def test_nobody_but_the_table_names_a_protocol() -> None:
    """A protocol is one entry: whoever writes its key elsewhere would have to be found again."""
    keys = re.compile("|".join(f'"{key}"' for key in table.entries()))
    rooms = [ROOT / "devices", ROOT / "finance", ROOT / "sales", ROOT / "station"]
    named = [
        str(path.relative_to(ROOT))
        for room in rooms
        for path in sorted(room.rglob("*.py"))
        if "migrations" not in path.parts and keys.search(path.read_text())
    ]
    assert named == ["devices/protocols/table.py"]
