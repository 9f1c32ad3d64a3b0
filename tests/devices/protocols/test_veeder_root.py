"""Veeder-Root messages: every vector both ways, both formats, units, and damage that becomes no fact."""

import json
import random
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.protocols.base import Malformed
from devices.protocols.veeder_root import alarms, display, frames
from devices.protocols.veeder_root import messages as m
from devices.protocols.veeder_root.believing import inventory_as_values, why_impossible
from devices.protocols.veeder_root.describe import describe, is_poll
from devices.protocols.veeder_root.singles import read_single, write_single
from devices.protocols.veeder_root.units import foreign, metric
from devices.simulator.console import Console, ConsoleOptions
from devices.simulator.probes import Probe

VECTORS = [
    one["text"].encode("latin-1")
    for one in json.loads(Path(__file__).with_name("vectors.json").read_text())["tls"]
]
WHEN = datetime(2026, 11, 22, 2, 54, tzinfo=UTC)
REAL = b"\x01i2010126112202540110001074696f9f1469558e8469bd1df4496900441f000004194000042aea38e&&ED00\x03"


def said(frame: bytes) -> m.Said:
    answer = frames.read_computer(frame)
    (event,) = m.heard(answer.code, answer.stamp, answer.data)
    return event


def fact_or_none(frame: bytes) -> m.Said | None:
    try:
        return said(frame)
    except Malformed:
        return None


def console(**options: object) -> Console:
    probes = [
        Probe(1, "1", "92# GASOLINE", volume=Decimal("19324.971"), temperature=Decimal("18.5")),
        Probe(2, "2", "0# DIESEL 2", volume=Decimal(8000), water_mm=Decimal("12.5")),
    ]
    return Console(probes, clock=lambda: WHEN, options=ConsoleOptions(**options))  # type: ignore[arg-type]


def asked(made: Console, code: str, data: str = "") -> bytes:
    (answer,) = made.feed(frames.question(code, data))
    return answer


@pytest.mark.req("DEV-01")
@pytest.mark.parametrize("frame", VECTORS)
def test_every_vector_is_read_and_written_again(frame: bytes) -> None:
    if frames.is_unknown(frame):
        with pytest.raises(frames.Unknown):
            frames.read_computer(frame)
        assert describe(frame, from_master=False) == "主机不认这个命令"
        return
    answer = frames.read_computer(frame)
    assert frames.computer(answer.code, answer.stamp, answer.data) == frame
    lower = frame[:-5].decode("latin-1").lower()
    if lower != frame[:-5].decode("latin-1"):  # hex of either case
        body = lower.encode("latin-1")
        again = body + frames.checksum(body).lower().encode() + frames.ETX
        assert frames.read_computer(again).data == answer.data.lower()


def test_what_the_vectors_mean() -> None:
    system, _, unknown, inventory, status, clock = VECTORS
    read = said(system)
    assert isinstance(read, m.SystemRead)
    assert read.states == (("02", "04", 2),)
    assert alarms.system_in_words(*read.states[0]) == "油罐 2：溢油报警"
    assert m.write_system(read.states) == "020402"
    read = said(inventory)
    assert isinstance(read, m.InventoryRead)
    (tank,) = read.tanks
    assert tank.delivering and not tank.invalid
    assert metric(tank, m.Units.METRIC) == m.Tank(
        1, "1", 1,
        *map(Decimal, ("19324.971", "19116.453", "19944.936", "1204.5", "30.0", "18.50", "87.319")),
    )  # fmt: skip
    assert m.write_inventory(read.tanks).lower() == inventory[17:-7].decode()
    read = said(status)
    assert isinstance(read, m.TankAlarmsRead)
    assert read.alarms == ((1, ()), (2, ("11",)))
    assert m.write_tank_alarms(read.alarms) == status[17:-7].decode()
    read = said(clock)
    assert isinstance(read, m.ClockRead)
    assert (read.time, read.was_set) == ("2611220254", False)
    assert frames.is_unknown(unknown) and frames.is_unknown(b"\x019999FF1B\x03")


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=300, deadline=None)
def test_every_single_comes_back_as_it_was(bits: int) -> None:
    text = f"{bits:08X}"
    value = read_single(text)
    if value.is_nan():
        assert read_single(write_single(value)).is_nan()
    elif bits == 0x80000000:
        assert not value
    else:
        assert write_single(value) == text


