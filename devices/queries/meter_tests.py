"""Errors of the meters over time: what was found, how they drift, and who is due."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Prefetch, QuerySet
from django.utils.timezone import localtime

from devices.models import Fill, MeterTest, MeterTestRun
from station.models import Nozzle, Station
from station.money import round_to
from station.queries import settings
from station.queries.charts import Chart, Series
from station.queries.listing import within

FEWEST_FOR_A_TREND = 4
DAYS_A_MONTH = Decimal("30.4375")
THOUSANDTH = Decimal("0.001")
# A limit that is reached in many years says nothing about this meter.
FORESEEN = 5 * 366
RECENT_FILLS = timedelta(days=3)
FILLS_OFFERED = 20


@dataclass(frozen=True, slots=True)
class MeterError:
    """The newest error of a nozzle in a range: per cent, positive where the meter shows too much."""

    nozzle_id: int
    percent: Decimal
    tested_at: datetime
    passed: bool


@dataclass(frozen=True, slots=True)
class Trend:
    """A straight line through the errors: per cent a month, and the day it meets the limit."""

    per_month: Decimal
    reaches_on: date | None
    tests: int


def errors_of(*, nozzles: Sequence[Nozzle], since: date, until: date) -> dict[int, MeterError]:
    """The newest known error of each nozzle tested on the local days `since` to `until`, by id.

    Own tests and those of an institute that gave a figure; void ones are not asked. One statement.
    """
    rows = within(_live().filter(nozzle__in=nozzles), "tested_at", since=since, until=until)
    newest = rows.order_by("nozzle_id", "-tested_at", "-pk").distinct("nozzle_id")
    return {
        row.nozzle_id: MeterError(row.nozzle_id, row.worst_percent, row.tested_at, row.passed)
        for row in newest
        if row.worst_percent is not None
    }


def _live() -> QuerySet[MeterTest]:
    """Tests that stand and have a figure."""
    return MeterTest.objects.filter(voided_at=None, worst_percent__isnull=False)


def records(
    *,
    station: Station,
    nozzle: str = "",
    kind: str = "",
    result: str = "",
    since: date | None = None,
    until: date | None = None,
) -> QuerySet[MeterTest]:
    """Every test of a station, void ones too, narrowed as the list's filters say."""
    rows = MeterTest.objects.filter(station=station).select_related(
        "nozzle__tank__grade", "tester", "witness", "certificate"
    )
    if nozzle:
        rows = rows.filter(nozzle=int(nozzle))
    if kind:
        rows = rows.filter(kind=kind)
    if result:
        rows = rows.filter(result=result)
    return within(rows, "tested_at", since=since, until=until)


def history(*, nozzle: Nozzle) -> list[MeterTest]:
    """All tests of a nozzle, newest first, with their runs. Two statements."""
    runs = MeterTestRun.objects.order_by("ordinal")
    rows = MeterTest.objects.filter(nozzle=nozzle).select_related("tester", "witness")
    found = rows.prefetch_related(Prefetch("runs", runs)).order_by("-tested_at", "-pk")
    return list(found)


def curve(*, nozzle: Nozzle, tests: Sequence[MeterTest], limit: Decimal) -> Chart:
    """The errors of a nozzle over time between the limits. `tests` as `history` gives them."""
    told = [test for test in reversed(tests) if _counts(test)]
    errors = tuple(test.worst_percent for test in told)
    return Chart(
        f"{nozzle} 误差曲线",
        tuple(f"{localtime(test.tested_at):%Y-%m-%d}" for test in told),
        (
            Series("最大误差", errors),
            Series("上限", tuple(limit for _ in told)),
            Series("下限", tuple(-limit for _ in told)),
        ),
        "line",
        "meter_error",
        "%",
        "日期",
    )


def _counts(test: MeterTest) -> bool:
    return test.voided_at is None and test.worst_percent is not None


