"""PN532: frames of both directions, and a reader that asks, wakes, debounces and recovers."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.protocols import pn532
from devices.protocols.base import (
    CardRemoved,
    Damaged,
    Event,
    Identity,
    Malformed,
    Silence,
    Swiped,
)
from devices.protocols.pn532 import ACK, ERROR, NACK, Cutter, Kind, Pn532
from devices.simulator.pn532 import Chip, Tag

pytestmark = pytest.mark.req("DEV-02")
TAG = Tag(bytes.fromhex("deadbeef"))


def _frames(raw: bytes) -> list[pn532.Frame]:
    return Cutter().feed(raw)


def test_the_published_frames_read_and_write() -> None:
    vectors = json.loads(Path(__file__).with_name("vectors.json").read_text())["pn532"]
    raw = {one["meaning"]: bytes.fromhex(one["hex"]) for one in vectors}
    assert pn532.ask(pn532.VERSION) == raw["GetFirmwareVersion"]
    assert pn532.ask(pn532.SAM, 0x01, 0x14, 0x01) == raw["SAMConfiguration"]
    assert pn532.answer(pn532.SAM) == raw["SAM response"]
    assert raw["ACK"] == ACK
    [found] = _frames(raw["one target UID deadbeef"])
    [target] = pn532.targets(found.data)
    assert (target.uid.hex(), target.sak, target.atqa) == ("deadbeef", 0x08, 0x0004)
    assert pn532.answer(pn532.LIST, b"\x01" + TAG.listed(1)) == raw["one target UID deadbeef"]


def test_acknowledgements_refusals_and_errors_are_told_apart() -> None:
    seen = [one.kind for one in _frames(ACK + NACK + ERROR + pn532.answer(pn532.SAM))]
    assert seen == [Kind.ACK, Kind.NACK, Kind.ERROR, Kind.DATA]


@given(st.binary(min_size=1, max_size=400), st.integers(1, 40))
def test_a_frame_of_any_length_is_cut_whatever_the_pieces(body: bytes, piece: int) -> None:
    data = bytes((pn532.FROM_CHIP, 0x41)) + body
    raw = ACK + pn532.encode(data)
    assert (b"\x00\xff\xff\xff" in raw[:12]) == (len(data) > 255)
    cutter, seen = Cutter(), []
    for at in range(0, len(raw), piece):
        seen += cutter.feed(raw[at : at + piece])
    assert [(one.kind, one.data) for one in seen] == [(Kind.ACK, b""), (Kind.DATA, data)]


@given(st.integers(0, 8 * 19 - 1))
def test_no_single_flip_reads_as_another_card(bit: int) -> None:
    raw = bytearray(pn532.answer(pn532.LIST, b"\x01" + TAG.listed(1)))
    raw[bit // 8] ^= 1 << bit % 8
    cutter = Cutter()
    cards = [one for one in cutter.feed(bytes(raw)) if one.kind == Kind.DATA]
    assert all(one.data == pn532.encode(one.data)[5:-2] for one in cards)
    assert all(pn532.targets(one.data)[0].uid == TAG.uid for one in cards)


@given(st.binary(max_size=300))
def test_noise_raises_nothing(noise: bytes) -> None:
    reader = Pn532()
    reader.next(0.0)
    assert not [one for one in reader.feed(noise, 0.01).events if isinstance(one, Swiped)]
    reader.expire(0.05)


def test_lengths_that_cannot_be_are_refused() -> None:
    with pytest.raises(Malformed):
        pn532.encode(bytes(600))
    with pytest.raises(Malformed):
        pn532.authenticate(1, 4, b"short", TAG.uid)
    for data in (b"\xd5\x4b\x01\x01", b"\xd5\x4b\x01\x01\x00\x04\x08\x05abcde", b"\xd5\x4b"):
        with pytest.raises(Malformed):
            pn532.targets(data)
    with pytest.raises(Malformed):
        pn532.exchanged(b"\xd5\x15")


def test_a_sector_is_opened_by_its_key_and_the_key_is_masked() -> None:
    chip, key = Chip(), bytes.fromhex("a0a1a2a3a4a5")
    chip.field = [Tag(TAG.uid, key=key, blocks={4: b"530001-000000042"})]
    chip.feed(pn532.WAKE_UP + pn532.ask(pn532.SAM, 1, 0x14, 1))
    chip.feed(pn532.ask(pn532.LIST, 1, 0))

    def said(raw: bytes) -> bytes:
        return _frames(chip.feed(raw))[1].data

    with pytest.raises(Malformed, match="error 14"):
        pn532.exchanged(said(pn532.authenticate(1, 4, b"\xff" * 6, TAG.uid)))
    asked = pn532.authenticate(1, 4, key, TAG.uid)
    assert pn532.exchanged(said(asked)) == b""
    assert pn532.exchanged(said(pn532.read_block(1, 4))) == b"530001-000000042"
    [frame] = _frames(asked)
    [span] = frame.secret
    assert frame.raw[span.start : span.stop] == key


# --------------------------------------------------------------------------- the reader that asks


class Talk:
    """A reader and a simulated chip on virtual time."""

    def __init__(self) -> None:
        self.reader, self.chip, self.now = Pn532(), Chip(), 0.0

    def run(self, seconds: float) -> list[Event]:
        events: list[Event] = []
        until = self.now + seconds
        while self.now < until:
            request = self.reader.next(self.now)
            self.now += 0.02
            data = self.chip.feed(request.data) if request else b""
            outcome = self.reader.feed(data, self.now) if data else self.reader.expire(self.now)
            events += outcome.events
        return events


def test_a_sleeping_chip_is_woken_set_up_and_asked() -> None:
    talk = Talk()
    assert talk.run(0.5) == [Identity(address=0, text="PN532 1.6")]
    assert talk.chip.heard[:4] == [pn532.SAM, pn532.VERSION, pn532.RF, pn532.LIST]


def test_a_card_that_lies_there_is_one_swipe_until_it_is_gone() -> None:
    talk = Talk()
    talk.run(0.5)
    talk.chip.field = [TAG]
    assert talk.run(5.0) == [Swiped(address=0, card="DEADBEEF")]
    assert pn532.RELEASE in talk.chip.heard
    talk.chip.field = []
    assert talk.run(0.3) == []  # lifted for a moment
    talk.chip.field = [TAG]
    assert talk.run(1.0) == []
    talk.chip.field = [Tag(bytes.fromhex("04112233445566"), sak=0x20, ats=b"\x05\x78\x80\x70\x02")]
    assert talk.run(1.0) == [
        CardRemoved(address=0, card="DEADBEEF"),
        Swiped(address=0, card="04112233445566"),
    ]
    talk.chip.field = []
    assert talk.run(2.0) == [CardRemoved(address=0, card="04112233445566")]
    talk.chip.field = [TAG]
    assert talk.run(1.0) == [Swiped(address=0, card="DEADBEEF")]


def test_a_chip_that_restarts_is_set_up_anew_and_the_card_on_it_is_no_second_swipe() -> None:
    talk = Talk()
    talk.chip.field = [TAG]
    assert Swiped(address=0, card="DEADBEEF") in talk.run(1.0)
    talk.chip.restart()
    talk.chip.heard.clear()
    events = talk.run(2.0)
    assert talk.chip.heard[0] == pn532.SAM
    assert Silence(address=0) in events and Identity(address=0, text="PN532 1.6") in events
    assert not [one for one in events if isinstance(one, Swiped | CardRemoved)]


def test_a_chip_without_power_is_silence_and_its_card_is_a_new_swipe_afterwards() -> None:
    talk = Talk()
    talk.chip.field = [TAG]
    talk.run(1.0)
    talk.chip.deaf = True
    assert set(talk.run(8.0)) == {Silence(address=0)}
    talk.chip.deaf = False
    talk.chip.restart()
    assert [one for one in talk.run(2.0) if isinstance(one, Swiped)] == [
        Swiped(address=0, card="DEADBEEF")
    ]


def test_damaged_answers_are_asked_for_again() -> None:
    talk = Talk()
    talk.run(0.5)
    talk.chip.field, talk.chip.spoil = [TAG], 2
    events = talk.run(1.0)
    assert [one for one in events if isinstance(one, Damaged)]
    assert [one for one in events if isinstance(one, Swiped)] == [
        Swiped(address=0, card="DEADBEEF")
    ]


def test_an_answer_to_something_else_and_a_stray_error_do_no_harm() -> None:
    reader = Pn532()
    assert reader.next(0.0) is not None and reader.next(0.01) is None
    assert reader.feed(pn532.answer(pn532.LIST, b"\x00"), 0.02).events == (
        Damaged(address=0, why="not asked for"),
    )
    assert isinstance(reader.feed(ERROR, 0.03).events[0], Damaged)
    again = reader.next(1.0)
    assert again is not None and again.data.startswith(b"\x55\x55")
    assert isinstance(reader.feed(NACK, 1.01).events[0], Damaged)
    assert isinstance(reader.feed(pn532.answer(pn532.VERSION, b"\x32"), 1.02).events[0], Damaged)
