"""损溢归因: what waits for its cause, and one tank's day from the variance to the approval."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.forms import Form
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from inventory.forms.attributions import AttributionFilter, DecideForm, ProposeForm
from inventory.models import VarianceAttribution
from inventory.queries import attributions as asked
from inventory.services import attributions as services
from inventory.views.reconciliation import day_of
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.models import Attachment, BusinessDay, Tank
from station.money import permille
from station.queries.audit import history_of
from station.queries.columns import Column, Empty, Tone
from station.queries.listing import ListPage
from station.views.listing import filters_of, list_response

Status = VarianceAttribution.Status
TONES: dict[str, Tone] = {"OPEN": "bad", "PROPOSED": "wait", "APPROVED": "good"}


@require_GET
@may("inventory.losses")
def attributions(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, AttributionFilter, station=request.station)
    listing = ListPage(
        title="损溢归因",
        columns=(
            Column("营业日", "day.date", "date"),
            Column("油罐", "tank", "code"),
            Column("油品", "tank.grade.code", "grade"),
            Column("损溢", "variance_l", "gain_loss"),
            Column("损溢率", lambda row: permille(row.variance_l, row.sold_l), "loss_rate"),
            Column(
                "状态",
                lambda row: row.get_status_display(),
                "state",
                tone=lambda row: TONES[row.status],
            ),
            Column("归因", lambda row: row.get_cause_display()),
            Column("证据", "evidence"),
            Column("归因人", "proposed_by.name", minor=True),
            Column("审批人", "decided_by.name", minor=True),
            Column("单号", "number", "code", minor=True),
        ),
        rows=_filtered(asked.attributions(request.station), filters.cleaned_data),
        order=("-day__date", "tank__number"),
        filters=filters,
        opens=lambda row: reverse("inventory:attribution", args=[row.tank.number, row.day.date]),
        empty=Empty(
            "没有等着归因的损溢",
            "日结时损溢率和损溢量都超过限额的油罐会列在这里；限额在“限额与参数”里改。",
        ),
    )
    return list_response(request, listing)


def _filtered(
    rows: QuerySet[VarianceAttribution], values: dict[str, Any]
) -> QuerySet[VarianceAttribution]:
    status = values.get("status", "")
    if status != "ALL":
        rows = rows.filter(Q(status=status) if status else ~Q(status=Status.APPROVED))
    if values.get("cause"):
        rows = rows.filter(cause=values["cause"])
    if values.get("tank"):
        rows = rows.filter(tank=values["tank"])
    if values.get("since"):
        rows = rows.filter(day__date__gte=values["since"])
    if values.get("until"):
        rows = rows.filter(day__date__lte=values["until"])
    return rows


@require_GET
@may("inventory.losses")
def attribution(request: StaffRequest, number: int, day: str) -> HttpResponse:
    return _page(request, _tank(request, number), day_of(request, day))


@require_POST
@may("inventory.attributions.propose")
def propose(request: StaffRequest, number: int, day: str) -> HttpResponse:
    tank, found, form = _tank(request, number), day_of(request, day), ProposeForm(request.POST)
    return _act(request, tank, found, form, "propose", "归因已提交，等另一人审批。", lambda values: (
        services.propose(
            tank=tank, day=found, cause=values["cause"], evidence=values["evidence"],
            at=now(), actor=request.user,
        )
    ))  # fmt: skip


@require_POST
@may("inventory.attributions.approve")
def approve(request: StaffRequest, number: int, day: str) -> HttpResponse:
    tank, found = _tank(request, number), day_of(request, day)
    row = get_object_or_404(VarianceAttribution, tank=tank, day=found)
    return _act(request, tank, found, DecideForm(request.POST), "decide", "已审批。", lambda values: (
        services.approve(attribution=row, word=values["word"], at=now(), actor=request.user)
    ))  # fmt: skip


@require_POST
@may("inventory.attributions.approve")
def send_back(request: StaffRequest, number: int, day: str) -> HttpResponse:
    tank, found = _tank(request, number), day_of(request, day)
    row = get_object_or_404(VarianceAttribution, tank=tank, day=found)
    return _act(request, tank, found, DecideForm(request.POST), "decide", "已退回。", lambda values: (
        services.send_back(attribution=row, reason=values["word"], at=now(), actor=request.user)
    ))  # fmt: skip


def _act(
    request: StaffRequest,
    tank: Tank,
    day: BusinessDay,
    form: Form,
    name: str,
    words: str,
    act: Callable[[dict[str, Any]], object],
) -> HttpResponse:
    if form.is_valid():
        try:
            act(form.cleaned_data)
            messages.success(request, words)
            return redirect("inventory:attribution", tank.number, day.date)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return _page(request, tank, day, {name: form}, status=422)


def _tank(request: StaffRequest, number: int) -> Tank:
    return get_object_or_404(
        Tank.objects.select_related("grade", "station"), number=number, station=request.station
    )


def _page(
    request: StaffRequest,
    tank: Tank,
    day: BusinessDay,
    forms: dict[str, Form] | None = None,
    status: int = 200,
) -> HttpResponse:
    forms = forms or {}
    row = asked.attributions(request.station).filter(tank=tank, day=day).first()
    book = asked.book_of(tank, day)
    variance = row.variance_l if row else book.variance if book else None
    sold = row.sold_l if row else book.sold if book else None
    bounds = asked.limits(request.station)
    over = row is not None or (book is not None and bounds.passed_by(book.variance, book.sold))
    number = asked.number_of(tank, day)
    proposed = row is not None and row.status == Status.PROPOSED
    content = {
        "tank": tank,
        "day": day,
        "row": row,
        "number": number,
        "tone": TONES[row.status] if row else "bad",
        "state": row.get_status_display() if row else "未归因" if over else "不需要归因",
        "variance": variance,
        "rate": None if variance is None or sold is None else permille(variance, sold),
        "sold": sold,
        "limits": bounds,
        "over": over,
        "settled": book is not None,
        "reason": book.reason if book else "",
        "propose": forms.get("propose") or ProposeForm(initial=_said_before(row)),
        "decide": forms.get("decide") or DecideForm(),
        "may_propose": over
        and (row is None or row.status == Status.OPEN)
        and may_do(request.role, "inventory.attributions.propose"),
        "may_decide": proposed and may_do(request.role, "inventory.attributions.approve"),
        "is_own": row is not None and row.proposed_by == request.user,
        "attachments": Attachment.objects.filter(station=request.station, document=number),
        "history": history_of(number),
    }
    return render(request, "inventory/attribution.html", content, status=status)


def _said_before(row: VarianceAttribution | None) -> dict[str, str]:
    """What was sent back, to be mended."""
    return {} if row is None or not row.cause else {"cause": row.cause, "evidence": row.evidence}
