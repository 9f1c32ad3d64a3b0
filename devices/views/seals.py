"""铅封: the list, a new one, and one that was broken."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import localtime, now
from django.views.decorators.http import require_GET, require_http_methods

from devices.forms.equipment import BreakForm, SealFilter, SealForm
from devices.models import Seal
from devices.queries import equipment as asked
from devices.services import seals as services
from devices.services.seals import Breaking, NewSeal
from devices.views.equipment import machine_of
from station.access import StaffRequest, may
from station.errors import Refusal
from station.queries.columns import Column, Empty, Tone
from station.queries.listing import ListPage
from station.services.approval import check_approver
from station.views.listing import filters_of, list_response

TONES: dict[str, Tone] = {"REPAIR": "off", "VERIFICATION": "off", "FOUND": "bad"}
CHANGE = "devices.equipment.change"


def _broken(row: Seal, name: str) -> Any:
    return getattr(getattr(row, "broken", None), name, None)


@require_GET
@may("devices.equipment")
def seals(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, SealFilter)
    listing = ListPage(
        title="铅封",
        columns=(
            Column("铅封号", "number", "code"),
            Column(
                "状态",
                lambda row: row.broken.get_cause_display() if hasattr(row, "broken") else "完好",
                "state",
                tone=lambda row: TONES[row.broken.cause] if hasattr(row, "broken") else "good",
            ),
            Column("设备", lambda row: str(row.equipment)),
            Column("位置", "place"),
            Column("油枪", lambda row: str(row.nozzle) if row.nozzle else "", minor=True),
            Column("施封", "put_by"),
            Column("施封时间", "put_at", "moment"),
            Column("拆封时间", lambda row: _broken(row, "occurred_at"), "moment", minor=True),
            Column("拆封原因", lambda row: _broken(row, "reason"), minor=True),
            Column("换为", lambda row: str(_broken(row, "replaced_by") or ""), minor=True),
        ),
        rows=asked.seals(station=request.station, **filters.cleaned_data),
        order=("-put_at",),
        filters=filters,
        opens=lambda row: reverse("devices:machine", args=[row.equipment.number]),
        empty=Empty(
            "还没有登记铅封",
            "打开设备台账里的一台设备登记铅封。",
            "去设备台账",
            reverse("devices:machines"),
            "lock",
        ),
    )
    return list_response(request, listing)


@require_http_methods(["GET", "POST"])
@may(CHANGE)
def seal_new(request: StaffRequest, number: str) -> HttpResponse:
    machine = machine_of(request, number)
    form = SealForm(request.POST or None, equipment=machine, initial={"put_at": _this_minute()})
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            made = services.put(
                equipment=machine,
                seal=NewSeal(values["number"], values["place"], values["put_by"]),
                put_at=values["put_at"],
                nozzle=values["nozzle"] or machine.nozzle,
                at=now(),
                actor=request.user,
            )
            messages.success(request, f"已登记{made}。")
            return redirect("devices:machine", number)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {
        "form": form,
        "machine": machine,
        "back_href": reverse("devices:machine", args=[number]),
    }
    return render(request, "devices/seal_form.html", content, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@may(CHANGE)
def seal_break(request: StaffRequest, pk: int) -> HttpResponse:
    rows = asked.seals(station=request.station).select_related("station", "equipment__station")
    seal = get_object_or_404(rows, pk=pk)
    at = now()
    form = BreakForm(
        request.POST or None,
        repairs=services.repairs_for(seal.equipment),
        tests=services.tests_for(seal.equipment, at=at),
        initial={"occurred_at": _this_minute()},
    )
    if request.method == "POST" and form.is_valid():
        try:
            _break(request, seal, form, at)
            messages.success(request, f"{seal}的拆封已登记。")
            return redirect("devices:machine", seal.equipment.number)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {
        "form": form,
        "seal": seal,
        "back_href": reverse("devices:machine", args=[seal.equipment.number]),
    }
    return render(request, "devices/seal_break.html", content, status=422 if form.errors else 200)


def _break(request: StaffRequest, seal: Seal, form: BreakForm, at: datetime) -> None:
    values = form.cleaned_data
    witness = check_approver(
        username=values["approver"],
        secret=values["approver_secret"],
        right="devices.repairs.report",
        station=request.station,
        not_user=request.user,
        at=at,
    )
    number = values["number"].strip()
    services.break_seal(
        seal=seal,
        breaking=Breaking(
            values["cause"], values["reason"], values["repair"], values["meter_test"]
        ),
        replacement=NewSeal(number, seal.place, values["put_by"]) if number else None,
        occurred_at=values["occurred_at"],
        at=at,
        actor=request.user,
        witness=witness,
    )


def _this_minute() -> datetime:
    return localtime().replace(second=0, microsecond=0)
