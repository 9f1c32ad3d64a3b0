"""Repairs, asked: what is open, how long machines stood still, and what they cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import TruncYear
from django.utils.timezone import get_current_timezone, localtime

from devices.models import Equipment, MeterTest, Repair, Seal
from devices.queries.equipment import STANDS, open_repairs
from station.models import Nozzle, Station
from station.money import Yuan
from station.queries.listing import within

Status = Repair.Status


@dataclass(frozen=True, slots=True)
class YearCost:
    """What one machine cost in one year of reports, in yuan, and how often it was broken."""

    equipment: Equipment
    year: int
    repairs: int
    cost: Yuan
    down: timedelta


def repairs(
    *,
    station: Station,
    status: str = "",
    equipment: Equipment | None = None,
    since: date | None = None,
    until: date | None = None,
) -> QuerySet[Repair]:
    """Repairs of a station; `status` "" has those that are open, "ALL" everything."""
    rows = Repair.objects.filter(station=station) if status else open_of(station=station)
    rows = rows.filter(station=station).select_related(
        "nozzle", "reported_by", "taken_by", *(f"equipment__{name}" for name in STANDS)
    )
    if status and status != "ALL":
        rows = rows.filter(status=status)
    if equipment is not None:
        rows = rows.filter(equipment=equipment)
    return within(rows, "reported_at", since=since, until=until)


def open_of(*, station: Station) -> QuerySet[Repair]:
    """What waits for somebody, oldest first where it is listed."""
    return (
        open_repairs()
        .filter(station=station)
        .select_related(*(f"equipment__{name}" for name in STANDS))
    )


def downtime(repair: Repair, *, at: datetime) -> timedelta:
    """How long the machine stood: from the alarm or the report until it was done, or until now."""
    if repair.status == Status.WITHDRAWN:
        return timedelta(0)
    return max((repair.done_at or at) - repair.down_from, timedelta(0))


def costs(*, station: Station, year: int | None = None) -> list[YearCost]:
    """Cost, count and downtime by machine and year of the report, the dearest first. Two statements.

    Withdrawn reports cost nothing and are left out.
    """
    rows = Repair.objects.filter(station=station).exclude(status=Status.WITHDRAWN)
    found: dict[tuple[int, int], list[Repair]] = {}
    for row in rows.select_related(*(f"equipment__{name}" for name in STANDS)):
        when = localtime(row.reported_at).year
        if year is None or when == year:
            found.setdefault((row.equipment_id, when), []).append(row)
    made = [
        YearCost(
            group[0].equipment,
            when,
            len(group),
            sum((row.cost for row in group), Yuan(0)),
            sum((row.done_at - row.down_from for row in group if row.done_at), timedelta(0)),
        )
        for (_, when), group in found.items()
    ]
    return sorted(made, key=lambda one: (-one.year, -one.cost, one.equipment.number))


def by_year(*, station: Station) -> dict[int, tuple[int, Yuan]]:
    """Repairs and their cost by year of the report, oldest first. One statement."""
    rows = (
        Repair.objects.filter(station=station)
        .exclude(status=Status.WITHDRAWN)
        .annotate(year=TruncYear("reported_at", tzinfo=get_current_timezone()))
        .values("year")
        .annotate(count=Count("pk"), cost=Sum("cost"))
        .order_by("year")
    )
    return {row["year"].year: (row["count"], row["cost"]) for row in rows}


def opened_nozzles(repair: Repair) -> list[Nozzle]:
    """Whose meters a repair opened: the one named, else all in use of the machine's dispenser."""
    equipment = repair.equipment
    named = repair.nozzle_id or equipment.nozzle_id
    if named:
        return list(Nozzle.objects.filter(pk=named))
    return list(
        Nozzle.objects.filter(dispenser=equipment.dispenser_id, active=True).order_by("number")
        if equipment.dispenser_id
        else []
    )


def lacks_after_opening(repair: Repair) -> list[str]:
    """What must still be recorded before a machine whose meter was opened works again, in words."""
    if not repair.meter_opened or repair.done_at is None:
        return []
    nozzles = opened_nozzles(repair)
    newest = {
        row.nozzle_id: row
        for row in MeterTest.objects.filter(
            nozzle__in=nozzles, kind=MeterTest.Kind.STATUTORY, voided_at=None
        ).order_by("tested_at", "pk")
    }
    lacking = [
        f"{nozzle} 维修后的检定（合格）"
        for nozzle in nozzles
        if (test := newest.get(nozzle.pk)) is None
        or not test.passed
        or test.tested_at < repair.done_at
    ]
    sealed = Seal.objects.filter(
        equipment=repair.equipment_id, put_at__gte=repair.done_at, broken=None
    )
    return lacking if sealed.exists() else [*lacking, "维修后的新铅封"]
