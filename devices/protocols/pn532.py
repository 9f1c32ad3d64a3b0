"""PN532 reader for 13.56 MHz cards over HSU (a serial port). It answers; it never speaks first.

Frame: preamble 00, start 00 FF, LEN, LCS (LEN + LCS = 0 mod 256), TFI (D4 to the chip, D5 from it),
data, DCS (TFI + data + DCS = 0 mod 256), postamble 00. Longer than 255: FF FF, two bytes of length,
LCS over both. The chip acknowledges a command (00 00 FF 00 FF 00) and answers it with the command's
code + 1. After power-up it sleeps: it is woken by 55 55 00…, and SAMConfiguration comes first.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

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
    Span,
)

TO_CHIP, FROM_CHIP = 0xD4, 0xD5
ACK = bytes.fromhex("0000FF00FF00")
NACK = bytes.fromhex("0000FFFF0000")
ERROR = bytes.fromhex("0000FF01FF7F8100")
WAKE_UP = b"\x55\x55" + b"\x00" * 14
VERSION, SAM, RF, EXCHANGE, LIST, RELEASE = 0x02, 0x14, 0x32, 0x40, 0x4A, 0x52
AUTH_A, AUTH_B, READ, WRITE = 0x60, 0x61, 0x30, 0xA0
LONGEST = 0x0200
_START = b"\x00\xff"
_KEY_AT = 5  # target, command and block stand before a key, after TFI and code


class Kind(StrEnum):
    DATA = "DATA"
    ACK = "ACK"
    NACK = "NACK"
    ERROR = "ERROR"
    JUNK = "JUNK"


@dataclass(frozen=True, slots=True)
class Frame:
    """What stood on the wire; `data` is TFI, code and parameters of a frame with data."""

    kind: Kind
    raw: bytes
    data: bytes = b""

    @property
    def code(self) -> int:
        return self.data[1]

    @property
    def secret(self) -> tuple[Span, ...]:
        """The key of a MIFARE authentication, as bytes of `raw`."""
        if not carries_key(self.data):
            return ()
        start = self.raw.index(self.data) + _KEY_AT
        return (Span(start, start + 6),)


def encode(data: bytes) -> bytes:
    """A frame around TFI, code and parameters, extended where it must be. Raises Malformed."""
    if not data or len(data) > LONGEST:
        raise Malformed("no such length")
    size = len(data)
    if size <= 0xFF:
        head = bytes((size, -size & 0xFF))
    else:
        both = size.to_bytes(2, "big")
        head = b"\xff\xff" + both + bytes((-sum(both) & 0xFF,))
    return b"\x00" + _START + head + data + bytes((-sum(data) & 0xFF, 0))


def carries_key(data: bytes) -> bool:
    """Whether a command is a MIFARE authentication, whose key nobody may write down."""
    return (
        len(data) > _KEY_AT and data[:2] == bytes((TO_CHIP, EXCHANGE)) and data[3] in (0x60, 0x61)
    )


class Cutter:
    """Cuts a stream of either direction into frames; what is none comes out as junk."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        self._buffer += data
        found: list[Frame] = []
        while (frame := self._cut()) is not None:
            found.append(frame)
        return found

    def flush(self) -> list[Frame]:
        """What is left is no frame: nothing more came."""
        left = bytes(self._buffer)
        self._buffer.clear()
        return [Frame(Kind.JUNK, left)] if left.strip(b"\x00") else []

    def _take(self, size: int, kind: Kind, data: bytes = b"") -> Frame:
        raw = bytes(self._buffer[:size])
        del self._buffer[:size]
        return Frame(kind, raw, data)

    def _cut(self) -> Frame | None:
        start = self._buffer.find(_START)
        if start < 0:
            keep = 1 if self._buffer.endswith(b"\x00") else 0
            size = len(self._buffer) - keep
            junk = self._take(size, Kind.JUNK) if size else None
            # Noughts are preamble, postamble or the end of a wake-up: nothing was said.
            return junk if junk is not None and junk.raw.strip(b"\x00") else None
        ahead = bytes(self._buffer[:start])
        if ahead.strip(b"\x00"):
            return self._take(start, Kind.JUNK)
        return self._framed(start + len(_START))

    def _framed(self, at: int) -> Frame | None:
        """The frame whose length stands at `at`; None until it is whole."""
        head = self._buffer[at : at + 5]
        if len(head) < 2:
            return None
        size, check, body = head[0], head[1], at + 2
        if (size, check) == (0, 0xFF):
            return self._take(body, Kind.ACK)
        if (size, check) == (0xFF, 0):
            return self._take(body, Kind.NACK)
        if (size, check) == (0xFF, 0xFF):
            if len(head) < 5:
                return None
            size, body = head[2] << 8 | head[3], at + 5
            sound = not (head[2] + head[3] + head[4]) & 0xFF
        else:
            sound = not (size + check) & 0xFF
        if not sound or not 0 < size <= LONGEST:
            return self._take(at, Kind.JUNK)
        if len(self._buffer) < body + size + 1:
            return None
        return self._summed(at, body, size)

    def _summed(self, at: int, body: int, size: int) -> Frame:
        """A frame that is whole, if its bytes add up."""
        data = bytes(self._buffer[body : body + size])
        if (sum(data) + self._buffer[body + size]) & 0xFF:
            return self._take(at, Kind.JUNK)
        if data == b"\x7f":
            return self._take(body + size + 1, Kind.ERROR)
        if data[0] not in (TO_CHIP, FROM_CHIP) or len(data) < 2:
            return self._take(body + size + 1, Kind.JUNK)
        return self._take(body + size + 1, Kind.DATA, data)


