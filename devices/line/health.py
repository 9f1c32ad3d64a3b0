"""What a line says about itself: counts for the pages, and faults that show only in the long run.

Three shares of the last exchanges are watched, each an alarm while it is too high: frames that were
damaged, answers under another head's address, and words on the wire that nobody asked for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from devices.protocols.base import Damaged, Event

WINDOW = 400  # exchanges over which a share is taken


@dataclass(slots=True)
class LineLive:
    """Health of the line, as a copy for other threads."""

    line: int
    is_open: bool = False
    heard_at: datetime | None = None
    polls: int = 0
    answers: int = 0
    bad_frames: int = 0
    error: str = ""


@dataclass(slots=True)
class Share:
    """How many of the last exchanges had something; an alarm from `most` on, over at half of it."""

    kind: str
    words: str  # after the line's name
    most: int  # of WINDOW
    seen: deque[int] = field(default_factory=deque)  # numbers of the exchanges, as often as it was
    told: bool = False

    def count(self, exchange: int, times: int) -> None:
        self.seen.extend([exchange] * times)

    def turned(self, exchange: int) -> bool:
        """Whether the alarm begins or ends now."""
        while self.seen and self.seen[0] <= exchange - WINDOW:
            self.seen.popleft()
        now = len(self.seen) > (self.most // 2 if self.told else self.most)
        turned, self.told = now != self.told, now
        return turned


def _shares() -> tuple[Share, Share, Share]:
    return (
        Share("CHECKSUM", "坏帧过多，请检查接线、屏蔽和接地", WINDOW // 20),
        Share("IDENTITY", "有机头用别的地址应答，请检查各机头的地址是否重复或串线", 3),
        Share("MASTER", "没有提问就有数据：可能接着另一台主机，或机头应答太慢", WINDOW // 20),
    )


@dataclass(slots=True)
class LineHealth:
    """Counts exchanges; `turns` are the alarms that begin or end."""

    live: LineLive
    _shares: tuple[Share, Share, Share] = field(default_factory=_shares)

    def count(
        self, events: Iterable[Event], *, answered: bool, unasked: bool, at: datetime
    ) -> list[Share]:
        """One exchange is over. `unasked`: something lay on the wire before the question."""
        damaged = [event for event in events if isinstance(event, Damaged)]
        foreign = sum(event.foreign for event in damaged)
        live = self.live
        live.polls += 1
        live.answers += answered
        live.bad_frames += len(damaged)
        if answered:
            live.heard_at = at
        found = len(damaged) - foreign, foreign, int(unasked)
        for share, times in zip(self._shares, found, strict=True):
            share.count(live.polls, times)
        return [share for share in self._shares if share.turned(live.polls)]
