"""客显: pole displays of one line of digits or two lines of letters. Pure bytes; they never answer.

CD5220 and VFD220 have two lines of twenty columns: `1B 51 41 text 0D` and `1B 51 42 text 0D`. Chinese
LED8 displays have eight digits, written as the upper line, and four lamps: `1B 73 n` lights 1 单价,
2 合计, 3 收款, 4 找零.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from devices.protocols.base import SerialSettings

CD5220 = SerialSettings(baud=9600)
LED8 = SerialSettings(baud=2400)
COLUMNS = 20
DIGITS = 8
INIT, CLEAR = b"\x1b@", b"\x0c"


class Shows(StrEnum):
    """What the customer is to see."""

    IDLE = "IDLE"
    ITEM = "ITEM"  # what one more thing costs, and all so far
    TOTAL = "TOTAL"
    TENDERED = "TENDERED"
    CHANGE = "CHANGE"


@dataclass(frozen=True, slots=True)
class Shown:
    """One state of a display. Yuan; `price` goes with ITEM, `tendered` with TENDERED and CHANGE."""

    what: Shows = Shows.IDLE
    total: Decimal = Decimal(0)
    price: Decimal = Decimal(0)
    tendered: Decimal = Decimal(0)
    change: Decimal = Decimal(0)
    idle: str = ""


class Pole(Protocol):
    """A display: what it is told when it is plugged in, and for each thing that it shows."""

    def start(self) -> bytes: ...

    def show(self, shown: Shown) -> bytes: ...


_WORDS = {
    "price": ("PRICE", "单价"),
    "total": ("TOTAL", "合计"),
    "tendered": ("PAID", "收款"),
    "change": ("CHANGE", "找零"),
}
_LINES = {
    Shows.ITEM: ("price", "total"),
    Shows.TOTAL: ("", "total"),
    Shows.TENDERED: ("total", "tendered"),
    Shows.CHANGE: ("tendered", "change"),
}


class TwoLines:
    """CD5220 or VFD220. `chinese` where it has the font: a character takes two columns."""

    def __init__(self, *, chinese: bool) -> None:
        self._chinese = chinese

    def start(self) -> bytes:
        return INIT + CLEAR + b"\x1b*\x04"  # brightness 4, the most

    def show(self, shown: Shown) -> bytes:
        if shown.what is Shows.IDLE:
            return self._line(b"A", self._centred(shown.idle)) + self._line(b"B", "")
        upper, lower = _LINES[shown.what]
        return self._line(b"A", self._figure(upper, shown)) + self._line(
            b"B", self._figure(lower, shown)
        )

    def _figure(self, name: str, shown: Shown) -> str:
        if not name:
            return ""
        word, amount = _WORDS[name][self._chinese], f"{getattr(shown, name):.2f}"
        return word + amount.rjust(COLUMNS - _wide(word))

    def _centred(self, text: str) -> str:
        return " " * ((COLUMNS - _wide(text)) // 2) + text

    def _line(self, which: bytes, text: str) -> bytes:
        code = text.encode("gb18030" if self._chinese else "ascii", errors="replace")
        return b"\x1bQ" + which + code.ljust(COLUMNS)[:COLUMNS] + b"\r"


class Digits:
    """LED8: one figure and the lamp that says which. A figure that does not fit is dashes."""

    _LAMPS = {Shows.ITEM: 1, Shows.TOTAL: 2, Shows.TENDERED: 3, Shows.CHANGE: 4}
    _FIGURES = {
        Shows.ITEM: "price",
        Shows.TOTAL: "total",
        Shows.TENDERED: "tendered",
        Shows.CHANGE: "change",
    }

    def start(self) -> bytes:
        return INIT + CLEAR

    def show(self, shown: Shown) -> bytes:
        if shown.what is Shows.IDLE:
            return b"\x1bs0" + CLEAR
        text = f"{getattr(shown, self._FIGURES[shown.what]):.2f}"
        fits = len(text.replace(".", "")) <= DIGITS
        lamp = str(self._LAMPS[shown.what]).encode("ascii")
        return b"\x1bs" + lamp + b"\x1bQA" + (text if fits else "-" * DIGITS).encode() + b"\r"


def _wide(text: str) -> int:
    return len(text.encode("gb18030"))


def fits(text: str, *, chinese: bool) -> bool:
    """Whether an idle text can be shown whole."""
    return _wide(text) <= COLUMNS and (chinese or text.isascii())
