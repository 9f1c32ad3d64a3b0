"""价格牌: the plain framed text by which a price sign is set and read back. Pure bytes.

A frame is `$PS,AA,VERB,ROW,VALUE*CCCC` and CR LF, all ASCII: AA the sign's number in two digits, ROW
the row of digits counted from the top, VALUE a price in yuan with two places or `-` for dark digits,
CCCC the CRC-16/ARC of everything between `$` and `*`, in upper-case hexadecimal.

    SET  the row is to show VALUE          → IS with what the row shows now, or NO
    GET  what does the row show (VALUE -)  → IS
    IS   the row shows VALUE
    NO   there is no such row, or VALUE cannot be shown; VALUE is the reason: ROW or VALUE

A sign answers within 300 ms, never speaks unasked, and does not answer a damaged frame.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from devices.protocols.base import Malformed, Seconds, SerialSettings
from devices.protocols.dart.frames import crc16

SERIAL = SerialSettings(baud=9600)
WINDOW: Seconds = 0.5
ROWS = range(1, 9)
DARK = "-"
LONGEST = 64
_FRAME = re.compile(rb"\$(PS,(\d\d),(SET|GET|IS|NO),(\d{1,2}),([^*,]{1,12}))\*([0-9A-F]{4})\r\n")
_PRICE = re.compile(r"\d{1,3}\.\d\d")


class Verb(StrEnum):
    """What a frame is about."""

    SET = "SET"
    GET = "GET"
    IS = "IS"
    NO = "NO"


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame. `price` is None for dark digits; `why` goes with NO."""

    verb: Verb
    sign: int
    row: int
    price: Decimal | None = None
    why: str = ""


def encode(frame: Frame) -> bytes:
    """The bytes of a frame. Raises Malformed for a price that is no price."""
    value = frame.why or (DARK if frame.price is None else f"{frame.price:.2f}")
    if frame.price is not None and not _PRICE.fullmatch(value):
        raise Malformed(f"{frame.price} is no price for a sign")
    body = f"PS,{frame.sign:02d},{frame.verb},{frame.row},{value}".encode("ascii")
    return b"$" + body + f"*{crc16(body):04X}\r\n".encode("ascii")


def decode(raw: bytes) -> Frame:
    """The frame of some bytes. Raises Malformed for anything that is not one whole frame."""
    found = _FRAME.fullmatch(raw)
    if found is None:
        raise Malformed("not a frame")
    body, sign, verb, row, value, check = found.groups()
    if crc16(body) != int(check, 16):
        raise Malformed("damaged")
    text = value.decode("ascii", errors="replace")
    if verb == b"NO":
        return Frame(Verb.NO, int(sign), int(row), why=text)
    if text != DARK and not _PRICE.fullmatch(text):
        raise Malformed(f"{text} is no price")
    price = None if text == DARK else Decimal(text)
    return Frame(Verb(verb.decode()), int(sign), int(row), price)


class Cutter:
    """Cuts a stream into frames; what is no frame is dropped."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> tuple[list[Frame], int]:
        """The whole frames, and how many pieces were none."""
        *pieces, rest = (self._held + data).split(b"\n")
        frames, bad = [], 0
        for piece in pieces:
            start = piece.rfind(b"$")  # noise before a frame is not of it
            try:
                frames.append(decode(piece[max(start, 0) :] + b"\n"))
            except Malformed:
                bad += 1
        self._held = rest if len(rest) <= LONGEST else b""
        return frames, bad
