"""优惠券 on a member's phone: his own, each with its terms, and claiming by the code of a poster."""

from __future__ import annotations

import segno
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from marketing.forms.coupons import OwnClaimForm
from marketing.models import Coupon
from marketing.queries import phone as queries
from marketing.queries.locks import OwnLock, own_locks
from marketing.services import claiming
from members.queries import phone
from members.views.guard import (
    MemberRequest,
    key_asked,
    member_only,
    member_page,
    part,
    remembered,
    secret_of,
)
from station.errors import Refusal


@require_GET
@member_only
def coupons(request: MemberRequest) -> HttpResponse:
    group = request.GET.get("group", "")
    group = group if group in queries.GROUPS else "usable"
    before = key_asked(request, "before")
    rows, older = queries.coupons_page(
        member=request.member, group=group, at=request.at, before=before
    )
    counts = queries.counts(member=request.member, at=request.at)
    content = {
        "rows": rows,
        "older": older,
        "locks": (locks := _locks(request, group, before)),
        "group": group,
        "groups": [(key, title, counts[key]) for key, title in queries.GROUPS.items()],
        "newest": not before,
        "mark": phone.mark(rows, counts, locks),
    }
    if request.headers.get("HX-Request"):
        return part(request, "marketing/phone/_coupons.html", content)
    return member_page(request, "marketing/phone/coupons.html", content)


def _locks(request: MemberRequest, group: str, before: int) -> list[OwnLock]:
    """His locked litres stand over the coupons that he can use."""
    if group != "usable" or before:
        return []
    return own_locks(member=request.member, at=request.at)


@require_GET
@member_only
def coupon(request: MemberRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(queries.coupons_of(request.member), pk=pk)
    told = queries.owned(found, request.at)
    shows = told.transferable and found.state == Coupon.State.ISSUED and told.usable
    content = {
        "coupon": told,
        # The code of one that stays his own is of no use to anybody: only his own code takes it.
        "picture": segno.make(found.code, error="m").svg_data_uri(scale=6, border=2)
        if shows
        else "",
    }
    return member_page(request, "marketing/phone/coupon.html", content)


@require_http_methods(["GET", "POST"])
@member_only
def claim(request: MemberRequest) -> HttpResponse:
    device = secret_of(request)
    form = OwnClaimForm(request.POST or None, initial={"open_code": request.GET.get("code", "")})
    if request.method == "POST" and form.is_valid():
        try:
            claimed = claiming.claim_own(
                open_code=form.cleaned_data["open_code"],
                member=request.member,
                device=device,
                at=request.at,
            )
            where = reverse("my_coupons:coupon", args=[claimed.pk])
            return remembered(redirect(where), device)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {"form": form}
    answer = member_page(
        request, "marketing/phone/claim.html", content, 422 if form.errors else 200
    )
    return remembered(answer, device)
