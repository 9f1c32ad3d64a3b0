"""RDM6300 reader for EM4100 cards, 125 kHz. It only speaks; nobody asks it.

STX, ten ASCII hex digits (version byte and four id bytes), two hex digits with the XOR of those
five bytes, ETX; repeated while the card lies there. The ids can be copied by anyone, so a card
identifies and never stores value.
"""

from devices.protocols import base
from devices.protocols.base import CardRemoved, Damaged, Event, Heard, Malformed, Outcome, Seconds

STX, ETX = 0x02, 0x03
SIZE = 14
_HEX = frozenset(b"0123456789ABCDEFabcdef")


def decode(frame: bytes) -> str:
    """The card number in decimal, ten digits. Raises Malformed."""
    if len(frame) != SIZE or frame[0] != STX or frame[-1] != ETX:
        raise Malformed("not a card frame")
    if not _HEX.issuperset(frame[1:13]):
        raise Malformed("not hexadecimal")
    data = bytes.fromhex(frame[1:13].decode())
    check = 0
    for byte in data[:5]:
        check ^= byte
    if check != data[5]:
        raise Malformed("checksum")
    return str(int.from_bytes(data[1:5], "big")).rjust(10, "0")


def encode(card: str, version: int = 0x08) -> bytes:
    """The frame that the reader sends for a card number; the simulated reader uses it."""
    data = bytes((version,)) + int(card).to_bytes(4, "big")
    check = 0
    for byte in data:
        check ^= byte
    return bytes((STX,)) + (data + bytes((check,))).hex().upper().encode() + bytes((ETX,))


class Rdm6300:
    """One swipe is one event, however often the reader repeats it."""

    settings = base.SerialSettings(baud=9600)
    quiet: Seconds = 0.5  # silence after which the card counts as taken away

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._present = ""
        self._last_heard: Seconds = 0.0

    def feed(self, data: bytes, now: Seconds) -> Outcome:
        self._buffer += data
        events: list[Event] = []
        heard: list[Heard] = []
        if self._present and now - self._last_heard > self.quiet:
            events.append(self._removed())
        while (frame := self._cut()) is not None:
            try:
                card = decode(frame)
            except Malformed as wrong:
                heard.append(Heard(frame, good=False))
                events.append(Damaged(address=0, why=str(wrong)))
                continue
            heard.append(Heard(frame, good=True))
            self._last_heard = now
            if card == self._present:
                continue
            if self._present:
                events.append(self._removed())
            self._present = card
            events.append(base.Swiped(address=0, card=card))
        return Outcome(tuple(events), tuple(heard))

    def expire(self, now: Seconds) -> Outcome:
        """Nothing came for a while: half a frame is noise, and the card is gone."""
        left = bytes(self._buffer)
        self._buffer.clear()
        heard = (Heard(left, good=False),) if left else ()
        if self._present and now - self._last_heard >= self.quiet:
            return Outcome((self._removed(),), heard)
        return Outcome(heard=heard)

    def _removed(self) -> Event:
        card, self._present = self._present, ""
        return CardRemoved(address=0, card=card)

    def _cut(self) -> bytes | None:
        """The next STX to ETX; a new STX inside a frame means that the first one was cut off."""
        end = self._buffer.find(ETX)
        if end < 0:
            del self._buffer[:-SIZE]
            return None
        frame = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        start = frame.rfind(STX)
        return frame[start:] if start >= 0 else frame