def test_singles_that_a_page_knows() -> None:
    assert read_single("41940000") == Decimal("18.5") == read_single("41940000".lower())
    assert read_single("00000000") == 0 and write_single(Decimal(0)) == "00000000"
    assert read_single("7f800000") == Decimal("Infinity")
    for wrong in ("4194000", "419400000", "4194000G", "+1940000"):
        with pytest.raises(Malformed):
            read_single(wrong)
    with pytest.raises(Malformed):
        write_single(Decimal(10) ** 39)


@pytest.mark.parametrize("count", [6, 7])
def test_the_number_of_figures_is_the_consoles(count: int) -> None:
    made = console(floats=count)
    read = said(asked(made, "i20100"))
    assert isinstance(read, m.InventoryRead)
    assert [one.tank for one in read.tanks] == [1, 2]
    assert read.tanks[1].water == Decimal("12.5")
    assert (read.tanks[0].water_volume is None) == (count == 6)
    wider = f"0110000{9:02X}" + "41940000" * 9
    assert m.read_inventory(wider)[0].water_volume == Decimal("18.5")
    for wrong in (wider[:-1], wider + "01", wider * 2, "00" + wider[2:], "0110000"):
        with pytest.raises(Malformed):
            m.read_inventory(wrong)


def delivery(number: int) -> m.Delivery:
    first = Decimal(1000 + number)
    return m.Delivery(
        1, "1", f"26{1 + number // 28:02d}{1 + number % 28:02d}0810",
        f"26{1 + number // 28:02d}{1 + number % 28:02d}0850",
        first, first - 8, Decimal(3), Decimal("18.5"),
        first + 9000, first + 8900, Decimal(4), Decimal("19.25"), Decimal(400), Decimal(1900),
    )  # fmt: skip


@pytest.mark.req("DEV-01")
@pytest.mark.parametrize("figures", [8, 10])
def test_forty_deliveries_in_one_answer(figures: int) -> None:
    rows = [delivery(number) for number in range(40)]
    data = m.write_deliveries([(1, "1", rows), (2, "3", [])], figures)
    frame = frames.computer("i20200", "2611220254", data)
    assert len(frame) > 3000
    read = said(frame)
    assert isinstance(read, m.DeliveriesRead)
    wanted = [replace(one, start_height=None, end_height=None) if figures == 8 else one for one in rows]  # fmt: skip
    assert list(read.deliveries) == wanted
    again = said(frames.computer("i20C00", "2611220254", m.write_deliveries([(1, "1", rows[-1:])])))
    assert isinstance(again, m.DeliveriesRead) and again.deliveries == (rows[-1],)
    with pytest.raises(Malformed):
        m.read_deliveries(m.write_deliveries([(1, "1", [replace(rows[0], ended="2501010000")])]))


def test_the_other_functions_both_ways() -> None:
    made = console()
    units = said(asked(made, "i51700"))
    assert isinstance(units, m.UnitsRead) and units.units is m.Units.METRIC
    labels = said(asked(made, "i60200"))
    assert isinstance(labels, m.LabelsRead)
    assert labels.labels == ((1, "92# GASOLINE"), (2, "0# DIESEL 2"))
    version = said(asked(made, "i90200"))
    assert isinstance(version, m.VersionRead) and version.text.startswith("SOFTWARE#")
    assert isinstance(said(asked(made, "i10100")), m.SystemRead)
    one = m.Mass(1, "1", 0, *map(Decimal, ("18000", "13410", "745", "1200.5", "3", "18.5")))
    mass = said(frames.computer("i21400", "2611220254", m.write_mass([one])))
    assert isinstance(mass, m.MassRead) and mass.tanks == (one,)
    with pytest.raises(Malformed, match="not metric"):
        metric(one, m.Units.US)
    was_set = said(asked(made, "s50100", "2611220300"))
    assert isinstance(was_set, m.ClockRead) and (was_set.time, was_set.was_set) == ("2611220300", True)  # fmt: skip
    with pytest.raises(frames.Unknown):
        said(asked(made, "i62100"))


