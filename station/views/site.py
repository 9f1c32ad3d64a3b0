"""Set-up: station, grades, islands, tanks with their tables, dispensers, nozzles, tills; go-live."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_http_methods

from station.access import StaffRequest, may, may_do, stations_of
from station.errors import Refusal
from station.forms.site import (
    DispenserForm,
    GradeForm,
    IslandForm,
    NozzleForm,
    StationForm,
    StrappingForm,
    TankForm,
    TillForm,
)
from station.models import Dispenser, Grade, Island, Nozzle, StrappingTable, Tank, Till
from station.queries.columns import Column, Tone
from station.queries.go_live import all_findings
from station.services import site, strapping
from station.views.crud import Reference


def _in_use(row: object) -> str:
    return "在用" if getattr(row, "active", False) else "停用"


def _tone(row: object) -> Tone:
    return "good" if getattr(row, "active", False) else "off"


STATE = Column("状态", _in_use, "state", tone=_tone)


def _fields(*names: str) -> Callable[[Any], dict[str, Any]]:
    return lambda row: {name: getattr(row, name) for name in names}


STATIONS = Reference(
    app="station",
    name="stations",
    noun="油站",
    view_right="station.site.view",
    change_right="station.site.change",
    columns=(
        Column("站号", "code", "code"),
        Column("站名", "name"),
        Column("地址", "address"),
        Column("价区", "price_zone"),
    ),
    form=StationForm,
    rows=lambda request: stations_of(request.user),
    save=site.save_station,
    initial=lambda row: {
        **_fields(
            "code",
            "name",
            "address",
            "phone",
            "company_name",
            "tax_no",
            "price_zone",
            "offline_policy",
        )(row),
        "rounding_step": f"{row.rounding_step:.2f}",
        "shift_pattern": row.shift_pattern,
    },
    order=("code",),
)
GRADES = Reference(
    app="station",
    name="grades",
    noun="油品",
    view_right="station.site.view",
    change_right="station.site.change",
    columns=(
        Column("代号", lambda row: row.code, "grade"),
        Column("名称", "name"),
        Column("单位", lambda row: row.get_unit_display()),
        Column("密度 ρ20", "density20"),
        Column("税率", "tax_rate", "percent"),
        Column("税收分类编码", "tax_code", "code", minor=True),
        STATE,
    ),
    form=GradeForm,
    rows=lambda request: Grade.objects.all(),
    save=site.save_grade,
    initial=_fields("code", "name", "kind", "unit", "density20", "expansion", "tax_rate", "tax_code", "colour",
                    "position", "active"),
    order=("position", "code"),
    empty_text="先建油品，再建油罐。",
)  # fmt: skip
ISLANDS = Reference(
    app="station",
    name="islands",
    noun="加油岛",
    view_right="station.site.view",
    change_right="station.site.change",
    columns=(Column("岛号", "number", "count"), Column("名称", "name"), STATE),
    form=IslandForm,
    rows=lambda request: Island.objects.filter(station=request.station),
    save=site.save_island,
    initial=_fields("number", "name", "active"),
    order=("number",),
    empty_text="加油机立在岛上，先建岛。",
)
TANKS = Reference(
    app="station",
    name="tanks",
    noun="油罐设置",
    view_right="station.site.view",
    change_right="station.site.change",
    columns=(
        Column("罐号", "number", "count"),
        Column("油品", "grade.code", "grade"),
        Column("容量(L)", "capacity_l", "litres"),
        Column("安全罐容(L)", "safe_fill_l", "litres", minor=True),
        Column("低报警(L)", "low_alarm_l", "litres", minor=True),
        Column(
            "罐容表",
            lambda row: "查看" if row.strapping_tables.all() else "未录入",
            "state",
            tone=lambda row: "good" if row.strapping_tables.all() else "bad",
            href=lambda row: reverse("station:strapping", args=[row.pk]),
        ),
        STATE,
    ),
    form=TankForm,
    rows=lambda request: Tank.objects.filter(station=request.station)
    .select_related("grade")
    .prefetch_related("strapping_tables"),
    save=site.save_tank,
    initial=_fields("number", "grade", "capacity_l", "safe_fill_l", "high_alarm_l", "low_alarm_l", "dead_stock_l",
                    "water_limit_mm", "active"),
    order=("number",),
    empty_text="每个油罐装一种油品。",
)  # fmt: skip
DISPENSERS = Reference(
    app="station",
    name="dispensers",
    noun="加油机",
    view_right="station.site.view",
    change_right="station.site.change",
    columns=(
        Column("机号", "number", "count"),
        Column("加油岛", "island"),
        Column("厂家型号", "make"),
        Column("油枪", lambda row: "、".join(str(nozzle.number) for nozzle in row.nozzles.all())),
        STATE,
    ),
    form=DispenserForm,
    rows=lambda request: (
        Dispenser.objects.filter(station=request.station)
        .select_related("island")
        .prefetch_related("nozzles")
    ),
    save=site.save_dispenser,
    initial=_fields("number", "island", "make", "serial_no", "active"),
    form_knows=lambda request: {"station": request.station},
    order=("number",),
    empty_text="建好加油机后再建油枪，并在“设备 → 加油机地址”里指定线路和地址。",
)
NOZZLES = Reference(
    app="station",
    name="nozzles",
    noun="油枪",
    view_right="station.site.view",
    change_right="station.site.change",
    columns=(
        Column("枪号", "number", "count"),
        Column("加油机", "dispenser"),
        Column("枪位", "position", "count"),
        Column("油罐", "tank"),
        Column("油品", "tank.grade.code", "grade"),
        Column("授权方式", lambda row: row.get_mode_display()),
        STATE,
    ),
    form=NozzleForm,
    rows=lambda request: Nozzle.objects.filter(station=request.station).select_related(
        "dispenser", "tank__grade"
    ),
    save=site.save_nozzle,
    initial=_fields(
        "number", "dispenser", "position", "tank", "mode", "totalizer_digits", "active"
    ),
    form_knows=lambda request: {"station": request.station},
    order=("number",),
    empty_text="一把油枪只从一个油罐出油。",
)
TILLS = Reference(
    app="station",
    name="tills",
    noun="收银台",
    view_right="station.site.view",
    change_right="station.site.change",
    columns=(Column("台号", "number", "count"), Column("名称", "name"), STATE),
    form=TillForm,
    rows=lambda request: Till.objects.filter(station=request.station),
    save=site.save_till,
    initial=_fields("number", "name", "active"),
    order=("number",),
    empty_text="每个收银台有自己的单据号段。",
)
REFERENCES = (STATIONS, GRADES, ISLANDS, TANKS, DISPENSERS, NOZZLES, TILLS)


@require_GET
@may("station.site.view")
def setup(request: StaffRequest) -> HttpResponse:
    counts = [
        (reference.noun, reference.href(), reference.rows(request).count(), reference.empty_text)
        for reference in REFERENCES
    ]
    context = {"counts": counts, "may_change": may_do(request.role, "station.site.change")}
    return render(request, "station/setup.html", context)


@require_http_methods(["GET", "POST"])
@may("station.site.change")
def strapping_table(request: StaffRequest, pk: int) -> HttpResponse:
    tank = get_object_or_404(
        Tank.objects.select_related("station", "grade"), pk=pk, station=request.station
    )
    form = StrappingForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            if values["text"].strip():
                source, points = StrappingTable.Source.TYPED, strapping.parse(values["text"])
            elif values["file"]:
                source, points = (
                    StrappingTable.Source.IMPORTED,
                    strapping.read_xlsx(values["file"].read()),
                )
            else:
                source = StrappingTable.Source.GENERATED
                points = strapping.cylinder(
                    diameter_mm=values["diameter_mm"],
                    length_mm=values["length_mm"],
                    head_mm=values["head_mm"] or 0,
                )
            strapping.put_into_use(
                tank=tank,
                points=points,
                source=source,
                certificate_no=values["certificate_no"],
                certificate_expires_on=values["certificate_expires_on"],
                at=now(),
                actor=request.user,
            )
            messages.success(request, f"{tank}已启用新罐容表，共 {len(points)} 个点。")
            return redirect("station:strapping", pk=tank.pk)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    table = tank.strapping_tables.filter(replaced_at=None).first()
    points_now = (
        list(table.points.order_by("height_mm").values_list("height_mm", "litres")) if table else []
    )
    context = {
        "tank": tank,
        "form": form,
        "table": table,
        "points": points_now,
        "altered": bool(table) and strapping.checksum(points_now) != table.checksum
        if table
        else False,
        "back_href": reverse("station:tanks"),
    }
    return render(request, "station/strapping.html", context, status=422 if form.errors else 200)


@require_GET
@may("station.site.view")
def go_live(request: StaffRequest) -> HttpResponse:
    found = all_findings(station=request.station, at=now())
    groups = [
        (name, [(finding, _href(finding.url_name)) for finding in rows])
        for name, rows in groupby(
            sorted(found, key=lambda row: row.group), key=lambda row: row.group
        )
    ]
    missing = sum(not row.ok and not row.optional for row in found)
    return render(
        request,
        "station/go_live.html",
        {"groups": groups, "missing": missing, "total": len(found), "at": now()},
    )


def _href(name: str) -> str:
    try:
        return reverse(name) if name else ""
    except NoReverseMatch:
        return ""
