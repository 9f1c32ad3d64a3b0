"""最高零售价: the list, the typed notice, and the table that is read in."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_http_methods

from sales.forms.prices import CeilingFileForm, CeilingForm
from sales.queries.ceiling_files import CeilingRow, read_ceilings
from sales.services.ceilings import Published, publish
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.models import PriceCeiling
from station.queries.columns import Action, Column, Empty
from station.queries.listing import ListPage
from station.views.listing import list_response


@require_GET
@may("sales.prices.view")
def ceilings(request: StaffRequest) -> HttpResponseBase:
    planning = may_do(request.role, "sales.prices.plan")
    new = Action("登记最高零售价", reverse("sales:ceiling_new")) if planning else None
    listing = ListPage(
        title="最高零售价",
        note=f"本站价区：{request.station.price_zone}。调价单超过它会被拒绝。",
        columns=(
            Column("执行时间", "effective_at", "moment"),
            Column("价区", "zone"),
            Column("油品", "grade.code", "grade"),
            Column("最高零售价(元/升)", "ceiling", "price"),
            Column("文件或公告", "notice"),
        ),
        rows=PriceCeiling.objects.filter(zone=request.station.price_zone).select_related("grade"),
        order=("-effective_at",),
        primary=new,
        empty=Empty(
            "还没有最高零售价",
            "登记主管部门公布的价格，系统据此拦住超限价的调价单。",
        ).leading(new),
    )
    return list_response(
        request, listing, template="sales/ceilings.html", context={"planning": planning}
    )


@require_http_methods(["GET", "POST"])
@may("sales.prices.plan")
def ceiling_new(request: StaffRequest) -> HttpResponse:
    station = request.station
    if request.method == "POST":
        form = CeilingForm(request.POST, station=station)
        if form.is_valid():
            told = form.cleaned_data
            lines = [
                Published(told["zone"], grade, price, told["effective_at"], told["notice"])
                for grade, price in form.prices().items()
            ]
            try:
                publish(lines=lines, station=station, actor=request.user, at=now())
                messages.success(request, f"已登记 {len(lines)} 个油品的最高零售价。")
                return redirect("sales:ceilings")
            except Refusal as refusal:
                form.add_error(None, str(refusal))
    else:
        form = CeilingForm(station=station, initial={"zone": station.price_zone})
    content = {"form": form, "back_href": reverse("sales:ceilings")}
    return render(request, "sales/ceiling_new.html", content, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@may("sales.prices.plan")
def ceilings_import(request: StaffRequest) -> HttpResponse:
    form = CeilingFileForm()
    troubles: list[str] = []
    if request.method == "POST":
        form = CeilingFileForm(request.POST, request.FILES)
        if form.is_valid():
            file = form.cleaned_data["file"]
            rows = read_ceilings(file.name, file.read(), zone=request.station.price_zone)
            troubles = [row.trouble for row in rows if row.trouble]
            if not troubles:
                try:
                    return _imported(request, _lines(rows, form.cleaned_data["notice"]))
                except Refusal as refusal:
                    form.add_error(None, str(refusal))
            else:
                form.add_error(None, f"没有导入：{len(troubles)} 处看不懂，请改好表格再传。")
    content = {"form": form, "troubles": troubles[:20], "back_href": reverse("sales:ceilings")}
    status = 422 if form.errors else 200
    return render(request, "sales/ceilings_import.html", content, status=status)


def _lines(rows: list[CeilingRow], notice: str) -> list[Published]:
    return [
        Published(row.zone, row.grade, row.ceiling, row.effective_at, row.notice or notice)
        for row in rows
        if row.grade is not None and row.effective_at is not None
    ]


def _imported(request: StaffRequest, lines: list[Published]) -> HttpResponse:
    added, corrected = publish(lines=lines, station=request.station, actor=request.user, at=now())
    messages.success(request, f"导入完成：新增 {added} 行，更正 {corrected} 行。")
    return redirect("sales:ceilings")
