"""设备台账: the list of machines, one machine with its whole history, and its states."""

from __future__ import annotations

import uuid
from datetime import date

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from devices.forms.equipment import MachineFilter, MachineForm, ReasonForm
from devices.models import Certificate, Equipment
from devices.queries import equipment as asked
from devices.queries.repairs import repairs
from devices.services import equipment as services
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.models import Attachment
from station.queries.columns import Action, Column, Empty, Sheet, Tone, line
from station.queries.listing import ListPage
from station.views.listing import filters_of, list_response

State = Equipment.State
TONES: dict[str, Tone] = {"IN_USE": "good", "STOPPED": "bad", "SCRAPPED": "off"}
CHANGE = "devices.equipment.change"


@require_GET
@may("devices.equipment")
def machines(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, MachineFilter)
    new = Action("登记设备", reverse("devices:machine_new"))
    primary = new if may_do(request.role, CHANGE) else None
    today = localdate()
    listing = ListPage(
        title="设备台账",
        columns=(
            Column("设备", str),
            Column("编号", "number", "code"),
            Column(
                "状态",
                lambda row: "在修" if row.is_open else row.get_state_display(),
                "state",
                tone=lambda row: "wait" if row.is_open else TONES[row.state],
            ),
            Column("厂家型号", lambda row: " ".join(filter(None, (row.make, row.model)))),
            Column("出厂编号", "serial_no", "code"),
            Column(
                "最近到期的证书",
                "next_due",
                "date",
                tone=lambda row: _due_tone(row.next_due, today),
            ),
            Column("保修至", "warranty_until", "date", minor=True),
            Column("购置日期", "bought_on", "date", minor=True),
            Column("购置价", "price", "yuan", minor=True),
            Column("供应商", "supplier", minor=True),
            Column("线路", lambda row: str(row.line) if row.line else "", minor=True),
            Column("备注", "note", minor=True),
        ),
        rows=asked.machines(station=request.station, **filters.cleaned_data),
        order=("kind", "number"),
        filters=filters,
        opens=lambda row: reverse("devices:machine", args=[row.number]),
        primary=primary,
        empty=Empty(
            "还没有登记设备",
            "加油机、计量器、液位仪、读卡器、发电机等都登记在这里，证书、铅封、检定、维修都挂在设备上。",
            icon="tools",
        ).leading(primary),
    )
    return list_response(request, listing, template="devices/machines.html")


def _due_tone(due: date | None, today: date) -> Tone:
    if due is None:
        return ""
    return "bad" if due < today else "wait" if due <= today + asked.SOON else ""


@require_http_methods(["GET", "POST"])
@may(CHANGE)
def machine_new(request: StaffRequest) -> HttpResponse:
    return _edit(request, None)


@require_http_methods(["GET", "POST"])
@may(CHANGE)
def machine_edit(request: StaffRequest, number: str) -> HttpResponse:
    return _edit(request, machine_of(request, number))


def _edit(request: StaffRequest, row: Equipment | None) -> HttpResponse:
    initial = MachineForm.initial_of(row) if row else None
    form = MachineForm(request.POST or None, initial=initial, station=request.station)
    key = key_of(request)
    if request.method == "POST" and form.is_valid():
        try:
            saved = services.save(
                row=row,
                values=form.columns,
                key=key,
                station=request.station,
                at=now(),
                actor=request.user,
            )
            messages.success(request, f"已保存 {saved.number} {saved}。")
            return redirect("devices:machine", saved.number)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    back = reverse("devices:machine", args=[row.number]) if row else reverse("devices:machines")
    content = {"form": form, "row": row, "key": key, "back_href": back}
    return render(request, "devices/machine_form.html", content, status=422 if form.errors else 200)


@require_GET
@may("devices.equipment")
def machine(request: StaffRequest, number: str) -> HttpResponse:
    return show(request, machine_of(request, number))


@require_POST
@may(CHANGE)
def machine_state(request: StaffRequest, number: str, to: str) -> HttpResponse:
    found = machine_of(request, number)
    form = ReasonForm(request.POST)
    if to not in State:
        return show(request, found, refusal="状态没有改：没有这种状态，请刷新页面")
    if not form.is_valid():
        return show(request, found, refusal="状态没有改：请写明原因")
    try:
        services.move(
            equipment=found, to=to, reason=form.cleaned_data["reason"], at=now(), actor=request.user
        )
    except Refusal as refusal:
        return show(request, found, refusal=str(refusal))
    messages.success(request, f"{found.number} 已改为{State(to).label}。")
    return redirect("devices:machine", number)


def machine_of(request: StaffRequest, number: str) -> Equipment:
    rows = Equipment.objects.select_related("station", *asked.STANDS)
    return get_object_or_404(rows, number=number, station=request.station)


def key_of(request: StaffRequest) -> str:
    """The key of a form: sent twice, it is one act."""
    return request.POST.get("key", "")[:32].replace("\x00", "") or uuid.uuid4().hex


def show(request: StaffRequest, found: Equipment, *, refusal: str = "") -> HttpResponse:
    station, today = request.station, localdate()
    content = {
        "machine": found,
        "tone": TONES[found.state],
        "certificates": _certificates(found, today),
        "seals": asked.seals(station=station).filter(equipment=found).order_by("-put_at", "-pk"),
        "repairs": repairs(station=station, equipment=found).order_by("-reported_at"),
        "timeline": asked.timeline(equipment=found),
        "attachments": Attachment.objects.filter(station=station, document=found.number),
        "may_change": may_do(request.role, CHANGE),
        "may_report": may_do(request.role, "devices.repairs.report"),
        "may_break": may_do(request.role, CHANGE),
        "refusal": refusal,
    }
    return render(request, "devices/machine.html", content, status=422 if refusal else 200)


def _certificates(found: Equipment, today: date) -> Sheet:
    columns = (
        Column("类别", lambda row: row.get_kind_display()),
        Column("证书编号", "number", "code"),
        Column("发证机构", "issuer", minor=True),
        Column("有效期至", "valid_until", "date"),
        Column(
            "状态",
            lambda row: asked.certificate_word(row, today),
            "state",
            tone=lambda row: asked.certificate_tone(row, today),
        ),
    )
    rows = Certificate.objects.filter(equipment=found).order_by("-valid_until", "-pk")
    return Sheet(
        columns,
        tuple(line(columns, row, reverse("devices:certificate", args=[row.pk])) for row in rows),
        title="证书",
    )