@pytest.mark.parametrize("units", [m.Units.US, m.Units.IMPERIAL])
def test_units_are_converted_exactly(units: m.Units) -> None:
    made = console(units=units)
    read = said(asked(made, "i20100"))
    assert isinstance(read, m.InventoryRead)
    got = metric(read.tanks[0], units)
    assert got.volume is not None and abs(got.volume - Decimal("19324.971")) < Decimal("0.01")
    assert got.temperature == Decimal("18.50")
    raw = m.Tank(1, "1", 0, volume=Decimal(1000), height=Decimal(10), temperature=Decimal(212))
    told = metric(raw, units)
    assert told.volume == {"1": Decimal("3785.412"), "3": Decimal("4546.090")}[units]
    assert (told.height, told.temperature) == (Decimal("254.0"), Decimal("100.00"))
    assert foreign(told, units).height == 10


@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.parametrize("feet", [b"", b"\xff\xfb\x01\xff\xfd\x03Connected\r\n\r\n"])
def test_the_display_format_says_the_same(bare: bool, feet: bytes) -> None:
    made = console(display_only=True, bare=bare)
    made.probes[1].set_alarms = {"03", "09"}
    made.probes[1].deliveries = [delivery(3)]

    def read(code: str) -> m.Said:
        (event,) = display.heard(code, feet + asked(made, code) + b"noise of a modem")
        assert (event.stamp, event.format) == ("2611220254", m.Format.DISPLAY)
        return event

    inventory = read("I20100")
    assert isinstance(inventory, m.InventoryRead)
    assert [(one.product, one.volume) for one in inventory.tanks] == [
        ("92# GASOLINE", Decimal(19325)),
        ("0# DIESEL 2", Decimal(8000)),
    ]
    assert inventory.tanks[1].water == Decimal("12.50")
    status = read("I20500")
    assert isinstance(status, m.TankAlarmsRead)
    assert status.alarms == ((1, ("03", "09")), (2, ()))
    system = read("I10100")
    assert isinstance(system, m.SystemRead) and len(system.states) == 2
    deliveries = read("I20200")
    assert isinstance(deliveries, m.DeliveriesRead)
    (one,) = deliveries.deliveries
    wanted = delivery(3)
    assert (one.started, one.ended, one.end_volume) == (wanted.started, wanted.ended, 10003)
    assert (one.start_height, one.end_temperature) == (Decimal("400.00"), Decimal("19.25"))
    units = read("I51700")
    assert isinstance(units, m.UnitsRead) and units.units is m.Units.METRIC
    clock = read("I50100")
    assert isinstance(clock, m.ClockRead) and clock.time == "2611220254"


def test_display_formats_of_other_consoles() -> None:
    text = (
        b"\nI20100\n05/30/2018 19:15\n\nSTATION\n\n\n\nIN-TANK INVENTORY\n\n"
        b"TANK PRODUCT             VOLUME TC VOLUME   ULLAGE   HEIGHT    WATER     TEMP\n"
        b"  1  SUPER                 2428      2540     4465    39.88     6.62    53.74\n"
        b"  2  UNLEAD                7457      7543     7874    65.59     8.10    58.1"
    )
    (event,) = display.heard("I20100", text)
    assert isinstance(event, m.InventoryRead) and event.stamp == "1805301915"
    assert [one.tank for one in event.tanks] == [1]  # a line without its end is none
    assert display.stamp_in("JAN  4, 1996 12:05 AM") == "9601040005"
    for nothing in (b"", b"I20100", text.replace(b"TANK PROD", b"TXXX PROD"), b"9999FF1B"):
        with pytest.raises(Malformed):
            list(display.heard("I20100", nothing))


