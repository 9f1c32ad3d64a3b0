"""The body of a DART block: a row of TRANS, LNG, DATA."""

from devices.protocols.base import Malformed


def split(body: bytes) -> list[tuple[int, bytes]]:
    """TRANS and DATA of each transaction. Raises Malformed when one is cut off."""
    out, at = [], 0
    while at < len(body):
        if at + 2 > len(body) or at + 2 + body[at + 1] > len(body):
            raise Malformed("a transaction is cut off")
        size = body[at + 1]
        out.append((body[at], body[at + 2 : at + 2 + size]))
        at += 2 + size
    return out


def byte(data: bytes) -> int:
    """The one byte of a transaction's data."""
    if len(data) != 1:
        raise Malformed(f"{len(data)} bytes where one belongs")
    return data[0]


def sized(data: bytes, size: int) -> bytes:
    """Data that must have this size."""
    if len(data) != size:
        raise Malformed(f"{len(data)} bytes where {size} belong")
    return data
