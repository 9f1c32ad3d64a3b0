"""Notices that somebody, or a time server, set the machine's clock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from devices.line import facts
from devices.protocols.base import Seconds
from devices.spool import Fact

STEP = timedelta(seconds=2)  # what a time server slews is less between two looks


class ClockWatch:
    """Holds the wall clock against the monotonic one; a small drift is let go along."""

    def __init__(self) -> None:
        self._before: tuple[Seconds, datetime] | None = None

    def stepped(self, moment: Seconds, at: datetime) -> timedelta | None:
        """By how much the wall clock jumped since the last look; nothing where it did not."""
        before, self._before = self._before, (moment, at)
        if before is None:
            return None
        step = at - before[1] - timedelta(seconds=moment - before[0])
        return step if abs(step) >= STEP else None


def step_facts(stations: Iterable[int], step: timedelta, at: datetime) -> list[Fact]:
    """An alarm for each station: times written around now are not to be relied on."""
    seconds = int(step.total_seconds())
    word = "拨快" if seconds > 0 else "拨慢"
    text = f"采集机时钟被{word} {abs(seconds)} 秒，请核对时间；前后的加油时间以报文为准"
    return [
        facts.alarm(kind="CLOCK", subject="系统时钟", text=text, at=at, station=station)
        for station in stations
    ]
