"""Prices: what is in force, and the ceiling above which nothing may be sold."""

from __future__ import annotations

from datetime import datetime

from station.models import Grade, PriceCeiling, PriceChange, PriceLine, Station
from station.money import Yuan


def price_at(*, station: Station, grade: Grade, at: datetime) -> Yuan | None:
    """The posted price (元/升) of a grade at an instant; None when none was ever put into force."""
    return (
        PriceLine.objects.filter(
            change__station=station,
            change__status=PriceChange.Status.IN_FORCE,
            change__effective_at__lte=at,
            grade=grade,
        )
        .order_by("-change__effective_at", "-change_id")
        .values_list("price", flat=True)
        .first()
    )


def prices_at(*, station: Station, at: datetime) -> dict[int, Yuan]:
    """Posted price by grade id at an instant. One statement."""
    rows = (
        PriceLine.objects.filter(
            change__station=station,
            change__status=PriceChange.Status.IN_FORCE,
            change__effective_at__lte=at,
        )
        .order_by("grade_id", "-change__effective_at", "-change_id")
        .distinct("grade_id")
        .values_list("grade_id", "price")
    )
    return dict(rows)


def ceiling_at(*, station: Station, grade: Grade, at: datetime) -> PriceCeiling | None:
    """The published ceiling of the station's zone for a grade at an instant; None where none is known."""
    return (
        PriceCeiling.objects.filter(zone=station.price_zone, grade=grade, effective_at__lte=at)
        .order_by("-effective_at")
        .first()
    )
