"""One coupon: found by its code or its member, its life, voided."""

from __future__ import annotations

import segno
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from marketing.forms.coupons import CouponFilter
from marketing.models import Coupon
from marketing.queries import wording
from marketing.queries.coupons import coupons_at, masked, meant_by
from marketing.services import locking
from marketing.views.deciding import decided
from station.access import StaffRequest, may, may_do
from station.queries.columns import Column, Empty, Tone
from station.queries.listing import ListPage
from station.views.listing import filters_of, list_response

TONES: dict[str, Tone] = {
    "ISSUED": "good",
    "LOCKED": "wait",
    "USED": "info",
    "EXPIRED": "off",
    "VOID": "off",
}


@require_GET
@may("marketing.coupons.view")
def coupons(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, CouponFilter)
    rows = coupons_at(request.stations)
    if text := filters.cleaned_data.get("text"):
        rows = rows.filter(meant_by(text))
    issuing = may_do(request.role, "marketing.coupons.issue")
    return list_response(
        request,
        ListPage(
            title="券查询",
            columns=(
                Column("券码", lambda row: row.code if issuing else masked(row.code), "code"),
                Column("券", "template.name"),
                Column("会员", lambda row: row.member.number if row.member else "不记名", "code"),
                Column(
                    "状态",
                    lambda row: row.get_state_display(),
                    "state",
                    tone=lambda row: TONES[row.state],
                ),
                Column("到期", "valid_until", "moment"),
                Column("发放时间", "issued_at", "moment", minor=True),
                Column("使用单据", "document", "code", minor=True),
            ),
            rows=rows,
            order=("-id",),
            counting=False,
            filters=filters,
            opens=lambda row: reverse("marketing:coupon", args=[row.pk]),
            empty=Empty("没有这样的券", "按券码、会员号、手机或车牌查。", icon="ticket"),
        ),
    )


@require_GET
@may("marketing.coupons.view")
def coupon(request: StaffRequest, pk: int) -> HttpResponse:
    return _page(request, _found(request, pk))


def _found(request: StaffRequest, pk: int) -> Coupon:
    return get_object_or_404(coupons_at(request.stations), pk=pk)


@require_POST
@may("marketing.coupons.issue")
def coupon_void(request: StaffRequest, pk: int) -> HttpResponse:
    found = _found(request, pk)
    reason = request.POST.get("reason", "").replace("\0", "")
    return decided(
        request,
        lambda at: locking.void(coupon=found, actor=request.user, at=at, reason=reason),
        words="这张券已作废。",
        to=reverse("marketing:coupon", args=[pk]),
        page=lambda refusal: _page(request, found, refusal),
    )


def _page(request: StaffRequest, found: Coupon, refusal: str = "") -> HttpResponse:
    issuing = may_do(request.role, "marketing.coupons.issue")
    content = {
        "coupon": found,
        "code": found.code if issuing else masked(found.code),
        "picture": segno.make(found.code, error="m").svg_data_uri(scale=4, border=1)
        if issuing
        else "",
        "tone": TONES[found.state],
        "gives": wording.gives(found.template),
        "events": found.events.select_related("actor").order_by("pk"),
        "may_void": issuing and found.state == Coupon.State.ISSUED,
        "refusal": refusal,
    }
    return render(request, "marketing/coupon.html", content, status=422 if refusal else 200)
