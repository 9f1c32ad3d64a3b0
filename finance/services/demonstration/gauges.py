"""The last day of the demo's tank gauge: what its tanks held, reckoned back from what their books say."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from devices.models import Fill, GaugeReading
from devices.protocols.veeder_root.messages import Units
from devices.protocols.veeder_root.units import metric
from devices.simulator import layout
from devices.simulator.probes import Probe
from finance.services.demonstration.site import Site
from inventory.models import TankMovement
from inventory.queries.books import levels
from station.models import StrappingPoint, Tank

SPAN, STEP = timedelta(hours=24), timedelta(minutes=10)


def write_readings(site: Site, *, until: datetime) -> None:
    """A reading of every tank each ten minutes, the last of them at `until`: the simulator goes on there."""
    rows: list[GaugeReading] = []
    for level in levels(site.station):
        rows += _of(level.tank, level.litres, until)
    GaugeReading.objects.bulk_create(rows, batch_size=2000)


def _of(tank: Tank, litres: Decimal, until: datetime) -> list[GaugeReading]:
    marks = StrappingPoint.objects.filter(table__tank=tank, table__replaced_at=None)
    probe = Probe(
        tank.number,
        capacity=tank.capacity_l,
        volume=litres,
        water_mm=Decimal(layout.WATER_MM),
        marks=list(marks.order_by("height_mm").values_list("height_mm", "litres")),
    )
    steps = _steps(tank, until)
    rows, at = [], until
    while at >= until - SPAN:
        while steps and steps[-1][0] > at:  # not yet gone out then, or come in
            probe.volume -= steps.pop()[1]
        rows.append(_reading(tank, probe, at))
        at -= STEP
    return rows


def _steps(tank: Tank, until: datetime) -> list[tuple[datetime, Decimal]]:
    """When the tank's litres changed, and by how much, oldest first."""
    span = {"tank": tank, "occurred_at__gt": until - SPAN, "occurred_at__lte": until}
    out = Fill.objects.filter(**span).values_list("occurred_at", "litres")
    come = TankMovement.objects.filter(**span).values_list("occurred_at", "litres")
    return sorted([*((at, -litres) for at, litres in out), *come])


def _reading(tank: Tank, probe: Probe, at: datetime) -> GaugeReading:
    told = metric(probe.reading(), Units.METRIC)
    return GaugeReading(
        station_id=tank.station_id,
        tank=tank,
        occurred_at=at,
        volume=max(told.volume or Decimal(0), Decimal(0)),
        tc_volume=told.tc_volume,
        ullage=told.ullage,
        height=max(told.height or Decimal(0), Decimal(0)),
        water_height=told.water or Decimal(0),
        water_volume=told.water_volume,
        temperature=told.temperature,
        format=GaugeReading.Format.COMPUTER,
    )
