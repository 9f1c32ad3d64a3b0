"""IFSF messages. Two are published; the others follow from the layouts, and prove no dispenser."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.protocols.base import Condition, Malformed
from devices.protocols.ifsf import messages as m
from devices.protocols.ifsf.describe import address_words, describe, is_poll
from devices.protocols.ifsf.frames import (
    CONTROLLER,
    THEIRS,
    Frame,
    Item,
    Kind,
    decode,
    deframer,
    encode,
    number,
    read_number,
)

D = Decimal
HEAD = (1, 1)
FP1 = b"\x21"

PUBLISHED = {
    "01 01 02 01 00 41 00 04 01 21 3C 00": Frame(
        Kind.WRITE, 1, HEAD, CONTROLLER, FP1, (Item(m.OPEN),)
    ),
    "03 01 01 01 00 FB 00 06 04 21 20 00 00 00": Frame(
        Kind.ACK, 0x1B, (3, 1), HEAD, b"\x21\x20\0\0", ()
    ),
}
DERIVED = {
    "01 01 02 01 00 02 00 06 01 21 14 15 19 29": Frame(
        Kind.READ, 2, HEAD, CONTROLLER, FP1, m.ASK_STATE.items
    ),
    "02 01 01 01 00 22 00 0F 01 21 14 01 04 15 01 01 19 01 FF 29 02 00 01": Frame(
        Kind.ANSWER,
        2,
        CONTROLLER,
        HEAD,
        FP1,
        (
            Item(m.STATE, b"\4"),
            Item(m.LIFTED, b"\1"),
            Item(m.MASK, b"\xff"),
            Item(m.NEXT, b"\0\1"),
        ),
    ),
    "02 01 01 01 00 E1 00 05 01 21 00 3C 00": Frame(
        Kind.ACK, 1, CONTROLLER, HEAD, FP1, (Item(m.OPEN, b"\0"),)
    ),
    "02 01 01 01 00 E1 00 05 01 21 05 3E 03": Frame(
        Kind.ACK, 1, CONTROLLER, HEAD, FP1, (Item(m.RELEASE, b"\3"),), m.REFUSED
    ),
    "02 01 01 01 00 64 00 0B 01 21 64 00 14 01 08 16 02 02 01": Frame(
        Kind.TOLD,
        4,
        CONTROLLER,
        HEAD,
        FP1,
        (Item(m.STATUS_MESSAGE), Item(m.STATE, b"\x08"), Item(m.ASSIGNED, b"\2\1")),
    ),
    "01 01 02 01 00 43 00 0D 06 61 00 00 10 20 11 02 04 04 00 07 52": Frame(
        Kind.WRITE,
        3,
        HEAD,
        CONTROLLER,
        b"\x61\0\0\x10\x20\x11",
        (Item(m.UNIT_PRICE, b"\4\0\7\x52"),),
    ),
    "01 01 02 01 00 44 00 07 04 21 21 00 07 1E 00": Frame(
        Kind.WRITE, 4, HEAD, CONTROLLER, b"\x21\x21\0\7", (Item(m.CLEAR),)
    ),
}
ALL = PUBLISHED | DERIVED

values = st.binary(max_size=300)
ids = st.integers(0, 255)
frames = st.builds(
    Frame,
    st.sampled_from(THEIRS),
    st.integers(0, 31),
    st.just(CONTROLLER),
    st.tuples(st.just(1), st.integers(1, 127)),
    st.binary(min_size=1, max_size=8),
    st.lists(st.builds(Item, ids, st.binary(max_size=12)), max_size=6).map(tuple),
).map(
    lambda frame: (
        frame
        if frame.kind is not Kind.ACK
        else Frame(
            Kind.ACK,
            frame.token,
            frame.to,
            frame.sender,
            frame.place,
            tuple(Item(one.id, one.value[:1] or b"\0") for one in frame.items),
            5,
        )
    )
)


@pytest.mark.req("DEV-01")
@pytest.mark.parametrize("raw", ALL)
def test_every_message_reads_and_writes_the_same_bytes(raw: str) -> None:
    data = bytes.fromhex(raw)
    assert decode(data) == ALL[raw] and encode(ALL[raw]) == data
    for from_master in (True, False):
        assert not describe(data, from_master=from_master).startswith("损坏")
    for short in range(len(data)):
        with pytest.raises(Malformed):
            decode(data[:short])


def test_a_long_value_has_a_length_of_two_bytes() -> None:
    frame = Frame(Kind.ANSWER, 1, CONTROLLER, HEAD, FP1, (Item(1, b"x" * 300), Item(2)))
    assert decode(encode(frame)) == frame and b"\x01\xff\x01\x2c" in encode(frame)


@given(st.lists(frames, min_size=1, max_size=4), st.integers(1, 9))
def test_joined_messages_come_apart_however_they_are_cut(said: list[Frame], size: int) -> None:
    stream = b"".join(map(encode, said))
    cutter = deframer(from_master=False)
    pieces = [
        piece for at in range(0, len(stream), size) for piece in cutter.feed(stream[at : at + size])
    ]
    assert [piece.frame for piece in pieces] == said and cutter.flush() == b""


@settings(max_examples=300)
@given(st.binary(max_size=30), frames)
def test_after_garbage_the_next_message_is_found(junk: bytes, said: Frame) -> None:
    junk = junk.replace(b"\2", b"\3")
    pieces = deframer(from_master=False).feed(junk + encode(said))
    assert pieces[-1].frame == said
    assert all(piece.frame is None for piece in pieces[:-1])


@given(st.binary(max_size=80), st.booleans())
def test_garbage_raises_nothing_but_malformed_and_is_told(junk: bytes, ours: bool) -> None:
    assert describe(junk, from_master=ours)
    is_poll(junk, from_master=ours)
    try:
        assert encode(decode(junk)) == junk or b"\xff" in junk  # a short value in the long form
    except Malformed:
        assert "损坏" in describe(junk, from_master=ours)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("06 12 34 56 78", "123456.78"),
        ("05 12 34 56 78", "12345.678"),
        ("00 12 34", "0.1234"),
        ("04 00 07 52", "7.52"),
        ("0A 00 00 00 00 12 30", "12.30"),
    ],
)
def test_a_number_says_where_its_point_is(raw: str, value: str) -> None:
    data = bytes.fromhex(raw)
    assert read_number(data) == D(value)
    places = -int(read_number(data).as_tuple().exponent)
    assert number(int(D(value).scaleb(places)), places, len(data)) == data


def test_what_is_no_number_is_malformed() -> None:
    for wrong in (b"", b"\x86\x12\x34\x56\x78", b"\x05\x12\x34", b"\x02\x1a\x00"):
        with pytest.raises(Malformed):
            read_number(wrong)
    with pytest.raises(Malformed):
        number(1_000_000, 2, m.PRICE_SIZE)


def test_an_address_is_a_point_of_a_node() -> None:
    assert [m.node_and_point(one) for one in (1, 4, 5, 508)] == [(1, 1), (1, 4), (2, 1), (127, 4)]
    assert all(m.address_of(*m.node_and_point(one)) == one for one in m.ADDRESSES)
    assert address_words(6) == "6（节点 2 加油点 2）"
    frame = m.frame_of(6, 9, m.ask(m.PRODUCT, place=m.nozzle_place(2)))
    assert (frame.to, frame.place, frame.token) == ((1, 2), b"\x22\x12", 9)
    assert m.frame_of(6, 9, m.ASK_IDENTITY).place == b"\x01"
    assert (m.last_of(1), m.last_of(0), m.last_of(12)) == (9999, 9999, 11)
    assert [m.nozzle_of(one) for one in (0, 1, 2, 4, 12)] == [0, 1, 2, 3, 3]


def _state(code: int, lifted: int = 0, mask: int = 0xFF) -> m.Said:
    held = (bytes((code,)), bytes((lifted,)), bytes((mask,)), b"\0\5")
    items = tuple(Item(one.id, it) for one, it in zip(m.ASK_STATE.items, held, strict=True))
    return m.state_of(Frame(Kind.ANSWER, 1, CONTROLLER, HEAD, FP1, items))


def test_states_in_common_words() -> None:
    said = {
        (m.INOPERATIVE, 0): (Condition.ERROR, False, 0),
        (m.CLOSED, 0): (Condition.UNPROGRAMMED, False, 0),
        (m.IDLE, 0): (Condition.IDLE, False, 0),
        (m.IDLE, 2): (Condition.CALLING, True, 2),
        (m.CALLING, 1): (Condition.CALLING, True, 1),
        (m.AUTHORISED, 0): (Condition.AUTHORISED, False, 0),
        (m.STARTED, 4): (Condition.AUTHORISED, True, 3),
        (m.SUSPENDED_STARTED, 1): (Condition.SUSPENDED, True, 1),
        (m.FUELLING, 1): (Condition.FUELLING, True, 1),
        (m.SUSPENDED_FUELLING, 1): (Condition.SUSPENDED, True, 1),
    }
    for (code, lifted), told in said.items():
        state = _state(code, lifted)
        assert (state.condition, state.out, state.nozzle) == told and state.last == 4
    assert _state(m.AUTHORISED, mask=2).nozzle == 2
    assert _state(m.INOPERATIVE).alarm == "INOPERATIVE"
    for wrong in (0, 10, 255):
        with pytest.raises(Malformed):
            _state(wrong)


def test_messages_are_described_in_words() -> None:
    words = {
        "01 01 02 01 00 41 00 04 01 21 3C 00": "节点 1 加油点 1 写 开机（令牌 1）",
        "02 01 01 01 00 E1 00 05 01 21 05 3E 03": "节点 1 加油点 1 确认：拒绝 5 授权 拒绝 03（令牌 1）",
        "01 01 02 01 00 44 00 07 04 21 21 00 07 1E 00": "节点 1 加油点 1 交易 0007 写 结束交易（令牌 4）",
        "01 01 02 01 00 43 00 0D 06 61 00 00 10 20 11 02 04 04 00 07 52": (
            "节点 1 油品号 00001020 方式 1 写 单价 7.52（令牌 3）"
        ),
        "03 01 01 01 00 FB 00 06 04 21 20 00 00 00": "节点 1 数据库 21 20 00 00 确认：接受（令牌 27）",
    }
    for raw, told in words.items():
        assert describe(bytes.fromhex(raw), from_master=True) == told
    state = encode(m.frame_of(1, 2, m.ASK_STATE))
    assert is_poll(state) and not is_poll(state, from_master=False)
    assert not is_poll(encode(m.frame_of(1, 2, m.ASK_IDENTITY)))
    two = describe(state + state, from_master=True)
    assert two.count("问 状态") == 2
    assert describe(state[:-1], from_master=True).startswith("损坏（长度与所报不符）")
