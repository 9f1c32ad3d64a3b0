"""Two-Wire words: every published vector both ways, and what damage a nibble lets pass."""

import itertools
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.protocols.base import Malformed
from devices.protocols.twowire import frames as f
from devices.protocols.twowire import messages as m
from devices.protocols.twowire.describe import describe, is_poll

VECTORS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("vectors.json").read_text())[
    "twowire"
]
SALE = bytes.fromhex(VECTORS[0]["hex"])
four, five, six, eight = (st.integers(0, 10**size - 1) for size in (4, 5, 6, 8))
levels, grade = st.integers(1, 2), st.integers(0, 15)
blocks = st.one_of(
    st.builds(m.SetPrice, levels, grade, four),
    st.builds(m.PresetVolume, levels, grade, five),
    st.builds(m.PresetMoney, five, st.just(5), st.integers(0, 2)),
    st.builds(m.PresetMoney, six, st.just(6), st.integers(0, 2)),
    st.just(m.AskExtended()),
)
transactions = st.builds(
    m.Transaction,
    st.text("0123456789ABCDEF", min_size=5, max_size=5),
    grade,
    levels,
    four,
    six,
    six,
)
totals = st.lists(
    st.builds(m.Grade, grade, eight, eight, four, four),
    min_size=1,
    max_size=6,
    unique_by=lambda one: one.grade,
).map(lambda rows: m.Totals(tuple(rows)))
reports = st.one_of(
    transactions,
    totals,
    st.builds(m.Money, six),
    st.builds(m.Extended, st.booleans(), st.integers(1, 4)),
)


def _read(raw: bytes) -> m.Report:
    if len(raw) == m.MONEY_SIZE:
        return m.Money(f.number(raw))
    if len(raw) == m.EXTENDED_SIZE:
        return m.read_extended(raw)
    return m.read_transaction(raw) if len(raw) == m.TRANSACTION_SIZE else m.read_totals(raw)


@pytest.mark.req("DEV-01")
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["hex"])
def test_every_vector_reads_and_writes_the_same_bytes(vector: dict[str, Any]) -> None:
    raw = bytes.fromhex(vector["hex"])
    ours = vector["direction"] == "C>P"
    assert not describe(raw, from_master=ours).startswith("损坏")
    if len(raw) == 1:
        again = f.ALL_STOP if raw == f.ALL_STOP else f.single(raw[0] >> 4, raw[0] & 0x0F or 16)
    else:
        again = m.block(m.read_block(raw)) if ours else m.report(_read(raw))
    assert again == raw


def test_the_vectors_mean_what_they_say() -> None:
    said = {vector["hex"]: bytes.fromhex(vector["hex"]) for vector in VECTORS}
    assert m.read_transaction(SALE) == m.Transaction("B1002", 2, 1, 1070, 23360, 25000)
    assert m.read_block(said["FF E5 F4 F6 E0 F7 E2 E5 E7 E0 FB E2 F0"]) == m.SetPrice(1, 0, 752)
    money = said["FF E5 F2 F8 E0 E0 E0 E0 E1 E0 FB E6 F0"]
    assert m.read_block(money) == m.PresetMoney(10000, 6)
    assert m.read_block(said["FF E6 F2 F8 E0 E0 E0 E0 E1 FB E5 F0"]) == m.PresetMoney(10000, 5)
    assert m.read_block(said["FF E9 FE E0 E1 E0 FB EE F0"]) == m.AskExtended()
    idle = "BA B0 B3 B1 B0 B1 B0 B0 B0 B0 B0 B1 B0 B1 B1 C2 B1 8D 8A"
    assert m.read_extended(said[idle]) == m.Extended(False, 1)
    assert describe(b"\x62", from_master=False) == "2 空闲"
    assert describe(b"\x12", from_master=True) == "2 授权"
    assert describe(b"\xd2", from_master=False) == "2 等待数据块"
    assert describe(b"\xfc", from_master=True) == "全部停止"


