"""Dips and gauge readings: a tank as it was measured."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from inventory.models import Dip
from inventory.queries.strapping import Volumes, net_of, v20
from station.errors import Refusal
from station.models import Alert, BusinessDay, Shift, Tank, User
from station.money import NO_LITRES, Litres
from station.services import alerts


@transaction.atomic
def record_dip(
    *,
    tank: Tank,
    source: str,
    at: datetime,
    actor: User | None,
    purpose: str = Dip.Purpose.ROUTINE,
    total_height_mm: int | None = None,
    water_height_mm: int = 0,
    temp_c: Decimal | None = None,
    net_l: Litres | None = None,
    shift: Shift | None = None,
    day: BusinessDay | None = None,
    document: str = "",
    note: str = "",
) -> Dip:
    """Keep a measurement of a tank: by its heights (litres from the strapping table), or litres as read.

    Heights in whole mm, temperature in ℃, litres net of water. Refuses a typed height that the
    tank cannot have, and a measurement with neither height nor litres. Raises alerts for water
    above the tank's limit and for litres below or above its marks; the fact itself is kept.
    """
    volumes = _volumes(tank, total_height_mm, water_height_mm, net_l)
    dip = Dip.objects.create(
        station_id=tank.station_id,
        tank=tank,
        day=day,
        shift=shift,
        source=source,
        purpose=purpose,
        total_height_mm=total_height_mm,
        water_height_mm=water_height_mm,
        temp_c=temp_c,
        total_l=volumes.total,
        water_l=volumes.water,
        net_l=volumes.net,
        v20_l=None if temp_c is None else v20(volumes.net, temp_c, tank.grade.expansion),
        document=document,
        occurred_at=at,
        actor=actor,
        note=note,
    )
    _watch_water(dip, at)
    watch_level(tank=tank, litres=volumes.net, at=at)
    return dip


def _volumes(tank: Tank, total_mm: int | None, water_mm: int, net_l: Litres | None) -> Volumes:
    """By heights where there are any, else litres as read."""
    if total_mm is not None:
        return net_of(tank=tank, total_height_mm=total_mm, water_height_mm=water_mm)
    if net_l is None or net_l < 0:
        raise Refusal("请填写油水总高（毫米），或直接填写净油体积（升）")
    return Volumes(total=net_l, water=NO_LITRES, net=net_l)


def _watch_water(dip: Dip, at: datetime) -> None:
    tank, key = dip.tank, f"water:{dip.tank_id}"
    if dip.water_height_mm > tank.water_limit_mm:
        alerts.raise_alert(
            station=tank.station,
            key=key,
            kind="罐内水高",
            level=Alert.Level.CRITICAL,
            text=f"{tank}（{tank.grade}）水高 {dip.water_height_mm} mm，"
            f"超过上限 {tank.water_limit_mm} mm：请停用该罐油枪并排水",
            url=f"/inventory/tanks/{tank.pk}/",
            at=at,
        )
    elif dip.total_height_mm is not None:
        alerts.clear_alert(station=tank.station, key=key, at=at)


def watch_level(*, tank: Tank, litres: Litres, at: datetime) -> None:
    """Raise or clear the low and high alerts of a tank for its litres now."""
    low, high = f"low:{tank.pk}", f"high:{tank.pk}"
    if litres <= tank.low_alarm_l:
        alerts.raise_alert(
            station=tank.station,
            key=low,
            kind="低液位",
            level=Alert.Level.WARNING,
            text=f"{tank}（{tank.grade}）存油 {litres:.0f} 升，低于报警线 {tank.low_alarm_l:.0f} 升：请安排进油",
            url=f"/inventory/tanks/{tank.pk}/",
            at=at,
        )
    else:
        alerts.clear_alert(station=tank.station, key=low, at=at)
    if litres >= tank.high_alarm_l:
        alerts.raise_alert(
            station=tank.station,
            key=high,
            kind="高液位",
            level=Alert.Level.WARNING,
            text=f"{tank}（{tank.grade}）存油 {litres:.0f} 升，高于报警线 {tank.high_alarm_l:.0f} 升",
            url=f"/inventory/tanks/{tank.pk}/",
            at=at,
        )
    else:
        alerts.clear_alert(station=tank.station, key=high, at=at)
