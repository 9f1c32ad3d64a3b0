"""APDUs, and a PC/SC reader that looks for a card: its number, or the station's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.protocols import pcsc
from devices.protocols.base import CardRemoved, Damaged, Event, Malformed, Silence, Swiped
from devices.protocols.pcsc import ABSENT, CardTerminal, Exchange
from devices.simulator.smartcard import SmartCard

pytestmark = pytest.mark.req("DEV-02")
AID = "F0595A475A01"
UID = bytes.fromhex("deadbeef")


def test_commands_and_selections_stand_as_iso_has_them() -> None:
    assert pcsc.select(bytes.fromhex(AID)).hex() == "00a4040006f0595a475a0100"
    assert pcsc.command(0x00, 0xB0, 0, 0, le=16).hex() == "00b0000010"
    assert pcsc.command(0x80, 0x50, 1, 2, b"ab").hex() == "8050010202" + b"ab".hex()
    for wrong in (lambda: pcsc.select(b"abc"), lambda: pcsc.command(0, 0, 0, 0, bytes(256))):
        with pytest.raises(Malformed):
            wrong()
    assert pcsc.is_aid(AID) and not pcsc.is_aid("F0") and not pcsc.is_aid("what")


def test_what_a_card_promises_is_fetched_and_a_wrong_length_is_asked_again() -> None:
    one = Exchange(pcsc.READ_NUMBER)
    assert one.feed(bytes.fromhex("6c05")) == bytes.fromhex("00b0810005")
    assert one.feed(b"ab" + bytes.fromhex("6103")) == bytes.fromhex("00c0000003")
    assert one.feed(bytes.fromhex("6c02")) == bytes.fromhex("00c0000002")
    assert one.feed(b"cd" + bytes.fromhex("9000")) is None
    assert one.answer is not None and one.answer.done and one.answer.data == b"abcd"
    with pytest.raises(Malformed):
        one.feed(b"\x90")


def test_a_card_that_promises_for_ever_comes_to_an_end() -> None:
    one = Exchange(pcsc.GET_UID)
    rounds = sum(one.feed(b"\x61\x01") is not None for _ in range(pcsc.MOST_ROUNDS))
    assert rounds == pcsc.MOST_ROUNDS - 1
    assert one.answer is not None and not one.answer.done


class Talk:
    def __init__(self, aid: str = "") -> None:
        self.reader, self.card, self.now = CardTerminal(aid), None, 0.0
        self.deaf = False

    def run(self, seconds: float) -> list[Event]:
        events: list[Event] = []
        until = self.now + seconds
        while self.now < until:
            request = self.reader.next(self.now)
            self.now += 0.05
            if request is None or self.deaf:
                events += self.reader.expire(self.now).events
                continue
            said = self.card.transmit(request.data) if self.card else ABSENT
            events += self.reader.feed(said, self.now).events
        return events


def test_a_card_that_lies_there_is_one_swipe_until_it_is_gone() -> None:
    talk = Talk()
    assert talk.run(1) == []
    talk.card = SmartCard(UID)
    assert talk.run(3) == [Swiped(address=0, card="DEADBEEF")]
    talk.card = None
    assert talk.run(2) == [CardRemoved(address=0, card="DEADBEEF")]
    talk.card = SmartCard(UID)
    assert talk.run(1) == [Swiped(address=0, card="DEADBEEF")]
    talk.card = SmartCard(b"\x04\x11\x22\x33\x44\x55\x66")
    assert talk.run(1) == [
        CardRemoved(address=0, card="DEADBEEF"),
        Swiped(address=0, card="04112233445566"),
    ]


@pytest.mark.parametrize("halting", [False, True])
@pytest.mark.parametrize("uid", [UID, b""])
def test_a_card_of_the_station_is_known_by_what_was_written_there(
    uid: bytes, halting: bool
) -> None:
    talk = Talk(AID)
    talk.card = SmartCard(uid, bytes.fromhex(AID), b"YZ01-000042\x00\x00", halting)
    assert talk.run(3) == [Swiped(address=0, card="YZ01-000042")]


def test_a_card_of_somebody_else_is_known_by_its_own_number() -> None:
    talk = Talk(AID)
    talk.card = SmartCard(UID)
    assert talk.run(3) == [Swiped(address=0, card="DEADBEEF")]
    for number in (b"", b"\xff" * 8, b"no number", b"x" * 60):
        talk.card = SmartCard(b"\x01\x02\x03" + bytes((len(number),)), bytes.fromhex(AID), number)
        swiped = [one for one in talk.run(1) if isinstance(one, Swiped)]
        assert swiped == [Swiped(address=0, card=talk.card.uid.hex().upper())]


def test_a_card_that_says_nothing_is_told_once_and_silence_is_none_for_ever() -> None:
    talk = Talk()
    talk.card = SmartCard()
    assert talk.run(3) == [Damaged(address=0, why="a card that says nothing of itself")]
    talk.deaf = True
    assert set(talk.run(5)) == {Silence(address=0)}
    talk.deaf, talk.card = False, SmartCard(UID)
    assert Swiped(address=0, card="DEADBEEF") in talk.run(3)


@given(st.lists(st.binary(max_size=40), max_size=12))
def test_no_answer_raises(answers: list[bytes]) -> None:
    reader, now = CardTerminal(AID), 0.0
    for said in answers:
        reader.next(now)
        reader.feed(said, now)
        now += 0.5
