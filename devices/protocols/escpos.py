"""ESC/POS: what a receipt printer is told, and what it says of itself. Pure bytes.

Text is GB18030 behind FS &, two bytes a character. Whoever sets out lines counts columns, so that
nothing is wrapped by the printer in the middle of a pair.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

GB18030 = "gb18030"
INIT = b"\x1b@"
CHINESE = b"\x1c&"  # FS &: two-byte characters from here on
CENTRE, LEFT = b"\x1ba\x01", b"\x1ba\x00"
BIG, PLAIN = b"\x1d!\x11\x1c!\x0c", b"\x1d!\x00\x1c!\x00"  # GS ! for letters, FS ! for Chinese
CUT = b"\x1dVB\x00"  # feed to the knife, cut all but a bridge
IN_ORDER = b"\x1dr\x01"  # GS r 1: answered when everything before it has been done
PINS = (2, 5)
LONGEST_CODE = 2000  # bytes of a QR code

PRINTER, OFFLINE, ERROR, PAPER = QUESTIONS = (1, 2, 3, 4)  # of DLE EOT


def ask(question: int) -> bytes:
    """DLE EOT n: answered at once, whatever waits in the printer's memory."""
    return bytes((0x10, 0x04, question))


def is_answer(byte: int) -> bool:
    """A byte of DLE EOT has these bits always: 0xx1xx10."""
    return byte & 0x93 == 0x12


def is_done(byte: int) -> bool:
    """A byte that answers GS r: 0xx0xxxx."""
    return byte & 0x90 == 0


@dataclass(frozen=True, slots=True)
class Condition:
    """What a printer says of itself."""

    offline: bool = False
    cover_open: bool = False
    error: bool = False
    paper_end: bool = False
    near_end: bool = False

    @property
    def prints(self) -> bool:
        """Paper comes out of it now."""
        return not (self.offline or self.cover_open or self.error or self.paper_end)


def condition(answers: Mapping[int, int]) -> Condition:
    """The four answers of DLE EOT, by question; a question without an answer says nothing."""
    printer, offline = answers.get(PRINTER, 0), answers.get(OFFLINE, 0)
    error, paper = answers.get(ERROR, 0), answers.get(PAPER, 0)
    return Condition(
        offline=bool(printer & 0x08),
        cover_open=bool(offline & 0x04),
        error=bool(offline & 0x40) or bool(error & 0x2C),  # cutter, fatal; 0x40 alone heals itself
        paper_end=bool(offline & 0x20) or bool(paper & 0x60),
        near_end=bool(paper & 0x0C),
    )


def kick(pin: int, times: int = 1) -> bytes:
    """ESC p: the drawer on pin 2 or 5, 100 ms on and 100 ms off. Raises ValueError for another."""
    return bytes((0x1B, 0x70, PINS.index(pin), 50, 50)) * times


def kick_now(pin: int, times: int = 1) -> bytes:
    """DLE DC4: the same by a printer that has no paper and does nothing in order."""
    return bytes((0x10, 0x14, 1, PINS.index(pin), 1)) * times


def printable(text: str) -> str:
    """The half-wide ¥ has four bytes in GB18030, which most fonts of printers lack; ￥ has two."""
    return text.replace("\xa5", "￥")


def line(text: str) -> bytes:
    """One line of text."""
    return text.encode(GB18030, errors="replace") + b"\n"


def qr(text: str, size: int = 6) -> bytes:
    """GS ( k: model 2, `size` dots a module, correction L. Raises ValueError for too long a text."""
    code = text.encode("utf-8")
    if len(code) > LONGEST_CODE:
        raise ValueError(f"{len(code)} bytes are too many for a QR code")
    return b"".join(
        (
            _symbol(65, b"\x32\x00"),
            _symbol(67, bytes((size,))),
            _symbol(69, b"\x30"),
            _symbol(80, b"0" + code),
            _symbol(81, b"0"),
        )
    )


def _symbol(function: int, parameters: bytes) -> bytes:
    body = b"1" + bytes((function,)) + parameters
    return b"\x1d(k" + len(body).to_bytes(2, "little") + body
