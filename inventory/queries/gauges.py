"""Tank gauges as the stock asks them: what stands now, what a dip would say, deliveries without a note."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils.timezone import localtime

from devices.models import Alarm, GaugeDelivery, GaugeReading, TankHold
from devices.queries import gauges as asked
from devices.queries.holds import stopping
from inventory.models import Delivery, DeliveryTank, Dip
from inventory.queries.books import Level, levels
from station.models import Station, StrappingTable, Tank
from station.queries.charts import Chart, Series

MATCHES = timedelta(hours=2)  # the dips of a delivery lie at most so far from what the gauge saw
ASKED_AFTER = timedelta(minutes=30)  # a delivery without a note is asked about then
LOOKS_BACK = timedelta(days=7)
A_DAY = timedelta(hours=24)
DOTS = 96  # of the chart of a day: one a quarter of an hour


@dataclass(frozen=True)
class Standing:
    """A tank by its book, by its gauge where it has one, and what stops its sales."""

    level: Level
    live: asked.Live | None
    hold: TankHold | None
    alarms: tuple[Alarm, ...] = ()  # that live, without the one of the hold


@dataclass(frozen=True)
class Measured:
    """A reading as a person would type a dip: whole mm, one place of ℃."""

    reading: GaugeReading
    strapped: bool  # litres come from the tank's own table

    @property
    def values(self) -> dict[str, Any]:
        """By the names of the forms' fields."""
        reading = self.reading
        temp = reading.temperature
        rounded = None if temp is None else temp.quantize(Decimal("0.1"), ROUND_HALF_UP)
        heights = {"total_height_mm": _whole(reading.height), "net_l": None}
        litres = {"total_height_mm": None, "net_l": reading.volume}
        return {
            **(heights if self.strapped else litres),
            "water_height_mm": _whole(reading.water_height),
            "temp_c": rounded,
        }


def _whole(value: Decimal) -> int:
    return int(value.quantize(Decimal(1), ROUND_HALF_UP))


def standing(*, station: Station, at: datetime) -> list[Standing]:
    """Every tank of a station as it stands, by number."""
    live = asked.latest(station=station, at=at)
    holds = {row.tank_id: row for row in stopping(station=station)}
    alarms = asked.crying(station=station)
    return [
        Standing(level, live.get(level.tank.pk), holds.get(level.tank.pk), alarms[str(level.tank)])
        for level in levels(station)
    ]


def measured(*, station: Station, at: datetime) -> dict[int, Measured]:
    """By tank id what a gauge says at `at`, where it says anything that is not old."""
    strapped = set(
        StrappingTable.objects.filter(tank__station=station, replaced_at=None).values_list(
            "tank_id", flat=True
        )
    )
    return {
        pk: Measured(live.reading, pk in strapped)
        for pk, live in asked.latest(station=station, at=at).items()
        if live.fresh
    }


def initial(measured: Measured | None) -> dict[str, Any]:
    """What a form of a dip begins with: nothing, or the gauge's figures with the reading they are."""
    return {} if measured is None else {**measured.values, "gauge": measured.reading.pk}


def source_of(*, tank: Tank, gauge: int | None, typed: Mapping[str, Any]) -> Dip.Source:
    """液位仪 where the figures are those of the reading the form began with, else 人工量油."""
    reading = GaugeReading.objects.filter(tank=tank, pk=gauge).first() if gauge else None
    if reading is None:
        return Dip.Source.DIP
    for strapped in (True, False):
        wanted = Measured(reading, strapped).values
        if all(typed.get(name) == value for name, value in wanted.items()):
            return Dip.Source.GAUGE
    return Dip.Source.DIP


def day_of(*, tank: Tank, at: datetime) -> Chart | None:
    """Litres of a tank over the last 24 hours by its gauge; None where it said nothing."""
    since, step = at - A_DAY, A_DAY / DOTS
    dots: dict[int, Decimal] = {}
    rows = asked.since(tank=tank, since=since, until=at).values_list("occurred_at", "volume")
    for moment, volume in rows.iterator():
        dots[int((moment - since) / step)] = volume  # the last of each quarter of an hour
    if not dots:
        return None
    places = range(min(dots), max(dots) + 1)
    return Chart(
        title=f"{tank}最近 24 小时存油",
        labels=tuple(f"{localtime(since + step * place):%H:%M}" for place in places),
        series=(Series(str(tank.grade), tuple(dots.get(place) for place in places)),),
        kind="line",
        value="litres",
        unit="升",
        label="时间",
        summed=False,
    )


def deliveries_seen(*, station: Station) -> QuerySet[GaugeDelivery]:
    """What gauges saw delivered, each with `number`, the 卸油单 it belongs to, or None."""
    parts = (
        DeliveryTank.objects.filter(
            tank=OuterRef("tank"), before__occurred_at__lte=OuterRef("ended_at") + MATCHES
        )
        .filter(
            Q(after__occurred_at__gte=OuterRef("started_at") - MATCHES)
            | Q(after=None, delivery__status=Delivery.Status.UNLOADING)
        )
        .order_by("-before__occurred_at")
    )
    return asked.deliveries(station=station).annotate(
        number=Subquery(parts.values("delivery__number")[:1])
    )


def to_match(*, station: Station, at: datetime) -> QuerySet[GaugeDelivery]:
    """Deliveries of the last week, each with its note or None, that are old enough to have one."""
    return deliveries_seen(station=station).filter(
        ended_at__gt=at - LOOKS_BACK, ended_at__lte=at - ASKED_AFTER
    )
