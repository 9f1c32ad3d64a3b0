"""跑单: the list, one of them, paid after all or written off."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from sales.forms.tenders import RecoverForm
from sales.forms.till import ReasonForm, checked
from sales.models import DriveOff
from sales.queries.tickets import read_ticket
from sales.services import disposals
from sales.views.answers import session_of
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.models import Attachment
from station.queries.audit import history_of
from station.queries.columns import Column, Empty, Tone
from station.queries.listing import ListPage
from station.views.listing import list_response

TONES: dict[str, Tone] = {"OPEN": "bad", "RECOVERED": "good", "WRITTEN_OFF": "off"}


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
                Column("单号", "number", "code", href=_href),
                Column("时间", "occurred_at", "moment"),
                Column("油枪", lambda one: str(one.fill.nozzle)),
                Column("升数(L)", "fill.litres", "litres"),
                Column("金额", "amount", "yuan"),
                Column("状态", lambda one: one.get_status_display(), "state", tone=_tone),
                Column("说明", "note", minor=True),
                Column("经手人", "actor.name", minor=True),
                Column("追回单", "recovered_by_sale.number", "code", minor=True),
            ),
            rows=rows,
            order=("-occurred_at",),
            opens=_href,
            empty=Empty("没有跑单", "未付款离站的加油登记后会在这里，直到追回或核销。"),
        ),
    )


def _tone(one: DriveOff) -> Tone:
    return TONES[one.status]


def _href(one: DriveOff) -> str:
    return reverse("sales:drive_off", args=[one.pk])


def _gone(request: StaffRequest, pk: int) -> DriveOff:
    rows = DriveOff.objects.select_related(
        "station", "fill__nozzle", "fill__grade", "actor", "recovered_by_sale"
    )
    return get_object_or_404(rows, pk=pk, station=request.station)


@require_GET
@may("sales.view")
def drive_off(request: StaffRequest, pk: int) -> HttpResponse:
    return _page(request, _gone(request, pk))


def _page(request: StaffRequest, gone: DriveOff, **more: Any) -> HttpResponse:
    is_open = gone.status == DriveOff.Status.OPEN
    context = {
        "gone": gone,
        "tone": TONES[gone.status],
        "photos": Attachment.objects.filter(station=request.station, document=gone.number),
        "recover_form": RecoverForm(),
        "write_off_form": ReasonForm(),
        "may_recover": is_open and may_do(request.role, "sales.settle"),
        "may_write_off": is_open and may_do(request.role, "sales.approve"),
        "key": request.POST.get("key") or uuid.uuid4().hex,
        "history": history_of(gone.number),
        **more,
    }
    return render(request, "sales/drive_off.html", context, status=422 if more else 200)


@require_POST
@may("sales.settle")
def recover(request: StaffRequest, pk: int) -> HttpResponse:
    gone = _gone(request, pk)
    form = RecoverForm(request.POST)
    try:
        typed = checked(form)
        paid = {
            "tender": typed["tender"].code,
            "amount": str(gone.amount),
            "reference": typed["reference"],
        }
        ticket = read_ticket(
            {
                "key": request.POST.get("key", ""),
                "lines": [{"kind": "FUEL", "fill": gone.fill_id}],
                "tenders": [paid],
            }
        )
        sale = disposals.recover(
            gone=gone, ticket=ticket, session=session_of(request), actor=request.user, at=now()
        )
    except Refusal as refusal:
        return _page(request, gone, recover_form=form, refusal=str(refusal))
    return redirect("sales:sale", sale.number)


@require_POST
@may("sales.approve")
def write_off(request: StaffRequest, pk: int) -> HttpResponse:
    gone = _gone(request, pk)
    form = ReasonForm(request.POST)
    try:
        disposals.write_off(gone=gone, reason=checked(form)["reason"], actor=request.user, at=now())
    except Refusal as refusal:
        return _page(request, gone, write_off_form=form, refusal=str(refusal))
    return redirect("sales:drive_off", pk)
