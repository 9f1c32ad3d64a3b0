"""Whose turn it is on the line. Pure: times come in, an address goes out.

Nobody alive waits beyond a limit; within it a command under way goes first, since a customer stands
there with the nozzle in his hand, then the fuelling addresses, then the idle. Before anybody else
gets a turn it is reckoned whether every fuelling address can still be asked within half a second,
at what an exchange has cost on this line so far; if not, the fuelling one that waits longest is
asked instead. So a burst of commands, totals and idle polls comes between them one by one.

An address that skips an answer stays what it was and is asked again soon. One that skips three is
dead, and is asked ever more rarely: each silence costs a whole response window that the living
would like to have.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from devices.protocols.base import Seconds, Timing

FIRST_PAUSE: Seconds = 0.1  # after a silence
LONGEST_PAUSE: Seconds = 3.0
FUELLING_LIMIT: Seconds = 0.40  # from here on a fuelling address goes before commands
IDLE_LIMIT: Seconds = 0.80
DEAD_LIMIT: Seconds = 2.0  # beyond its pause
MOST: Seconds = 0.48  # between two messages to a fuelling address: half a second less a lapse
# How long the others can be put off for the sake of the fuelling, on a line that is too full.
BUSY_LAST: Seconds = 0.8
IDLE_LAST: Seconds = 1.6
DEAD_LAST: Seconds = 5.0
CROWDED = 5  # so many fuel: what can wait does
USUAL_COST: Seconds = 0.056  # an exchange at 9600 baud, until the line has told its own


@dataclass(slots=True)
class Turn:
    """One address in the queue."""

    address: int
    asked_at: Seconds = -1e9
    silences: int = 0  # in a row
    fuelling: bool = False
    busy: bool = False


class Schedule:
    def __init__(self, addresses: Iterable[int], timing: Timing) -> None:
        self.turns = {address: Turn(address) for address in addresses}
        self._timing = timing
        self._cost = USUAL_COST
        self._forced_at: Seconds = -1e9  # when somebody last went before the fuelling all the same

    @property
    def crowded(self) -> bool:
        """So many fuel that nothing should be asked which can wait."""
        return sum(turn.fuelling for turn in self.turns.values()) >= CROWDED

    def pick(self, now: Seconds) -> int | None:
        """The address to ask now, or nothing where nobody is due."""
        due = [turn for turn in self.turns.values() if self._due_at(turn) <= now]
        if not due:
            return None
        first = min(due, key=lambda turn: self._rank(turn, now))
        fuelling = sorted(
            (turn for turn in self.turns.values() if turn.fuelling and not self._dead(turn)),
            key=lambda turn: turn.asked_at,
        )
        if not first.fuelling and fuelling and not self._afford(first, fuelling, now):
            if not self._forced(first, fuelling, now):
                return fuelling[0].address
            self._forced_at = now
        return first.address

    def next_due(self) -> Seconds:
        """When somebody is due."""
        return min(self._due_at(turn) for turn in self.turns.values())

    def asked(self, address: int, now: Seconds) -> None:
        self.turns[address].asked_at = now

    def answered(self, address: int, now: Seconds) -> None:
        """An exchange is over; what it cost goes into what the next ones are reckoned at."""
        turn = self.turns[address]
        turn.silences = 0
        spent = min(now - turn.asked_at, 2 * USUAL_COST)  # a lapse of the machine is no cost
        self._cost += (spent - self._cost) / 16

    def silent(self, address: int) -> None:
        self.turns[address].silences += 1

    def _dead(self, turn: Turn) -> bool:
        return turn.silences >= self._timing.misses_until_offline

    def _pause(self, turn: Turn) -> Seconds:
        """Extra wait after a silence; it doubles with each one of a dead address."""
        if not turn.silences:
            return 0.0
        beyond = turn.silences - self._timing.misses_until_offline
        return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(max(beyond + 1, 0), 5))

    def _due_at(self, turn: Turn) -> Seconds:
        if turn.silences:
            return turn.asked_at + self._pause(turn)
        if turn.busy:
            return turn.asked_at
        return turn.asked_at + (self._timing.busy_poll if turn.fuelling else self._timing.idle_poll)

    def _rank(self, turn: Turn, now: Seconds) -> tuple[int, Seconds]:
        """Those beyond their limit by their deadline; the others by kind, the longest waiting first."""
        deadline = self._deadline(turn)
        if now >= deadline:
            return 0, deadline
        if self._dead(turn):
            return 4, turn.asked_at
        return (1 if turn.busy else 2 if turn.fuelling else 3), turn.asked_at

    def _deadline(self, turn: Turn) -> Seconds:
        if self._dead(turn):
            return turn.asked_at + self._pause(turn) + DEAD_LIMIT
        return turn.asked_at + (FUELLING_LIMIT if turn.fuelling or turn.busy else IDLE_LIMIT)

    def _afford(self, turn: Turn, fuelling: list[Turn], now: Seconds) -> bool:
        """Whether every fuelling address is still asked in time if this one goes first."""
        wait = self._timing.turnaround + self._timing.window if turn.silences else self._cost
        return all(
            now + wait + place * self._cost <= one.asked_at + MOST
            for place, one in enumerate(fuelling)
        )

    def _forced(self, turn: Turn, fuelling: list[Turn], now: Seconds) -> bool:
        """Whether it was put off long enough to go all the same: one in a round, not all at once."""
        last = DEAD_LAST if self._dead(turn) else BUSY_LAST if turn.busy else IDLE_LAST
        return now >= turn.asked_at + last and fuelling[0].asked_at > self._forced_at
