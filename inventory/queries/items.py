"""Shop items as the till looks for them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Q, QuerySet

from inventory.models import Item, ItemBarcode
from inventory.queries.places import on_shelf
from station.errors import Refusal
from station.models import Station
from station.money import Yuan


class UnknownItem(Refusal):
    """No item has that barcode or code."""


@dataclass(frozen=True)
class ItemHit:
    """One item for the till: what it is, what it costs, what is on hand (None for a service)."""

    id: int
    code: str
    name: str
    kind: str
    unit: str
    price: Yuan
    on_hand: Decimal | None
    quantity: int = 1


def find(*, text: str, station: Station, limit: int = 20) -> list[ItemHit]:
    """Items by exact barcode first, else by code, name or pinyin. At most three statements."""
    text = text.strip()
    if not text:
        return []
    barcode = ItemBarcode.objects.filter(barcode=text, item__active=True).first()
    if barcode is not None:
        return _hits(Item.objects.filter(pk=barcode.item_id), station, barcode.quantity)
    wanted = Q(code__iexact=text) | Q(name__icontains=text) | Q(pinyin__icontains=text.lower())
    return _hits(Item.objects.filter(wanted, active=True).order_by("name")[:limit], station)


def by_code(text: str) -> tuple[Item, int]:
    """The item of a barcode or code, and how many a scan of it counts. Refuses an unknown one."""
    barcode = ItemBarcode.objects.select_related("item").filter(barcode=text.strip()).first()
    if barcode is not None:
        return barcode.item, barcode.quantity
    item = Item.objects.filter(code__iexact=text.strip()).first()
    if item is None:
        raise UnknownItem(f"没有条码或编码为「{text.strip()}」的商品，请先在“商品”中新增")
    return item, 1


def favourites(*, station: Station) -> list[ItemHit]:
    """The items that the till shows as buttons."""
    items = Item.objects.filter(is_favourite=True, active=True)
    return _hits(items.order_by("category__position", "code")[:24], station)


def _hits(items: QuerySet[Item], station: Station, quantity: int = 1) -> list[ItemHit]:
    return [
        ItemHit(
            id=item.pk,
            code=item.code,
            name=item.name,
            kind=item.kind,
            unit=item.unit,
            price=item.price,
            on_hand=None if item.kind == Item.Kind.SERVICE else item.on_hand or Decimal(0),
            quantity=quantity,
        )
        for item in items.annotate(on_hand=on_shelf(station))
    ]