def trend(
    *, tests: Sequence[MeterTest], limit: Decimal, opened_at: datetime | None = None
) -> Trend | None:
    """Drift by least squares over the tests of the present meter; None below four of them.

    A meter that was opened at `opened_at` was adjusted: what came before says nothing of it. The day of the limit is told where the line leads there within five years of the last test.
    """
    epoch = max((test.meter_epoch for test in tests), default=0)
    points = [
        (localtime(test.tested_at).date(), test.worst_percent)
        for test in tests
        if test.meter_epoch == epoch and test.voided_at is None and test.worst_percent is not None
        if opened_at is None or test.tested_at >= opened_at
    ]
    if len(points) < FEWEST_FOR_A_TREND:
        return None
    first, last = min(day for day, _ in points), max(day for day, _ in points)
    pairs = [(Decimal((day - first).days), error) for day, error in points]
    mean_x = sum((x for x, _ in pairs), Decimal(0)) / len(pairs)
    mean_y = sum((y for _, y in pairs), Decimal(0)) / len(pairs)
    spread = sum(((x - mean_x) ** 2 for x, _ in pairs), Decimal(0))
    if not spread:
        return None
    slope = sum(((x - mean_x) * (y - mean_y) for x, y in pairs), Decimal(0)) / spread
    reaches = _reaches(first, last, slope, mean_y - slope * mean_x, limit)
    return Trend(round_to(slope * DAYS_A_MONTH, THOUSANDTH), reaches, len(points))


def _reaches(
    first: date, last: date, slope: Decimal, begin: Decimal, limit: Decimal
) -> date | None:
    """When `begin + slope × days` meets the limit it goes towards."""
    if not slope:
        return None
    days = ((limit if slope > 0 else -limit) - begin) / slope
    here = Decimal((last - first).days)
    if not here < days < here + FORESEEN:
        return None
    return first + timedelta(days=int(days))


@dataclass(frozen=True, slots=True)
class SelfTest:
    """When a nozzle was last tested by the station itself, and by when it is due again."""

    last: MeterTest | None
    due_on: date | None

    def is_due(self, today: date) -> bool:
        return self.due_on is None or self.due_on <= today


NEVER = SelfTest(None, None)


def self_tests(*, station: Station) -> dict[int, SelfTest]:
    """The newest own test of each nozzle, by nozzle id. Two statements."""
    months = settings.whole("devices.self_test_months", station)
    rows = MeterTest.objects.filter(
        station=station, kind=MeterTest.Kind.OWN, voided_at=None
    ).order_by("nozzle_id", "-tested_at", "-pk")
    return {
        row.nozzle_id: SelfTest(row, months_after(localtime(row.tested_at).date(), months))
        for row in rows.distinct("nozzle_id")
    }


def overdue(*, station: Station, today: date) -> list[tuple[Nozzle, date | None]]:
    """The nozzles in use whose own test is due on `today`, each with the day it was due; None: never tested."""
    own = self_tests(station=station)
    nozzles = Nozzle.objects.filter(station=station, active=True).order_by("number")
    known = [(one, own.get(one.pk, NEVER)) for one in nozzles]
    return [(one, test.due_on) for one, test in known if test.is_due(today)]


def months_after(day: date, months: int) -> date:
    """The same day some months later, or the last of that month; at most in year 9999."""
    month = min(day.year * 12 + day.month - 1 + months, 9999 * 12 + 11)
    year, month = divmod(month, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def fills_to_test(*, station: Station, at: datetime, nozzle: Nozzle | None) -> list[Fill]:
    """Late fills large enough for a prover that no test has used yet, newest first."""
    used = MeterTestRun.objects.filter(test__voided_at=None, fill__isnull=False)
    rows = Fill.objects.filter(
        station=station, litres__gte=19, occurred_at__gte=at - RECENT_FILLS, occurred_at__lte=at
    ).exclude(pk__in=used.values("fill"))
    if nozzle is not None:
        rows = rows.filter(nozzle=nozzle)
    return list(rows.select_related("nozzle").order_by("-occurred_at")[:FILLS_OFFERED])
