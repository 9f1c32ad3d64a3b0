"""Block numbers of DART, for either end of the wire.

The order of the rules matters. A block that repeats the last number is a repetition and is not
executed again; number 0 means that the sender restarted; after F comes 1, and some masters wrap
to 0, which reads as a restart and does no harm.
"""

from collections import deque

from devices.protocols.dart.frames import Control, Frame


def successor(tx: int) -> int:
    """The number after this one."""
    return 1 if tx == 0x0F else tx + 1


class Inbox:
    """Decides which incoming blocks are new."""

    def __init__(self) -> None:
        self._last: int | None = None
        self._refused = 0

    def accept(self, tx: int) -> tuple[Control, bool]:
        """The answer to give and whether the block is new.

        A receiver that restarted takes whatever number comes first. A sender that ignores two
        refusals in a row will never come back into step by itself, so then we follow it.
        """
        if tx == self._last:
            return Control.ACK, False
        expected = None if self._last is None else successor(self._last)
        if tx == 0 or expected is None or tx == expected or self._refused >= 2:
            self._last, self._refused = tx, 0
            return Control.ACK, True
        self._refused += 1
        return Control.NAK, False


class HeadLink:
    """The pump's end: answers a master frame by frame. The simulated pumps speak through it."""

    def __init__(self, address: int) -> None:
        self.address = address
        self._inbox = Inbox()
        self._tx = 0
        self._waiting: deque[bytes] = deque()
        self._unacknowledged: bytes | None = None

    def queue(self, body: bytes) -> None:
        """Hand a block over; it goes out at a poll and stays until it is acknowledged."""
        self._waiting.append(body)

    @property
    def backlog(self) -> int:
        return len(self._waiting) + (self._unacknowledged is not None)

    def answer(self, frame: Frame) -> tuple[Frame | None, bytes | None]:
        """Our answer, and the body of the block if it is one to be executed now."""
        if frame.control is Control.DATA:
            control, fresh = self._inbox.accept(frame.tx)
            return Frame(self.address, control, frame.tx), frame.body if fresh else None
        if frame.control in (Control.ACK, Control.ACKPOLL):
            self._acknowledged(frame.tx)
        if frame.control is Control.NAK and self._unacknowledged is not None:
            self._tx = 0
            return self._block(), None
        if frame.control in (Control.POLL, Control.ACKPOLL):
            return self._block() or Frame(self.address, Control.EOT), None
        return None, None

    def _acknowledged(self, tx: int) -> None:
        if self._unacknowledged is not None and tx == self._tx:
            self._unacknowledged = None
            self._tx = successor(self._tx)

    def _block(self) -> Frame | None:
        if self._unacknowledged is None and self._waiting:
            self._unacknowledged = self._waiting.popleft()
        if self._unacknowledged is None:
            return None
        return Frame(self.address, Control.DATA, self._tx, self._unacknowledged)
