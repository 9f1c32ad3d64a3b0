"""正星 frames. No vectors are published: these were derived from the layouts, and prove no head."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.protocols import zhengxing as z
from devices.protocols.base import Condition, Malformed
from devices.protocols.cutting import check_of

six, four = st.integers(0, 999_999), st.integers(0, 9_999)
status = st.integers(0, 255)
twelve = st.integers(0, 10**12 - 1)
echoes = st.binary(min_size=2, max_size=2)
told = st.one_of(
    st.tuples(st.just(z.STATUS), st.none()),
    st.tuples(st.sampled_from(z.SAYS_TAKEN), st.booleans()),
    st.tuples(st.just(z.TOTALS), st.builds(z.Totals, twelve, twelve)),
    st.tuples(st.just(z.READ_PRICE), st.builds(z.Price, four)),
    st.tuples(st.just(z.LIVE), st.builds(z.Fill, six, six, four)),
    st.tuples(st.just(z.TRANSACTION), st.builds(z.Fill, six, six, four, echoes)),
)

# derived from the byte layouts, FP 1
ASKED = {
    "FC 0D 01 0C": z.Frame(z.STATUS, 1),
    "FC 01 01 00 15 04 00 00 00 11": z.Frame(
        z.PRESET_YUAN, 1, b"\x00\x15\x04" + z.PRESET_TYPE + z.CHAIN
    ),
    "FC 02 01 00 02 00 00 00 01": z.Frame(z.PRESET_LITRES, 1, b"\x00\x02\x00" + z.CHAIN),
    "FC 03 01 07 52 57": z.Frame(z.SET_PRICE, 1, b"\x07\x52"),
    "FC 05 01 04": z.Frame(z.STOP, 1),
    "FC 06 01 07": z.Frame(z.AUTHORISE, 1),
    "FC 08 01 AA A3": z.Frame(z.MODE, 1, b"\xaa"),
    "FC 0C 01 0D": z.Frame(z.TOTALS, 1),
    "FC 12 01 13": z.Frame(z.READ_PRICE, 1),
    "FC 15 01 14": z.Frame(z.TRANSACTION, 1),
    "FC 17 01 00 2A 3C": z.Frame(z.CLOSE, 1, b"\x00\x2a"),
    "FC 18 01 19": z.Frame(z.LIVE, 1),
}
ANSWERED = {
    "FC 0D 01 03 0F": (z.STATUS, 0x03, None),
    "FC 0D 01 88 84": (z.STATUS, 0x88, None),
    "FC 06 01 85 BB 39": (z.AUTHORISE, 0x85, True),
    "FC 02 01 88 CC 47": (z.PRESET_LITRES, 0x88, False),
    "FC 16 01 03 14": (z.NONE, 0x03, z.Fill()),
    "FC 18 01 88 00 02 00 00 15 04 07 52 00 D7": (z.LIVE, 0x88, z.Fill(200, 1504, 752)),
}


@pytest.mark.req("DEV-01")
@pytest.mark.parametrize("raw", ASKED)
def test_every_derived_question_reads_and_writes_the_same_bytes(raw: str) -> None:
    data = bytes.fromhex(raw)
    assert z.decode(data, z.QUESTIONS) == ASKED[raw]
    assert z.encode(ASKED[raw]) == data and len(data) == z.QUESTIONS[data[1]]
    assert check_of(data[1:]) == 0
    assert z.describe(data, from_master=True).startswith(f"1 {data[1]:02X}")


def test_every_question_was_derived() -> None:
    assert {frame.command for frame in ASKED.values()} == set(z.QUESTIONS)


@pytest.mark.req("DEV-01")
@pytest.mark.parametrize("raw", [one for one in ANSWERED if "18 01" not in one])
def test_every_derived_answer_reads_and_writes_the_same_bytes(raw: str) -> None:
    data, (command, state, said) = bytes.fromhex(raw), ANSWERED[raw]
    frame = z.decode(data, z.ANSWERS)
    assert (frame.command, frame.address) == (command, 1)
    assert z.read_answer(frame) == (state, said)
    assert z.answer(command, 1, state, said if command != z.NONE else None) == data


@given(st.integers(1, 99), status, told)
def test_every_answer_is_read_as_it_was_written(
    address: int, state: int, said: tuple[int, z.Told]
) -> None:
    command, what = said
    raw = z.answer(command, address, state, what)
    assert len(raw) == z.ANSWERS[command]
    frame = z.decode(raw, z.ANSWERS)
    assert (frame.command, frame.address) == (command, address)
    assert z.read_answer(frame) == (state, what)


def test_the_long_answers_are_as_long_as_they_are_said_to_be() -> None:
    sizes = {0x0C: 17, 0x0D: 5, 0x12: 18, 0x15: 36, 0x18: 13}
    assert {command: z.ANSWERS[command] for command in sizes} == sizes
    live = z.answer(z.LIVE, 1, 0x88, z.Fill(200, 1504, 752))
    assert live[4:7] == b"\x00\x02\x00" and live[7:10] == b"\x00\x15\x04"
    stored = z.answer(z.TRANSACTION, 1, 0x13, z.Fill(200, 1504, 752, b"\x12\x34"))
    assert stored[23:25] == b"\x12\x34"


def _read(data: bytes) -> list[tuple[int, z.Told]]:
    out = []
    for piece in z.deframer(z.ANSWERS).feed(data):
        try:
            if piece.frame is not None and piece.frame.address == 1:
                out.append(z.read_answer(piece.frame))
        except Malformed:
            continue
    return out


@given(st.lists(st.tuples(status, told), min_size=1, max_size=5), st.integers(1, 7))
def test_joined_frames_come_apart_however_they_are_cut(
    items: list[tuple[int, tuple[int, z.Told]]], size: int
) -> None:
    stream = b"".join(z.answer(command, 1, state, said) for state, (command, said) in items)
    cutter, out = z.deframer(z.ANSWERS), []
    for at in range(0, len(stream), size):
        out += cutter.feed(stream[at : at + size])
    read = [z.read_answer(piece.frame) for piece in out if piece.frame]
    assert read == [(state, said) for state, (_, said) in items]
    assert cutter.flush() == b""


@settings(max_examples=400)
@given(status, told, st.data())
def test_one_flipped_bit_never_passes(
    state: int, said: tuple[int, z.Told], data: st.DataObject
) -> None:
    command, what = said
    raw = bytearray(z.answer(command, 1, state, what))
    bit = data.draw(st.integers(0, 8 * len(raw) - 1))
    raw[bit // 8] ^= 1 << bit % 8
    cutter = z.deframer(z.ANSWERS)
    # a flip in the command may make the head of it a shorter answer, whose check must fit as well
    wholes = [piece.raw for piece in cutter.feed(bytes(raw)) if piece.frame]
    assert bytes(raw) not in wholes
    for short in wholes:
        assert len(short) < len(raw)


@settings(max_examples=300)
@given(st.binary(max_size=12).filter(lambda junk: b"\xfc" not in junk), status, told)
def test_noise_in_front_is_no_frame_and_hides_none(
    junk: bytes, state: int, said: tuple[int, z.Told]
) -> None:
    whole = z.answer(said[0], 1, state, said[1])
    assert _read(junk + whole) == [(state, said[1])]
    assert (state, said[1]) not in _read(whole[1:]) + _read(whole[:-1])


def test_what_two_flips_do_to_a_stored_fill_is_counted() -> None:
    said = z.Fill(200, 1504, 752, b"\x00\x2a")
    raw = z.answer(z.TRANSACTION, 1, 0x13, said)
    seen = passed = read = 0
    for first, second in itertools.combinations(range(8, 8 * len(raw)), 2):
        spoilt = bytearray(raw)
        for bit in (first, second):
            spoilt[bit // 8] ^= 1 << bit % 8
        seen += 1
        passed += check_of(bytes(spoilt[1:])) == 0
        read += any(isinstance(what, z.Fill) and what != said for _, what in _read(bytes(spoilt)))
    assert (len(raw), seen) == (36, 39060)
    assert (passed, read) == (4760, 2018)


def test_a_status_in_common_words() -> None:
    said = {
        0x01: (Condition.ERROR, False, False),
        0x02: (Condition.UNPROGRAMMED, False, False),
        0x03: (Condition.IDLE, False, False),
        0x84: (Condition.CALLING, True, False),
        0x83: (Condition.CALLING, True, False),  # lifted, and not said so in the code yet
        0x05: (Condition.AUTHORISED, False, False),
        0x86: (Condition.AUTHORISED, True, False),
        0x87: (Condition.SUSPENDED, True, False),
        0x88: (Condition.FUELLING, True, False),
        0x89: (Condition.SUSPENDED, True, False),
        0x13: (Condition.IDLE, False, True),
        0x94: (Condition.IDLE, True, True),
        0x12: (Condition.IDLE, False, True),
        0x98: (Condition.FUELLING, True, False),  # what is stored while it fuels is not over
        0xE8: (Condition.FUELLING, True, False),  # bits that mean nothing
    }
    for raw, told in said.items():
        state = z.state_of(raw, 1)
        assert (state.condition, state.out, state.unclosed) == told, f"{raw:02X}"
    assert z.state_of(0x01, 1).alarm == "INOPERATIVE"
    for wrong in (0x00, 0x0A, 0x8F):
        with pytest.raises(Malformed):
            z.state_of(wrong, 1)


def test_what_makes_no_sense_is_malformed() -> None:
    good = z.answer(z.AUTHORISE, 1, 5, True)
    for wrong in (b"", good[:-1], b"\xfb" + good[1:], good[:1] + b"\x44" + good[2:]):
        with pytest.raises(Malformed):
            z.decode(wrong, z.ANSWERS)
    neither = z.encode(z.Frame(z.AUTHORISE, 1, b"\x05\xbc"))
    with pytest.raises(Malformed):
        z.read_answer(z.decode(neither, z.ANSWERS))
    letters = z.encode(z.Frame(z.LIVE, 1, b"\x88" + b"\xaa" * 8))
    with pytest.raises(Malformed):
        z.read_answer(z.decode(letters, z.ANSWERS))
    with pytest.raises(Malformed):
        z.answer(z.READ_PRICE, 1, 3, z.Price(10_000))


def test_frames_are_described_in_words() -> None:
    state = z.answer(z.STATUS, 1, 3)
    assert z.describe(state, from_master=False) == "1 0D 状态 03"
    price = z.answer(z.READ_PRICE, 1, 3, z.Price(752))
    assert z.describe(price, from_master=False) == "1 12 状态 03 单价 752"
    assert z.describe(price[:-1], from_master=False).startswith("损坏（长度与命令不符）")
    for command, told, words in (
        (z.AUTHORISE, True, "1 06 状态 05 接受"),
        (z.AUTHORISE, False, "1 06 状态 05 拒绝"),
        (z.TOTALS, z.Totals(7, 9), "1 0C 状态 05 泵码 7 金额累计 9"),
        (z.LIVE, z.Fill(1, 2, 3), "1 18 状态 05 升数 1 金额 2 单价 3"),
        (z.TRANSACTION, z.Fill(1, 2, 3, b"\x00\x2a"), "1 15 状态 05 升数 1 金额 2 单价 3 002a"),
    ):
        assert z.describe(z.answer(command, 1, 5, told), from_master=False) == words
    preset = bytes.fromhex("FC 02 01 00 02 00 00 00 01")
    assert z.describe(preset, from_master=True) == "1 02 预置升数 00 02 00 00 00"
    assert z.is_poll(z.encode(z.Frame(z.STATUS, 1))) and not z.is_poll(state)
    assert not z.is_poll(z.encode(z.Frame(z.TOTALS, 1)))
