"""损耗定额 as it is in force: by oil, stage, region class, season and date (GB/T 11085).

The year is split in two: 春冬季 is January to March and October to December in region classes A and
B, January to April, November and December in C; the rest is 夏秋季.
"""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.db.models import Q, QuerySet

from inventory.models import LossAllowance
from station.models import Station
from station.money import NO_LITRES, Litres, round_litres
from station.queries import settings

Stage, Region, Season = LossAllowance.Stage, LossAllowance.Region, LossAllowance.Season
REGIONS = {"1": Region.A, "2": Region.B, "3": Region.C}
HUNDRED = Decimal(100)


def season_of(region: str, on: date) -> LossAllowance.Season:
    """春冬季 or 夏秋季 of a date in a region class."""
    winter = {1, 2, 3, 4, 11, 12} if region == Region.C else {1, 2, 3, 10, 11, 12}
    return Season.WINTER if on.month in winter else Season.SUMMER


@dataclass(frozen=True)
class Allowances:
    """Every allowance that a station may ask for, ready to be looked up."""

    region: str
    standing: bool
    rows: dict[tuple[str, str], list[LossAllowance]] = field(default_factory=dict)

    def row(self, kind: str, stage: str, on: date) -> LossAllowance | None:
        """The row in force: the station's own before the default, then the latest date and row."""
        return self.of_season(kind, stage, on, season_of(self.region, on))

    def of_season(
        self, kind: str, stage: str, on: date, season: LossAllowance.Season
    ) -> LossAllowance | None:
        """The row in force in a season."""
        fitting = [
            row
            for row in self.rows.get((kind, stage), ())
            if row.valid_from <= on
            and row.region in {"", self.region}
            and row.season in {"", season}
        ]
        return max(
            fitting, key=lambda row: (bool(row.station_id), row.valid_from, row.pk), default=None
        )

    def percent(self, kind: str, stage: str, on: date) -> Decimal | None:
        """The figure in force in per cent; None where nothing is laid down."""
        row = self.row(kind, stage, on)
        return None if row is None else row.percent

    def litres(self, kind: str, stage: str, of: Litres, on: date) -> Litres | None:
        """The litres that may be lost of a quantity at a stage."""
        percent = self.percent(kind, stage, on)
        return None if percent is None else round_litres(max(of, NO_LITRES) * percent / HUNDRED)

    def of_tank(
        self, *, kind: str, sold: Litres, standing: Litres, days: int, on: date
    ) -> Litres | None:
        """零售 of what was sold and 储存 of what stood there for so many days of the month.

        None where no retail figure is laid down. A shift has no days: storage counts by the day.
        """
        retail = self.litres(kind, Stage.RETAIL, sold, on)
        if retail is None:
            return None
        stage = Stage.STANDING if self.standing else Stage.STORAGE
        stored = self.litres(kind, stage, standing, on) or NO_LITRES
        return round_litres(retail + stored * days / monthrange(on.year, on.month)[1])


def allowances(station: Station) -> Allowances:
    """The allowances of a station. Two statements."""
    names = ("inventory.loss_region", "inventory.standing_tanks")
    told = settings.texts(names, station)
    return Allowances(
        REGIONS.get(told[names[0]], Region.A), told[names[1]] == "1", _by_stage(of_station(station))
    )


def seasons_of(allowed: Allowances, on: date) -> set[int]:
    """The rows that a station uses from a date on, in either season, by their keys."""
    return {
        row.pk
        for kind, stage in allowed.rows
        for season in (Season.WINTER, Season.SUMMER)
        if (row := allowed.of_season(kind, stage, on, season)) is not None
    }


def of_station(station: Station) -> QuerySet[LossAllowance]:
    """The defaults and the station's own rows."""
    return LossAllowance.objects.filter(Q(station=None) | Q(station=station))


def _by_stage(rows: Iterable[LossAllowance]) -> dict[tuple[str, str], list[LossAllowance]]:
    found: dict[tuple[str, str], list[LossAllowance]] = defaultdict(list)
    for row in rows:
        found[row.kind, row.stage].append(row)
    return found
