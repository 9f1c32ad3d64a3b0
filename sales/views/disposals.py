"""检定回罐, 自用, 跑单: a fill of the till's list that is no sale; and the list of drive-offs."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from devices.models import Fill
from sales.forms.till import DriveOffForm, ReasonForm, UseForm, checked
from sales.models import DriveOff
from sales.queries.tickets import read_ticket
from sales.services import disposals
from sales.services.disposals import DisposalRefused
from sales.views.answers import answers_json, approver_of, body_of, session_of
from station.access import StaffRequest, may
from station.queries.columns import Column, Empty, Tone
from station.queries.listing import ListPage
from station.services import attachments
from station.views.listing import list_response

TONES: dict[str, Tone] = {"OPEN": "bad", "RECOVERED": "good", "WRITTEN_OFF": "off"}


def _fill(request: StaffRequest, pk: int) -> Fill:
    return get_object_or_404(Fill, pk=pk, station=request.station)


@require_POST
@may("sales.dispose_fill")
@answers_json
def use(request: StaffRequest, pk: int) -> dict[str, Any]:
    fill, body = _fill(request, pk), body_of(request)
    typed = checked(UseForm(body))
    approver = approver_of(request, body, right="sales.approve")
    if approver is None:
        raise DisposalRefused("没有登记：请另一位有权限的人输入账号和口令审批。")
    used = disposals.use_fill(
        fill=fill,
        kind=typed["kind"],
        reason=typed["reason"],
        session=session_of(request),
        actor=request.user,
        approver=approver,
        at=now(),
    )
    return {"number": used.number}


@require_POST
@may("sales.dispose_fill")
@answers_json
def drive_off(request: StaffRequest, pk: int) -> dict[str, Any]:
    fill = _fill(request, pk)
    form = DriveOffForm(request.POST or body_of(request), request.FILES)
    typed = checked(form)
    at = now()
    with transaction.atomic():  # the photo belongs to the drive-off or neither is kept
        gone = disposals.drive_off(
            fill=fill,
            plate=typed["plate"],
            note=typed["note"],
            session=session_of(request),
            actor=request.user,
            at=at,
        )
        if typed["photo"]:
            attachments.add(
                station=request.station,
                document=gone.number,
                upload=typed["photo"],
                at=at,
                actor=request.user,
            )
    return {"number": gone.number}


@require_GET
@may("sales.view")
def drive_offs(request: StaffRequest) -> HttpResponseBase:
    rows = DriveOff.objects.filter(station=request.station).select_related(
        "fill__nozzle", "actor", "recovered_by_sale"
    )
    return list_response(
        request,
        ListPage(
            title="跑单",
            columns=(
                Column("单号", "number", "code"),
                Column("时间", "occurred_at", "moment"),
                Column("油枪", "fill.nozzle"),
                Column("升数(L)", "fill.litres", "litres"),
                Column("金额", "amount", "yuan"),
                Column("状态", lambda one: one.get_status_display(), "state", tone=_tone),
                Column("说明", "note", minor=True),
                Column("经手人", "actor.name", minor=True),
                Column(
                    "追回单",
                    lambda one: one.recovered_by_sale.number if one.recovered_by_sale else "",
                    "code",
                    minor=True,
                ),
            ),
            rows=rows,
            order=("-occurred_at",),
            empty=Empty("没有跑单", "未付款离站的加油登记后会在这里，直到追回或核销。"),
        ),
    )


def _tone(one: DriveOff) -> Tone:
    return TONES[one.status]


@require_POST
@may("sales.settle")
@answers_json
def recover(request: StaffRequest, pk: int) -> dict[str, Any]:
    gone = get_object_or_404(DriveOff, pk=pk, station=request.station)
    sale = disposals.recover(
        gone=gone,
        ticket=read_ticket(body_of(request)),
        session=session_of(request),
        actor=request.user,
        at=now(),
    )
    return {"number": sale.number, "url": reverse("sales:sale", args=[sale.number])}


@require_POST
@may("sales.approve")
def write_off(request: StaffRequest, pk: int) -> HttpResponseBase:
    gone = get_object_or_404(DriveOff, pk=pk, station=request.station)
    reason = checked(ReasonForm(request.POST))["reason"]
    disposals.write_off(gone=gone, reason=reason, actor=request.user, at=now())
    return redirect("sales:drive_offs")
