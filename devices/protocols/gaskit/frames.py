"""Line layer of GasKitLink: start byte, two address bytes, command letter, data, XOR.

There is no end byte: the length follows from the command, and differs between a question and its
answer. The check is the XOR of every byte behind the start byte, eight bits wide, so two flips in
one column pass it. What follows from that is the codec's affair (`reading.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import xor

from devices.protocols.base import Malformed

STX = 0x02
HEAD, CHECK = 4, 1  # start, two address bytes, command; the check byte
LOWEST_ADDRESS, HIGHEST_ADDRESS = 1, 255

# characters of data behind the command letter
QUESTIONS: Mapping[str, int] = {
    "S": 0,
    "V": 13,
    "M": 13,
    "L": 0,
    "R": 0,
    "T": 0,
    "C": 1,
    "N": 0,
    "B": 0,
    "G": 0,
}
ANSWERS: Mapping[str, int] = {"S": 2, "L": 10, "R": 10, "T": 22, "C": 11}


@dataclass(frozen=True, slots=True)
class Frame:
    """One message: who is meant or speaks, the command letter and its data."""

    address: int
    command: str
    data: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the stream: a whole frame, or what is wrong with these bytes."""

    raw: bytes
    frame: Frame | None
    why: str = ""


def check_of(data: bytes) -> int:
    """XOR of all bytes."""
    return reduce(xor, data, 0)


def encode(frame: Frame) -> bytes:
    """The bytes of a message with its check."""
    body = frame.address.to_bytes(2, "big") + (frame.command + frame.data).encode("ascii")
    return bytes((STX,)) + body + bytes((check_of(body),))


def decode(raw: bytes, sizes: Mapping[str, int]) -> Frame:
    """A message from its bytes. Raises Malformed."""
    if len(raw) < HEAD + CHECK or raw[0] != STX:
        raise Malformed("shorter than a message")
    command = chr(raw[3])
    if command not in sizes:
        raise Malformed(f"no command {raw[3]:02X}")
    if len(raw) != HEAD + sizes[command] + CHECK:
        raise Malformed("not as long as its command says")
    if check_of(raw[1:]):
        raise Malformed("check byte")
    data = raw[HEAD:-CHECK]
    if not data.isascii():
        raise Malformed("data that is no text")
    return Frame(int.from_bytes(raw[1:3], "big"), command, data.decode("ascii"))


class Deframer:
    """Cuts a stream into frames and what is none; after damage it looks for the next start."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self._sizes = sizes
        self._left = bytearray()

    def feed(self, data: bytes) -> list[Piece]:
        """Everything that this data makes whole."""
        self._left += data
        out = []
        while (piece := self._next()) is not None:
            out.append(piece)
        return out

    def flush(self) -> bytes:
        """What came without its end; forgotten from here on."""
        left = bytes(self._left)
        self._left.clear()
        return left

    def _next(self) -> Piece | None:
        start = self._start(0)
        if start:
            return Piece(self._take(start), None, "no frame")
        if len(self._left) < HEAD:
            return None
        size = HEAD + self._sizes[chr(self._left[3])] + CHECK
        if len(self._left) < size:
            return None
        try:
            frame = decode(bytes(self._left[:size]), self._sizes)
        except Malformed as wrong:
            return Piece(self._take(min(size, self._start(1))), None, str(wrong))
        return Piece(self._take(size), frame)

    def _start(self, behind: int) -> int:
        """Where a frame may begin: a start byte, with a command letter in its place if that came."""
        left = self._left
        for at in range(behind, len(left)):
            if left[at] == STX and (at + 3 >= len(left) or chr(left[at + 3]) in self._sizes):
                return at
        return len(left)

    def _take(self, size: int) -> bytes:
        raw = bytes(self._left[:size])
        del self._left[:size]
        return raw
