"""Line layer of GasKitLink: start byte, two address bytes, command letter, data, XOR.

There is no end byte: the length follows from the command, and differs between a question and its
answer. The check is the XOR of every byte behind the start byte, eight bits wide, so two flips in
one column pass it. What follows from that is the codec's affair (`turns.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from devices.protocols.base import Malformed
from devices.protocols.cutting import Deframer, Shape, check_of

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


def deframer(sizes: Mapping[str, int]) -> Deframer[Frame]:
    """Cuts one direction of the stream. A frame begins with the start byte and a command letter."""

    def begins(left: bytes) -> bool:
        return left[0] == STX and (len(left) < HEAD or chr(left[3]) in sizes)

    def size(left: bytes) -> int:
        return HEAD + sizes[chr(left[3])] + CHECK if len(left) >= HEAD else 0

    return Deframer(Shape(begins, size, lambda raw: decode(raw, sizes)))
