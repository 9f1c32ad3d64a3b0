"""Barcode and QR scanners on a serial line: ASCII and an end mark (CR, LF, CRLF or TAB).

A payment code is money in the hand of whoever reads it, so its digits are marked secret here,
before anyone can write them down.
"""

import re

from devices.protocols import base
from devices.protocols.base import Damaged, Event, Heard, Outcome, Seconds, Span

OPTION = "end"  # of the line: which mark ends a code; any of them where nothing is said
ENDS: dict[str, bytes] = {"": b"\r\n\t", "CR": b"\r", "LF": b"\n", "CRLF": b"\n", "TAB": b"\t"}
LONGEST = 512
_PAYMENT = re.compile(
    r"""(?x) (?:
      1[0-5]\d{16}                          # WeChat: 18 digits
    | (?:2[5-9]|30)\d{14,22}                # Alipay: 16 to 24 digits
    | 62\d{17}                              # UnionPay: 19 digits
    | YV\d{34}                              # the station's own, for stored value
    ) (?!\d)"""
)
_SYMBOLOGY = re.compile(r"\s*\][A-Za-z][0-9A-Za-z]")  # some scanners name the kind of code first


def _payments(code: str, start: int = 0) -> list[re.Match[str]]:
    """Each payment code in a text from `start` on, none of them the tail of a longer number."""

    def begins(at: int) -> bool:
        return at == start or not code[at - 1].isdigit()

    return [found for found in _PAYMENT.finditer(code, start) if begins(found.start())]


def is_payment_code(code: str) -> bool:
    """True for the payer's codes of WeChat, Alipay, UnionPay and stored value."""
    return _PAYMENT.fullmatch(code) is not None


def holds_payment_code(text: str) -> bool:
    """True also where a scanner puts a prefix or an end of its own around it."""
    return bool(_payments(text))


def mask(text: str) -> str:
    """A text as it may be shown: of a payment code which wallet and the last four."""
    for found in _payments(text):
        head, tail = found.start() + 2, found.end() - 4
        text = text[:head] + "*" * (tail - head) + text[tail:]
    return text


class Scanner:
    """Cuts the stream at the end marks; empty lines (the LF of CRLF) are nothing.

    With a mark chosen, the others are part of the code: a document's code may hold a TAB.
    """

    settings = base.SerialSettings(baud=9600)
    quiet: Seconds = 0.3  # silence after which half a code is dropped

    def __init__(self, end: str = "") -> None:
        self._buffer = bytearray()
        self._ends = frozenset(ENDS.get(end, ENDS[""]))

    def feed(self, data: bytes, now: Seconds) -> Outcome:
        events: list[Event] = []
        heard: list[Heard] = []
        for byte in data:
            if byte not in self._ends:
                self._buffer.append(byte)
                if len(self._buffer) > LONGEST:
                    heard.append(self._junk())
                    events.append(Damaged(address=0, why="no end mark"))
                continue
            if self._buffer.strip():
                self._line(byte, events, heard)
            self._buffer.clear()
        return Outcome(tuple(events), tuple(heard))

    def expire(self, now: Seconds) -> Outcome:
        """Half a code is never used, since half a number may be another number."""
        if not self._buffer.strip():  # the LF of CRLF where CR alone was chosen
            self._buffer.clear()
            return Outcome()
        return Outcome((Damaged(address=0, why="cut off"),), (self._junk(),))

    def _line(self, end: int, events: list[Event], heard: list[Heard]) -> None:
        raw = bytes(self._buffer)
        self._buffer.clear()
        try:
            code = raw.decode("ascii")
        except UnicodeDecodeError:
            heard.append(Heard(raw, good=False, secret=(Span(0, len(raw)),)))
            events.append(Damaged(address=0, why="not ASCII"))
            return
        named = _SYMBOLOGY.match(code)
        start = named.end() if named else 0
        found = _payments(code, start)
        spans = tuple(Span(it.start() + 2, it.end() - 4) for it in found)
        heard.append(Heard(raw + bytes((end,)), good=True, secret=spans))
        bare = code[named.end() :] if named else code
        events.append(base.Scanned(address=0, code=bare.strip(), secret=bool(found)))

    def _junk(self) -> Heard:
        """Bytes without an end. They may be half a payment code, so all of them are masked."""
        raw = bytes(self._buffer)
        self._buffer.clear()
        return Heard(raw, good=False, secret=(Span(0, len(raw)),))
