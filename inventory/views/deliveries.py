"""卸油: list, plan, and the wizard from before-dip to posting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from inventory.forms.tanks import DeliveryFilter, NoteForm, ReadingsForm, ReasonForm, TankFilter
from inventory.models import Delivery
from inventory.queries.gauges import deliveries_seen, initial, measured, source_of
from inventory.queries.partners import truck_of
from inventory.services import deliveries as services
from inventory.services.deliveries import Note, Reading
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.models import Tank
from station.queries.columns import Action, Column, Empty, Step, Tone
from station.queries.listing import ListPage, within
from station.views.listing import filters_of, list_response

Status = Delivery.Status
TONES: dict[Status, Tone] = {
    Status.PLANNED: "wait",
    Status.UNLOADING: "info",
    Status.MEASURED: "bad",
    Status.POSTED: "good",
    Status.CANCELLED: "off",
}


@require_GET
@may("inventory.tanks")
def deliveries(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, DeliveryFilter)
    values = filters.cleaned_data
    rows = (
        Delivery.objects.filter(station=request.station)
        .select_related("grade", "supplier")
        .prefetch_related("tanks")
    )
    if values.get("status"):
        rows = rows.filter(status=values["status"])
    rows = within(rows, "planned_at", since=values.get("since"), until=values.get("until"))
    may_plan = may_do(request.role, "inventory.deliver")
    new = Action("录入卸油单", reverse("inventory:delivery-plan")) if may_plan else None
    listing = ListPage(
        title="卸油单",
        columns=(
            Column("单号", "number", "code"),
            Column("时间", "planned_at", "moment"),
            Column(
                "状态",
                lambda row: row.get_status_display(),
                "state",
                tone=lambda row: TONES[row.status],
            ),
            Column("油品", "grade.code", "grade"),
            Column("供应商", "supplier", minor=True),
            Column("出库单号", "note_no", "code", minor=True),
            Column("原发(L)", "issued_l", "litres"),
            Column("实收(L)", lambda row: services.received(row) or None, "litres"),
            Column(
                "损溢",
                lambda row: (
                    services.received(row) - row.issued_l if services.received(row) else None
                ),
                "gain_loss",
            ),
        ),
        rows=rows,
        order=("-planned_at",),
        filters=filters,
        opens=lambda row: reverse("inventory:delivery", args=[row.number]),
        primary=new,
        empty=Empty("还没有卸油单", "油罐车到站时先录入出库单，再卸油。").leading(new),
    )
    return list_response(request, listing)


@require_GET
@may("inventory.tanks")
def gauge_deliveries(request: StaffRequest) -> HttpResponseBase:
    """What gauges saw delivered, beside the notes."""
    filters = filters_of(request, TankFilter, station=request.station)
    values = filters.cleaned_data
    rows = deliveries_seen(station=request.station)
    if values.get("tank"):
        rows = rows.filter(tank=values["tank"])
    rows = within(rows, "ended_at", since=values.get("since"), until=values.get("until"))
    listing = ListPage(
        title="液位仪测到的进油",
        columns=(
            Column("结束", "ended_at", "moment"),
            Column("开始", "started_at", "moment", minor=True),
            Column("油罐", "tank"),
            Column("油品", "tank.grade.code", "grade"),
            Column("卸前净油(L)", "start_volume", "litres", minor=True),
            Column("卸后净油(L)", "end_volume", "litres", minor=True),
            Column("进油(L)", lambda row: row.end_volume - row.start_volume, "litres"),
            Column(
                "卸油单",
                lambda row: row.number or "没有对应的卸油单",
                "state",
                tone=lambda row: "good" if row.number else "bad",
            ),
        ),
        rows=rows,
        order=("-ended_at",),
        filters=filters,
        opens=lambda row: reverse("inventory:delivery", args=[row.number]) if row.number else "",
        empty=Empty("还没有测到进油", "接了液位仪的油罐卸油后，会出现在这里。"),
    )
    return list_response(request, listing)


@require_http_methods(["GET", "POST"])
@may("inventory.deliver")
def plan(request: StaffRequest) -> HttpResponse:
    tanks = list(
        Tank.objects.filter(station=request.station, active=True)
        .select_related("grade")
        .order_by("number")
    )
    form = NoteForm(request.POST or None, tanks=tanks)
    if request.method == "POST" and form.is_valid():
        try:
            delivery = services.plan(
                station=request.station,
                note=Note(**form.note()),
                parts=form.parts(),
                at=now(),
                actor=request.user,
            )
            messages.success(request, f"已录入 {delivery.number}，请按步骤卸油。")
            return redirect("inventory:delivery", number=delivery.number)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return render(
        request,
        "inventory/delivery_plan.html",
        {"form": form, "back_href": reverse("inventory:deliveries")},
        status=422 if form.errors else 200,
    )


@require_GET
@may("inventory.tanks")
def delivery(request: StaffRequest, number: str) -> HttpResponse:
    return _show(request, _delivery(request, number))


@require_POST
@may("inventory.deliver")
def start(request: StaffRequest, number: str) -> HttpResponse:
    return _measure(request, number, lambda row, readings: services.start(
        delivery=row, before=readings, at=now(), actor=request.user
    ))  # fmt: skip


@require_POST
@may("inventory.deliver")
def measure(request: StaffRequest, number: str) -> HttpResponse:
    return _measure(request, number, lambda row, readings: services.measure(
        delivery=row, after=readings, at=now(), actor=request.user
    ))  # fmt: skip


@require_POST
@may("inventory.deliver.approve")
def approve(request: StaffRequest, number: str) -> HttpResponse:
    return _with_reason(request, number, lambda row, reason: services.approve(
        delivery=row, at=now(), actor=request.user, reason=reason
    ))  # fmt: skip


@require_POST
@may("inventory.deliver")
def cancel(request: StaffRequest, number: str) -> HttpResponse:
    return _with_reason(request, number, lambda row, reason: services.cancel(
        delivery=row, at=now(), actor=request.user, reason=reason
    ))  # fmt: skip


def _delivery(request: StaffRequest, number: str) -> Delivery:
    rows = Delivery.objects.select_related(
        "station", "grade", "supplier", "planned_by", "approved_by", "key"
    )
    return get_object_or_404(rows, number=number, station=request.station)


def _tanks(row: Delivery) -> list[Tank]:
    return [part.tank for part in row.tanks.select_related("tank__grade").order_by("tank__number")]


def _measure(
    request: StaffRequest, number: str, act: Callable[[Delivery, dict[int, Reading]], object]
) -> HttpResponse:
    row = _delivery(request, number)
    form = ReadingsForm(request.POST, tanks=_tanks(row))
    if form.is_valid():
        try:
            act(row, {tank.pk: _reading(tank, form.readings()[tank.pk]) for tank in form.tanks})
            return redirect("inventory:delivery", number=number)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return _show(request, row, form=form, status=422)


def _reading(tank: Tank, typed: dict[str, Any]) -> Reading:
    """As it is kept: by whom it was measured, and the figures."""
    gauge = typed.pop("gauge")
    return Reading(**typed, source=source_of(tank=tank, gauge=gauge, typed=typed))


def _blank(row: Delivery) -> ReadingsForm:
    """The form as it begins: with what the gauges say now."""
    said = measured(station=row.station, at=now())
    begun = {pk: initial(one) for pk, one in said.items()}
    return ReadingsForm(tanks=_tanks(row), initial=ReadingsForm.initial_of(begun))


def _with_reason(
    request: StaffRequest, number: str, act: Callable[[Delivery, str], object]
) -> HttpResponse:
    row = _delivery(request, number)
    form = ReasonForm(request.POST)
    if form.is_valid():
        try:
            act(row, form.cleaned_data["reason"])
            return redirect("inventory:delivery", number=number)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return _show(request, row, reason=form, status=422)


def _show(
    request: StaffRequest,
    row: Delivery,
    *,
    form: ReadingsForm | None = None,
    reason: ReasonForm | None = None,
    status: int = 200,
) -> HttpResponse:
    received = services.received(row)
    may_deliver = may_do(request.role, "inventory.deliver")
    may_approve = may_do(request.role, "inventory.deliver.approve")
    context = {
        "delivery": row,
        "truck": truck_of(row, may_deliver=may_deliver, may_approve=may_approve),
        "parts": row.tanks.select_related("tank__grade", "before", "after").order_by(
            "tank__number"
        ),
        "steps": _steps(row),
        "form": form or _blank(row),
        "reason": reason or ReasonForm(),
        "received": received,
        "variance": received - row.issued_l if received else None,
        "tone": TONES[Status(row.status)],
        "may_deliver": may_deliver,
        "may_approve": may_approve,
    }
    return render(request, "inventory/delivery.html", context, status=status)


def _steps(row: Delivery) -> list[Step]:
    order = [Status.PLANNED, Status.UNLOADING, Status.MEASURED, Status.POSTED]
    at = order.index(Status(row.status)) if row.status in order else 0
    words = (
        ("卸前计量", "量各罐油高、水高、油温，确认空容"),
        ("卸油", "停用该罐油枪，核对铅封后卸油，稳油 15 分钟"),
        ("审核", "超过限额时由收油人以外的人审核"),
        ("入账", "实收升数计入油罐账与成本"),
    )
    done = at if row.status != Status.POSTED else len(order)
    return [
        Step(
            label=title,
            note=note,
            state="done" if index < done else "open" if index == done else "blocked",
        )
        for index, (title, note) in enumerate(words)
    ]
