"""Cutting a stream of bytes into frames, where a frame has a start byte and tells its own size."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import xor
from typing import Generic, TypeVar

from devices.protocols.base import Malformed

F = TypeVar("F")


def check_of(data: bytes) -> int:
    """XOR of all bytes."""
    return reduce(xor, data, 0)


@dataclass(frozen=True, slots=True)
class Piece(Generic[F]):
    """A stretch of the stream: a whole frame, or what is wrong with these bytes."""

    raw: bytes
    frame: F | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Shape(Generic[F]):
    """How one direction of a protocol is cut."""

    begins: Callable[[bytes], bool]  # whether a frame may begin with these bytes, as far as they go
    size: Callable[[bytes], int]  # of the frame that begins here; nought while that is not known
    decode: Callable[[bytes], F]  # raises Malformed


class Deframer(Generic[F]):
    """Cuts a stream into frames and what is none; after damage it looks for the next start."""

    def __init__(self, shape: Shape[F]) -> None:
        self._shape = shape
        self._left = b""

    def feed(self, data: bytes) -> list[Piece[F]]:
        """Everything that this data makes whole."""
        self._left += data
        out = []
        while self._left and (piece := self._next()) is not None:
            out.append(piece)
        return out

    def flush(self) -> bytes:
        """What came without its end; forgotten from here on."""
        left, self._left = self._left, b""
        return left

    def _next(self) -> Piece[F] | None:
        start = self._start(0)
        if start:
            return Piece(self._take(start), None, "no frame")
        size = self._shape.size(self._left)
        if not size or len(self._left) < size:
            return None
        try:
            frame = self._shape.decode(self._left[:size])
        except Malformed as wrong:
            return Piece(self._take(min(size, self._start(1))), None, str(wrong))
        return Piece(self._take(size), frame)

    def _start(self, behind: int) -> int:
        """Where a frame may begin, or the end of what came."""
        for at in range(behind, len(self._left)):
            if self._shape.begins(self._left[at:]):
                return at
        return len(self._left)

    def _take(self, size: int) -> bytes:
        raw, self._left = self._left[:size], self._left[size:]
        return raw
