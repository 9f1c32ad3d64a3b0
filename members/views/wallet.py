"""What a member has, on his phone: points, stored value with its payment code, and his tier."""

from __future__ import annotations

from typing import Any

import segno
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_GET

from members.models import Member, ValueAccount
from members.queries import phone
from members.queries.phone_points import points_page
from members.queries.phone_value import value_page
from members.queries.tier_progress import progress_of
from members.queries.tiers import tiers_held
from members.queries.value import account_of_member
from members.services import value_codes
from members.views.guard import MemberRequest, key_asked, member_only, member_page, part


@require_GET
@member_only
def points(request: MemberRequest) -> HttpResponse:
    before = key_asked(request, "before")
    page = points_page(member=request.member, at=request.at, before=before)
    content: dict[str, Any] = {
        "page": page,
        "newest": not before,
        "mark": phone.mark(page.wallet, page.bars, *(one.txn.pk for one in page.entries)),
    }
    if request.headers.get("HX-Request"):
        return part(request, "members/phone/_points.html", content)
    return member_page(request, "members/phone/points.html", content)


@require_GET
@member_only
def value(request: MemberRequest) -> HttpResponse:
    before = key_asked(request, "before")
    page = value_page(member=request.member, before=before)
    content: dict[str, Any] = {
        "page": page,
        "newest": not before,
        "mark": phone.mark(page.total, page.state, *(one.key for one in page.rows)),
        "pays": _pays(request.member, page.account),
    }
    if request.headers.get("HX-Request"):
        return part(request, "members/phone/_value.html", content)
    return member_page(request, "members/phone/value.html", content)


@require_GET
@member_only
def value_code(request: MemberRequest) -> HttpResponse:
    """A payment code as a picture, drawn anew before the last one dies."""
    account = account_of_member(request.member.pk)
    if account is None or not _pays(request.member, account):
        return HttpResponse("没有付款码：账户停用或会员冻结，请到收银台询问。", status=409)
    text = value_codes.issue(account=account, at=request.at)
    drawn = segno.make(text, error="m", boost_error=False).svg_inline(
        omitsize=True, border=3, dark="#000", light="#fff"
    )
    content = {
        "picture": mark_safe(drawn),
        "code": text,
        "seconds": int(value_codes.LIFE.total_seconds()),
        "label": "付款码",
    }
    return render(request, "members/phone/_code.html", content)


def _pays(member: Member, account: ValueAccount | None) -> bool:
    """Whether a code is shown at all: the account is good and so is its member."""
    good = account is not None and account.status == ValueAccount.Status.ACTIVE
    return good and member.status == Member.Status.ACTIVE


@require_GET
@member_only
def tier(request: MemberRequest) -> HttpResponse:
    pk = request.member.pk
    content = {
        "progress": progress_of(member_ids=[pk], at=request.at).get(pk),
        "held": tiers_held(request.member),
    }
    return member_page(request, "members/phone/tier.html", content)
