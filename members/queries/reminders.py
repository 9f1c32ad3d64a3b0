"""Before something is over: on which of the set days a member is told, and of which last day."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

LONGEST = 366


@dataclass(frozen=True, slots=True)
class Due:
    """A last day that is to be told of now: `left` days away, under the reminder of `step` days."""

    last: date
    left: int
    step: int

    @property
    def words(self) -> str:
        """今天, 明天, 还有 7 天."""
        return {0: "就是今天", 1: "就是明天"}.get(self.left, f"还有 {self.left} 天")


def days_of(text: str) -> tuple[int, ...]:
    """The days of a setting such as 30,7,1, the furthest first; what is no figure is passed by."""
    found = {int(one) for one in re.findall(r"\d+", text, re.ASCII)}
    return tuple(sorted((one for one in found if one <= LONGEST), reverse=True))


def due_on(*, today: date, days: Sequence[int]) -> Iterator[Due]:
    """Every last day that has come within a reminder's reach. A day that was missed is made up.

    The reminder of seven days stands from seven days before until the next one's turn: told once by
    its key, also where nothing ran on the very day.
    """
    for left in range(max(days, default=-1) + 1):
        step = min(one for one in days if one >= left)
        yield Due(today + timedelta(days=left), left, step)
