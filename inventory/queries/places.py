"""Where goods of a station lie, and how many there."""

from __future__ import annotations

from decimal import Decimal

from django.db.models import OuterRef, QuerySet, Subquery, Sum

from inventory.models import StockBalance, StockPlace
from station.models import Station


def selling_place(station: Station) -> StockPlace:
    """The place whose goods the tills sell; the database gives every station one."""
    return StockPlace.objects.get(station=station, selling=True)


def places_of(station: Station) -> QuerySet[StockPlace]:
    """The places in use of a station, the selling one first."""
    return StockPlace.objects.filter(station=station, active=True).order_by(
        "-selling", "position", "pk"
    )


def on_shelf(station: Station, item: str = "pk") -> Subquery:
    """What the tills of a station may sell of an item, for annotating rows; None where none ever was."""
    held = StockBalance.objects.filter(station=station, place__selling=True, item=OuterRef(item))
    return Subquery(held.values("quantity"))


def on_hand(station: Station, item: str = "pk") -> Subquery:
    """What a station holds of an item at all its places together, for annotating rows."""
    held = StockBalance.objects.filter(station=station, item=OuterRef(item)).order_by()
    total = held.values("item").annotate(total=Sum("quantity")).values("total")
    return Subquery(total)


def held_at(place: StockPlace, item_id: int) -> Decimal:
    """How many of an item lie at a place."""
    found = StockBalance.objects.filter(place=place, item=item_id)
    return found.values_list("quantity", flat=True).first() or Decimal(0)
