"""待处理: the list, and working one off."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_http_methods

from sales.forms.sales import DiscrepancyFilter, WorkOffForm
from sales.models import Discrepancy, Sale
from sales.queries.discrepancies import INVOLVED, discrepancies_of, worth
from sales.services.discrepancies import work_off
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.models import AuditEntry
from station.queries.columns import Column, Empty, Tone, written
from station.queries.listing import ListPage
from station.views.listing import filters_of, list_response

TONES: dict[str, Tone] = {"OPEN": "bad", "RESOLVED": "good", "ACCEPTED": "off"}


@require_GET
@may("sales.discrepancies")
def discrepancies(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, DiscrepancyFilter)
    wanted = filters.cleaned_data if filters.is_valid() else {}
    return list_response(
        request,
        ListPage(
            title="待处理",
            columns=(
                Column("时间", "raised_at", "moment"),
                Column("类别", lambda one: one.get_kind_display()),
                Column("说明", "text"),
                Column("涉及金额", worth, "yuan", sum="amount"),
                Column("单据", "document", "code"),
                Column("营业日", "day.date", "date", minor=True),
                Column("状态", lambda one: one.get_status_display(), "state", tone=_tone),
                Column("处理结果", "resolution", minor=True),
            ),
            rows=discrepancies_of(station=request.station, **wanted),
            order=("-raised_at",),
            filters=filters,
            opens=_href,
            sums={"amount": INVOLVED},
            empty=Empty(
                "没有待处理", "断网补传对不上、超出预付、跨班未付等会放在这里，连同涉及的钱。"
            ),
        ),
    )


def _tone(one: Discrepancy) -> Tone:
    return TONES[one.status]


def _href(one: Discrepancy) -> str:
    return reverse("sales:discrepancy", args=[one.pk])


@require_http_methods(["GET", "POST"])
@may("sales.discrepancies")
def discrepancy(request: StaffRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(discrepancies_of(station=request.station), pk=pk)
    may_work_off = found.status == "OPEN" and may_do(request.role, "sales.discrepancies.work_off")
    form = WorkOffForm(request.POST or None)
    if request.method == "POST" and may_work_off and form.is_valid():
        try:
            work_off(
                discrepancy=found,
                resolution=form.cleaned_data["resolution"],
                accepted=form.cleaned_data["accepted"],
                actor=request.user,
                at=now(),
            )
        except Refusal as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "已处理。")
            return redirect("sales:discrepancies")
    refused = request.method == "POST" and may_work_off
    context = {
        "one": found,
        "worth": written(worth(found), "yuan"),
        "tone": TONES[found.status],
        "form": form,
        "may_work_off": may_work_off,
        "sale": Sale.objects.filter(number=found.document, station=request.station).first(),
        "history": AuditEntry.objects.filter(
            document=found.document, station=request.station
        ).order_by("-pk")[:20],
    }
    return render(request, "sales/discrepancy.html", context, status=422 if refused else 200)
