"""Barcode and QR scanners on a serial line: ASCII and an end mark (CR, LF, CRLF or TAB).

A payment code is money in the hand of whoever reads it, so its digits are marked secret here,
before anyone can write them down.
"""

import re

from devices.protocols import base
from devices.protocols.base import Damaged, Event, Heard, Outcome, Seconds, Span

ENDS = frozenset(b"\r\n\t")
LONGEST = 512
_PAYMENT = re.compile(
    r"""(?x) (?:
      1[0-5]\d{16}                          # WeChat: 18 digits
    | (?:2[5-9]|30)\d{14,22}                # Alipay: 16 to 24 digits
    | 62\d{17}                              # UnionPay: 19 digits
    ) (?!\d)"""
)
_SYMBOLOGY = re.compile(r"^\][A-Za-z][0-9A-Za-z]")  # some scanners name the kind of code first


def _begins_here(code: str, start: int, found: re.Match[str]) -> bool:
    """Not the tail of a longer number."""
    return found.start() == start or not code[found.start() - 1].isdigit()


def is_payment_code(code: str) -> bool:
    """True for the payer's codes of WeChat, Alipay and UnionPay."""
    return _PAYMENT.fullmatch(code) is not None


def mask(code: str) -> str:
    """A payment code as it may be shown: which wallet and the last four."""
    if not is_payment_code(code):
        return code
    return code[:2] + "*" * (len(code) - 6) + code[-4:]


class Scanner:
    """Cuts the stream at the end marks; empty lines (the LF of CRLF) are nothing."""

    settings = base.SerialSettings(baud=9600)
    quiet: Seconds = 0.3  # silence after which half a code is dropped

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes, now: Seconds) -> Outcome:
        events: list[Event] = []
        heard: list[Heard] = []
        for byte in data:
            if byte not in ENDS:
                self._buffer.append(byte)
                if len(self._buffer) > LONGEST:
                    heard.append(self._junk())
                    events.append(Damaged(address=0, why="no end mark"))
                continue
            if self._buffer:
                self._line(byte, events, heard)
        return Outcome(tuple(events), tuple(heard))

    def expire(self, now: Seconds) -> Outcome:
        """Half a code is never used, since half a number may be another number."""
        if not self._buffer:
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
        found = tuple(it for it in _PAYMENT.finditer(code, start) if _begins_here(code, start, it))
        spans = tuple(Span(it.start() + 2, it.end() - 4) for it in found)
        heard.append(Heard(raw + bytes((end,)), good=True, secret=spans))
        bare = code[named.end() :] if named else code
        events.append(base.Scanned(address=0, code=bare.strip(), secret=bool(found)))

    def _junk(self) -> Heard:
        """Bytes without an end. They may be half a payment code, so all of them are masked."""
        raw = bytes(self._buffer)
        self._buffer.clear()
        return Heard(raw, good=False, secret=(Span(0, len(raw)),))
