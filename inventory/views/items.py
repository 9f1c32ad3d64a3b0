"""Shop: items, categories, suppliers, the stock ledger, receiving and adjusting."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_http_methods

from inventory.forms.shop import (
    ItemFilter,
    ItemForm,
    MoveFilter,
    NamedForm,
    ReceiveForm,
    StockAdjustForm,
    SupplierForm,
)
from inventory.models import Category, Item, StockBalance, StockMove, Supplier
from inventory.queries.items import by_code
from inventory.queries.partners import contact_of
from inventory.services import items as services
from inventory.services import stock
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.models import BusinessDay
from station.queries.calendar import open_day
from station.queries.columns import Action, Column, Empty
from station.queries.listing import ListPage, within
from station.services.numbering import next_number
from station.views.crud import Reference
from station.views.listing import filters_of, list_response


def _items(request: StaffRequest) -> QuerySet[Item]:
    on_hand = StockBalance.objects.filter(station=request.station, item=OuterRef("pk")).values(
        "quantity"
    )
    return (
        Item.objects.select_related("category")
        .prefetch_related("barcodes")
        .annotate(on_hand=Subquery(on_hand))
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
        Column("现存", lambda row: None if row.kind == Item.Kind.SERVICE else row.on_hand or Decimal(0), "count"),
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


@require_GET
@may("inventory.items")
def stock_moves(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, MoveFilter)
    values = filters.cleaned_data
    rows = StockMove.objects.filter(station=request.station).select_related("item", "actor")
    if text := (values.get("text") or "").strip():
        rows = rows.filter(Q(item__code__iexact=text) | Q(item__name__icontains=text))
    if values.get("kind"):
        rows = rows.filter(kind=values["kind"])
    rows = within(rows, "occurred_at", since=values.get("since"), until=values.get("until"))
    may_receive = may_do(request.role, "inventory.stock.receive")
    new = Action("进货", reverse("inventory:receive")) if may_receive else None
    listing = ListPage(
        title="库存流水",
        columns=(
            Column("时间", "occurred_at", "moment"),
            Column("商品", "item.name"),
            Column("类别", lambda row: row.get_kind_display()),
            Column("数量", "quantity", "count"),
            Column("结存", "balance_after", "count"),
            Column("单据", "document", "code"),
            Column("原因", "reason", minor=True),
            Column("经手人", lambda row: row.actor.name if row.actor else "", minor=True),
        ),
        rows=rows,
        order=("-id",),
        filters=filters,
        counting=False,
        primary=new,
        empty=Empty("还没有库存流水", "进货、销售、盘点都会记在这里。").leading(new),
    )
    return list_response(
        request,
        listing,
        template="inventory/stock_moves.html",
        context={"may_adjust": may_do(request.role, "inventory.stock.adjust")},
    )


@require_http_methods(["GET", "POST"])
@may("inventory.stock.receive")
def receive(request: StaffRequest) -> HttpResponse:
    form = ReceiveForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            lines = []
            for number, (code, quantity, paid) in enumerate(form.rows(), 1):
                item, pack = by_code(code)
                cost = paid / (1 + item.tax_rate) / pack
                lines.append(
                    stock.StockLine(
                        number, item.pk, quantity * pack, cost.quantize(Decimal("0.000001"))
                    )
                )
            day = _day(request)
            document = next_number(station=request.station, kind="ST", day=day.date)
            stock.receive(
                station=request.station,
                day=day,
                document=document,
                lines=lines,
                note=form.cleaned_data["note"],
                at=now(),
                actor=request.user,
            )
            messages.success(request, f"已入库 {len(lines)} 行，单号 {document}。")
            return redirect("inventory:stock_moves")
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return render(
        request,
        "inventory/receive.html",
        {"form": form, "back_href": reverse("inventory:stock_moves")},
        status=422 if form.errors else 200,
    )


@require_http_methods(["GET", "POST"])
@may("inventory.stock.adjust")
def stock_adjust(request: StaffRequest) -> HttpResponse:
    form = StockAdjustForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            item, _ = by_code(values["code"])
            day = _day(request)
            stock.adjust(
                station=request.station,
                day=day,
                document=next_number(station=request.station, kind="ST", day=day.date),
                item=item,
                quantity=values["quantity"],
                reason=values["reason"],
                write_off=bool(values["write_off"]),
                at=now(),
                actor=request.user,
            )
            messages.success(
                request, f"已调整「{item.name}」{values['quantity'].normalize():f} {item.unit}。"
            )
            return redirect("inventory:stock_moves")
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return render(
        request,
        "inventory/stock_adjust.html",
        {"form": form, "back_href": reverse("inventory:stock_moves")},
        status=422 if form.errors else 200,
    )


def _day(request: StaffRequest) -> BusinessDay:
    day = open_day(request.station)
    if day is None:
        raise Refusal("营业日未开，不能动库存：请先开班")
    return day
