"""Prices: what is in force, and the ceiling above which nothing may be sold."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from django.db.models.lookups import LessThanOrEqual

from station.models import Grade, PriceCeiling, PriceChange, PriceLine, Station
from station.money import Yuan

HOLDS = Coalesce("since", "change__effective_at")  # from when on a line holds


def holding(at: datetime) -> QuerySet[PriceLine]:
    """Lines in force at an instant, newest first. A rise that waits for the price sign is none."""
    return (
        PriceLine.objects.filter(change__status=PriceChange.Status.IN_FORCE, held=False)
        .filter(LessThanOrEqual(HOLDS, at))
        .order_by(HOLDS.desc(), "-change_id")
    )


def newest(*, station: Station, at: datetime) -> QuerySet[PriceLine]:
    """The line in force of each grade of a station at an instant."""
    lines = holding(at).filter(change__station=station)
    return lines.order_by("grade_id", HOLDS.desc(), "-change_id").distinct("grade_id")


def price_at(*, station: Station, grade: Grade, at: datetime) -> Yuan | None:
    """The posted price (元/升) of a grade at an instant; None when none was ever put into force."""
    lines = holding(at).filter(change__station=station, grade=grade)
    return lines.values_list("price", flat=True).first()


def prices_at(*, station: Station, at: datetime) -> dict[int, Yuan]:
    """Posted price by grade id at an instant. One statement."""
    return dict(newest(station=station, at=at).values_list("grade_id", "price"))


def ceiling_at(*, station: Station, grade: Grade, at: datetime) -> PriceCeiling | None:
    """The published ceiling of the station's zone for a grade at an instant; None where none is known."""
    return (
        PriceCeiling.objects.filter(zone=station.price_zone, grade=grade, effective_at__lte=at)
        .order_by("-effective_at")
        .first()
    )
