"""Items, categories and suppliers: reference data of the shop, each change audited."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from django.db import IntegrityError, transaction
from pypinyin import Style, lazy_pinyin

from inventory.models import Category, Item, ItemBarcode, StockBalance, Supplier
from inventory.queries.places import selling_place
from station.errors import Refusal
from station.models import Station, User
from station.services import audit, sealing

Named = TypeVar("Named", Category, Supplier)
PACK = re.compile(r"(?P<barcode>[0-9A-Za-z-]{4,40})(?:\*(?P<quantity>[1-9]\d{0,3}))?")


class CodeTaken(Refusal):
    """The code, barcode or name is another's."""


@transaction.atomic
def save_item(
    *, row: Item | None, values: Mapping[str, Any], at: datetime, actor: User, station: Station
) -> Item:
    """Add or change an item with its barcodes. Refuses a code or barcode that another item has."""
    values = dict(values)
    barcodes = _barcodes(values.pop("barcodes", ""))
    before = _said(row) if row else None
    item = row or Item()
    for name, value in values.items():
        setattr(item, name, value)
    item.pinyin = pinyin_of(item.name)
    try:
        with transaction.atomic():
            item.save()
            item.barcodes.all().delete()
            ItemBarcode.objects.bulk_create(
                [
                    ItemBarcode(item=item, barcode=barcode, quantity=count)
                    for barcode, count in barcodes
                ]
            )
    except IntegrityError as error:
        raise CodeTaken("编码或条码已被其他商品使用，请核对后重填") from error
    if item.kind == Item.Kind.GOODS:
        StockBalance.objects.get_or_create(
            place=selling_place(station), item=item, defaults={"station": station}
        )
        StockBalance.objects.filter(item=item, quantity__gte=0).update(
            may_go_negative=item.may_go_negative
        )
    audit.record(
        at=at,
        actor=actor,
        station=station,
        action="inventory.item.saved",
        document=f"item:{item.code}",
        before=before,
        after=_said(item),
    )
    return item


@transaction.atomic
def save_category(
    *, row: Category | None, values: Mapping[str, Any], at: datetime, actor: User, station: Station
) -> Category:
    """Add or rename a category. Refuses a name that is there already."""
    return _save_named(row or Category(), values, "inventory.category.saved", at, actor, station)


@transaction.atomic
def save_supplier(
    *, row: Supplier | None, values: Mapping[str, Any], at: datetime, actor: User, station: Station
) -> Supplier:
    """Add or change a supplier, its contact sealed. Refuses a name that is there already."""
    row = row or Supplier(key=sealing.new_key(at=at))
    told = dict(values)
    for name in ("contact", "phone"):
        told[f"{name}_sealed"] = sealing.seal(row.key, told.pop(name, "").strip())
    return _save_named(row, told, "inventory.supplier.saved", at, actor, station)


def pinyin_of(name: str) -> str:
    """Initials and full pinyin of a name, for searching: 农夫山泉 -> "nfsq nongfushanquan"."""
    initials = "".join(lazy_pinyin(name, style=Style.FIRST_LETTER))
    return f"{initials} {''.join(lazy_pinyin(name))}".lower()[:120]


def _save_named(
    row: Named, values: Mapping[str, Any], action: str, at: datetime, actor: User, station: Station
) -> Named:
    for name, value in values.items():
        setattr(row, name, value)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise CodeTaken(f"名称「{row.name}」已存在，请换一个") from error
    audit.record(
        at=at,
        actor=actor,
        station=station,
        action=action,
        document=row.name,
        after={"name": row.name},
    )
    return row


def _barcodes(text: str) -> list[tuple[str, int]]:
    found = []
    for word in text.split():
        match = PACK.fullmatch(word)
        if match is None:
            raise Refusal(f"条码「{word}」不合规：请写数字或字母，整箱写作 条码*数量")
        found.append((match["barcode"], int(match["quantity"] or 1)))
    return found


def _said(item: Item) -> dict[str, Any]:
    return {
        "code": item.code,
        "name": item.name,
        "price": str(item.price),
        "active": item.active,
        "may_go_negative": item.may_go_negative,
    }