def test_the_length_word_follows_the_rule_for_every_block() -> None:
    lengths = {
        m.PresetVolume(1, 0, 1): 3,
        m.PresetMoney(1, 5): 6,
        m.PresetMoney(1, 6): 5,
        m.PresetMoney(1, 5, 1): 5,
        m.PresetMoney(1, 6, 1): 4,
        m.SetPrice(2, 3, 1): 5,
        m.AskExtended(): 9,
    }
    for said, length in lengths.items():
        assert m.block(said)[1] == f.DATA | length


@given(blocks)
def test_every_block_is_read_as_it_was_written(said: m.Block) -> None:
    assert m.read_block(m.block(said)) == said
    assert not describe(m.block(said), from_master=True).startswith("损坏")


@given(reports)
def test_every_report_is_read_as_it_was_written(said: m.Report) -> None:
    assert _read(m.report(said)) == said
    assert not describe(m.report(said), from_master=False).startswith("损坏")


@given(st.lists(st.one_of(transactions, totals), min_size=1, max_size=4), st.integers(1, 9))
def test_joined_blocks_come_apart_however_they_are_cut(items: list[m.Report], size: int) -> None:
    stream = b"".join(m.report(item) for item in items)
    blocks, out = f.Blocks(), []
    for at in range(0, len(stream), size):
        out += blocks.feed(stream[at : at + size])
    assert [_read(piece.raw) for piece in out] == items
    assert blocks.flush() == b""


@given(st.binary(max_size=12).filter(lambda junk: b"\xff" not in junk), transactions)
def test_noise_in_front_is_no_block_and_hides_none(junk: bytes, said: m.Transaction) -> None:
    pieces = f.Blocks().feed(junk + m.report(said))
    assert b"".join(piece.raw for piece in pieces if piece.why) == junk
    assert [m.read_transaction(piece.raw) for piece in pieces if not piece.why] == [said]


def test_a_block_that_was_cut_off_does_not_swallow_the_next() -> None:
    pieces = f.Blocks().feed(SALE[:9] + SALE)
    assert [(piece.raw, piece.why) for piece in pieces] == [(SALE[:9], "no block"), (SALE, "")]
    endless = f.Blocks().feed(b"\xff" + b"\xe1" * 600)
    assert {piece.why for piece in endless} == {"no end", "no block"}


def _passes(raw: bytes) -> bool:
    try:
        return bool(_read(raw))
    except Malformed:
        return False


