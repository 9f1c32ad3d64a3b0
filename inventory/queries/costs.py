"""Cost of fuel: the perpetual moving average per grade, before VAT."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import connection

from inventory.models import FuelCost
from station.models import Grade, Station


def fuel_cost(*, station: Station, grade: Grade, at: datetime) -> Decimal | None:
    """Cost in yuan per litre before VAT at an instant; None before the first delivery or opening."""
    return (
        FuelCost.objects.filter(station=station, grade=grade, occurred_at__lte=at)
        .order_by("-occurred_at", "-pk")
        .values_list("unit_cost", flat=True)
        .first()
    )


def fuel_costs(*, station: Station, at: datetime) -> dict[int, Decimal]:
    """Cost by grade id at an instant: one index probe per grade, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT grade.id, cost.unit_cost FROM station_grade grade CROSS JOIN LATERAL ("
            " SELECT unit_cost FROM inventory_fuelcost"
            " WHERE station_id = %s AND grade_id = grade.id AND occurred_at <= %s"
            " ORDER BY occurred_at DESC, id DESC LIMIT 1) cost",
            [station.pk, at],
        )
        return dict(cursor.fetchall())
