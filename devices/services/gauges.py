"""What gauges told becomes rows: readings, deliveries, alarms. Idempotent, never refusing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from devices.models import Alarm, GaugeDelivery, GaugeReading
from devices.protocols.veeder_root.alarms import type_of
from devices.queries import gauges as asked
from devices.queries.holds import hold_of
from devices.services import alarms
from station.models import Station, Tank
from station.money import Litres
from station.queries.settings import number, whole


def _figure(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingFact:
    """One tank at an instant; litres, mm, ℃."""

    tank: int
    volume: Litres
    height: Decimal
    water: Decimal
    tc_volume: Litres | None = None
    ullage: Litres | None = None
    water_volume: Litres | None = None
    temperature: Decimal | None = None
    delivering: bool = False

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> ReadingFact:
        """As the spool kept it."""
        return cls(
            tank=body["tank"],
            volume=Decimal(body["volume"]),
            height=Decimal(body["height"]),
            water=Decimal(body["water"]),
            tc_volume=_figure(body["tc_volume"]),
            ullage=_figure(body["ullage"]),
            water_volume=_figure(body["water_volume"]),
            temperature=_figure(body["temperature"]),
            delivering=body["delivering"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFact:
    """A delivery as a gauge saw it."""

    tank: int
    started_at: datetime
    ended_at: datetime
    figures: Mapping[str, Decimal | None]

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> DeliveryFact:
        """As the spool kept it."""
        own = {"tank", "started_at", "ended_at"}
        return cls(
            tank=body["tank"],
            started_at=datetime.fromisoformat(body["started_at"]),
            ended_at=datetime.fromisoformat(body["ended_at"]),
            figures={name: _figure(value) for name, value in body.items() if name not in own},
        )


@transaction.atomic
def record_readings(rows: Sequence[ReadingFact], *, at: datetime, format: str) -> None:
    """Keep what stood in the tanks at `at`; what is kept already is left alone."""
    stations = dict(
        Tank.objects.filter(pk__in=[row.tank for row in rows]).values_list("pk", "station_id")
    )
    GaugeReading.objects.bulk_create(
        [
            GaugeReading(
                station_id=stations[row.tank],
                tank_id=row.tank,
                occurred_at=at,
                volume=row.volume,
                tc_volume=row.tc_volume,
                ullage=row.ullage,
                height=row.height,
                water_height=row.water,
                water_volume=row.water_volume,
                temperature=row.temperature,
                delivering=row.delivering,
                format=format,
            )
            for row in rows
        ],
        ignore_conflicts=True,
    )


@transaction.atomic
def record_delivery(fact: DeliveryFact) -> None:
    """Keep a delivery once, however often the gauge tells it."""
    station = Tank.objects.values_list("station_id", flat=True).get(pk=fact.tank)
    GaugeDelivery.objects.bulk_create(
        [
            GaugeDelivery(
                station_id=station,
                tank_id=fact.tank,
                started_at=fact.started_at,
                ended_at=fact.ended_at,
                **fact.figures,
            )
        ],
        ignore_conflicts=True,
    )


# ------------------------------------------------------------------ alarms


@transaction.atomic
def take_alarms(*, tank: int, types: Sequence[str], at: datetime) -> None:
    """Raise what the gauge cries about a tank, clear what it does not any more."""
    held = Tank.objects.select_related("station", "grade").get(pk=tank)
    now = {_subject(held, code): code for code in types}
    live = Alarm.objects.filter(
        station=held.station, status__in=alarms.LIVE, subject__startswith=f"{held}·"
    )
    for kind, subject in live.values_list("kind", "subject"):
        if subject not in now:
            alarms.clear_alarm(station=held.station, kind=kind, subject=subject, at=at)
    stopped = hold_of(held) is not None
    for subject, code in now.items():
        told = type_of(code)
        alarms.raise_alarm(
            station=held.station,
            kind=told.sort,
            subject=subject,
            text=f"液位仪报警：{held}（{held.grade}）{told.word}",
            at=at,
            tell=not (stopped and told.sort == Alarm.Kind.WATER),  # the hold has told of it
        )


def _subject(tank: Tank, code: str) -> str:
    return f"{tank}·{type_of(code).word}"


@transaction.atomic
def watch_idle(*, station: Station, at: datetime) -> None:
    """Raise or clear 静置下降 of every gauged tank: litres that go while nobody takes them."""
    window = timedelta(minutes=max(whole("devices.gauge_idle_minutes", station), 1))
    most = number("devices.gauge_idle_litres", station)
    for fall in asked.idle_falls(station=station, window=window, at=at):
        subject = str(fall.tank)
        if fall.litres > most:
            alarms.raise_alarm(
                station=station,
                kind=Alarm.Kind.IDLE_FALL,
                subject=subject,
                text=f"{fall.tank}（{fall.tank.grade}）没有加油，{fall.minutes} 分钟内"
                f"少了 {fall.litres:.1f} 升（每小时 {fall.per_hour:.1f} 升）：请查漏油、偷油或阀门",
                at=at,
            )
        elif fall.span >= window:
            alarms.clear_alarm(station=station, kind=Alarm.Kind.IDLE_FALL, subject=subject, at=at)


# ------------------------------------------------------------------ thinning

_THIN = """
DELETE FROM devices_gaugereading WHERE id IN (
    SELECT id FROM (
        SELECT id, row_number() OVER (
            PARTITION BY tank_id, floor(extract(epoch FROM occurred_at) / %(step)s)
            ORDER BY occurred_at
        ) AS place
        FROM devices_gaugereading
        WHERE station_id = %(station)s AND occurred_at >= %(since)s AND occurred_at < %(until)s
    ) ranked
    WHERE place > 1
) AND NOT delivering {but}
"""
_NOT_FUELLING = """AND NOT EXISTS (
    SELECT 1 FROM devices_fill fill
    WHERE fill.tank_id = devices_gaugereading.tank_id
        AND fill.occurred_at >= devices_gaugereading.occurred_at
        AND fill.occurred_at < devices_gaugereading.occurred_at + interval '1 hour'
        AND coalesce(fill.started_at, fill.lifted_at, fill.occurred_at)
            <= devices_gaugereading.occurred_at
)"""
FIVE_MINUTES, HOUR = 300, 3600
RANGE = timedelta(days=7)


def thin(*, station: Station, at: datetime) -> int:
    """Thin old readings: every one for N days, then one in five minutes (all while fuel moved) to
    N2 days, then one an hour (all of a delivery). Twice is the same as once; returns how many went.
    """
    dense = at - timedelta(days=max(whole("devices.gauge_dense_days", station), 1))
    five = at - timedelta(days=whole("devices.gauge_five_minutes_days", station))
    first = asked.first_reading(station)
    if first is None:
        return 0
    old = _thin(station, first, min(five, dense), HOUR, "")
    return old + _thin(station, max(first, five), dense, FIVE_MINUTES, _NOT_FUELLING)


def _thin(station: Station, since: datetime, until: datetime, step: int, but: str) -> int:
    """In ranges, each a transaction of its own. Ranges begin where buckets do."""
    since = since.replace(minute=0, second=0, microsecond=0)
    count = 0
    while since < until:
        end = min(since + RANGE, until)
        with transaction.atomic(), connection.cursor() as cursor:
            told: dict[str, int | datetime] = {
                "step": step,
                "station": station.pk,
                "since": since,
                "until": end,
            }
            cursor.execute(_THIN.format(but=but), told)
            count += cursor.rowcount
        since = end
    return count
