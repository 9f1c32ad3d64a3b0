"""Cards behind PC/SC: command and response APDUs (ISO 7816-4), and a reader that asks for a card.

A command is CLA INS P1 P2 [Lc data] [Le]; a response is data and two status bytes: 9000 done, 61xx so
many bytes are still to be fetched, 6Cxx ask again for so many, 6A82 not found. FF CA 00 00 00 is the
PC/SC reader's own command for the number of a contactless card. The files and keys of the oil
companies' cards are not public: beside the number only the station's own application is read.
"""

from __future__ import annotations

from dataclasses import dataclass

from devices.protocols import base
from devices.protocols.base import (
    CardRemoved,
    Damaged,
    Event,
    Heard,
    Malformed,
    Outcome,
    Request,
    Seconds,
    Silence,
)

AID = "aid"  # option of the line: the application on the station's own cards, in hex
ABSENT = b"\x00\x00"  # what the port says where no card lies: no status word of a card is this
DONE, NOT_FOUND = 0x9000, 0x6A82
MOST_ROUNDS = 8  # of a card that says 61xx or 6Cxx for ever
_NUMBER = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-")
GET_UID = bytes.fromhex("FFCA000000")
READ_NUMBER = bytes.fromhex("00B0810000")  # READ BINARY of the file with short id 1, from its start


def command(
    cla: int, ins: int, p1: int, p2: int, data: bytes = b"", le: int | None = None
) -> bytes:
    """A short command APDU; `le` 256 stands as 00. Raises Malformed."""
    if len(data) > 255 or (le is not None and not 1 <= le <= 256):
        raise Malformed("too long for a short command")
    body = bytes((len(data),)) + data if data else b""
    return bytes((cla, ins, p1, p2)) + body + (b"" if le is None else bytes((le & 0xFF,)))


def select(aid: bytes) -> bytes:
    """Choose an application by its name of 5 to 16 bytes. Raises Malformed."""
    if not 5 <= len(aid) <= 16:
        raise Malformed("an application has a name of 5 to 16 bytes")
    return command(0x00, 0xA4, 0x04, 0x00, aid, 256)


def is_aid(text: str) -> bool:
    """Whether a text names an application in hex."""
    try:
        return 5 <= len(bytes.fromhex(text)) <= 16
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Answer:
    """What a card said in the end."""

    data: bytes
    status: int

    @property
    def done(self) -> bool:
        return self.status == DONE


class Exchange:
    """One command to its last response: fetches what 61xx promises, asks again where 6Cxx says so."""

    def __init__(self, asked: bytes) -> None:
        self.asked = asked
        self.answer: Answer | None = None
        self._last = asked
        self._data = b""
        self._rounds = 0

    def feed(self, raw: bytes) -> bytes | None:
        """The next command of the exchange; None when `answer` stands. Raises Malformed."""
        if len(raw) < 2:
            raise Malformed("no status")
        self._data += raw[:-2]
        first, second = raw[-2], raw[-1]
        self._rounds += 1
        if self._rounds < MOST_ROUNDS and first in (0x61, 0x6C):
            channel = self.asked[0] & 0x03 if self.asked[0] < 0x40 else 0
            fetch = bytes((channel, 0xC0, 0x00, 0x00, second))
            self._last = fetch if first == 0x61 else self._last[:-1] + bytes((second,))
            return self._last
        self.answer = Answer(self._data, first << 8 | second)
        return None


class CardTerminal:
    """Looks for a card again and again; one that lies there is one event until it is gone.

    With an application chosen the number is what the station wrote there; a card without it is known
    by its own number, as one that was not issued here.
    """

    settings = base.SerialSettings(baud=9600)  # a PC/SC reader has none; every port has some
    quiet: Seconds = 0.1
    look_every: Seconds = 0.3
    answered_within: Seconds = 2.0
    gone_after: Seconds = 0.6

    def __init__(self, aid: str = "") -> None:
        self._plan = (
            [GET_UID, select(bytes.fromhex(aid)), READ_NUMBER] if is_aid(aid) else [GET_UID]
        )
        self._step = 0
        self._exchange: Exchange | None = None
        self._next: bytes | None = None  # of the exchange that is under way
        self._sent_at: Seconds | None = None
        self._due: Seconds = 0.0
        self._uid = ""
        self._lying = ""  # the card by its own number, and the number that it was told as
        self._told = ""
        self._blank = False  # one lies there that says nothing of itself
        self._seen_at: Seconds = 0.0

    def next(self, now: Seconds) -> Request | None:
        """What is to be said now; None while an answer is awaited or nothing is due."""
        if self._sent_at is not None or now < self._due:
            return None
        if self._next is None:
            self._exchange = Exchange(self._plan[self._step])
            self._next = self._exchange.asked
        self._sent_at = now
        return Request(0, self._next, 0.0, window=self.answered_within)

    def feed(self, data: bytes, now: Seconds) -> Outcome:
        """One response of the port."""
        self._sent_at = None
        heard = (Heard(data, good=True),)
        if data == ABSENT:
            self._again(now)
            return Outcome(self._gone(now), heard)
        if self._exchange is None:
            return Outcome((Damaged(address=0, why="not asked for"),), heard)
        try:
            self._next = self._exchange.feed(data)
        except Malformed as wrong:
            self._again(now)
            return Outcome((Damaged(address=0, why=str(wrong)),), (Heard(data, good=False),))
        if self._exchange.answer is None:
            return Outcome(heard=heard)
        return Outcome(self._answered(self._exchange.answer, now), heard)

    def expire(self, now: Seconds) -> Outcome:
        if self._sent_at is None or now - self._sent_at < self.answered_within:
            return Outcome()
        self._sent_at = None
        self._again(now)
        return Outcome((Silence(address=0),))

    def _answered(self, answer: Answer, now: Seconds) -> tuple[Event, ...]:
        if self._step == 0:
            return self._numbered(answer, now)
        if not answer.done:  # none of the station's own
            return self._tell(self._uid, now)
        if self._step == 1:
            self._step = 2
            return ()
        number = answer.data.strip(b"\x00\xff ")
        own = 4 <= len(number) <= 40 and _NUMBER.issuperset(number)
        return self._tell(number.decode() if own else self._uid, now)

    def _numbered(self, answer: Answer, now: Seconds) -> tuple[Event, ...]:
        """The card's own number; a card with contacts has none that the reader could tell."""
        self._uid = answer.data.hex().upper() if answer.done and answer.data else ""
        if self._uid and self._uid == self._lying:
            self._seen_at = now
            self._again(now)
            return ()
        if len(self._plan) > 1:
            self._step = 1
            return ()
        return self._tell(self._uid, now)

    def _tell(self, number: str, now: Seconds) -> tuple[Event, ...]:
        """A card was read; it is an event where another one, or none, lay there."""
        self._again(now)
        self._seen_at = now
        lying = self._uid or number
        if number and number == self._told:
            return ()
        if not number and self._blank:
            return ()
        left = self._taken_away()
        self._lying, self._told, self._blank = lying, number, not number
        if not number:
            return (*left, Damaged(address=0, why="a card that says nothing of itself"))
        return (*left, base.Swiped(address=0, card=number))

    def _gone(self, now: Seconds) -> tuple[Event, ...]:
        return self._taken_away() if now - self._seen_at >= self.gone_after else ()

    def _taken_away(self) -> tuple[Event, ...]:
        told, self._lying, self._told, self._blank = self._told, "", "", False
        return (CardRemoved(address=0, card=told),) if told else ()

    def _again(self, now: Seconds) -> None:
        self._step, self._exchange, self._next = 0, None, None
        self._due = now + self.look_every
