"""Tags of vehicles and cards of drivers that were read at the islands."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Case, F, OuterRef, QuerySet, Subquery, Value, When

from devices.models import ReadRule, Swipe
from station.models import Station

TAG, DRIVER = ReadRule.Meaning.VEHICLE_TAG, ReadRule.Meaning.DRIVER_CARD
SHORTEST: Final = 10  # seconds within which a company may want both read; LONGEST: a read counts
LONGEST: Final = 300


def fleet_swipes(*, station: Station, at: datetime) -> QuerySet[Swipe]:
    """Those that may count still."""
    return Swipe.objects.filter(
        station=station,
        meaning__in=[TAG, DRIVER],
        occurred_at__gt=at - timedelta(seconds=LONGEST),
        occurred_at__lte=at,
        reader__island__isnull=False,
        card__isnull=False,
    )


def newest_fleet_swipes(*, station: Station, at: datetime) -> list[Swipe]:
    """The newest tag and the newest driver's card at each island. One statement.

    Each with `nobodys_at`: when a card that is nobody's was read there later in its place, None
    where none was. One whose meaning no rule tells stands for a driver's.
    """
    nobodys = (
        Swipe.objects.annotate(
            stands_for=Case(
                When(meaning=ReadRule.Meaning.UNKNOWN, then=Value(DRIVER)), default=F("meaning")
            )
        )
        .filter(
            pk__gt=OuterRef("pk"),  # told later; keeps the search short
            reader__island=OuterRef("reader__island"),
            medium=ReadRule.Medium.CARD,
            stands_for=OuterRef("meaning"),
            card=None,
            occurred_at__gte=OuterRef("occurred_at"),
            occurred_at__lte=at,
        )
        .order_by("-pk")
    )
    rows = fleet_swipes(station=station, at=at).annotate(
        nobodys_at=Subquery(nobodys.values("occurred_at")[:1])
    )
    newest = rows.order_by("reader__island", "meaning", "-occurred_at", "-pk")
    found = newest.distinct("reader__island", "meaning")
    return list(found.select_related("card", "reader__island"))
