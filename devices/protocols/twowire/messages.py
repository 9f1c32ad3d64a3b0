"""What Two-Wire says, both directions, as raw integers of the wire."""

from dataclasses import dataclass
from typing import TypeAlias

from devices.protocols.base import Malformed
from devices.protocols.twowire import frames as f

# commands of one byte
ASK_STATUS, AUTHORISE, DATA_NEXT, STOP = 0, 1, 2, 3
ASK_TRANSACTION, ASK_TOTALS, ASK_MONEY = 4, 5, 6
SAYS = frozenset(range(7))

# the status nibble
ERROR, OFF, CALL, AUTHORISED, BUSY = 0x0, 0x6, 0x7, 0x8, 0x9
PEOT, FEOT, STOPPED, LISTENING = 0xA, 0xB, 0xC, 0xD
STATES = frozenset({ERROR, OFF, CALL, AUTHORISED, BUSY, PEOT, FEOT, STOPPED, LISTENING})

MOST_VOLUME, MOST_PRICE = 99_999, 9_999
MOST_GRADES = 16
TRANSACTION_SIZE, GRADE_SIZE, MONEY_SIZE, EXTENDED_SIZE = 33, 30, 6, 19

_SPECIAL_010 = bytes((f.SPECIAL, 0xE0, 0xE1, 0xE0))
_EXTENDED = bytes.fromhex("BA B0 B3 B1 B0 B1 B0 B0 B0 B0 B0 B1 B0 B1 B1 C2 B1 8D 8A")
EXTENDED_FIRST = _EXTENDED[0]
_HANDLE, _NOZZLE = 12, 14  # words of the extended status


# ------------------------------------------------------------------ blocks to a pump


@dataclass(frozen=True, slots=True)
class SetPrice:
    """One grade at one level (1 or 2)."""

    level: int
    grade: int
    price: int


@dataclass(frozen=True, slots=True)
class PresetVolume:
    """So many hundredths of a litre of one grade at one level."""

    level: int
    grade: int
    value: int


@dataclass(frozen=True, slots=True)
class PresetMoney:
    """So much money of whatever is lifted, in five digits or in six; level 0 is not said."""

    value: int
    size: int = 6
    level: int = 0


@dataclass(frozen=True, slots=True)
class AskExtended:
    """Special function 010: the handle and the nozzle that is out."""


Block: TypeAlias = SetPrice | PresetVolume | PresetMoney | AskExtended


# ------------------------------------------------------------------ from a pump


@dataclass(frozen=True, slots=True)
class Transaction:
    """The fill that the pump holds. `id` is five words that makers use as they like."""

    id: str
    grade: int
    level: int
    price: int
    volume: int
    money: int


@dataclass(frozen=True, slots=True)
class Grade:
    """One grade's totals, and its prices at both levels."""

    grade: int
    volume: int
    money: int
    price_1: int
    price_2: int


@dataclass(frozen=True, slots=True)
class Totals:
    grades: tuple[Grade, ...]


@dataclass(frozen=True, slots=True)
class Money:
    """What the display shows while fuel flows."""

    value: int


@dataclass(frozen=True, slots=True)
class Extended:
    """Whether the handle is up, and which nozzle it is (1 to 4)."""

    up: bool
    nozzle: int


Report: TypeAlias = Transaction | Totals | Money | Extended


# ------------------------------------------------------------------ writing and reading


def block(said: Block) -> bytes:
    """A block to a pump. Raises Malformed where a number has too many digits."""
    match said:
        case SetPrice(level, grade, price):
            return f.down(_level(level) + _grade(grade) + bytes((f.PRICE,)) + f.digits(price, 4))
        case PresetVolume(level, grade, value):
            head = bytes((f.VOLUME_PRESET,)) + _level(level) + _grade(grade)
            return f.down(head + bytes((f.ID,)) + f.digits(value, 5))
        case PresetMoney(value, size, level):
            if size not in (5, 6):
                raise Malformed(f"no preset of {size} digits")
            head = bytes((f.MONEY_PRESET,)) + (_level(level) if level else b"")
            return f.down(head + bytes((f.ID,)) + f.digits(value, size))
    return f.down(_SPECIAL_010)


def read_block(raw: bytes) -> Block:
    """A block to a pump, from its bytes. Raises Malformed."""
    body = f.opened_down(raw)
    if body == _SPECIAL_010:
        return AskExtended()
    kind, rest = body[:1], body[1:]
    if kind == bytes((f.VOLUME_PRESET,)) and len(rest) == 9 and rest[3] == f.ID:
        return PresetVolume(_level_of(rest[0]), _grade_of(rest[1:3]), f.number(rest[4:]))
    if kind == bytes((f.MONEY_PRESET,)) and len(rest) >= 6:
        level = 0 if rest[0] == f.ID else _level_of(rest[0])
        sum_of = rest[1 if level == 0 else 2 :]
        if (level == 0 or rest[1] == f.ID) and len(sum_of) in (5, 6):
            return PresetMoney(f.number(sum_of), len(sum_of), level)
    if len(body) == 8 and body[3] == f.PRICE:
        return SetPrice(_level_of(body[0]), _grade_of(body[1:3]), f.number(body[4:]))
    raise Malformed("no such block")