# --------------------------------------------------------------------------- words


def ask(code: int, *parameters: int) -> bytes:
    """A command to the chip, framed."""
    return encode(bytes((TO_CHIP, code, *parameters)))


def answer(code: int, data: bytes = b"") -> bytes:
    """The chip's answer to a command, framed; the simulated chip uses it."""
    return encode(bytes((FROM_CHIP, code + 1)) + data)


def authenticate(target: int, block: int, key: bytes, uid: bytes, *, with_b: bool = False) -> bytes:
    """MIFARE Classic: open the sector of a block. Raises Malformed."""
    if len(key) != 6 or len(uid) < 4:
        raise Malformed("a key has six bytes, a card four at least")
    return ask(EXCHANGE, target, AUTH_B if with_b else AUTH_A, block, *key, *uid[:4])


def read_block(target: int, block: int) -> bytes:
    """Read 16 bytes: a MIFARE block, or four pages of an NTAG."""
    return ask(EXCHANGE, target, READ, block)


def exchanged(data: bytes) -> bytes:
    """What a card answered to InDataExchange. Raises Malformed where the chip tells an error."""
    if len(data) < 3 or data[:2] != bytes((FROM_CHIP, EXCHANGE + 1)):
        raise Malformed("not the answer of a card")
    if data[2] & 0x3F:
        raise Malformed(f"error {data[2] & 0x3F:02X}")
    return data[3:]


@dataclass(frozen=True, slots=True)
class Target:
    """A card in the field (ISO 14443 A)."""

    number: int
    atqa: int
    sak: int
    uid: bytes


def targets(data: bytes) -> tuple[Target, ...]:
    """The cards in an answer to InListPassiveTarget at 106 kbit/s. Raises Malformed."""
    try:
        count, at = data[2], 3
        found = []
        for _ in range(count):
            number, atqa, sak, size = (
                data[at],
                data[at + 1] << 8 | data[at + 2],
                data[at + 3],
                data[at + 4],
            )
            uid = data[at + 5 : at + 5 + size]
            if size not in (4, 7, 10) or len(uid) != size:
                raise Malformed("no card number")
            found.append(Target(number, atqa, sak, uid))
            at += 5 + size
            if sak & 0x20 and at < len(data):  # an ISO-DEP card adds its ATS, length first
                at += max(1, data[at])
        return tuple(found)
    except IndexError as error:
        raise Malformed("cut off") from error


# --------------------------------------------------------------------------- the reader

_BEGIN = (
    (SAM, WAKE_UP + ask(SAM, 0x01, 0x14, 0x01)),  # normal mode; the timeout is not used in it
    (VERSION, ask(VERSION)),
    (
        RF,
        ask(RF, 0x05, 0xFF, 0x01, 0x02),
    ),  # look for a card three times, then say that none is there
)
_LOOK = (LIST, ask(LIST, 0x01, 0x00))
_LET_GO = (RELEASE, ask(RELEASE, 0x00))


