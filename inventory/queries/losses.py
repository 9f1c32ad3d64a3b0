"""损溢分析: the lines of a range beside what may be lost, what the temperature did, and what came in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from inventory.models import VarianceAttribution
from inventory.queries.allowances import Allowances, allowances
from inventory.queries.attributions import Told, told_of
from inventory.queries.loss_bands import LEARNED_FROM, Band, band_of
from inventory.queries.reconciliation import Dated, Grain, Line, dated_books, lines_of
from inventory.queries.standard_losses import (
    Slot,
    Thermal,
    deliveries_of,
    thermals,
    total_of,
)
from station.models import Station, Tank
from station.money import NO_LITRES, Litres
from station.queries import settings

# A tank is measured every day or so: the temperature that a range opens on lies no further back.
REACHES_BACK = timedelta(days=7)


@dataclass(frozen=True)
class Judged:
    """A line with what may be lost of it, and what warmth and deliveries did."""

    line: Line
    allowance: Litres | None
    delivered: Litres
    thermal: Litres | None
    told: tuple[Told, ...] = ()  # of its tanks over the limits

    @property
    def cause(self) -> str:
        """归因: what was said, each cause once."""
        rows = [one.row for one in self.told if one.row is not None and one.row.cause]
        return "、".join(dict.fromkeys(row.get_cause_display() for row in rows))

    @property
    def handling(self) -> str:
        """处理状态: the one that is furthest from done; nothing where nothing was over the limits."""
        if not self.told:
            return ""
        status = VarianceAttribution.Status
        states = {one.row.status if one.row else status.OPEN.value for one in self.told}
        return next(one.label for one in status if one.value in states)

    @property
    def over(self) -> Litres | None:
        """超定额升: the loss less the allowance, not below nought; None where one is unknown."""
        if self.line.variance is None or self.allowance is None:
            return None
        return max(-self.line.variance - self.allowance, NO_LITRES)

    @property
    def state(self) -> str:
        """在定额内 or 超定额; — where it cannot be said."""
        if self.over is None:
            return "—"
        return "超定额" if self.over else "在定额内"


def judged(
    *, station: Station, since: date, until: date, grain: Grain, by_grade: bool = False
) -> list[Judged]:
    """The lines of a range, judged. Sixteen statements at most, whatever lies behind it."""
    first = since.replace(day=1)
    back = first - REACHES_BACK
    rows = dated_books(station=station, since=back, until=until, shifts=grain == Grain.SHIFT)
    received = deliveries_of(station=station, since=first, until=until)
    told = thermals(rows, received, grain=grain)
    since = first if grain == Grain.MONTH else since
    allowed = allowances(station)
    found = lines_of(rows, since=since, grain=grain, by_grade=by_grade)
    causes = {} if grain == Grain.SHIFT else _causes(station, rows, since, grain)
    return [_judged(line, told, allowed, causes) for line in found]


def _causes(
    station: Station, rows: Sequence[Dated], since: date, grain: Grain
) -> dict[tuple[date, int], list[Told]]:
    """What was said of the days over the limits, by date of the line and tank number."""
    days = [
        (row.date, row.book.tank.number, row.book.tank.grade.code, row.book.variance, row.book.sold)
        for row in rows
        if row.date >= since
    ]
    found: dict[tuple[date, int], list[Told]] = defaultdict(list)
    for one in told_of(station=station, tanks=days):
        on = one.date.replace(day=1) if grain == Grain.MONTH else one.date
        found[on, one.number].append(one)
    return found


def _judged(
    line: Line,
    told: dict[Slot, Thermal],
    allowed: Allowances,
    causes: dict[tuple[date, int], list[Told]],
) -> Judged:
    own = [told[line.date, line.ordinal, book.tank.pk] for book in line.books]
    return Judged(
        line,
        allowance_of(line, allowed),
        sum((one.delivered for one in own), NO_LITRES),
        total_of(one.whole for one in own),
        tuple(one for book in line.books for one in causes.get((line.date, book.tank.number), ())),
    )


def allowance_of(line: Line, allowed: Allowances) -> Litres | None:
    """零售与储存定额 of all tanks of a line."""
    return total_of(
        allowed.of_tank(
            kind=line.grade.kind,
            sold=book.sold,
            standing=(book.opening + book.closing) / 2,
            days=line.days,
            on=line.date,
        )
        for book in line.books
    )


@dataclass(frozen=True)
class Day:
    """A tank's day at Vt and without the temperature."""

    row: Dated
    thermal: Thermal


@dataclass
class TankDays:
    """A tank over a range, day by day, with what is usual for it at Vt and without the temperature."""

    tank: Tank
    days: list[Day] = field(default_factory=list)
    raw: Band | None = None
    free: Band | None = None


def tank_days(*, station: Station, since: date, until: date) -> list[TankDays]:
    """Every tank's days over a range, by number, with its bands of the sixty days up to the end."""
    learned = until - timedelta(days=LEARNED_FROM - 1)
    back = min(since, learned) - REACHES_BACK
    rows = dated_books(station=station, since=back, until=until)
    received = deliveries_of(station=station, since=back, until=until)
    told = thermals(rows, received, grain=Grain.DAY)
    k = settings.number("inventory.loss_band_k", station)
    by_tank: dict[int, list[Day]] = defaultdict(list)
    for row in rows:
        tank = row.book.tank
        by_tank[tank.pk].append(Day(row, told[row.date, 0, tank.pk]))
    found = [
        TankDays(
            days[-1].row.book.tank,
            [day for day in days if day.row.date >= since],
            _band([day for day in days if day.row.date >= learned], k, free=False),
            _band([day for day in days if day.row.date >= learned], k, free=True),
        )
        for days in by_tank.values()
    ]
    return sorted((one for one in found if one.days), key=lambda one: one.tank.number)


def _band(days: Sequence[Day], k: Decimal, *, free: bool) -> Band | None:
    return band_of(
        [
            day.thermal.free_permille if free else day.row.book.variance_permille
            for day in days
            if day.thermal.sold > 1
        ],
        k,
    )
