"""加油记录: what the pumps delivered, and what one fill was made of."""

from __future__ import annotations

from django.db.models import Sum
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.timezone import localdate
from django.views.decorators.http import require_GET

from devices.forms.filters import FillFilter
from devices.models import Fill
from devices.queries import fills as asked
from devices.queries import frames as boxed
from devices.queries.ports import black_box
from devices.services.proving import LEAST_PROVER
from devices.views.frames import taken
from station.access import StaffRequest, may, may_do
from station.queries.columns import Column, Empty
from station.queries.listing import ListPage
from station.views.listing import filters_of, list_response


@require_GET
@may("devices.fills")
def fills(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, FillFilter, station=request.station, today=localdate())
    listing = ListPage(
        title="加油记录",
        columns=(
            Column("挂枪时间", "occurred_at", "moment"),
            Column("油枪", lambda row: row.nozzle.number, "count"),
            Column("油品", "grade.code", "grade"),
            Column("升数(L)", "litres", "litres", sum="litres"),
            Column("单价", "unit_price", "price"),
            Column("金额", "amount", "yuan", sum="amount"),
            Column("加后泵码", "totalizer_after", "litres", minor=True),
            Column("营业日", "day.date", "date", minor=True),
            Column("班次", "shift.name", minor=True),
            Column("来源", lambda row: row.get_source_display()),
            Column(
                "异常",
                lambda row: "、".join(asked.flag_words(row)),
                "state",
                tone=lambda row: "bad" if row.flags else "",
            ),
        ),
        rows=asked.fills(station=request.station, **filters.cleaned_data),
        order=("-occurred_at",),
        filters=filters,
        opens=lambda row: reverse("devices:fill", args=[row.pk]),
        sums={"litres": Sum("litres"), "amount": Sum("amount")},
        empty=Empty(
            "还没有加油记录", "每次挂枪后，加油机报来的记录会出现在这里。", icon="gas-station"
        ),
    )
    return list_response(request, listing)


@require_GET
@may("devices.fills")
def fill(request: StaffRequest, pk: int) -> HttpResponse:
    fills = Fill.objects.select_related(
        "nozzle__dispenser", "grade", "tank", "day", "shift__day", "authorisation__asked_by"
    )
    found = get_object_or_404(fills, pk=pk, station=request.station)
    seeing = may_do(request.role, "devices.frames")
    polls = request.GET.get("polls") == "1"
    content = {
        "fill": found,
        "flags": asked.flag_words(found),
        "computed": found.litres * found.unit_price,
        "frames": boxed.frames_of(found, boxes=black_box(), polls=polls) if seeing else None,
        "polls": polls,
        "seeing": seeing,
        "may_test": found.litres >= LEAST_PROVER - 1 and may_do(request.role, "devices.tests"),
    }
    return render(request, "devices/fill.html", content)


@require_GET
@may("devices.frames")
def fill_frames(request: StaffRequest, pk: int) -> HttpResponseBase:
    found = get_object_or_404(Fill, pk=pk, station=request.station)
    recorded = boxed.recorded_of(found, boxes=black_box())
    if not recorded:
        raise Http404("这一笔的报文已不在黑匣子里")
    name = f"报文-加油记录{found.pk}.log"
    return taken(request, boxed.export_of_fill(found, recorded), name, f"fill:{found.pk}")
