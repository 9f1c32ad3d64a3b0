"""The site's own data: station, grades, islands, tanks, dispensers, nozzles, tills."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction

from station.errors import Refusal
from station.models import Dispenser, Grade, Island, Nozzle, Station, Tank, Till, User
from station.services import audit

Row = TypeVar("Row", bound=models.Model)

# What the database refuses, in words for the person at the form.
WORDS = {
    "a_tanks_marks_rise_to_its_capacity": "油罐各界线须依次升高：罐底油 ≤ 低报警 < 高报警 ≤ 安全罐容 ≤ 容量",
    "one_tank_per_number": "罐号已被占用，请换一个",
    "one_island_per_number": "岛号已被占用，请换一个",
    "one_dispenser_per_number": "机号已被占用，请换一个",
    "one_nozzle_per_number": "枪号已被占用，请换一个",
    "one_nozzle_per_dispenser_position": "该加油机的这个枪位已有油枪",
    "one_till_per_number": "台号已被占用，请换一个",
    "a_tax_rate_is_a_share": "税率应在 0 与 1 之间，13% 填 0.13",
    "station_grade_code_key": "油品代号已被占用，请换一个",
    "station_station_code_key": "站号已被占用，请换一个",
}


def save_station(
    *,
    row: Station | None,
    values: Mapping[str, Any],
    at: datetime,
    actor: User,
    station: Station | None,
) -> Station:
    """Add or change a station. Refuses a code in use."""
    return _save(row or Station(), values, "station.site.saved", at, actor)


def save_grade(
    *, row: Grade | None, values: Mapping[str, Any], at: datetime, actor: User, station: Station
) -> Grade:
    """Add or change a fuel or another energy product; units other than litres need no tank's table."""
    return _save(row or Grade(), values, "station.grade.saved", at, actor, station)


def save_island(
    *, row: Island | None, values: Mapping[str, Any], at: datetime, actor: User, station: Station
) -> Island:
    """Add or change an island. Refuses a number in use."""
    return _save(row or Island(station=station), values, "station.island.saved", at, actor, station)


def save_tank(
    *, row: Tank | None, values: Mapping[str, Any], at: datetime, actor: User, station: Station
) -> Tank:
    """Add or change a tank. Refuses marks that do not rise, and another product in a tank that has history."""
    if row is not None and row.grade != values.get("grade", row.grade) and row.fills.exists():
        raise Refusal("该罐已有付油记录，不能直接改油品：请新建油罐，或清罐换号后另行登记")
    return _save(row or Tank(station=station), values, "station.tank.saved", at, actor, station)


def save_dispenser(
    *, row: Dispenser | None, values: Mapping[str, Any], at: datetime, actor: User, station: Station
) -> Dispenser:
    """Add or change a dispenser. Refuses a number in use."""
    return _save(
        row or Dispenser(station=station), values, "station.dispenser.saved", at, actor, station
    )


def save_nozzle(
    *, row: Nozzle | None, values: Mapping[str, Any], at: datetime, actor: User, station: Station
) -> Nozzle:
    """Add or change a nozzle; it draws from exactly one tank. Refuses a place that is taken."""
    return _save(row or Nozzle(station=station), values, "station.nozzle.saved", at, actor, station)


def save_till(
    *, row: Till | None, values: Mapping[str, Any], at: datetime, actor: User, station: Station
) -> Till:
    """Add or change a till. Refuses a number in use."""
    return _save(row or Till(station=station), values, "station.till.saved", at, actor, station)


@transaction.atomic
def _save(
    row: Row,
    values: Mapping[str, Any],
    action: str,
    at: datetime,
    actor: User,
    station: Station | None = None,
) -> Row:
    before = {name: str(getattr(row, name)) for name in values} if row.pk else None
    for name, value in values.items():
        setattr(row, name, value)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        for name, words in WORDS.items():
            if name in str(error):
                raise Refusal(words) from error
        raise
    audit.record(
        at=at,
        actor=actor,
        action=action,
        station=row if isinstance(row, Station) else station,
        document=f"{row._meta.model_name}:{row.pk}",
        before=before,
        after={name: str(value) for name, value in values.items()},
    )
    return row
