"""Line layer of Gilbarco Two-Wire: single bytes, words, and blocks with their LRC.

What the controller says to a pump is one byte, a nibble of command and the pump's nibble. What
carries numbers is a row of words: a data word Ex holds one digit, a control word Fx says what
follows. A block runs from FF to F0; its LRC is the two's complement of the sum of the low nibbles
from FF to FB, so it is four bits wide. What follows from that is the codec's affair (`reading.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from devices.protocols.base import Malformed

LOWEST_ADDRESS, HIGHEST_ADDRESS = 1, 16
ALL_STOP = b"\xfc"

END, VOLUME_PRESET, MONEY_PRESET = 0xF0, 0xF1, 0xF2
LEVEL_1, LEVEL_2, GRADE, PRICE = 0xF4, 0xF5, 0xF6, 0xF7
ID, VOLUME, MONEY, LRC = 0xF8, 0xF9, 0xFA, 0xFB
SPECIAL, START = 0xFE, 0xFF
DATA = 0xE0

TAIL = 3  # FB, the LRC's word, F0
LONGEST_BLOCK = 4 + 30 * 16


def nibble_of(address: int) -> int:
    """Pumps 1 to 15 are their number, pump 16 is nought."""
    return address & 0x0F


def single(command: int, address: int) -> bytes:
    """A command of one byte."""
    return bytes((command << 4 | nibble_of(address),))


def lrc_of(words: Sequence[int]) -> int:
    """Of all words from FF to FB."""
    return -sum(word & 0x0F for word in words) & 0x0F


def digits(value: int, size: int) -> bytes:
    """A number as data words, least significant digit first. Raises Malformed."""
    text = str(value).rjust(size, "0")
    if value < 0 or len(text) > size:
        raise Malformed(f"{value} does not fit into {size} digits")
    return bytes(DATA | int(digit) for digit in reversed(text))


def number(words: bytes) -> int:
    """The number in data words. Raises Malformed for what is no digit."""
    if any(word & 0xF0 != DATA or word & 0x0F > 9 for word in words):
        raise Malformed(f"{words.hex(' ')} is no number")
    return int("".join(str(word & 0x0F) for word in reversed(words)))


def seal(body: bytes) -> bytes:
    """Words with FF in front and FB, LRC and F0 behind, as pumps send a block."""
    words = bytes((START,)) + body + bytes((LRC,))
    return words + bytes((DATA | lrc_of(words), END))


def down(body: bytes) -> bytes:
    """A block to a pump: its length stands behind FF."""
    return seal(bytes((DATA | -(len(body) + TAIL) & 0x0F,)) + body)


def opened(raw: bytes) -> bytes:
    """The words between FF and FB of a sound block. Raises Malformed."""
    if len(raw) < 1 + TAIL or raw[0] != START or raw[-1] != END or raw[-3] != LRC:
        raise Malformed("no whole block")
    if any(word < DATA for word in raw) or START in raw[1:] or END in raw[:-1]:
        raise Malformed("a byte that is no word")
    if raw[-2] != DATA | lrc_of(raw[:-2]):
        raise Malformed("LRC")
    return raw[1:-3]


def opened_down(raw: bytes) -> bytes:
    """The words of a block to a pump, behind its length. Raises Malformed."""
    body = opened(raw)
    if not body or body[0] != DATA | -(len(body) - 1 + TAIL) & 0x0F:
        raise Malformed("not as long as it says")
    return body[1:]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the stream: something whole, or what is wrong with these bytes."""

    raw: bytes
    why: str = ""


class Blocks:
    """Cuts a stream into FF … F0 and what is none; FF stands nowhere else."""

    def __init__(self) -> None:
        self._left = bytearray()

    def feed(self, data: bytes) -> list[Piece]:
        """Everything that this data makes whole."""
        out = []
        for word in data:
            if word == START and self._left:
                out.append(Piece(self.flush(), "no block"))
            self._left.append(word)
            if self._left[0] == START and (word == END or len(self._left) >= LONGEST_BLOCK):
                out.append(Piece(self.flush(), "" if word == END else "no end"))
        if self._left and self._left[0] != START:
            out.append(Piece(self.flush(), "no block"))
        return out

    def flush(self) -> bytes:
        """What came without its end; forgotten from here on."""
        left = bytes(self._left)
        self._left.clear()
        return left
