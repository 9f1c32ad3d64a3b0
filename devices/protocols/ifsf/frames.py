"""IFSF messages as bytes: header, database address, data items; and numbers that carry their point.

There is no checksum. What holds a message together is its header (who, to whom, which kind), its
length, and that its items fill it to the last byte.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from typing import Final

from devices.protocols.base import Malformed, bcd, from_bcd
from devices.protocols.cutting import Deframer, Shape

HEADER = 8  # receiver, sender, message code, status, length
CONTROLLER: Final = (2, 1)  # subnet and node that we speak as
DISPENSERS = 1  # their subnet
NODES = range(1, 128)
APPLICATION = 0  # the message code of everything here
LONGEST = 511  # of what follows the header; more is none
LONG = 0xFF  # a length of two bytes follows
PLACES = range(1, 9)  # bytes of a database address
TOKENS = 31  # one to this; nought is nobody's
SEVENTH, REST = 0x80, 0x7F


class Kind(IntEnum):
    """What a message is, bits 7 to 5 of its status."""

    READ = 0
    ANSWER = 1
    WRITE = 2
    TOLD = 3  # by itself, and wants to be acknowledged
    SAID = 4  # by itself
    ACK = 7


OURS = (Kind.READ, Kind.WRITE, Kind.ACK)
THEIRS = (Kind.ANSWER, Kind.TOLD, Kind.SAID, Kind.ACK)


@dataclass(frozen=True, slots=True)
class Item:
    """One datum. In a question only its name counts; of an acknowledgement the value is the code."""

    id: int
    value: bytes = b""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message."""

    kind: Kind
    token: int
    to: tuple[int, int]  # subnet and node
    sender: tuple[int, int]
    place: bytes  # the database address
    items: tuple[Item, ...] = ()
    ack: int = 0  # of an acknowledgement as a whole; nought is yes

    @property
    def taken(self) -> bool:
        """An acknowledgement without a single no."""
        return not self.ack and not any(one.value != b"\0" for one in self.items)


def encode(frame: Frame) -> bytes:
    """The bytes of a message."""
    body = bytes((len(frame.place),)) + frame.place
    if frame.kind is Kind.ACK:
        body += bytes((frame.ack,))
    for item in frame.items:
        body += bytes((item.id,))
        if frame.kind is Kind.ACK:
            body += item.value
        elif frame.kind is not Kind.READ:
            body += _size(item.value) + item.value
    status = frame.kind << 5 | frame.token
    return bytes((*frame.to, *frame.sender, APPLICATION, status)) + _long(len(body)) + body


def _size(value: bytes) -> bytes:
    return bytes((len(value),)) if len(value) < LONG else bytes((LONG,)) + _long(len(value))


def _long(value: int) -> bytes:
    return value.to_bytes(2, "big")


def decode(raw: bytes) -> Frame:
    """A message from its bytes, whoever it is for. Raises Malformed."""
    if len(raw) < HEADER + 2 or raw[4] != APPLICATION:
        raise Malformed("no message")
    if len(raw) != _whole(raw):
        raise Malformed("not as long as it says")
    if raw[5] >> 5 not in list(Kind):
        raise Malformed("no such kind of message")
    kind, size = Kind(raw[5] >> 5), raw[HEADER]
    body = raw[HEADER + 1 + size :]
    if size not in PLACES or len(raw) < HEADER + 1 + size:
        raise Malformed("no database address")
    ack = 0
    if kind is Kind.ACK:
        if not body:
            raise Malformed("nothing acknowledged")
        ack, body = body[0], body[1:]
    return Frame(
        kind,
        raw[5] & TOKENS,
        (raw[0], raw[1]),
        (raw[2], raw[3]),
        raw[HEADER + 1 : HEADER + 1 + size],
        tuple(_items(kind, body)),
        ack,
    )


def _whole(raw: bytes) -> int:
    return HEADER + int.from_bytes(raw[6:8], "big")


def _items(kind: Kind, body: bytes) -> Iterable[Item]:
    """What fills a message to its last byte. Raises Malformed."""
    at = 0
    while at < len(body):
        name, at = body[at], at + 1
        if kind is Kind.READ:
            yield Item(name)
            continue
        size = 1
        if kind is not Kind.ACK:
            size, at = (body[at] if at < len(body) else LONG), at + 1
            if size == LONG:
                size, at = int.from_bytes(body[at : at + 2], "big"), at + 2
        if at + size > len(body):
            raise Malformed("an item is cut off")
        yield Item(name, body[at : at + size])
        at += size


def deframer(*, from_master: bool) -> Deframer[Frame]:
    """Cuts one direction of the stream; after garbage it looks for the next header."""
    kinds = OURS if from_master else THEIRS

    def fits(at: int, byte: int) -> bool:
        match at:
            case 0:
                return byte == (DISPENSERS if from_master else CONTROLLER[0])
            case 1:
                return byte in NODES if from_master else byte == CONTROLLER[1]
            case 2:
                return byte == (CONTROLLER[0] if from_master else DISPENSERS)
            case 3:
                return byte == CONTROLLER[1] if from_master else byte in NODES
            case 4:
                return byte == APPLICATION
            case 5:
                return byte >> 5 in kinds
        return byte <= LONGEST >> 8

    def begins(left: bytes) -> bool:
        return all(fits(at, byte) for at, byte in enumerate(left[: HEADER - 1]))

    def size(left: bytes) -> int:
        return _whole(left) if len(left) >= HEADER else 0

    return Deframer(Shape(begins, size, decode))


def number(value: int, places: int, size: int) -> bytes:
    """So many bytes: where the point is, and packed digits. Raises Malformed where it has more."""
    return bytes((2 * (size - 1) - places,)) + bcd(value, size - 1)


def read_number(raw: bytes) -> Decimal:
    """A number with the decimals that it says it has. Raises Malformed."""
    digits = 2 * (len(raw) - 1)
    if not raw or raw[0] & SEVENTH or raw[0] & REST > digits:
        raise Malformed(f"{raw.hex()} is no number")
    return Decimal(from_bcd(raw[1:]) if raw[1:] else 0).scaleb((raw[0] & REST) - digits)
