"""Shop: the stock ledger, receiving, adjusting, and leave to go below zero once."""

from __future__ import annotations

from decimal import Decimal

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_http_methods

from inventory.forms.shop import LeaveForm, MoveFilter, ReceiveForm, StockAdjustForm
from inventory.models import StockMove
from inventory.queries.items import by_code
from inventory.services import stock
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.models import BusinessDay
from station.queries.calendar import open_day
from station.queries.columns import Action, Column, Empty
from station.queries.listing import ListPage, within
from station.services.numbering import next_number
from station.views.listing import filters_of, list_response


@require_GET
@may("inventory.items")
def stock_moves(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, MoveFilter, station=request.station)
    values = filters.cleaned_data
    rows = StockMove.objects.filter(station=request.station).select_related(
        "item", "place", "actor"
    )
    if text := (values.get("text") or "").strip():
        rows = rows.filter(Q(item__code__iexact=text) | Q(item__name__icontains=text))
    if values.get("kind"):
        rows = rows.filter(kind=values["kind"])
    if values.get("place"):
        rows = rows.filter(place=values["place"])
    rows = within(rows, "occurred_at", since=values.get("since"), until=values.get("until"))
    may_receive = may_do(request.role, "inventory.stock.receive")
    new = Action("进货", reverse("inventory:receive")) if may_receive else None
    listing = ListPage(
        title="库存流水",
        columns=(
            Column("时间", "occurred_at", "moment"),
            Column("商品", "item.name"),
            Column("类别", lambda row: row.get_kind_display()),
            Column("地点", "place.name"),
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


@require_http_methods(["GET", "POST"])
@may("inventory.stock.adjust")
def stock_leave(request: StaffRequest) -> HttpResponse:
    form = LeaveForm(request.POST or None, initial={"code": request.GET.get("code", "")})
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            item, _ = by_code(values["code"])
            stock.let_go_below(
                station=request.station,
                item=item,
                quantity=values["quantity"],
                reason=values["reason"],
                at=now(),
                actor=request.user,
            )
            amount = f"{values['quantity'].normalize():f} {item.unit}"
            messages.success(
                request,
                f"「{item.name}」可以再卖 {amount}，下次入库收回。"
                if values["quantity"]
                else f"已收回「{item.name}」的放行。",
            )
            return redirect("inventory:stock_moves")
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return render(
        request,
        "inventory/stock_leave.html",
        {"form": form, "back_href": reverse("inventory:stock_moves")},
        status=422 if form.errors else 200,
    )


def _day(request: StaffRequest) -> BusinessDay:
    day = open_day(request.station)
    if day is None:
        raise Refusal("营业日未开，不能动库存：请先开班")
    return day
