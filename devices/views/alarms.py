"""Alarms of the machines: open, seen, handled with a word, or cleared by themselves."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from devices.forms.filters import AlarmFilter
from devices.forms.nozzles import WordForm
from devices.models import Alarm
from devices.queries import alarms as asked
from devices.services import alarms as services
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.queries.audit import history_of
from station.queries.columns import Column, Empty, Tone
from station.queries.listing import ListPage
from station.views.listing import filters_of, list_response

TONES: dict[str, Tone] = {"OPEN": "bad", "SEEN": "wait", "CLEARED": "off", "HANDLED": "good"}


@require_GET
@may("devices.alarms")
def alarms(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, AlarmFilter)
    listing = ListPage(
        title="设备告警",
        columns=(
            Column(
                "状态",
                lambda row: row.get_status_display(),
                "state",
                tone=lambda row: TONES[row.status],
            ),
            Column("类别", lambda row: row.get_kind_display()),
            Column("对象", "subject", "code"),
            Column("内容", "text"),
            Column("发生时间", "raised_at", "moment"),
            Column("最近发生", "last_at", "moment", minor=True),
            Column("次数", "count", "count"),
            Column("处理人", "handled_by.name", minor=True),
            Column("处理说明", "word", minor=True),
        ),
        rows=asked.alarms(station=request.station, **filters.cleaned_data),
        order=("-raised_at",),
        filters=filters,
        opens=lambda row: reverse("devices:alarm", args=[row.pk]),
        empty=Empty(
            "没有告警", "加油机、读卡器或采集程序出问题时会出现在这里。", icon="bell-check"
        ),
    )
    return list_response(request, listing)


@require_GET
@may("devices.alarms")
def alarm(request: StaffRequest, pk: int) -> HttpResponse:
    return _page(request, _alarm(request, pk), WordForm())


@require_POST
@may("devices.alarms.handle")
def see(request: StaffRequest, pk: int) -> HttpResponse:
    found = _alarm(request, pk)
    try:
        services.see(alarm=found, actor=request.user, at=now())
    except Refusal as refusal:
        return _page(request, found, WordForm(), refusal=str(refusal))
    messages.success(request, "已接手，处理完请写一句说明。")
    return redirect("devices:alarm", pk)


@require_POST
@may("devices.alarms.handle")
def handle(request: StaffRequest, pk: int) -> HttpResponse:
    found = _alarm(request, pk)
    form = WordForm(request.POST)
    if form.is_valid():
        try:
            services.handle(
                alarm=found, word=form.cleaned_data["word"], actor=request.user, at=now()
            )
            messages.success(request, "告警已处理。")
            return redirect("devices:alarms")
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return _page(request, found, form)


def _alarm(request: StaffRequest, pk: int) -> Alarm:
    return get_object_or_404(asked.alarms(station=request.station), pk=pk)


def _page(
    request: StaffRequest, found: Alarm, form: WordForm, *, refusal: str = ""
) -> HttpResponse:
    content = {
        "alarm": found,
        "tone": TONES[found.status],
        "live": found.status in asked.LIVE,
        "may_report": may_do(request.role, "devices.repairs.report"),
        "may_handle": may_do(request.role, "devices.alarms.handle"),
        "form": form,
        "refusal": refusal,
        "history": history_of(f"告警 {found.pk}"),
    }
    return render(
        request, "devices/alarm.html", content, status=422 if form.errors or refusal else 200
    )