@settings(max_examples=400)
@given(st.one_of(transactions, totals), st.data())
def test_one_flipped_bit_never_passes(said: m.Report, data: st.DataObject) -> None:
    raw = bytearray(m.report(said))
    bit = data.draw(st.integers(0, 8 * len(raw) - 1))
    raw[bit // 8] ^= 1 << bit % 8
    assert not _passes(bytes(raw))


@settings(max_examples=400)
@given(st.one_of(transactions, totals), st.data())
def test_a_block_with_its_end_or_beginning_cut_off_never_passes(
    said: m.Report, data: st.DataObject
) -> None:
    raw = m.report(said)
    size = data.draw(st.integers(1, len(raw) - 1))
    assert not _passes(raw[:size]) and not _passes(raw[-size:])


def test_what_two_flips_do_to_a_transaction_is_counted() -> None:
    """The sum of a nibble lets one pair in eighty read as another fill: hence twice."""
    seen = passed = 0
    for first, second in itertools.combinations(range(8 * len(SALE)), 2):
        spoilt = bytearray(SALE)
        for bit in (first, second):
            spoilt[bit // 8] ^= 1 << bit % 8
        seen += 1
        passed += _passes(bytes(spoilt))
    assert (seen, passed) == (34716, 441)


def test_what_a_flip_does_to_a_status_is_counted() -> None:
    """Nothing guards a status but its pump's nibble: half the flips of the other one read as a state."""
    seen = passed = 0
    for state, bit in itertools.product(sorted(m.STATES), range(8)):
        spoilt = state << 4 | 1
        spoilt ^= 1 << bit
        seen += 1
        passed += spoilt & 0x0F == 1 and spoilt >> 4 in m.STATES
    assert (seen, passed) == (72, 18)


@pytest.mark.parametrize("hits", [2, 3, 8])
def test_what_a_second_reading_catches_of_random_damage_is_counted(hits: int) -> None:
    """Many words struck at random: what reads as another fill, and what does so twice alike."""
    dice = random.Random(hits)
    truth, once, twice = m.read_transaction(SALE), 0, 0
    for _ in range(20_000):
        pair = [_struck(dice, hits), _struck(dice, hits)]
        wrong = [_passes(raw) and m.read_transaction(raw) != truth for raw in pair]
        once += wrong[0]
        twice += all(wrong) and pair[0] == pair[1]
    assert (once, twice) == {2: (969, 0), 3: (1256, 0), 8: (1240, 0)}[hits]


def _struck(dice: random.Random, hits: int) -> bytes:
    """Digits become other digits: the damage that is hardest to see."""
    raw = bytearray(SALE)
    for at in dice.sample([at for at, word in enumerate(raw) if word & 0xF0 == f.DATA], hits):
        raw[at] = f.DATA | dice.randrange(10)
    return bytes(raw)


def test_what_makes_no_sense_is_malformed() -> None:
    for wrong in ("", "FF F0", "FF E0 FB E0 F0", "FF E9 FE E0 E1 E1 FB ED F0"):
        with pytest.raises(Malformed):
            m.read_block(bytes.fromhex(wrong))
    marks = (
        (f.MONEY_PRESET, f.LEVEL_1, f.VOLUME, *f.digits(1, 5)),
        (f.MONEY_PRESET, f.ID, *f.digits(1, 7)),
        (f.VOLUME_PRESET, f.LEVEL_1, f.GRADE, 0xE0, f.VOLUME, *f.digits(1, 5)),
    )
    for words in marks:
        with pytest.raises(Malformed, match="no such block"):
            m.read_block(f.down(bytes(words)))
    with pytest.raises(Malformed, match="not as long"):
        m.read_block(f.seal(b"\xe1" + m.block(m.SetPrice(1, 0, 1))[2:-3]))
    assert describe(m.report(m.Money(7)), from_master=False) == "当前金额 7"
    for said in (m.SetPrice(1, 0, 10_000), m.PresetVolume(1, 16, 1), m.PresetMoney(1, 4)):
        with pytest.raises(Malformed):
            m.block(said)
    one = m.Grade(0, 1, 2, 3, 4)
    with pytest.raises(Malformed, match="twice"):
        m.read_totals(m.report(m.Totals((one, one))))
    for at, word in ((12, 0xB2), (14, 0xB5), (3, 0x31), (18, 0x8B)):
        raw = bytearray(m.report(m.Extended(True, 2)))
        raw[at] = word
        with pytest.raises(Malformed):
            m.read_extended(bytes(raw))
    with pytest.raises(Malformed, match="no number"):
        f.number(b"\xea")
    assert describe(SALE[:-1], from_master=False).startswith("损坏")
    assert describe(b"\x51", from_master=False).startswith("损坏（没有这种状态")


def test_pump_16_is_nought_and_polls_are_known() -> None:
    assert f.single(m.ASK_STATUS, 16) == b"\x00" and f.single(m.OFF, 15) == b"\x6f"
    assert describe(b"\x00", from_master=True) == "16 问状态"
    assert is_poll(b"\x05", from_master=True) and is_poll(b"\x65", from_master=True)
    assert not is_poll(b"\x15", from_master=True) and not is_poll(b"\x65", from_master=False)
    assert is_poll(m.report(m.Money(1504)), from_master=False)
