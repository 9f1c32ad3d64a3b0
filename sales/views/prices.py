"""调价: the board, plans with what they will do, approval, and how each pump took the price."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import localtime, now
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from sales.forms.prices import PlanForm, ReasonForm
from sales.models import SignStep
from sales.queries import pricing as asked
from sales.services import pricing, signs
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.models import PriceChange
from station.queries.audit import history_of
from station.queries.columns import Action, Column, Empty, Tone
from station.queries.listing import ListPage
from station.views.listing import list_response

TONES: dict[str, Tone] = {
    "PLANNED": "wait",
    "APPROVED": "info",
    "IN_FORCE": "good",
    "REJECTED": "off",
    "CANCELLED": "off",
}
TIMELY = ("PLANNED", "APPROVED")


@require_GET
@may("sales.prices.view")
def prices(request: StaffRequest) -> HttpResponseBase:
    planning = may_do(request.role, "sales.prices.plan")
    new = Action("新建调价单", reverse("sales:price_new")) if planning else None
    listing = ListPage(
        title="价格",
        columns=(
            Column("单号", "number", "code"),
            Column(
                "状态",
                lambda row: row.get_status_display(),
                "state",
                tone=lambda row: TONES[row.status],
            ),
            Column("执行时间", "effective_at", "moment"),
            Column("新价", _said),
            Column("制单人", "planned_by.name", minor=True),
            Column("审批人", "approved_by.name", minor=True),
            Column("说明", "note", minor=True),
        ),
        rows=PriceChange.objects.filter(station=request.station)
        .select_related("planned_by", "approved_by")
        .prefetch_related("lines__grade"),
        order=("-effective_at",),
        opens=lambda row: reverse("sales:price_change", args=[row.number]),
        primary=new,
        empty=Empty(
            "还没有调价单",
            "新建一张调价单，经另一人审批后到点自动下发到每把枪。",
            icon="tag",
        ).leading(new),
    )
    content = {"board": asked.price_board(station=request.station, at=now())}
    return list_response(request, listing, template="sales/prices.html", context=content)


@require_http_methods(["GET", "POST"])
@may("sales.prices.plan")
def price_new(request: StaffRequest) -> HttpResponse:
    station = request.station
    if request.method == "POST":
        form = PlanForm(request.POST, station=station)
        if form.is_valid():
            try:
                change = pricing.plan(
                    station=station,
                    prices=form.prices(),
                    effective_at=form.cleaned_data["effective_at"],
                    note=form.cleaned_data["note"],
                    actor=request.user,
                    at=now(),
                )
                messages.success(request, f"调价单 {change.number} 已提交，等另一人审批。")
                return redirect("sales:price_change", change.number)
            except Refusal as refusal:
                form.add_error(None, str(refusal))
    else:
        form = PlanForm(station=station, initial={"effective_at": _next_midnight()})
    content = {"form": form, "board": asked.price_board(station=station, at=now())}
    return render(request, "sales/price_new.html", content, status=422 if form.errors else 200)


@require_POST
@may("sales.prices.plan")
def price_effects(request: StaffRequest) -> HttpResponse:
    form = PlanForm(request.POST, station=request.station)
    rows = []
    if form.is_valid():
        rows = asked.effects(
            station=request.station,
            prices=form.prices(),
            effective_at=form.cleaned_data["effective_at"],
            at=now(),
        )
    return render(request, "sales/_price_effects.html", {"effects": rows})


@require_GET
@may("sales.prices.view")
def price_change(request: StaffRequest, number: str) -> HttpResponse:
    return _page(request, _change(request, number))


@require_POST
@may("sales.prices.approve")
def price_approve(request: StaffRequest, number: str) -> HttpResponse:
    change = _change(request, number)
    return _decided(
        request,
        change,
        lambda at: pricing.approve(change=change, actor=request.user, at=at),
        "已审批，到执行时间自动下发。",
    )


@require_POST
@may("sales.prices.approve")
def price_reject(request: StaffRequest, number: str) -> HttpResponse:
    return _with_reason(request, number, pricing.reject, "已驳回。")


@require_POST
@may("sales.prices.sign")
def sign_confirm(request: StaffRequest, pk: int) -> HttpResponse:
    step = _step(request, pk)
    return _decided(
        request,
        step.change,
        lambda at: signs.confirm(step=step, actor=request.user, at=at),
        f"{step.row}已确认为 {step.price}。",
    )


@require_POST
@may("sales.prices.approve")
def sign_override(request: StaffRequest, pk: int) -> HttpResponse:
    step = _step(request, pk)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _page(request, step.change, refusal="没有放行：请写明为什么不等，再点一次。")
    reason = form.cleaned_data["reason"]
    return _decided(
        request,
        step.change,
        lambda at: signs.override(step=step, reason=reason, actor=request.user, at=at),
        f"{step.row}不再等待。",
    )


def _step(request: StaffRequest, pk: int) -> SignStep:
    steps = SignStep.objects.select_related("change__station", "row__sign")
    return get_object_or_404(steps, pk=pk, change__station=request.station)


@require_POST
@may("sales.prices.plan")
def price_withdraw(request: StaffRequest, number: str) -> HttpResponse:
    return _with_reason(request, number, pricing.withdraw, "已撤销。")


def _with_reason(
    request: StaffRequest, number: str, act: Callable[..., None], words: str
) -> HttpResponse:
    change = _change(request, number)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _page(request, change, refusal="请写明原因，再点一次。")
    reason = form.cleaned_data["reason"]
    return _decided(
        request,
        change,
        lambda at: act(change=change, actor=request.user, at=at, reason=reason),
        words,
    )


def _decided(
    request: StaffRequest, change: PriceChange, act: Callable[[datetime], object], words: str
) -> HttpResponse:
    try:
        act(now())
    except Refusal as refusal:
        return _page(request, change, refusal=str(refusal))
    messages.success(request, f"调价单 {change.number} {words}")
    return redirect("sales:price_change", change.number)


def _change(request: StaffRequest, number: str) -> PriceChange:
    changes = PriceChange.objects.select_related("station", "planned_by", "approved_by")
    return get_object_or_404(changes, number=number, station=request.station)


def _page(request: StaffRequest, change: PriceChange, *, refusal: str = "") -> HttpResponse:
    lines = list(change.lines.select_related("grade").order_by("grade__position"))
    timely = change.status in TIMELY
    pumps, steps = asked.pump_prices(change), list(asked.sign_steps(change))
    content = {
        "change": change,
        "tone": TONES[change.status],
        "lines": lines,
        "effects": asked.effects(
            station=request.station,
            prices={line.grade: line.price for line in lines},
            effective_at=change.effective_at,
            at=now(),
        )
        if timely
        else [],
        "pumps": pumps,
        "done": sum(row.word == "已执行" for row in pumps),
        "steps": steps,
        "live": any(not row.superseded and row.word != "已执行" for row in pumps)
        or any(step.status in signs.LIVE for step in steps),
        "may_sign": may_do(request.role, "sales.prices.sign"),
        "overridable": [step for step in steps if step.status in signs.LIVE]
        if may_do(request.role, "sales.prices.approve")
        else [],
        "may_approve": may_do(request.role, "sales.prices.approve")
        and change.status == "PLANNED"
        and change.planned_by_id != request.user.pk,
        "may_withdraw": may_do(request.role, "sales.prices.plan") and timely,
        "own": change.planned_by_id == request.user.pk,
        "refusal": refusal,
        "history": history_of(change.number),
    }
    if request.headers.get("HX-Target") == "pumps":
        return render(request, "sales/_price_pumps.html", content)
    return render(request, "sales/price_change.html", content, status=422 if refusal else 200)


def _said(change: PriceChange) -> str:
    lines = sorted(change.lines.all(), key=lambda line: line.grade.position)
    return "，".join(f"{line.grade.code} {line.price}" for line in lines)


def _next_midnight() -> datetime:
    tomorrow = localtime() + timedelta(days=1)
    return tomorrow.replace(hour=0, minute=0, second=0, microsecond=0)
