"""AZT frames: every published vector both ways, what damage passes the checks, and what does not."""

import itertools
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.protocols import azt
from devices.protocols.base import Condition, Malformed

VECTORS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("vectors.json").read_text())[
    "azt"
]
number = st.integers(0, 999_999)
texts = st.one_of(
    st.sampled_from(["0", "1", "2", "3", "40", "41", "8"]),
    st.builds(lambda value: "1" + azt.digits(value, 5), st.integers(0, 99_999)),
    st.builds(lambda *each: azt.Full(*each).text(), number, number, st.integers(0, 9_999)),
    st.builds(lambda value: azt.digits(value, 10) * 2, st.integers(0, 10**10 - 1)),
)
answers = st.one_of(
    st.builds(azt.Frame, st.just(azt.STX), texts),
    st.builds(azt.Frame, st.sampled_from(sorted(azt.SHORTS))),
)


def _answer(text: str) -> bytes:
    return azt.encode(azt.Frame(azt.STX, text))


@pytest.mark.req("DEV-01")
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["hex"])
def test_every_vector_reads_and_writes_the_same_bytes(vector: dict[str, Any]) -> None:
    raw, ours = bytes.fromhex(vector["hex"]), vector["direction"] == "C>P"
    frame = azt.decode(raw, from_master=ours)
    assert azt.encode(frame) == raw
    [piece] = azt.deframer(from_master=ours).feed(raw)
    assert (piece.raw, piece.frame) == (raw, frame)
    if ours:
        assert azt.encode(azt.ask(*azt.asked(frame))) == raw


def test_the_vectors_mean_what_they_say() -> None:
    by = {one["meaning"]: bytes.fromhex(one["hex"]) for one in VECTORS}
    said = {
        meaning: azt.asked(azt.decode(raw, from_master=True))
        for meaning, raw in by.items()
        if meaning not in ("status 0", "ACK", "CAN")
    }
    assert said == {
        "status request adr 1": (1, "1"),
        "set price 07.52": (1, "Q0752"),
        "preset 2.00 L": (1, "T00200"),
        "unconditional start": (1, "V"),
        "current data": (1, "4"),
        "totals": (1, "6"),
        "confirm": (1, "8"),
    }
    assert azt.state_of(azt.decode(by["status 0"], from_master=False).text).condition is (
        Condition.IDLE
    )


def test_all_addresses_have_start_bytes_of_their_own() -> None:
    seen = {azt.encode(azt.ask(address, "1"))[:3] for address in azt.ADDRESSES}
    assert len(seen) == len(azt.ADDRESSES) == 225
    for address in azt.ADDRESSES:
        frame = azt.decode(azt.encode(azt.ask(address, "1")), from_master=True)
        assert azt.asked(frame) == (address, "1")
    assert azt.encode(azt.ask(16, "1"))[1] == 0x07 and azt.encode(azt.ask(225, "1"))[1] == 0x14


@settings(suppress_health_check=[HealthCheck.too_slow])  # on a machine that is busy
@given(st.lists(answers, min_size=1, max_size=5), st.integers(1, 7), st.integers(0, 3))
def test_joined_frames_come_apart_however_they_are_cut_and_padded(
    frames: list[azt.Frame], size: int, padding: int
) -> None:
    stream = b"".join(b"\x7f" * padding + azt.encode(frame) for frame in frames)
    cutter, out = azt.deframer(from_master=False), []
    for at in range(0, len(stream), size):
        out += cutter.feed(stream[at : at + size])
    assert [piece.frame for piece in out] == frames
    assert cutter.flush() == b""


def _read(data: bytes) -> list[str]:
    pieces = azt.deframer(from_master=False).feed(data)
    return [piece.frame.text for piece in pieces if piece.frame and piece.frame.text]


