"""What is asked of an IFSF dispenser, and what its answers mean.

An address is a fuelling point: node by node, four to each. From a public codec are the header, the
kinds of messages, tokens, states, numbers that carry their point, and the map of databases. From a
public implementation of the dispenser's end (a controller that passes for IFSF dispensers) are the
items, their sizes and the states in which each is taken, that a question names items without
lengths, that an acknowledgement has a code for all and one for each item, that prices belong to
products, and what 29 counts. Proved on no dispenser: see UNPROVEN.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from devices.protocols.base import Condition, Malformed, bcd, from_bcd
from devices.protocols.ifsf.frames import (
    CONTROLLER,
    DISPENSERS,
    NODES,
    Frame,
    Item,
    Kind,
    read_number,
)
from devices.protocols.states import State

UNPROVEN: Final = """
- We speak as subnet 2, node 1; a dispenser answers whoever asks, at the port that it listens on.
- 29 is the number of the next fill, so that the last one has the number before: last_of.
- The nozzle of a transaction is a bit, as in 15: bit 0 is nozzle 1.
- Prices are those of fuelling mode 1: MODE. All fuelling points of a node share them.
- 1B and 1C that are nought are no limit; both are written before each release.
- At its preset a point says that it fuels until the nozzle is hung; after 3F its fill is stored.
- A fill without a drop is not stored.
- A transaction that is not there is refused, answered without a value, or met with silence.
- A closed point (2) gets its prices and 3C; one that does not work (1) is left alone.
- 40 and 41 pause and go on; the implementation that was read refuses both.
- A price that was acknowledged is in force; the implementation lets some heads wait for rest.
"""

FP, POINTS_A_NODE = 0x21, 4
ADDRESSES = range(1, POINTS_A_NODE * len(NODES) + 1)
CALCULATOR, PRODUCTS, MODES = b"\x01", 0x41, 0x61
NOZZLES, TRANSACTIONS = 0x11, 0x21  # behind a fuelling point
MODE = 0x11
MOST_NOZZLES = 8

# of a fuelling point
STATE, LIFTED, MASK, AMOUNT_LIMIT, VOLUME_LIMIT, NEXT = 0x14, 0x15, 0x19, 0x1B, 0x1C, 0x29
LIVE_AMOUNT, LIVE_VOLUME, ASSIGNED = 0x22, 0x23, 0x16
OPEN, CLOSE, RELEASE, TERMINATE, SUSPEND, RESUME = 0x3C, 0x3D, 0x3E, 0x3F, 0x40, 0x41
STATUS_MESSAGE, RUNNING_MESSAGE = 0x64, 0x66
# of a transaction
AMOUNT, VOLUME, PRICE, NOZZLE, STORED, CLEAR = 0x05, 0x06, 0x07, 0x08, 0x15, 0x1E
CLEARED, PAYABLE, LOCKED = 1, 2, 3
# of a nozzle, a product, its price, the calculator
PRODUCT, VOLUME_TOTAL, AMOUNT_TOTAL = 0x01, 0x14, 0x15
PRODUCT_NUMBER, UNIT_PRICE = 0x02, 0x02
MAKER, MODEL, SERIAL_NUMBER = 0x32, 0x33, 0x35

FIGURE, PRICE_SIZE, TOTAL = 5, 4, 7  # bytes of a number
MOST = 99_999_999  # of litres or yuan
PRODUCT_DIGITS = 4  # bytes
REFUSED = 5  # of an acknowledgement: some of it was not taken

INOPERATIVE, CLOSED, IDLE, CALLING, AUTHORISED, STARTED = 1, 2, 3, 4, 5, 6
SUSPENDED_STARTED, FUELLING, SUSPENDED_FUELLING = 7, 8, 9
_CONDITIONS = {
    INOPERATIVE: Condition.ERROR,
    CLOSED: Condition.UNPROGRAMMED,
    IDLE: Condition.IDLE,
    CALLING: Condition.CALLING,
    AUTHORISED: Condition.AUTHORISED,
    STARTED: Condition.AUTHORISED,
    SUSPENDED_STARTED: Condition.SUSPENDED,
    FUELLING: Condition.FUELLING,
    SUSPENDED_FUELLING: Condition.SUSPENDED,
}
RESTS = (CLOSED, IDLE, CALLING)


@dataclass(frozen=True, slots=True)
class Question:
    """A read or a write. Its place is behind the fuelling point, or the node's own."""

    kind: Kind
    items: tuple[Item, ...]
    place: bytes = b""
    shared: bool = False
    expects: Decimal | None = None  # a price that must be so, or nothing more is said
    looks: bool = False  # at what is needed to understand the rest


def ask(*items: int, place: bytes = b"", shared: bool = False, **more: Any) -> Question:
    """For so many items of one place."""
    return Question(Kind.READ, tuple(Item(one) for one in items), place, shared, **more)


def tell(*items: Item, place: bytes = b"", shared: bool = False) -> Question:
    """Values, or commands, which have none."""
    return Question(Kind.WRITE, items, place, shared)


