"""加油记录: what the pumps delivered, and what one fill was made of."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db.models import Sum
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.timezone import localdate
from django.views.decorators.http import require_GET

from devices.forms.filters import FillFilter
from devices.models import Fill
from devices.queries import fills as asked
from devices.queries.frames import frames_of
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
    boxes = Path(settings.VAR_DIR) / "blackbox"
    content = {
        "fill": found,
        "flags": asked.flag_words(found),
        "computed": found.litres * found.unit_price,
        "frames": frames_of(found, boxes=boxes) if seeing else None,
        "seeing": seeing,
    }
    return render(request, "devices/fill.html", content)