@settings(max_examples=400)
@given(texts, st.data())
def test_one_flipped_bit_and_a_cut_frame_never_pass(text: str, data: st.DataObject) -> None:
    whole = _answer(text)
    raw = bytearray(whole)
    bit = data.draw(st.integers(0, 7 * len(raw) - 1))
    raw[bit // 7] ^= 1 << bit % 7
    # the check has one bit that says nothing: where only that is lost the answer is still its own
    assert _read(bytes(raw)) in ([], [text])
    size = data.draw(st.integers(1, len(whole) - 1))
    assert _read(whole[:size]) == [] and _read(whole[-size:]) == []
    assert _read(bytes(raw) + whole)[-1:] == [text] or raw[-3:-1] != whole[-3:-1]


@settings(max_examples=300)
@given(st.binary(max_size=12).filter(lambda junk: b"\x7f" not in junk), texts)
def test_noise_in_front_is_no_frame_and_hides_none(junk: bytes, text: str) -> None:
    assert _read(junk + _answer(text)) == [text]


def _number(text: str) -> azt.Full | None:
    try:
        return azt.Full(*azt.numbers(text, *azt.FULL_DIGITS))
    except Malformed:
        return None


def test_what_flips_do_to_a_fill_is_counted() -> None:
    """Of two flips some pass where the check is blind, and none of them reads as a number."""
    full = azt.Full(200, 1504, 752)
    raw = _answer(full.text())
    seen = passed = read = 0
    for pair in itertools.combinations(range(14, 7 * len(raw)), 2):
        seen += 1
        texts = _read(_flipped(raw, pair))
        passed += bool(texts)
        read += bool(texts and _number(texts[0]) not in (None, full))
    assert (len(raw), seen, passed, read) == (45, 45150, 20, 0)
    dice, four = random.Random(1), 0
    for _ in range(20_000):  # two characters with their complements, in one column
        first, second = dice.sample(range(2, 42, 2), 2)
        bit = dice.randrange(7)
        bits = [7 * at + bit for at in (first, first + 1, second, second + 1)]
        texts = _read(_flipped(raw, bits))
        four += bool(texts and _number(texts[0]) not in (None, full))
    assert four == 9884


def _flipped(raw: bytes, bits: Any) -> bytes:
    spoilt = bytearray(raw)
    for bit in bits:
        spoilt[bit // 7] ^= 1 << bit % 7
    return bytes(spoilt)


def test_what_makes_no_sense_is_malformed() -> None:
    for wrong in (b"", b"\x7f", b"\x7f\x02\x03\x03\x43"[:4], b"\x7f\x06\x06", b"\x7f\x05"):
        with pytest.raises(Malformed):
            azt.decode(wrong, from_master=False)
    for state in ("", "4", "412", "5", "11", "x", "9"):
        with pytest.raises(Malformed):
            azt.state_of(state)
    for text in ("", "!", "01"):
        with pytest.raises(Malformed):
            azt.asked(azt.Frame(azt.STX, text))
    with pytest.raises(Malformed):
        azt.digits(10_000, 4)
    with pytest.raises(Malformed):
        azt.numbers("12345", 6)
    whole = bytearray(_answer("40"))
    for at in (3, -2, -1):
        spoilt = whole.copy()
        spoilt[at] ^= 1
        with pytest.raises(Malformed):
            azt.decode(bytes(spoilt), from_master=False)


def test_frames_are_described_in_words() -> None:
    def asks(text: str) -> bytes:
        return azt.encode(azt.ask(17, text))

    assert azt.describe(asks("Q0752"), from_master=True) == "17 Q0752 改价"
    assert azt.describe(asks("V"), from_master=True) == "17 V"
    assert azt.describe(_answer("40"), from_master=False) == "状态 40 加油结束待确认"
    assert azt.describe(_answer("1"), from_master=False) == "状态 1 提枪"
    assert azt.describe(_answer("100123"), from_master=False) == "应答 100123"
    assert azt.describe(b"\x7f\x18", from_master=False) == "CAN 现在不能"
    assert azt.describe(_answer("40")[:-1], from_master=False).startswith("损坏（帧不完整）")
    assert azt.is_poll(asks("1")) and azt.is_poll(asks("4"))
    assert not azt.is_poll(asks("5")) and not azt.is_poll(_answer("1"), from_master=False)
    assert not azt.is_poll(b"\x7f")
