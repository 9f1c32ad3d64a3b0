"""券: what a coupon gives, planned, changed by another version, approved, stopped."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from marketing.forms.terms import TemplateForm
from marketing.models import CouponTemplate, Status
from marketing.queries import wording
from marketing.queries.batches import batches_of
from marketing.services import templates as services
from marketing.views.deciding import TONES, OfferPages
from station.access import StaffRequest, may, may_do
from station.queries.columns import Action, Column, Empty
from station.queries.listing import ListPage
from station.views.listing import list_response


def _more(request: StaffRequest, found: CouponTemplate) -> dict[str, object]:
    batches = batches_of(request.stations).filter(template=found)
    return {
        "batches": batches.order_by("-pk")[:50],
        "may_batch": found.status == Status.APPROVED
        and found.station_id == request.station.pk
        and may_do(request.role, "marketing.coupons.plan"),
    }


PAGES = OfferPages(
    page="marketing:template",
    listing="marketing:templates",
    form=TemplateForm,
    template="marketing/template.html",
    form_template="marketing/template_form.html",
    plan=services.plan,
    plans="marketing.coupons.plan",
    approves="marketing.coupons.approve",
    approved="已批准，可以建批次发放。",
    stopped="不再发放，已发的仍可用。",
    more=_more,
)


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
    return PAGES.typed(request, None, {"valid_days": 30})


@require_http_methods(["GET", "POST"])
@may("marketing.coupons.plan")
def template_change(request: StaffRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(_here(request).filter(station=request.station), pk=pk)
    own = ("valid_from", "valid_until", "valid_days", "transferable", "tenders")
    return PAGES.typed(
        request, found, TemplateForm.of(found) | {name: getattr(found, name) for name in own}
    )


@require_GET
@may("marketing.coupons.view")
def template(request: StaffRequest, pk: int) -> HttpResponse:
    return PAGES.shown(request, _found(request, pk))


@require_POST
@may("marketing.coupons.approve")
def template_approve(request: StaffRequest, pk: int) -> HttpResponse:
    return PAGES.approve(request, _found(request, pk))


@require_POST
@may("marketing.coupons.approve")
def template_reject(request: StaffRequest, pk: int) -> HttpResponse:
    return PAGES.reject(request, _found(request, pk))


@require_POST
@may("marketing.coupons.plan")
def template_stop(request: StaffRequest, pk: int) -> HttpResponse:
    return PAGES.stop(request, _found(request, pk))
