"""换表: the list of changed meters and the form that records one."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_http_methods

from devices.forms.cards import MeterForm
from devices.models import MeterChange
from devices.queries.totalizers import latest
from devices.services.meters import change_meter
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.models import Nozzle
from station.queries.columns import Action, Column, Empty
from station.queries.listing import ListPage
from station.views.listing import list_response


@require_GET
@may("devices.wiring.view")
def meters(request: StaffRequest) -> HttpResponseBase:
    changing = may_do(request.role, "devices.wiring.change")
    new = Action("登记换表", reverse("devices:meter_new")) if changing else None
    listing = ListPage(
        title="换表与泵码归零",
        columns=(
            Column("时间", "occurred_at", "moment"),
            Column("油枪", lambda row: str(row.nozzle)),
            Column("类别", lambda row: row.get_kind_display()),
            Column("旧表止码(L)", "last_litres", "litres"),
            Column("新表起码(L)", "first_litres", "litres"),
            Column("泵码段", "epoch", "count"),
            Column("登记人", "actor.name"),
            Column("原因", "reason"),
        ),
        rows=MeterChange.objects.filter(nozzle__station=request.station).select_related(
            "nozzle", "actor"
        ),
        order=("-occurred_at",),
        primary=new,
        empty=Empty(
            "没有换过表",
            "计量表更换后在这里登记旧表止码和新表起码，走字才接得上。",
        ).leading(new),
    )
    return list_response(request, listing)


@require_http_methods(["GET", "POST"])
@may("devices.wiring.change")
def meter_new(request: StaffRequest) -> HttpResponse:
    station = request.station
    form = MeterForm(station=station)
    if request.method == "POST":
        form = MeterForm(request.POST, station=station)
        if form.is_valid():
            try:
                change = change_meter(actor=request.user, at=now(), **form.cleaned_data)
                messages.success(request, f"{change.nozzle} 的换表已登记，泵码从新表起算。")
                return redirect("devices:meters")
            except Refusal as refusal:
                form.add_error(None, str(refusal))
    readings = latest(station=station)
    content = {
        "form": form,
        "back_href": reverse("devices:meters"),
        "readings": [
            (nozzle, readings.get(nozzle.pk))
            for nozzle in Nozzle.objects.filter(station=station, active=True).order_by("number")
        ],
    }
    return render(request, "devices/meter_new.html", content, status=422 if form.errors else 200)
