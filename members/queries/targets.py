"""会员目标: what a goal has come to, day by day. Everything is counted from joinings and purchases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from members.models import MemberTarget
from station.money import ZERO

Measure = MemberTarget.Measure
MOST_DAYS = 366
_NOW = "(m.joined_at AT TIME ZONE 'Asia/Shanghai')::date"
_CLOSED = "(m.closed_at AT TIME ZONE 'Asia/Shanghai')::date"
_HERE = "m.home_station_id = %(station)s AND m.status <> 'MERGED'"
_DAYS = "GENERATE_SERIES(%(since)s::date, %(until)s::date, INTERVAL '1 day') AS s(day)"
_BOUGHT = """EXISTS (SELECT 1 FROM members_tiermeasuredaily t WHERE t.member_id = m.id
 AND t.visits > 0 AND t.date BETWEEN %(since)s AND s.day)"""
# Each is the figure at the end of a day of the period.
_SQL = {
    Measure.JOINED: f"""SELECT s.day::date, (SELECT COUNT(*) FROM members_member m
      WHERE {_HERE} AND {_NOW} BETWEEN %(since)s AND s.day) FROM {_DAYS} ORDER BY 1""",
    Measure.MEMBERS: f"""SELECT s.day::date, (SELECT COUNT(*) FROM members_member m WHERE {_HERE}
      AND {_NOW} <= s.day AND (m.closed_at IS NULL OR {_CLOSED} > s.day))
      FROM {_DAYS} ORDER BY 1""",
    Measure.BUYERS: f"""SELECT s.day::date, SUM(COUNT(f.first)) OVER (ORDER BY s.day)
      FROM {_DAYS} LEFT JOIN (SELECT MIN(t.date) AS first FROM members_tiermeasuredaily t
       JOIN members_member m ON m.id = t.member_id WHERE {_HERE} AND t.visits > 0
       AND t.date BETWEEN %(since)s AND %(until)s GROUP BY t.member_id) f ON f.first = s.day::date
      GROUP BY s.day ORDER BY 1""",
    Measure.CONVERSION: f"""SELECT s.day::date, (SELECT COALESCE(ROUND(100.0
      * COUNT(*) FILTER (WHERE {_BOUGHT}) / NULLIF(COUNT(*), 0), 1), 0) FROM members_member m
      WHERE {_HERE} AND {_NOW} BETWEEN %(since)s AND s.day) FROM {_DAYS} ORDER BY 1""",
}


@dataclass(frozen=True, slots=True)
class Point:
    """A day of a target: what it has come to, and what it should have by then."""

    day: date
    actual: Decimal
    due: Decimal


@dataclass(frozen=True, slots=True)
class Progress:
    """A target as it stands."""

    points: tuple[Point, ...]
    goal: int

    @property
    def actual(self) -> Decimal:
        """What it has come to."""
        return self.points[-1].actual if self.points else ZERO

    @property
    def behind(self) -> bool:
        """Whether it has come to less than by now it should."""
        return bool(self.points) and self.points[-1].actual < self.points[-1].due

    @property
    def share(self) -> Decimal:
        """Reached of the goal."""
        return self.actual / self.goal


def progress(*, target: MemberTarget, today: date) -> Progress:
    """The days of a target until today. One statement; nothing where it has not begun."""
    until = min(target.until, today, target.since + timedelta(days=MOST_DAYS - 1))
    if until < target.since:
        return Progress((), target.goal)
    told: dict[str, Any] = {
        "station": target.station_id,
        "since": target.since,
        "until": until,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SQL[Measure(target.measure)], told)
        rows = [(day, Decimal(value)) for day, value in cursor.fetchall()]
    return Progress(
        tuple(Point(day, value, due_on(target, day, rows[0][1])) for day, value in rows),
        target.goal,
    )


def due_on(target: MemberTarget, day: date, first: Decimal) -> Decimal:
    """What a target should have come to by the end of a day: an even pace, for a rate the goal. Pure."""
    if target.measure == Measure.CONVERSION:
        return Decimal(target.goal)
    begins = first if target.measure == Measure.MEMBERS else ZERO
    whole = (target.until - target.since).days + 1
    done = (day - target.since).days + 1
    return (begins + (target.goal - begins) * done / whole).quantize(Decimal("0.1"))