ASK_STATE = ask(STATE, LIFTED, MASK, NEXT)
ASK_NEXT = ask(NEXT)  # all that is asked where there is no last fill
ASK_LIVE = ask(LIVE_AMOUNT, LIVE_VOLUME)
ASK_IDENTITY = ask(MAKER, MODEL, SERIAL_NUMBER, place=CALCULATOR, shared=True)


def node_and_point(address: int) -> tuple[int, int]:
    """Node, and fuelling point from 1."""
    before, point = divmod(address - ADDRESSES[0], POINTS_A_NODE)
    return before + NODES[0], point + 1


def address_of(node: int, point: int) -> int:
    """The address of a fuelling point."""
    return POINTS_A_NODE * (node - NODES[0]) + point


def frame_of(address: int, token: int, question: Question) -> Frame:
    """A question to a fuelling point, or to the node that it is part of."""
    node, point = node_and_point(address)
    place = question.place if question.shared else bytes((FP + point - 1,)) + question.place
    return Frame(question.kind, token, (DISPENSERS, node), CONTROLLER, place, question.items)


def nozzle_place(nozzle: int) -> bytes:
    """The database of a nozzle, behind its fuelling point."""
    return bytes((NOZZLES + nozzle - 1,))


def fill_place(number: int) -> bytes:
    """The database of a transaction, behind its fuelling point."""
    return bytes((TRANSACTIONS,)) + bcd(number, 2)


def price_place(product: int) -> bytes:
    """The database of a product's price."""
    return bytes((MODES,)) + bcd(product, PRODUCT_DIGITS) + bytes((MODE,))


def last_of(following: int) -> int:
    """The number of the last fill."""
    return following - 1 if following > 1 else 9999


def bit_of(nozzle: int) -> int:
    """A nozzle in a mask."""
    return 1 << nozzle - 1


def nozzle_of(mask: int) -> int:
    """The lowest nozzle in a mask, nought where there is none."""
    return (mask & -mask).bit_length()


# --------------------------------------------------------------------------- what is said


@dataclass(frozen=True, slots=True)
class Said(State):
    """A state, and the fill that belongs to it."""

    last: int = 0  # number of the last fill
    looked: int = field(default=0, compare=False)  # the fill that `unclosed` is about


@dataclass(frozen=True, slots=True)
class Live:
    """What the display shows."""

    amount: Decimal
    volume: Decimal


@dataclass(frozen=True, slots=True)
class Fill:
    """A transaction."""

    amount: Decimal = Decimal(0)
    volume: Decimal = Decimal(0)
    price: Decimal = Decimal(0)
    nozzle: int = 0


@dataclass(frozen=True, slots=True)
class Totals:
    """Of a nozzle."""

    volume: Decimal
    amount: Decimal


def values(frame: Frame) -> list[bytes]:
    """The items' values, in order."""
    return [one.value for one in frame.items]


def byte(value: bytes) -> int:
    """A value of one byte. Raises Malformed."""
    if len(value) != 1:
        raise Malformed(f"{value.hex()} is not one byte")
    return value[0]


def sized(value: bytes, size: int) -> bytes:
    """A value of so many bytes. Raises Malformed."""
    if len(value) != size:
        raise Malformed(f"{value.hex()} is not {size} bytes")
    return value


def figures(raw: Iterable[bytes], *sizes: int) -> list[Decimal]:
    """Numbers of so many bytes each. Raises Malformed."""
    return [read_number(sized(one, size)) for one, size in zip(raw, sizes, strict=True)]


def state_of(frame: Frame) -> Said:
    """A state in common words. Raises Malformed."""
    code, lifted, mask = (byte(one) for one in values(frame)[:3])
    following = from_bcd(sized(values(frame)[3], 2))
    if code not in _CONDITIONS:
        raise Malformed(f"no status {code}")
    condition, out = _CONDITIONS[code], lifted > 0
    if code == IDLE and out:
        condition = Condition.CALLING  # lifted, and not said so in the state yet
    nozzle = nozzle_of(lifted)
    if code == AUTHORISED and not out and mask == mask & -mask:
        nozzle = nozzle_of(mask)
    alarm = "INOPERATIVE" if code == INOPERATIVE else ""
    return Said(
        condition, nozzle, out or code == CALLING, code, alarm=alarm, last=last_of(following)
    )


def fill_of(frame: Frame) -> Fill:
    """A transaction. Raises Malformed."""
    *numbers, nozzle = values(frame)
    amount, volume, price = figures(numbers, FIGURE, FIGURE, PRICE_SIZE)
    return Fill(amount, volume, price, nozzle_of(byte(nozzle)))


def stored_of(value: bytes) -> int:
    """Whether a transaction is cleared; nought where there is none. Raises Malformed."""
    if value and byte(value) not in (CLEARED, PAYABLE, LOCKED):
        raise Malformed(f"{value.hex()} is no state")
    return value[0] if value else 0


def text_of(frame: Frame) -> str:
    """Maker, model, serial number. Raises Malformed."""
    parts = [one.strip(b"\0 ") for one in values(frame)]
    if not all(part.isascii() for part in parts):
        raise Malformed("data that is no text")
    return " ".join(part.decode("ascii") for part in parts if part)
