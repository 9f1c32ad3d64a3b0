"""券: what a coupon gives, planned, changed by another version, approved, stopped."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from marketing.forms.terms import TemplateForm
from marketing.models import CouponTemplate, Status
from marketing.queries import wording
from marketing.queries.batches import batches_of
from marketing.services import templates as services
from marketing.services import terms
from marketing.views.deciding import TONES, decided
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.queries.audit import history_of
from station.queries.columns import Action, Column, Empty
from station.queries.listing import ListPage
from station.views.listing import list_response


def _here(request: StaffRequest) -> QuerySet[CouponTemplate]:
    rows = CouponTemplate.objects.select_related("station", "tier", "planned_by", "approved_by")
    return rows.filter(Q(station__in=request.stations) | Q(everywhere=True))


def _found(request: StaffRequest, pk: int) -> CouponTemplate:
    return get_object_or_404(_here(request), pk=pk)


@require_GET
@may("marketing.coupons.view")
def templates(request: StaffRequest) -> HttpResponseBase:
    planning = may_do(request.role, "marketing.coupons.plan")
    new = Action("新建券", reverse("marketing:template_new")) if planning else None
    return list_response(
        request,
        ListPage(
            title="优惠券",
            columns=(
                Column("编号", "code", "code"),
                Column("版本", "version", "count", minor=True),
                Column("名称", "name"),
                Column("优惠", wording.gives),
                Column("适用", wording.covers, minor=True),
                Column("给谁", wording.for_whom, minor=True),
                Column("费用归属", "campaign", minor=True),
                Column(
                    "状态",
                    lambda row: row.get_status_display(),
                    "state",
                    tone=lambda row: TONES[row.status],
                ),
            ),
            rows=_here(request),
            order=("-id",),
            opens=lambda row: reverse("marketing:template", args=[row.pk]),
            primary=new,
            empty=Empty(
                "还没有优惠券",
                "先建一种券，另一人批准后按批发放；发出的券在收银台自动选最省的用。",
                icon="ticket",
            ).leading(new),
        ),
    )


@require_http_methods(["GET", "POST"])
@may("marketing.coupons.plan")
def template_new(request: StaffRequest) -> HttpResponse:
    return _typed(request, None, {"valid_days": 30})


@require_http_methods(["GET", "POST"])
@may("marketing.coupons.plan")
def template_change(request: StaffRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(_here(request).filter(station=request.station), pk=pk)
    own = ("valid_from", "valid_until", "valid_days", "transferable")
    return _typed(
        request, found, TemplateForm.of(found) | {name: getattr(found, name) for name in own}
    )


def _typed(
    request: StaffRequest, found: CouponTemplate | None, initial: dict[str, Any]
) -> HttpResponse:
    form = TemplateForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.plan(
                station=request.station,
                values=form.values(),
                actor=request.user,
                at=now(),
                code=found.code if found else "",
            )
            messages.success(request, f"{made.name} 已提交，等另一人审批。")
            return redirect("marketing:template", made.pk)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    back = reverse("marketing:template", args=[found.pk]) if found else None
    content = {"form": form, "found": found, "back_href": back or reverse("marketing:templates")}
    return render(
        request, "marketing/template_form.html", content, status=422 if form.errors else 200
    )


@require_GET
@may("marketing.coupons.view")
def template(request: StaffRequest, pk: int) -> HttpResponse:
    return _page(request, _found(request, pk))


@require_POST
@may("marketing.coupons.approve")
def template_approve(request: StaffRequest, pk: int) -> HttpResponse:
    found = _found(request, pk)
    return decided(
        request,
        lambda at: terms.approve(offer=found, actor=request.user, at=at),
        words=f"{found.name} 已批准，可以建批次发放。",
        to=reverse("marketing:template", args=[pk]),
        page=lambda refusal: _page(request, found, refusal),
    )


@require_POST
@may("marketing.coupons.approve")
def template_reject(request: StaffRequest, pk: int) -> HttpResponse:
    found = _found(request, pk)
    reason = request.POST.get("reason", "").replace("\0", "")
    return decided(
        request,
        lambda at: terms.reject(offer=found, actor=request.user, at=at, reason=reason),
        words=f"{found.name} 已驳回。",
        to=reverse("marketing:template", args=[pk]),
        page=lambda refusal: _page(request, found, refusal),
    )


@require_POST
@may("marketing.coupons.plan")
def template_stop(request: StaffRequest, pk: int) -> HttpResponse:
    found = _found(request, pk)
    reason = request.POST.get("reason", "").replace("\0", "")
    return decided(
        request,
        lambda at: terms.stop(offer=found, actor=request.user, at=at, reason=reason),
        words=f"{found.name} 不再发放，已发的仍可用。",
        to=reverse("marketing:template", args=[pk]),
        page=lambda refusal: _page(request, found, refusal),
    )


def _page(request: StaffRequest, found: CouponTemplate, refusal: str = "") -> HttpResponse:
    if refusal:
        found.refresh_from_db()
    planning = may_do(request.role, "marketing.coupons.plan")
    mine = found.station_id == request.station.pk
    content = {
        "found": found,
        "tone": TONES[found.status],
        "gives": wording.gives(found),
        "covers": wording.covers(found),
        "for_whom": wording.for_whom(found),
        "days": wording.days(found),
        "together": wording.together(found),
        "batches": batches_of(request.stations).filter(template=found).order_by("-pk")[:50],
        "own": found.planned_by_id == request.user.pk,
        "may_approve": found.status == Status.PLANNED
        and found.planned_by_id != request.user.pk
        and may_do(request.role, "marketing.coupons.approve"),
        "may_stop": found.status == Status.APPROVED and planning,
        "may_change": mine and planning,
        "may_batch": found.status == Status.APPROVED and planning and mine,
        "refusal": refusal,
        "history": history_of(found.code),
    }
    return render(request, "marketing/template.html", content, status=422 if refusal else 200)
