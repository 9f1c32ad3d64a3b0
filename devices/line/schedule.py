"""Whose turn it is on the line. Pure: times come in, an address goes out.

Nobody alive waits beyond a limit; within it a command under way goes first, since a customer stands
there with the nozzle in his hand, then the fuelling addresses, then the idle. With eight addresses
on a line at 9600 baud this keeps fuelling ones within half a second. A dead address is asked ever
more rarely, because each silence costs a whole response window that the living would like to have.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from devices.protocols.base import Seconds, Timing

FIRST_PAUSE: Seconds = 0.1  # after the first silence
LONGEST_PAUSE: Seconds = 3.0
FUELLING_LIMIT: Seconds = 0.40  # eight of them take less than half a second for a round
IDLE_LIMIT: Seconds = 0.80
DEAD_LIMIT: Seconds = 2.0  # beyond its pause


@dataclass(slots=True)
class Turn:
    """One address in the queue."""

    address: int
    asked_at: Seconds = -1e9
    pause: Seconds = 0.0  # extra wait of a silent address
    fuelling: bool = False
    busy: bool = False


class Schedule:
    def __init__(self, addresses: Iterable[int], timing: Timing) -> None:
        self.turns = {address: Turn(address) for address in addresses}
        self._timing = timing

    def pick(self, now: Seconds) -> int | None:
        """The address to ask now, or nothing where nobody is due."""
        due = [turn for turn in self.turns.values() if self._due_at(turn) <= now]
        if not due:
            return None
        return min(due, key=lambda turn: self._rank(turn, now)).address

    def next_due(self) -> Seconds:
        """When somebody is due."""
        return min(self._due_at(turn) for turn in self.turns.values())

    def asked(self, address: int, now: Seconds) -> None:
        self.turns[address].asked_at = now

    def answered(self, address: int) -> None:
        self.turns[address].pause = 0.0

    def silent(self, address: int) -> None:
        """One more silence: a fuelling head may skip an answer, others wait longer each time."""
        turn = self.turns[address]
        if turn.fuelling and not turn.pause:
            turn.pause = FIRST_PAUSE
            return
        turn.pause = min(LONGEST_PAUSE, max(FIRST_PAUSE, turn.pause * 2))

    def _due_at(self, turn: Turn) -> Seconds:
        if turn.pause:
            return turn.asked_at + turn.pause
        if turn.busy:
            return turn.asked_at
        return turn.asked_at + (self._timing.busy_poll if turn.fuelling else self._timing.idle_poll)

    def _rank(self, turn: Turn, now: Seconds) -> tuple[int, Seconds]:
        """Those beyond their limit by their deadline; the others by kind, the longest waiting first."""
        deadline = self._deadline(turn)
        if now >= deadline:
            return 0, deadline
        if turn.pause:
            return 4, turn.asked_at
        return (1 if turn.busy else 2 if turn.fuelling else 3), turn.asked_at

    @staticmethod
    def _deadline(turn: Turn) -> Seconds:
        if turn.pause:
            return turn.asked_at + turn.pause + DEAD_LIMIT
        return turn.asked_at + (FUELLING_LIMIT if turn.fuelling or turn.busy else IDLE_LIMIT)