def report(said: Report) -> bytes:
    """A pump's answer as bytes. Raises Malformed where a number has too many digits."""
    match said:
        case Transaction(id, grade, level, price, volume, money):
            return f.seal(
                bytes((0xF1, f.ID))
                + bytes(f.DATA | int(digit, 16) for digit in id)
                + _grade(grade)
                + _level(level)
                + bytes((f.PRICE,))
                + f.digits(price, 4)
                + bytes((f.VOLUME,))
                + f.digits(volume, 6)
                + bytes((f.MONEY,))
                + f.digits(money, 6)
            )
        case Totals(grades):
            return f.seal(b"".join(_totals_of(one) for one in grades))
        case Money(value):
            return f.digits(value, MONEY_SIZE)
    words = bytearray(_EXTENDED)
    words[_HANDLE], words[_NOZZLE] = 0xB0 | said.up, 0xB0 | said.nozzle
    return bytes(words)


def read_transaction(raw: bytes) -> Transaction:
    """A fill. Raises Malformed."""
    body = f.opened(raw)
    marks = {0: 0xF1, 1: f.ID, 10: f.PRICE, 15: f.VOLUME, 22: f.MONEY}
    if len(raw) != TRANSACTION_SIZE or any(body[at] != mark for at, mark in marks.items()):
        raise Malformed("no transaction")
    name = body[2:7]
    if any(word & 0xF0 != f.DATA for word in name):
        raise Malformed("no transaction")
    return Transaction(
        "".join(f"{word & 0x0F:X}" for word in name),
        _grade_of(body[7:9]),
        _level_of(body[9]),
        f.number(body[11:15]),
        f.number(body[16:22]),
        f.number(body[23:29]),
    )


def read_totals(raw: bytes) -> Totals:
    """The totals of every grade. Raises Malformed."""
    body = f.opened(raw)
    if not body or len(body) % GRADE_SIZE:
        raise Malformed("no totals")
    rows = [body[at : at + GRADE_SIZE] for at in range(0, len(body), GRADE_SIZE)]
    grades = tuple(_read_grade(row) for row in rows)
    if len({one.grade for one in grades}) != len(grades):
        raise Malformed("one grade twice")
    return Totals(grades)


def read_extended(raw: bytes) -> Extended:
    """Handle and nozzle. Raises Malformed."""
    if len(raw) != EXTENDED_SIZE or raw[:1] != _EXTENDED[:1] or raw[-2:] != _EXTENDED[-2:]:
        raise Malformed("no extended status")
    text = bytes(word & 0x7F for word in raw[1:-2]).decode("ascii")
    if any(word < 0x80 for word in raw) or any(one not in "0123456789ABCDEF" for one in text):
        raise Malformed("no extended status")
    handle, nozzle = raw[_HANDLE] & 0x0F, raw[_NOZZLE] & 0x0F
    if raw[_HANDLE] not in (0xB0, 0xB1) or not 0xB1 <= raw[_NOZZLE] <= 0xB4:
        raise Malformed("no such handle")
    return Extended(bool(handle), nozzle)


def _totals_of(one: Grade) -> bytes:
    return (
        _grade(one.grade)
        + bytes((f.VOLUME,))
        + f.digits(one.volume, 8)
        + bytes((f.MONEY,))
        + f.digits(one.money, 8)
        + bytes((f.LEVEL_1,))
        + f.digits(one.price_1, 4)
        + bytes((f.LEVEL_2,))
        + f.digits(one.price_2, 4)
    )


def _read_grade(row: bytes) -> Grade:
    marks = {2: f.VOLUME, 11: f.MONEY, 20: f.LEVEL_1, 25: f.LEVEL_2}
    if any(row[at] != mark for at, mark in marks.items()):
        raise Malformed("no totals")
    figures = (row[3:11], row[12:20], row[21:25], row[26:30])
    return Grade(_grade_of(row[:2]), *(f.number(words) for words in figures))


def _grade(grade: int) -> bytes:
    if not 0 <= grade < MOST_GRADES:
        raise Malformed(f"no grade {grade}")
    return bytes((f.GRADE, f.DATA | grade))


def _grade_of(words: bytes) -> int:
    if words[0] != f.GRADE or words[1] & 0xF0 != f.DATA:
        raise Malformed("no grade")
    return words[1] & 0x0F


def _level(level: int) -> bytes:
    return bytes(({1: f.LEVEL_1, 2: f.LEVEL_2}[level],))


def _level_of(word: int) -> int:
    if word not in (f.LEVEL_1, f.LEVEL_2):
        raise Malformed("no price level")
    return word - f.LEVEL_1 + 1
