"""Tanks: the board, one tank, dips, adjustments."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_http_methods

from inventory.forms.tanks import DipForm, TankAdjustForm, TankFilter
from inventory.models import Dip, TankBook, TankMovement
from inventory.queries.gauges import day_of, initial, measured, source_of, standing
from inventory.services.dips import record_dip
from inventory.services.movements import adjust
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.models import Tank
from station.queries.calendar import open_day, open_shift
from station.queries.columns import Action, Column, Empty
from station.queries.listing import ListPage, within
from station.services.approval import check_approver
from station.services.numbering import next_number
from station.views.listing import filters_of, list_response


@require_GET
@may("inventory.tanks")
def tanks(request: StaffRequest) -> HttpResponse:
    at = now()
    tanks = standing(station=request.station, at=at)
    return render(request, "inventory/tanks.html", {"tanks": tanks, "at": at})


@require_GET
@may("inventory.tanks")
def tank(request: StaffRequest, pk: int) -> HttpResponse:
    tank, at = _tank(request, pk), now()
    here = next(
        (one for one in standing(station=request.station, at=at) if one.level.tank == tank), None
    )
    books = (
        TankBook.objects.filter(tank=tank, shift__isnull=False)
        .select_related("shift__day")
        .order_by("-pk")[:21]
    )
    dips = Dip.objects.filter(tank=tank).select_related("actor").order_by("-occurred_at")[:10]
    movements = TankMovement.objects.filter(tank=tank).select_related("actor").order_by("-pk")[:10]
    return render(
        request,
        "inventory/tank.html",
        {
            "tank": tank,
            "level": here.level if here else None,
            "live": here.live if here else None,
            "hold": here.hold if here else None,
            "alarms": here.alarms if here else (),
            "day": day_of(tank=tank, at=at),
            "at": at,
            "books": books,
            "dips": dips,
            "movements": movements,
        },
    )


@require_http_methods(["GET", "POST"])
@may("inventory.dip")
def dip(request: StaffRequest) -> HttpResponse:
    form = DipForm(request.POST or None, station=request.station, initial=_begun(request))
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        shift = open_shift(request.station)
        try:
            row = record_dip(
                tank=values["tank"],
                source=source_of(
                    tank=values["tank"],
                    gauge=values["gauge"],
                    typed={**values, "water_height_mm": values["water_height_mm"] or 0},
                ),
                purpose=Dip.Purpose.HANDOVER if values["handover"] else Dip.Purpose.ROUTINE,
                total_height_mm=values["total_height_mm"],
                water_height_mm=values["water_height_mm"] or 0,
                temp_c=values["temp_c"],
                net_l=values["net_l"],
                note=values["note"],
                day=open_day(request.station),
                shift=shift,
                at=now(),
                actor=request.user,
            )
            messages.success(request, f"已记录{row.tank}净油 {row.net_l:.2f} 升。")
            return redirect("inventory:tank", pk=row.tank_id)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return render(
        request,
        "inventory/dip.html",
        {"form": form, "back_href": reverse("inventory:tanks")},
        status=422 if form.errors else 200,
    )


def _begun(request: StaffRequest) -> dict[str, object]:
    """The tank that was asked for, with what its gauge says now."""
    asked = request.GET.get("tank", "")
    if not asked.isdecimal():
        return {"tank": asked}
    said = measured(station=request.station, at=now())
    return {"tank": asked, **initial(said.get(int(asked)))}


@require_http_methods(["GET", "POST"])
@may("inventory.adjust")
def tank_adjust(request: StaffRequest, pk: int) -> HttpResponse:
    tank = _tank(request, pk)
    form = TankAdjustForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        values, at = form.cleaned_data, now()
        day = open_day(request.station)
        try:
            if day is None:
                raise Refusal("营业日未开，不能调整库存：请先开班")
            approver = check_approver(
                username=values["approver"],
                secret=values["secret"],
                right="inventory.adjust",
                station=request.station,
                not_user=request.user,
                at=at,
            )
            adjust(
                tank=tank,
                litres=values["litres"],
                kind=values["kind"],
                document=next_number(station=request.station, kind="TM", day=day.date),
                day=day,
                shift=open_shift(request.station),
                reason=values["reason"],
                at=at,
                actor=request.user,
                approver=approver,
            )
            messages.success(request, f"已调整{tank} {values['litres']} 升。")
            return redirect("inventory:tank", pk=tank.pk)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return render(
        request,
        "inventory/tank_adjust.html",
        {"form": form, "tank": tank, "back_href": reverse("inventory:tank", args=[tank.pk])},
        status=422 if form.errors else 200,
    )


@require_GET
@may("inventory.tanks")
def dips(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, TankFilter, station=request.station)
    rows = Dip.objects.filter(station=request.station).select_related("tank__grade", "actor")
    values = filters.cleaned_data
    if values.get("tank"):
        rows = rows.filter(tank=values["tank"])
    rows = within(rows, "occurred_at", since=values.get("since"), until=values.get("until"))
    new = (
        Action("量油", reverse("inventory:dip")) if may_do(request.role, "inventory.dip") else None
    )
    listing = ListPage(
        title="罐存记录",
        columns=(
            Column("时间", "occurred_at", "moment"),
            Column("油罐", "tank"),
            Column("油品", "tank.grade.code", "grade"),
            Column("用途", lambda row: row.get_purpose_display()),
            Column("来源", lambda row: row.get_source_display(), minor=True),
            Column("油水总高(mm)", "total_height_mm", "count"),
            Column("水高(mm)", "water_height_mm", "count"),
            Column("油温(℃)", "temp_c", minor=True),
            Column("净油(L)", "net_l", "litres"),
            Column("V20(L)", "v20_l", "litres", minor=True),
            Column("计量人", lambda row: row.actor.name if row.actor else "液位仪", minor=True),
        ),
        rows=rows,
        order=("-occurred_at",),
        filters=filters,
        primary=new,
        empty=Empty("还没有罐存记录", "量油后会出现在这里。").leading(new),
    )
    return list_response(request, listing)


def _tank(request: StaffRequest, pk: int) -> Tank:
    return get_object_or_404(
        Tank.objects.select_related("grade", "station"), pk=pk, station=request.station
    )
