"""预警: what needs somebody, taken in hand and handled with a word."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from station.access import StaffRequest, may
from station.errors import Refusal
from station.forms.records import AlertFilter, WordForm
from station.models import Alert
from station.queries.alerts import LIVE, alerts_of
from station.queries.audit import history_of
from station.queries.columns import Column, Empty, Tone
from station.queries.listing import ListPage
from station.services import alerts
from station.views.listing import filters_of, list_response

LEVELS: dict[str, Tone] = {"INFO": "info", "WARNING": "wait", "CRITICAL": "bad"}
STATES: dict[str, Tone] = {"OPEN": "bad", "SEEN": "wait", "CLEARED": "off", "HANDLED": "good"}


@require_GET
@may("station.alerts")
def index(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, AlertFilter)
    return list_response(
        request,
        ListPage(
            title="预警",
            columns=(
                Column("发生时间", "raised_at", "moment"),
                Column(
                    "级别",
                    lambda row: row.get_level_display(),
                    "state",
                    tone=lambda row: LEVELS[row.level],
                ),
                Column("内容", "text"),
                Column("次数", "count", "count", minor=True),
                Column(
                    "状态",
                    lambda row: row.get_status_display(),
                    "state",
                    tone=lambda row: STATES[row.status],
                ),
            ),
            rows=alerts_of([request.station], **filters.cleaned_data),
            order=("-raised_at",),
            filters=filters,
            opens=lambda row: reverse("station:alert", args=[row.pk]),
            empty=Empty(
                "没有要处理的预警",
                "低液位、通讯中断、日历将到期等会出现在这里。",
                icon="bell-check",
            ),
        ),
    )


@require_GET
@may("station.alerts")
def alert(request: StaffRequest, pk: int) -> HttpResponse:
    return _page(request, _found(request, pk), WordForm())


@require_POST
@may("station.alerts")
def see(request: StaffRequest, pk: int) -> HttpResponse:
    alerts.see(alert=_found(request, pk), at=now(), actor=request.user)
    return redirect("station:alert", pk)


@require_POST
@may("station.alerts")
def handle(request: StaffRequest, pk: int) -> HttpResponse:
    found = _found(request, pk)
    form = WordForm(request.POST)
    if form.is_valid():
        try:
            alerts.handle(alert=found, word=form.cleaned_data["word"], at=now(), actor=request.user)
            messages.success(request, "已处理。")
            return redirect("station:alerts")
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return _page(request, found, form, status=422)


def _found(request: StaffRequest, pk: int) -> Alert:
    return get_object_or_404(alerts_of(request.stations, status="ALL"), pk=pk)


def _page(request: StaffRequest, found: Alert, form: WordForm, status: int = 200) -> HttpResponse:
    content = {
        "alert": found,
        "live": found.status in LIVE,
        "tone": STATES[found.status],
        "level_tone": LEVELS[found.level],
        "form": form,
        "history": history_of(f"alert:{found.pk}"),
    }
    return render(request, "station/alert.html", content, status=status)
