"""What gauges say: the latest of each tank, a day of it, deliveries, and litres that go by themselves."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Max, Min, QuerySet

from devices.models import Alarm, Fill, GaugeDelivery, GaugeReading, GaugeTank, NozzleState
from devices.queries.alarms import LIVE
from station.models import Station, Tank
from station.money import Litres

FRESH = timedelta(minutes=3)  # older than that a reading is no longer what stands there now
SETTLES = timedelta(minutes=1)  # the surface, after a nozzle was hung or a hose taken off
OF_A_TANK = (
    *(Alarm.Kind.WATER, Alarm.Kind.LOW, Alarm.Kind.HIGH, Alarm.Kind.OVERFILL, Alarm.Kind.PROBE),
    *(Alarm.Kind.LEVEL, Alarm.Kind.LOSS, Alarm.Kind.LEAK, Alarm.Kind.IDLE_FALL, Alarm.Kind.GAUGE),
)
RUNNING = ("AUTHORISED", "FUELLING", "SUSPENDED")


@dataclass(frozen=True, slots=True)
class Live:
    """The last reading of a tank. `fresh`: it is what stands there now."""

    reading: GaugeReading
    fresh: bool


@dataclass(frozen=True, slots=True)
class Fall:
    """Litres that went out of a tank while nobody took them, and over how long."""

    tank: Tank
    litres: Litres
    span: timedelta

    @property
    def minutes(self) -> int:
        return int(self.span.total_seconds() // 60)

    @property
    def per_hour(self) -> Litres:
        """Litres an hour."""
        return self.litres * 3600 / Decimal(max(int(self.span.total_seconds()), 1))


def wired(*, station: Station) -> QuerySet[GaugeTank]:
    """Which tank of a gauge is which, by tank number."""
    return (
        GaugeTank.objects.filter(line__station=station, line__active=True, active=True)
        .select_related("line", "tank__grade")
        .order_by("tank__number")
    )


def latest(*, station: Station, at: datetime) -> dict[int, Live]:
    """The last reading up to `at` of every gauged tank, by tank id. Two statements."""
    tanks = list(wired(station=station).values_list("tank_id", flat=True))
    rows = (
        GaugeReading.objects.filter(tank__in=tanks, occurred_at__lte=at)
        .order_by("tank_id", "-occurred_at")
        .distinct("tank_id")
    )
    return {row.tank_id: Live(row, row.occurred_at >= at - FRESH) for row in rows}


def crying(*, station: Station) -> defaultdict[str, tuple[Alarm, ...]]:
    """The live alarms of the tanks, by a tank's words; that of a hold is told by the hold. One statement."""
    out: defaultdict[str, tuple[Alarm, ...]] = defaultdict(tuple)
    rows = Alarm.objects.filter(station=station, kind__in=OF_A_TANK, status__in=LIVE)
    for row in rows.order_by("raised_at", "pk"):
        tank, _, word = row.subject.partition("·")
        if word or row.kind != Alarm.Kind.WATER:
            out[tank] += (row,)
    return out


def since(*, tank: Tank, since: datetime, until: datetime) -> QuerySet[GaugeReading]:
    """The readings of a tank over a span, oldest first."""
    return GaugeReading.objects.filter(
        tank=tank, occurred_at__gte=since, occurred_at__lte=until
    ).order_by("occurred_at")


def deliveries(*, station: Station) -> QuerySet[GaugeDelivery]:
    """The deliveries that gauges saw."""
    return GaugeDelivery.objects.filter(station=station).select_related("tank__grade")


def first_reading(station: Station) -> datetime | None:
    """When the oldest reading that is kept was taken."""
    oldest: datetime | None = GaugeReading.objects.filter(station=station).aggregate(
        at=Min("occurred_at")
    )["at"]
    return oldest


def idle_falls(*, station: Station, window: timedelta, at: datetime) -> list[Fall]:
    """Of every gauged tank that is at rest now: what it lost since it is, within the window.

    At rest: no nozzle of it is authorised or fuels, none was hung up, and nothing was delivered. A
    tank whose last reading is old, or that has none before it, is left out.
    """
    out = []
    fresh = {pk: live for pk, live in latest(station=station, at=at).items() if live.fresh}
    tanks = Tank.objects.select_related("grade").in_bulk(fresh)
    for pk, live in fresh.items():
        begin = _at_rest_since(pk, at - window, at)
        if begin is None:
            continue
        first = since(tank=tanks[pk], since=begin, until=at).first()
        if first is None or first.pk == live.reading.pk:
            continue
        lost = first.volume - live.reading.volume
        out.append(Fall(tanks[pk], lost, live.reading.occurred_at - first.occurred_at))
    return out


def _at_rest_since(tank: int, begin: datetime, at: datetime) -> datetime | None:
    """Since when nothing moved in a tank, at the earliest `begin`; None where something moves."""
    if NozzleState.objects.filter(nozzle__tank=tank, state__in=RUNNING).exists():
        return None
    span = {"tank": tank, "occurred_at__gt": begin, "occurred_at__lte": at}
    moved = (
        Fill.objects.filter(**span).aggregate(at=Max("occurred_at"))["at"],
        GaugeReading.objects.filter(delivering=True, **span).aggregate(at=Max("occurred_at"))["at"],
    )
    rest = max([begin, *(one + SETTLES for one in moved if one is not None)])
    return rest if rest < at else None
