"""Line layer of DART: addresses, control bytes, stuffing, checksum.

Every message ends with SF. A data message is ADR, CTRL, transactions, CRC (low byte first), ETX,
SF; a short one is ADR, CTRL, SF. An SF inside data or checksum is sent as DLE SF, and the DLE is
not part of the checksum.
"""

from dataclasses import dataclass
from enum import IntEnum

from devices.protocols.base import Malformed

ETX, DLE, SF = 0x03, 0x10, 0xFA
LOWEST_ADDRESS, HIGHEST_ADDRESS = 0x50, 0xCF
LONGEST = 260  # bytes before an SF; more is noise


class Control(IntEnum):
    """High nibble of the control byte; the low one is the block number TX#."""

    POLL = 0x20
    DATA = 0x30
    IAP = 0x40
    NAK = 0x50
    EOT = 0x70
    ACK = 0xC0
    ACKPOLL = 0xE0


@dataclass(frozen=True, slots=True)
class Frame:
    """One message. `body` holds the transactions of a data message, else nothing."""

    address: int
    control: Control
    tx: int = 0
    body: bytes = b""


def _table() -> tuple[int, ...]:
    out = []
    for start in range(256):
        value = start
        for _ in range(8):
            value = (value >> 1) ^ 0xA001 if value & 1 else value >> 1
        out.append(value)
    return tuple(out)


_CRC = _table()


def crc16(data: bytes) -> int:
    """CRC-16/ARC: reflected 0x8005, starting at zero."""
    value = 0
    for byte in data:
        value = (value >> 8) ^ _CRC[(value ^ byte) & 0xFF]
    return value


def encode(frame: Frame) -> bytes:
    """The bytes of a message, stuffed and with its checksum."""
    head = bytes((frame.address, frame.control | frame.tx))
    if frame.control is not Control.DATA:
        return head + bytes((SF,))
    plain = head + frame.body
    check = crc16(plain)
    covered = plain[2:] + bytes((check & 0xFF, check >> 8))
    stuffed = covered.replace(bytes((SF,)), bytes((DLE, SF)))
    return head + stuffed + bytes((ETX, SF))


def decode(plain: bytes) -> Frame:
    """A message from its unstuffed bytes without the closing SF. Raises Malformed."""
    if len(plain) < 2:
        raise Malformed("shorter than a message")
    address, control = plain[0], plain[1]
    if not LOWEST_ADDRESS <= address <= HIGHEST_ADDRESS:
        raise Malformed(f"no address {address:02X}")
    try:
        kind = Control(control & 0xF0)
    except ValueError:
        raise Malformed(f"no control byte {control:02X}") from None
    tx = control & 0x0F
    if kind is not Control.DATA:
        if len(plain) != 2:
            raise Malformed("bytes behind a short message")
        return Frame(address, kind, tx)
    if len(plain) < 5 or plain[-1] != ETX:
        raise Malformed("data message without its end")
    if crc16(plain[:-1]):
        raise Malformed("checksum")
    return Frame(address, kind, tx, plain[2:-3])


class Deframer:
    """Cuts a stream into messages at every SF that is not stuffed."""

    def __init__(self) -> None:
        self._plain = bytearray()  # unstuffed, what decode() sees
        self._raw = bytearray()  # as it came, what the recorder sees

    def feed(self, data: bytes) -> list[tuple[bytes, bytes]]:
        """Pairs of (raw, plain) for each message that ended in this data."""
        out: list[tuple[bytes, bytes]] = []
        for byte in data:
            self._raw.append(byte)
            if byte != SF:
                self._plain.append(byte)
            elif self._plain and self._plain[-1] == DLE:
                self._plain[-1] = SF
            else:
                out.append((bytes(self._raw), bytes(self._plain)))
                self._clear()
            if len(self._raw) > LONGEST:
                self._clear()
        return out

    def flush(self) -> bytes:
        """What came without an end; forgotten from here on."""
        left = bytes(self._raw)
        self._clear()
        return left

    def _clear(self) -> None:
        self._plain.clear()
        self._raw.clear()
