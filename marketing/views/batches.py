"""券批次: made, given to members, printed, claimed, closed; and its live counts."""

from __future__ import annotations

from decimal import Decimal

import segno
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from marketing.forms.coupons import BatchForm, ClaimForm, GiveForm, PrintForm
from marketing.models import Coupon, CouponBatch
from marketing.queries.batches import batches_of, counts_of
from marketing.queries.coupons import coupons_of_batch, members_meant, one_meant
from marketing.services import batches as services
from marketing.services import codes, issuing
from marketing.views.deciding import decided
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.queries.audit import history_of
from station.queries.columns import Action, Column, Empty
from station.queries.listing import ListPage
from station.views.listing import list_response


def _found(request: StaffRequest, number: str) -> CouponBatch:
    rows = CouponBatch.objects.select_related("template__tier", "template__station", "station")
    return get_object_or_404(
        rows.select_related("made_by"), number=number, station__in=request.stations
    )


@require_GET
@may("marketing.coupons.view")
def batches(request: StaffRequest) -> HttpResponseBase:
    planning = may_do(request.role, "marketing.coupons.plan")
    new = Action("建批次", reverse("marketing:batch_new")) if planning else None
    return list_response(
        request,
        ListPage(
            title="券批次",
            columns=(
                Column("批号", "number", "code"),
                Column("券", "template.name"),
                Column("数量", "quota", "count"),
                Column("已发", "issued", "count"),
                Column("已用", "used", "count"),
                Column("核销率", _rate, "percent"),
                Column("领券码", lambda row: row.open_code or "", "code", minor=True),
                Column("建立时间", "made_at", "moment", minor=True),
                Column(
                    "状态", _state, "state", tone=lambda row: "off" if row.closed_at else "good"
                ),
            ),
            rows=batches_of(request.stations),
            order=("-id",),
            opens=lambda row: reverse("marketing:batch", args=[row.number]),
            primary=new,
            empty=Empty(
                "还没有券批次",
                "一批有数量、每人几张的限制；发给会员、印成码或公开领取。",
                icon="ticket",
            ).leading(new),
        ),
    )


def _rate(row: CouponBatch) -> Decimal | None:
    return Decimal(row.used) / row.issued if row.issued else None  # type: ignore[attr-defined]


def _state(row: CouponBatch) -> str:
    return "已停发" if row.closed_at else "发放中"


@require_http_methods(["GET", "POST"])
@may("marketing.coupons.plan")
def batch_new(request: StaffRequest) -> HttpResponse:
    initial = {"template": request.GET.get("template", "")}
    form = BatchForm(request.POST or None, station=request.station, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.make(
                template=form.cleaned_data["template"],
                values=form.values(),
                actor=request.user,
                at=now(),
            )
            messages.success(request, f"已建 {made.number}，可以发券了。")
            return redirect("marketing:batch", made.number)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {"form": form, "back_href": reverse("marketing:batches")}
    return render(request, "marketing/batch_new.html", content, status=422 if form.errors else 200)


@require_GET
@may("marketing.coupons.view")
def batch(request: StaffRequest, number: str) -> HttpResponse:
    return _page(request, _found(request, number))


@require_POST
@may("marketing.coupons.issue")
def batch_give(request: StaffRequest, number: str) -> HttpResponse:
    found = _found(request, number)
    form = GiveForm(request.POST)
    if not form.is_valid():
        return _page(request, found, refusal=str(next(iter(form.errors.values()))[0]), give=form)
    members, unknown = members_meant(form.cleaned_data["members"])
    if unknown:
        words = f"没有发券：找不到 {'、'.join(unknown[:5])}。请改正后再发。"
        return _page(request, found, refusal=words, give=form)
    try:
        given = issuing.give(batch=found, members=members, actor=request.user, at=now())
    except Refusal as refusal:
        return _page(request, found, refusal=str(refusal), give=form)
    over = f"；{len(given.passed_over)} 人已领满，没有再发" if given.passed_over else ""
    messages.success(request, f"已发 {len(given.coupons)} 张{over}。")
    return redirect("marketing:batch", number)


@require_POST
@may("marketing.coupons.issue")
def batch_print(request: StaffRequest, number: str) -> HttpResponse:
    found = _found(request, number)
    form = PrintForm(request.POST)
    if not form.is_valid():
        return _page(request, found, refusal="没有发券：张数须在 1 到 1000 之间。")
    try:
        issuing.print_codes(
            batch=found, count=form.cleaned_data["count"], actor=request.user, at=now()
        )
    except Refusal as refusal:
        return _page(request, found, refusal=str(refusal))
    messages.success(request, f"已发 {form.cleaned_data['count']} 张不记名券，码在下面的清单里。")
    return redirect("marketing:batch", number)


@require_POST
@may("marketing.coupons.plan")
def batch_close(request: StaffRequest, number: str) -> HttpResponse:
    found = _found(request, number)
    reason = request.POST.get("reason", "").replace("\0", "")
    return decided(
        request,
        lambda at: services.close(batch=found, actor=request.user, at=at, reason=reason),
        words=f"{number} 已停发，已发的仍可用。",
        to=reverse("marketing:batch", args=[number]),
        page=lambda refusal: _page(request, found, refusal=refusal),
    )


@require_http_methods(["GET", "POST"])
@may("marketing.coupons.claim")
def claim(request: StaffRequest) -> HttpResponse:
    """A member claims at the counter by the code of a poster."""
    form = ClaimForm(request.POST or None, initial={"open_code": request.GET.get("code", "")})
    if request.method == "POST" and form.is_valid():
        try:
            coupon = _claimed(request, form)
            messages.success(request, f"已领 {coupon.template.name}，选会员后自动可用。")
            return redirect("marketing:claim")
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {"form": form, "back_href": reverse("station:home")}
    return render(request, "marketing/claim.html", content, status=422 if form.errors else 200)


def _claimed(request: StaffRequest, form: ClaimForm) -> Coupon:
    subject = f"user:{request.user.pk}"
    codes.check_tries(subject=subject, station=request.station, at=now())
    code = codes.read_code(form.cleaned_data["open_code"])
    if not CouponBatch.objects.filter(open_code=code).exists():
        codes.note_wrong(subject=subject, wrong=1, at=now())
    member = one_meant(form.cleaned_data["member"])
    return issuing.claim(open_code=code, member=member, device="", actor=request.user, at=now())


def _page(
    request: StaffRequest,
    found: CouponBatch,
    *,
    refusal: str = "",
    give: GiveForm | None = None,
) -> HttpResponse:
    issuing_ = not found.closed_at and may_do(request.role, "marketing.coupons.issue")
    # The poster's code opens the customer's own phone; the counter's page takes the same code.
    address = request.build_absolute_uri(reverse("my_coupons:claim"))
    code = f"{address}?code={found.open_code}" if found.open_code else ""
    content = {
        "batch": found,
        "counts": counts_of(batch=found),
        # A bearer's code is money: it is shown to who may issue.
        "coupons": coupons_of_batch(
            batch=found, with_codes=may_do(request.role, "marketing.coupons.issue")
        ),
        "code": segno.make(code, error="m").svg_data_uri(scale=4, border=1) if code else "",
        "give": give or GiveForm(),
        "may_issue": issuing_,
        "may_close": not found.closed_at and may_do(request.role, "marketing.coupons.plan"),
        "refusal": refusal,
        "history": history_of(found.number),
    }
    return render(request, "marketing/batch.html", content, status=422 if refusal else 200)
