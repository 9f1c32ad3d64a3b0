"""What the search field finds on this floor: items by barcode, code or name; deliveries by number or truck."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.urls import reverse

from inventory.models import Delivery, Item
from station.models import Station, User
from station.queries.search import Hit
from station.services.sealing import blind_index


def hits(*, query: str, user: User, stations: QuerySet[Station]) -> list[Hit]:
    """Items and deliveries of the stations this person may see."""
    items = Item.objects.filter(
        Q(code__iexact=query) | Q(barcodes__barcode=query) | Q(name__icontains=query)
    ).distinct()[:8]
    found = [
        Hit(
            "商品",
            item.name,
            f"{reverse('inventory:items')}?text={item.code}",
            f"{item.code} · ¥{item.price}",
        )
        for item in items
    ]
    notes = (
        Delivery.objects.filter(station__in=stations)
        .filter(Q(number__iexact=query) | Q(note_no__iexact=query) | _truck(query))
        .order_by("-pk")[:5]
    )
    found += [
        Hit("卸油单", row.number, reverse("inventory:delivery", args=[row.number]), row.note_no)
        for row in notes
    ]
    return found


def _truck(query: str) -> Q:
    index = blind_index("plate", query)
    return Q(truck_plate_index=index) if index else Q(pk=None)
