"""DART frames: every published vector both ways, and no damaged frame passes."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.protocols.base import Malformed
from devices.protocols.dart import transactions as t
from devices.protocols.dart.body import split
from devices.protocols.dart.describe import describe
from devices.protocols.dart.frames import (
    DLE,
    LONGEST,
    SF,
    Control,
    Deframer,
    Frame,
    crc16,
    decode,
    encode,
)

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text())
DART: list[dict[str, Any]] = VECTORS["dart"] + VECTORS["dart_sale"]

frames = st.builds(
    Frame,
    st.integers(0x50, 0xCF),
    st.just(Control.DATA),
    st.integers(0, 15),
    st.binary(max_size=60) | st.lists(st.sampled_from([0x03, 0x10, 0xFA]), max_size=20).map(bytes),
)

# a row of transactions, as every body is
rows = st.builds(
    lambda address, tx, items: Frame(
        address,
        Control.DATA,
        tx,
        b"".join(bytes((code, len(data))) + data for code, data in items),
    ),
    st.integers(0x50, 0xCF),
    st.integers(0, 15),
    st.lists(st.tuples(st.integers(1, 0x68), st.binary(max_size=20)), min_size=1, max_size=4),
)


def _whole(raw: bytes) -> Frame:
    [(seen, plain)] = Deframer().feed(raw)
    assert seen == raw
    return decode(plain)


@pytest.mark.req("DEV-01")
@pytest.mark.parametrize("vector", DART, ids=lambda vector: vector["hex"])
def test_every_vector_reads_and_writes_the_same_bytes(vector: dict[str, Any]) -> None:
    raw = bytes.fromhex(vector["hex"])
    frame = _whole(raw)
    assert encode(frame) == raw
    if frame.control is Control.DATA and vector["direction"] == "C>P":
        assert t.pack_for_pump(*t.read_from_master(frame.body)) == frame.body
    if frame.control is Control.DATA and vector["direction"] == "P>C":
        assert t.pack_for_master(*t.read_from_pump(frame.body)) == frame.body


def test_the_checksum_over_a_message_with_its_checksum_is_zero() -> None:
    assert crc16(bytes.fromhex("50 30 01 01 00 9F 5C")) == 0


def test_four_transactions_of_a_stuffed_block_are_read() -> None:
    frame = _whole(bytes.fromhex(VECTORS["dart"][13]["hex"]))
    assert t.read_from_pump(frame.body) == [
        t.Filled(0, 0),
        t.NozzlePrice(9907, 7, False),
        t.PumpStatus(5),
        t.VolumeTotals(1, 1336384966, None, (1336384966, 0)),
    ]


@given(frames)
def test_what_is_encoded_is_decoded(frame: Frame) -> None:
    assert _whole(encode(frame)) == frame


@given(st.lists(frames, min_size=1, max_size=5), st.integers(1, 7))
def test_joined_frames_come_apart_however_they_are_cut(items: list[Frame], size: int) -> None:
    stream = b"".join(encode(item) for item in items)
    deframer = Deframer()
    out = []
    for at in range(0, len(stream), size):
        out += deframer.feed(stream[at : at + size])
    assert [decode(plain) for _, plain in out] == items


def _decodes_to(data: bytes) -> list[Frame]:
    out = []
    for _, plain in Deframer().feed(data):
        try:
            out.append(decode(plain))
        except Malformed:
            continue
    return out


@settings(max_examples=400)
@given(frames, st.data())
def test_a_flipped_bit_never_passes_as_another_block(frame: Frame, data: st.DataObject) -> None:
    raw = bytearray(encode(frame))
    bit = data.draw(st.integers(0, 8 * len(raw) - 1))
    raw[bit // 8] ^= 1 << bit % 8
    for seen in _decodes_to(bytes(raw)):
        assert seen.control is not Control.DATA or seen == frame


def _passes(kept: bytes, frame: Frame) -> bool:
    """Whether something else than the frame is read: its checksum and its transactions are whole."""
    for seen in _decodes_to(kept):
        if seen.control is not Control.DATA or seen == frame:
            continue
        try:
            split(seen.body)
        except Malformed:
            continue
        return True
    return False


@settings(max_examples=400)
@given(rows, st.data())
def test_a_cut_frame_never_passes(frame: Frame, data: st.DataObject) -> None:
    raw = encode(frame)
    start = data.draw(st.integers(0, len(raw) - 1))
    stop = data.draw(st.integers(start, len(raw)))
    if stop - start < len(raw):
        assert not _passes(raw[:start] + raw[stop:], frame)


def test_a_lost_last_byte_that_the_checksum_cannot_see_leaves_a_transaction_cut_off() -> None:
    """Where the checksum ends in 00 and that byte is lost, the rest has a right checksum again."""
    weak = next(
        Frame(0x50, Control.DATA, 1, bytes((1, 2, first, second)))
        for first in range(256)
        for second in range(256)
        if crc16(bytes((0x50, 0x31, 1, 2, first, second))) < 256
        and second not in (DLE, SF)
        and first not in (DLE, SF)
    )
    raw = encode(weak)
    kept = raw[:-3] + raw[-2:]
    assert [seen.body for seen in _decodes_to(kept)] == [weak.body[:-1]]
    assert not _passes(kept, weak)


@settings(max_examples=400)
@given(st.binary(max_size=400))
def test_noise_is_never_a_block_and_never_an_error(noise: bytes) -> None:
    for seen in _decodes_to(noise):
        assert encode(seen)  # what passes has a checksum of sixteen bits


def test_endless_noise_is_forgotten() -> None:
    deframer = Deframer()
    deframer.feed(b"\x55" * (LONGEST + 5))
    [(_, plain)] = deframer.feed(b"\x50\x20\xfa")[-1:]
    assert len(plain) < LONGEST


@pytest.mark.parametrize(
    ("plain", "why"),
    [
        (b"\x50", "shorter"),
        (b"\x10\x20", "no address"),
        (b"\x50\x90", "no control"),
        (b"\x50\x20\x01", "behind a short"),
        (b"\x50\x30\x01", "without its end"),
        (b"\x50\x30\x01\x01\x01\x03", "checksum"),
    ],
)
def test_malformed_messages_say_why(plain: bytes, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        decode(plain)


def test_all_transactions_of_the_controller_survive_the_wire() -> None:
    items: list[t.FromMaster] = [
        t.Do(t.RETURN_STATUS),
        t.AllowNozzles((1, 2, 15)),
        t.PresetVolume(99999999),
        t.PresetAmount(20000),
        t.PriceUpdate((752, 803, 0)),
        t.SetParameters(2, 2, 2, 99999999, tuple([0] * 15)),
        t.FillingType(True),
        t.SuspendNozzle(0),
        t.ResumeNozzle(3),
        t.AskVolumeTotals(1),
        t.AskAmountTotals(2),
        t.AskTemperature(1),
        t.AskTag(1),
        t.Unknown(0x44, b"\xfa\x10\x03"),
    ]
    assert t.read_from_master(t.pack_for_pump(*items)) == items


def test_all_transactions_of_the_pump_survive_the_wire() -> None:
    items: list[t.FromPump] = [
        t.PumpStatus(8),
        t.Filled(4512, 33930),
        t.NozzlePrice(752, 15, True),
        t.Alarm(0x0A),
        t.SetParameters(3, 2, 3, 999900, tuple(range(15))),
        t.PumpIdentity("0123456789"),
        t.SuspendNozzle(0),
        t.ResumeNozzle(1),
        t.VolumeTotals(1, 123456, None, (123456, 0)),
        t.VolumeTotals(2, 123456, 987654),
        t.AmountTotals(1, (1, 2, 3)),
        t.UnitPrices((752, 803)),
        t.Unknown(0x44, b""),
    ]
    assert t.read_from_pump(t.pack_for_master(*items)) == items


def test_the_domestic_totals_block_has_thirteen_bytes() -> None:
    body = t.pack_for_master(t.VolumeTotals(1, 123456, 987654))
    assert body[:2] == b"\x65\x0d"
    assert body[2:] == bytes.fromhex("01 000000123456 000000987654")


@pytest.mark.parametrize(
    "body",
    [
        "01",  # no length
        "01 02 05",  # cut off
        "01 02 05 05",  # two bytes where one belongs
        "02 08 0000000A 00000000",  # not BCD
        "03 03 000752",  # no nozzle byte
        "65 0C 010000001234560000009876",  # no known length
        "67 04 00075200",  # no row of prices
        "07 05 0102030405",  # parameters too short
        "67 00",
    ],
)
def test_transactions_that_make_no_sense_are_refused(body: str) -> None:
    with pytest.raises(Malformed):
        t.read_from_pump(bytes.fromhex(body))


def test_frames_are_described_in_words() -> None:
    lifted = encode(Frame(0x50, Control.DATA, 3, t.pack_for_master(t.NozzlePrice(752, 1, True))))
    assert describe(lifted, from_master=False) == ("50 数据 3：枪位 1 提起 单价 752")
    assert describe(b"\x51\x20\xfa", from_master=True) == "51 轮询 0"
    assert describe(b"\x51\x20", from_master=True).startswith("损坏（太短）")
    broken = lifted[:4] + b"\x55" + lifted[5:]
    assert describe(broken, from_master=False).startswith("损坏（校验和不对）")
    assert bytes((SF,)).hex() == "fa"
