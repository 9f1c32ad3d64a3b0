"""Cards as PC/SC hands them on: the station's own with its application, and others."""

from __future__ import annotations

from dataclasses import dataclass

from devices.protocols import pcsc

NO_SUCH_FILE, NOT_ALLOWED, WRONG_COMMAND = b"\x6a\x82", b"\x69\x82", b"\x6d\x00"


@dataclass(slots=True)
class SmartCard:
    """One card; `halting` says 61xx and 6Cxx before it gives anything, as many do."""

    uid: bytes = b""
    aid: bytes = b""
    number: bytes = b""
    halting: bool = False
    _chosen: bool = False
    _waiting: bytes = b""

    def transmit(self, apdu: bytes) -> bytes:
        """What the card answers to a command APDU."""
        if apdu == pcsc.GET_UID:
            return self.uid + b"\x90\x00" if self.uid else b"\x6a\x81"
        if apdu[1] == 0xC0:
            waiting, self._waiting = self._waiting, b""
            return waiting + b"\x90\x00"
        if apdu[1] == 0xA4:
            self._chosen = bool(self.aid) and apdu[5 : 5 + apdu[4]] == self.aid
            return self._gives(b"\x6f\x00") if self._chosen else NO_SUCH_FILE
        if apdu[1] != 0xB0:
            return WRONG_COMMAND
        if not self._chosen:
            return NOT_ALLOWED
        if self.halting and apdu[-1] != len(self.number):
            return bytes((0x6C, len(self.number)))
        return self.number + b"\x90\x00"

    def _gives(self, data: bytes) -> bytes:
        if not self.halting:
            return data + b"\x90\x00"
        self._waiting = data
        return bytes((0x61, len(data)))