class Pn532:
    """Asks for a card again and again. A card that lies there is one event until it is gone.

    A chip that does not acknowledge, that falls silent or that calls a command an error has lost
    its mind or its power: it is woken and set up anew.
    """

    settings = base.SerialSettings(baud=115200)
    quiet: Seconds = 0.05
    acked_within: Seconds = 0.1  # the chip needs 15 ms; adapters hold bytes back
    answered_within: Seconds = 1.0
    look_every: Seconds = 0.2
    gone_after: Seconds = 0.6  # nobody in the field for so long
    forgotten_after: Seconds = 5.0  # a card before a silence as long is another swipe after it
    tries = 3

    def __init__(self) -> None:
        self._cutter = Cutter()
        self._begin = 0  # how many of _BEGIN are done
        self._release = False
        self._asked: int | None = None  # the code that waits for its answer
        self._acked = False
        self._sent_at: Seconds = 0.0
        self._due: Seconds = 0.0
        self._failed = 0
        self._present = ""
        self._seen_at: Seconds = 0.0

    def next(self, now: Seconds) -> Request | None:
        """What is to be said now; None while an answer is awaited or nothing is due."""
        if self._asked is not None or now < self._due:
            return None
        code, data = self._step
        self._asked, self._acked, self._sent_at = code, False, now
        return Request(0, data, 0.0, window=self.answered_within)

    @property
    def _step(self) -> tuple[int, bytes]:
        if self._begin < len(_BEGIN):
            return _BEGIN[self._begin]
        return _LET_GO if self._release else _LOOK

    def feed(self, data: bytes, now: Seconds) -> Outcome:
        return self._heard(self._cutter.feed(data), now)

    def expire(self, now: Seconds) -> Outcome:
        return self._heard(self._cutter.flush(), now)

    def _heard(self, frames: list[Frame], now: Seconds) -> Outcome:
        events: list[Event] = []
        heard = tuple(Heard(one.raw, one.kind != Kind.JUNK, one.secret) for one in frames)
        for frame in frames:
            events += self._one(frame, now)
        limit = self.answered_within if self._acked else self.acked_within
        if self._asked is not None and now - self._sent_at > limit:
            events.append(base.Silence(address=0))
            self._anew(now)
        return Outcome(tuple(events), heard)

    def _one(self, frame: Frame, now: Seconds) -> list[Event]:
        if frame.kind == Kind.ACK:
            self._acked = True
            return []
        if frame.kind in (Kind.JUNK, Kind.NACK):
            self._again(now)
            return [Damaged(address=0, why="checksum" if frame.kind == Kind.JUNK else "NACK")]
        if frame.kind == Kind.ERROR:
            self._anew(now)
            return [Damaged(address=0, why="the chip knows no such command")]
        if self._asked is None or frame.data[0] != FROM_CHIP or frame.code != self._asked + 1:
            return [Damaged(address=0, why="not asked for")]
        try:
            return self._answered(frame, now)
        except Malformed as wrong:
            self._again(now)
            return [Damaged(address=0, why=str(wrong))]

    def _answered(self, frame: Frame, now: Seconds) -> list[Event]:
        code = frame.code - 1
        events: list[Event] = []
        if code == LIST:
            events = self._found(targets(frame.data), now)
        elif code == RELEASE:
            self._release = False
        else:
            if code == VERSION:
                events = [base.Identity(address=0, text=_version(frame.data))]
            self._begin += 1
        self._asked, self._failed = None, 0
        self._due = now + (self.look_every if code == LIST else 0.0)
        return events

    def _found(self, cards: tuple[Target, ...], now: Seconds) -> list[Event]:
        card = cards[0].uid.hex().upper() if cards else ""
        away = now - self._seen_at
        events: list[Event] = []
        if self._present and (
            (card and card != self._present)
            or away >= self.forgotten_after
            or (not card and away >= self.gone_after)
        ):
            events.append(CardRemoved(address=0, card=self._present))
            self._present = ""
        if card:
            self._release, self._seen_at = True, now
            if card != self._present:
                events.append(base.Swiped(address=0, card=card))
                self._present = card
        return events

    def _again(self, now: Seconds) -> None:
        """The same question once more; a chip that keeps talking nonsense is set up anew."""
        if self._asked is None:
            return
        self._asked = None
        self._due = now
        self._failed += 1
        if self._failed >= self.tries:
            self._anew(now)

    def _anew(self, now: Seconds) -> None:
        self._asked, self._failed, self._begin, self._release = None, 0, 0, False
        self._due = now + self.look_every


def _version(data: bytes) -> str:
    if len(data) < 6:
        raise Malformed("no version")
    return f"PN5{data[2]:02X} {data[3]}.{data[4]}"
