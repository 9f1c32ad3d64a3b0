"""促销: listed, planned, changed by another version, approved by another person, stopped."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import localtime
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from marketing.forms.terms import PromotionForm
from marketing.models import Promotion
from marketing.queries import wording
from marketing.services import promotions as services
from marketing.views.deciding import TONES, OfferPages
from station.access import StaffRequest, may, may_do
from station.queries.columns import Action, Column, Empty
from station.queries.listing import ListPage
from station.views.listing import list_response


def _more(request: StaffRequest, found: Promotion) -> dict[str, object]:
    versions = Promotion.objects.filter(station=found.station, code=found.code)
    return {"versions": versions.order_by("-version")}


PAGES = OfferPages(
    page="marketing:promotion",
    listing="marketing:promotions",
    form=PromotionForm,
    template="marketing/promotion.html",
    form_template="marketing/promotion_form.html",
    plan=services.plan,
    plans="marketing.promotions.plan",
    approves="marketing.promotions.approve",
    approved="已批准，到时间收银台自动算。",
    stopped="已停止，下一单起不再优惠。",
    more=_more,
)


def _here(request: StaffRequest) -> QuerySet[Promotion]:
    """Those of this person's stations, and those that hold everywhere."""
    rows = Promotion.objects.select_related("station", "tier", "planned_by", "approved_by")
    return rows.filter(Q(station__in=request.stations) | Q(everywhere=True))


def _found(request: StaffRequest, pk: int) -> Promotion:
    return get_object_or_404(_here(request), pk=pk)


@require_GET
@may("marketing.promotions.view")
def promotions(request: StaffRequest) -> HttpResponseBase:
    planning = may_do(request.role, "marketing.promotions.plan")
    new = Action("新建促销", reverse("marketing:promotion_new")) if planning else None
    return list_response(
        request,
        ListPage(
            title="促销",
            columns=(
                Column("编号", "code", "code"),
                Column("版本", "version", "count", minor=True),
                Column("名称", "name"),
                Column("优惠", wording.gives),
                Column("适用", wording.covers),
                Column("给谁", wording.for_whom, minor=True),
                Column("开始", "valid_from", "moment", minor=True),
                Column("结束", "valid_until", "moment"),
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
            opens=lambda row: reverse("marketing:promotion", args=[row.pk]),
            primary=new,
            empty=Empty(
                "还没有促销",
                "每升直降、满减、会员日、加油送咖啡，都在这里建；另一人批准后收银台自动算。",
                icon="discount",
            ).leading(new),
        ),
    )


@require_http_methods(["GET", "POST"])
@may("marketing.promotions.plan")
def promotion_new(request: StaffRequest) -> HttpResponse:
    start = localtime().replace(second=0, microsecond=0)
    return PAGES.typed(request, None, {"valid_from": start})


@require_http_methods(["GET", "POST"])
@may("marketing.promotions.plan")
def promotion_change(request: StaffRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(_here(request).filter(station=request.station), pk=pk)
    own = ("valid_from", "valid_until", "cap_litres_day")
    return PAGES.typed(
        request, found, PromotionForm.of(found) | {name: getattr(found, name) for name in own}
    )


@require_GET
@may("marketing.promotions.view")
def promotion(request: StaffRequest, pk: int) -> HttpResponse:
    return PAGES.shown(request, _found(request, pk))


@require_POST
@may("marketing.promotions.approve")
def promotion_approve(request: StaffRequest, pk: int) -> HttpResponse:
    return PAGES.approve(request, _found(request, pk))


@require_POST
@may("marketing.promotions.approve")
def promotion_reject(request: StaffRequest, pk: int) -> HttpResponse:
    return PAGES.reject(request, _found(request, pk))


@require_POST
@may("marketing.promotions.plan")
def promotion_stop(request: StaffRequest, pk: int) -> HttpResponse:
    return PAGES.stop(request, _found(request, pk))
