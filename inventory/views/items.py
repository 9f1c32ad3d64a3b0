"""Shop: items, categories, suppliers and the places where goods lie."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db.models import F, Q, QuerySet, Value

from inventory.forms.shop import ItemFilter, ItemForm, NamedForm, PlaceForm, SupplierForm
from inventory.models import Category, Item, StockPlace, Supplier
from inventory.queries.partners import contact_of
from inventory.queries.places import on_hand, on_shelf
from inventory.services import items as services
from inventory.services.places import save_place
from station.access import StaffRequest
from station.queries.columns import Column
from station.views.crud import Reference


def _items(request: StaffRequest) -> QuerySet[Item]:
    return (
        Item.objects.select_related("category")
        .prefetch_related("barcodes")
        .annotate(
            on_shelf=on_shelf(request.station) if request.station else Value(None),
            on_hand=on_hand(request.station) if request.station else Value(None),
        )
    )


def _narrow_items(rows: QuerySet[Any], values: Any) -> QuerySet[Any]:
    if text := (values.get("text") or "").strip():
        rows = rows.filter(
            Q(code__iexact=text)
            | Q(name__icontains=text)
            | Q(pinyin__icontains=text.lower())
            | Q(barcodes__barcode=text)
        ).distinct()
    if values.get("category"):
        rows = rows.filter(category=values["category"])
    if values.get("low"):
        rows = rows.filter(kind=Item.Kind.GOODS, on_hand__lt=F("low_stock"))
    return rows


def _is_low(row: Any) -> bool:
    return bool(row.kind == Item.Kind.GOODS and (row.on_hand or 0) < row.low_stock)


ITEMS = Reference(
    app="inventory",
    name="items",
    noun="商品",
    columns=(
        Column("编码", "code", "code"),
        Column("名称", "name"),
        Column("类别", "category.name", minor=True),
        Column("条码", lambda row: " ".join(line.barcode for line in row.barcodes.all()), "code", minor=True),
        Column("售价", "price", "yuan"),
        Column("成本(不含税)", lambda row: row.cost.quantize(Decimal("0.01")), "yuan", minor=True),
        Column("货架", lambda row: None if row.kind == Item.Kind.SERVICE else row.on_shelf or Decimal(0), "count"),
        Column("全站", lambda row: None if row.kind == Item.Kind.SERVICE else row.on_hand or Decimal(0), "count"),
        Column(
            "状态",
            lambda row: "停售" if not row.active else "低库存" if _is_low(row) else "在售",
            "state",
            tone=lambda row: "off" if not row.active else "bad" if _is_low(row) else "good",
        ),
    ),
    form=ItemForm,
    rows=_items,
    save=services.save_item,
    initial=lambda row: {
        **{
            name: getattr(row, name)
            for name in ("code", "name", "kind", "category", "unit", "price", "tax_rate", "low_stock",
                         "may_go_negative", "is_favourite", "active")
        },
        "barcodes": " ".join(
            line.barcode if line.quantity == 1 else f"{line.barcode}*{line.quantity}" for line in row.barcodes.all()
        ),
    },
    view_right="inventory.items",
    change_right="inventory.items.change",
    order=("code",),
    filters=ItemFilter,
    narrowed=_narrow_items,
    empty_text="录入商品后收银台即可扫码销售。",
)  # fmt: skip

CATEGORIES = Reference(
    app="inventory",
    name="categories",
    noun="商品类别",
    columns=(Column("名称", "name"), Column("排序", "position", "count")),
    form=NamedForm,
    rows=lambda request: Category.objects.all(),
    save=services.save_category,
    initial=lambda row: {"name": row.name, "position": row.position},
    view_right="inventory.items",
    change_right="inventory.items.change",
    order=("position", "name"),
    empty_text="先建类别，再录商品。",
)


def supplier_initial(row: Supplier) -> dict[str, Any]:
    """What the form begins with: whoever may change a contact sees it in full."""
    contact = contact_of(row, full=True)
    told = {name: getattr(row, name) for name in ("name", "tax_no", "active")}
    return {**told, "contact": contact.name, "phone": contact.phone}


SUPPLIERS = Reference(
    app="inventory",
    name="suppliers",
    noun="供应商",
    columns=(
        Column("名称", "name"),
        Column("联系人", lambda row: contact_of(row).name),
        Column("电话", lambda row: contact_of(row).phone, "code"),
        Column("税号", "tax_no", "code", minor=True),
        Column(
            "状态",
            lambda row: "在用" if row.active else "停用",
            "state",
            tone=lambda row: "good" if row.active else "off",
        ),
    ),
    form=SupplierForm,
    rows=lambda request: Supplier.objects.select_related("key"),
    save=services.save_supplier,
    initial=supplier_initial,
    view_right="inventory.tanks",
    change_right="inventory.items.change",
    order=("name",),
    empty_text="录入供油商与商品供应商。",
)

PLACES = Reference(
    app="inventory",
    name="places",
    noun="存货地点",
    columns=(
        Column("名称", "name"),
        Column("排序", "position", "count"),
        Column("收银台从这里卖", lambda row: "是" if row.selling else ""),
        Column(
            "状态",
            lambda row: "在用" if row.active else "停用",
            "state",
            tone=lambda row: "good" if row.active else "off",
        ),
    ),
    form=PlaceForm,
    rows=lambda request: StockPlace.objects.filter(station=request.station),
    save=save_place,
    initial=lambda row: {
        name: getattr(row, name) for name in ("name", "position", "selling", "active")
    },
    view_right="inventory.items",
    change_right="inventory.places.change",
    order=("position", "id"),
    empty_text="货架、后仓各算一处，库存按地点分开记。",
)
