"""A PN532 with cards in its field: sleeps until it is woken, acknowledges, answers."""

from __future__ import annotations

from dataclasses import dataclass, field

from devices.protocols import pn532
from devices.protocols.pn532 import Cutter, Frame, Kind

WRONG_KEY, TIMED_OUT = 0x14, 0x01


@dataclass(slots=True)
class Tag:
    """A card: what it says of itself, its key and its blocks."""

    uid: bytes
    sak: int = 0x08
    atqa: int = 0x0004
    ats: bytes = b""
    key: bytes = b"\xff" * 6
    blocks: dict[int, bytes] = field(default_factory=dict)

    def listed(self, number: int) -> bytes:
        head = bytes((number,)) + self.atqa.to_bytes(2, "big") + bytes((self.sak, len(self.uid)))
        return head + self.uid + self.ats


class Chip:
    """What a command does to the chip. `deaf` is without power; `restart` forgets everything."""

    def __init__(self) -> None:
        self.field: list[Tag] = []
        self.deaf = False
        self.heard: list[int] = []  # the codes of the commands that it obeyed
        self.spoil = 0  # so many answers go out damaged
        self.restart()

    def restart(self) -> None:
        self._cutter = Cutter()
        self._awake = False
        self._opened: Tag | None = None
        self._listed: Tag | None = None

    def feed(self, data: bytes) -> bytes:
        """What the chip sends back."""
        if self.deaf:
            return b""
        if pn532.WAKE_UP[:4] in data:
            self._awake = True
        return b"".join(self._hear(one) for one in self._cutter.feed(data) if self._awake)

    def _hear(self, frame: Frame) -> bytes:
        if frame.kind != Kind.DATA or frame.data[0] != pn532.TO_CHIP:
            return pn532.NACK if frame.kind == Kind.JUNK and b"\x00\xff" in frame.raw else b""
        said = self._obey(frame.code, frame.data[2:])
        self.heard.append(frame.code)
        if self.spoil:
            self.spoil -= 1
            said = said[:-2] + bytes((said[-2] ^ 1, said[-1]))
        return pn532.ACK + said

    def _obey(self, code: int, told: bytes) -> bytes:
        if code == pn532.VERSION:
            return pn532.answer(code, bytes((0x32, 1, 6, 7)))
        if code in (pn532.SAM, pn532.RF):
            return pn532.answer(code)
        if code == pn532.RELEASE:
            self._listed = self._opened = None
            return pn532.answer(code, b"\x00")
        if code == pn532.LIST:
            self._listed = self.field[0] if self.field else None
            found = self._listed.listed(1) if self._listed else b""
            return pn532.answer(code, bytes((bool(found),)) + found)
        if code == pn532.EXCHANGE:
            return pn532.answer(code, self._exchange(told))
        return pn532.ERROR

    def _exchange(self, told: bytes) -> bytes:
        tag = self._listed
        if tag is None or tag not in self.field:
            return bytes((TIMED_OUT,))
        if told[1] in (pn532.AUTH_A, pn532.AUTH_B):
            right = told[3:9] == tag.key and told[9:13] == tag.uid[:4]
            self._opened = tag if right else None
            return b"\x00" if right else bytes((WRONG_KEY,))
        if told[1] == pn532.READ and self._opened is tag:
            return b"\x00" + tag.blocks.get(told[2], bytes(16))
        return bytes((TIMED_OUT,))