@pytest.mark.req("DEV-01")
def test_no_flip_cut_join_or_noise_becomes_another_fact() -> None:
    """All single flips, all cuts, and frames joined and stuffed with noise: the same fact or none."""
    made = console()
    made.probes[1].deliveries = [delivery(1), delivery(2)]
    for code in ("i20100", "i20200", "i20500", "i10100", "i50100", "i51700", "i60200"):
        frame = asked(made, code)
        true = said(frame)
        for at in range(len(frame)):
            for bit in range(8):
                spoilt = bytearray(frame)
                spoilt[at] ^= 1 << bit
                found = frames.cut(bytes(spoilt))
                assert found is None or fact_or_none(found) in (None, true)
        for end in range(len(frame)):
            assert frames.cut(frame[:end]) is None
            if end:
                left = frames.cut(frame[:end] + frame)
                assert left == frame and said(left) == true
    dice = random.Random(7)
    frame = asked(made, "i20100")
    for _ in range(2000):
        noise = bytes(dice.randrange(256) for _ in range(dice.randrange(20)))
        at = dice.randrange(len(frame))
        mixed = frame[:at] + noise + frame[at:]
        found = frames.cut(mixed)
        assert found is None or fact_or_none(found) in (None, said(frame))


def test_what_cannot_be_is_named() -> None:
    good = metric(Probe(1).reading(), m.Units.METRIC)
    capacity = Decimal(30000)
    assert why_impossible(good, capacity) == ""
    for wrong, word in (
        ({"volume": Decimal(-1)}, "油量为负"),
        ({"volume": Decimal("NaN")}, "油量不是数"),
        ({"height": Decimal("Infinity")}, "油高不是数"),
        ({"volume": Decimal(31000)}, "超过罐容"),
        ({"height": Decimal(7000)}, "油高 7000 mm"),
        ({"temperature": Decimal(300)}, "油温 300"),
        ({"volume": None}, "没有油量"),
    ):
        assert word in why_impossible(replace(good, **wrong), capacity)  # type: ignore[arg-type]


def test_an_inventory_as_plain_values() -> None:
    read = said(REAL)
    assert isinstance(read, m.InventoryRead)
    values = inventory_as_values(read, labels={1: "92#"})
    assert json.loads(json.dumps(values)) == values
    assert values["units"] == "METRIC" and values["console_time"] == "2611220254"
    assert values["tanks"] == [
        {
            "tank": 1, "product": "92#", "volume_l": "19324.971", "tc_volume_l": "19116.453",
            "ullage_l": "19944.936", "height_mm": "1204.5", "water_mm": "30.0",
            "water_volume_l": "87.319", "temperature_c": "18.50", "delivering": True,
            "invalid_height": False, "impossible": "",
        }
    ]  # fmt: skip


def test_messages_in_words_never_fail() -> None:
    made = console()
    assert describe(frames.question("i20100"), from_master=True) == "问罐存 i20100"
    assert describe(REAL, from_master=False).startswith("罐存 2611220254 1 号罐 油量 19324.97")
    assert describe(REAL[:-3] + b"\x03", from_master=False).startswith("损坏")
    assert describe(asked(made, "I20100"), from_master=False).startswith("显示格式：I20100")
    clock = frames.question("s50100", "2611220254", security="123456")
    assert describe(clock, from_master=True) == "设时钟 s501002611220254"
    for junk in (b"hello", b"\x01\x03", b"\x50\x20\xfa", frames.SOH + b"i2010", b"&&&&"):
        assert describe(junk, from_master=True).startswith("损坏")
        assert describe(junk, from_master=False).startswith("损坏")
    made.probes[1].set_alarms = {"09"}
    for code, words in (
        ("i20500", "1 号罐 探棒脱线"), ("i10100", "油罐 1：探棒脱线"), ("i51700", "公制"),
        ("i90200", "346116"), ("i60200", "1 号罐"), ("i50100", "时钟"), ("i20200", "进油记录"),
    ):  # fmt: skip
        assert words in describe(asked(made, code), from_master=False)
    assert is_poll(frames.question("i10100")) and not is_poll(frames.question("i20100"))
    dice = random.Random(3)
    for _ in range(500):
        raw = bytes(dice.randrange(256) for _ in range(dice.randrange(60)))
        assert describe(raw, from_master=bool(dice.randrange(2)))
