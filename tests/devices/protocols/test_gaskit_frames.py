"""GasKitLink frames: every published vector both ways, what damage passes an XOR, and what does not."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.protocols.base import Malformed
from devices.protocols.gaskit import messages as m
from devices.protocols.gaskit.describe import describe, is_poll
from devices.protocols.gaskit.frames import (
    ANSWERS,
    QUESTIONS,
    Frame,
    check_of,
    decode,
    deframer,
    encode,
)

VECTORS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("vectors.json").read_text())[
    "gaskitlink"
]
ids = st.sampled_from("abcdefghijklmnopqrstuvwxyz")
digit, six, four = st.integers(0, 9), st.integers(0, 999_999), st.integers(0, 9_999)
answers = st.one_of(
    st.builds(m.State, digit, digit),
    st.builds(m.Live, st.sampled_from("LR"), digit, ids, digit, six),
    st.builds(m.Transaction, digit, ids, digit, six, six, four),
    st.builds(m.Totalizer, digit, st.integers(0, 999_999_999)),
)
questions = st.one_of(
    st.builds(m.Ask, st.sampled_from("SLRTNBG")),
    st.builds(m.AskTotalizer, digit),
    st.builds(m.Preset, st.sampled_from("VM"), digit, six, four),
)
addresses = st.integers(1, 255)


@pytest.mark.req("DEV-01")
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["hex"])
def test_every_vector_reads_and_writes_the_same_bytes(vector: dict[str, Any]) -> None:
    raw = bytes.fromhex(vector["hex"])
    if vector["direction"] == "C>P":
        frame = decode(raw, QUESTIONS)
        again = m.ask_frame(frame.address, m.read_question(frame))
    else:
        frame = decode(raw, ANSWERS)
        again = m.answer_frame(frame.address, m.read_answer(frame))
    assert frame.address == 1
    assert encode(again) == encode(frame) == raw


def test_the_vectors_mean_what_they_say() -> None:
    by_meaning = {vector["meaning"]: bytes.fromhex(vector["hex"]) for vector in VECTORS}

    def answer(meaning: str) -> m.Answer:
        return m.read_answer(decode(by_meaning[meaning], ANSWERS))

    assert answer("S61 fuelling") == m.State(m.FUELLING, 1)
    assert answer("T1a8;001504;000200;0752") == m.Transaction(1, "a", m.STOPPED, 1504, 200, 752)
    assert answer("R1a6;000627") == m.Live("R", 1, "a", m.FUELLING, 627)
    assert answer("C1;000396003 = 3960.03 L") == m.Totalizer(1, 396003)
    preset = decode(by_meaning["V1;000200;0752 volume preset 2.00 L @7.52"], QUESTIONS)
    assert m.read_question(preset) == m.Preset(m.VOLUME, 1, 200, 752)


@given(addresses, answers)
def test_every_answer_is_read_as_it_was_written(address: int, answer: m.Answer) -> None:
    frame = decode(encode(m.answer_frame(address, answer)), ANSWERS)
    assert (frame.address, m.read_answer(frame)) == (address, answer)


@given(addresses, questions)
def test_every_question_is_read_as_it_was_written(address: int, question: m.Question) -> None:
    frame = decode(encode(m.ask_frame(address, question)), QUESTIONS)
    assert (frame.address, m.read_question(frame)) == (address, question)


@given(st.lists(answers, min_size=1, max_size=5), st.integers(1, 7))
def test_joined_frames_come_apart_however_they_are_cut(items: list[m.Answer], size: int) -> None:
    stream = b"".join(encode(m.answer_frame(1, item)) for item in items)
    cutter, out = deframer(ANSWERS), []
    for at in range(0, len(stream), size):
        out += cutter.feed(stream[at : at + size])
    assert [m.read_answer(piece.frame) for piece in out if piece.frame] == items
    assert all(piece.frame for piece in out)
    assert cutter.flush() == b""


def _read(data: bytes) -> list[m.Answer]:
    out = []
    for piece in deframer(ANSWERS).feed(data):
        try:
            if piece.frame is not None and piece.frame.address == 1:
                out.append(m.read_answer(piece.frame))
        except Malformed:
            continue
    return out


@settings(max_examples=400)
@given(answers, st.data())
def test_one_flipped_bit_never_passes(answer: m.Answer, data: st.DataObject) -> None:
    raw = bytearray(encode(m.answer_frame(1, answer)))
    bit = data.draw(st.integers(0, 8 * len(raw) - 1))
    raw[bit // 8] ^= 1 << bit % 8
    assert _read(bytes(raw)) == []


@settings(max_examples=400)
@given(answers, st.data())
def test_a_frame_with_its_end_or_beginning_cut_off_never_passes(
    answer: m.Answer, data: st.DataObject
) -> None:
    raw = encode(m.answer_frame(1, answer))
    size = data.draw(st.integers(1, len(raw) - 1))
    assert _read(raw[:size]) == []
    assert _read(raw[-size:]) == []


@settings(max_examples=300)
@given(st.binary(max_size=12).filter(lambda junk: b"\x02" not in junk), answers)
def test_noise_in_front_is_no_frame_and_hides_none(junk: bytes, answer: m.Answer) -> None:
    pieces = deframer(ANSWERS).feed(junk + encode(m.answer_frame(1, answer)))
    assert b"".join(piece.raw for piece in pieces if piece.frame is None) == junk
    assert [m.read_answer(piece.frame) for piece in pieces if piece.frame] == [answer]


@given(answers)
def test_a_damaged_frame_does_not_swallow_the_next(answer: m.Answer) -> None:
    whole = encode(m.answer_frame(1, answer))
    broken = whole[:-1] + bytes((whole[-1] ^ 0x80,))
    assert _read(broken + whole)[-1:] == [answer]
    assert _read(whole[:3] + whole) == [answer]


def test_what_two_flips_do_to_a_transaction_is_counted() -> None:
    """The XOR lets one pair in eight pass, and one in four of these reads as another fill: hence twice."""
    said = m.Transaction(1, "a", m.FINISHED, 1504, 200, 752)
    raw = encode(m.answer_frame(1, said))
    seen = passed = read = 0
    for first, second in itertools.combinations(range(8, 8 * len(raw)), 2):
        spoilt = bytearray(raw)
        for bit in (first, second):
            spoilt[bit // 8] ^= 1 << bit % 8
        seen += 1
        if check_of(spoilt[1:]) == 0:
            passed += 1
            read += bool(_read(bytes(spoilt)))
    assert len(raw) == 27
    assert (seen, passed, read) == (21528, 2600, 605)


def test_what_makes_no_sense_is_malformed() -> None:
    for wrong in (b"", b"\x02\x00\x01S", b"\x02\x00\x01X12\x00", encode(Frame(1, "S", "1"))):
        with pytest.raises(Malformed):
            decode(wrong, ANSWERS)
    for data in ("1A8;001504;000200;0752", "1a8:001504;000200;0752", "1a8;0015040;00200;0752"):
        with pytest.raises(Malformed):
            m.read_answer(Frame(1, "T", data))
    with pytest.raises(Malformed):
        m.read_answer(Frame(1, "S", "1x"))
    with pytest.raises(Malformed):
        m.read_answer(Frame(1, "Q"))
    with pytest.raises(Malformed):
        m.read_question(Frame(1, "Q"))
    with pytest.raises(Malformed):
        m.ask_frame(1, m.Preset("V", 1, 1_000_000, 752))
    with pytest.raises(Malformed):
        m.ask_frame(1, m.Preset("V", 1, 200, 10_000))
    with pytest.raises(Malformed):
        decode(
            bytes.fromhex("02 00 01 53 B1 B0 53"), ANSWERS
        )  # the check fits, the data is no text


def test_frames_are_described_in_words() -> None:
    raw = encode(m.answer_frame(1, m.State(6, 1)))
    assert describe(raw, from_master=False) == "1 S61 状态 6 加油中 枪位 1"
    preset = encode(m.ask_frame(1, m.Preset("M", 1, 10000, 752)))
    assert describe(preset, from_master=True).startswith(
        "1 M1;010000;0752 授权并预置 枪位 1 金额 10000"
    )
    assert describe(raw[:-1], from_master=False).startswith("损坏（长度与命令不符）")
    assert is_poll(encode(m.ask_frame(1, m.Ask("S"))))
    assert not is_poll(encode(m.ask_frame(1, m.Ask("N")))) and not is_poll(raw)
