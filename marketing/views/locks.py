"""锁价: given to members, approved by another person, stopped; and every litre that came and went."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from marketing.forms.locks import LockFilter, LockForm
from marketing.models import PriceLock
from marketing.queries.coupons import members_meant
from marketing.queries.locks import locks_at, state_of, worth
from marketing.services import locks as services
from marketing.services.locks import LockRefused
from marketing.views.deciding import decided, reason_of
from members.queries.finding import find
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.queries.audit import history_of
from station.queries.columns import Action, Column, Empty, Tone
from station.queries.listing import ListPage
from station.views.listing import filters_of, list_response

Status = PriceLock.Status
TONES: dict[str, Tone] = {
    "待审批": "wait",
    "可用": "good",
    "已用完": "off",
    "已过期": "off",
    "已驳回": "off",
    "已停止": "bad",
}


@require_GET
@may("marketing.locks.view")
def locks(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, LockFilter)
    rows, at = locks_at(request.stations), now()
    if text := filters.cleaned_data.get("text", "").strip():
        members = [one.member_id for one in find(text=text)]
        rows = rows.filter(Q(number=text.upper()) | Q(member__in=members))
    chosen = filters.cleaned_data.get("open", "")
    if chosen == "1":
        rows = rows.filter(left__gt=0, valid_until__gt=at)
    elif chosen == "0":
        rows = rows.filter(status=Status.PLANNED)
    granting = may_do(request.role, "marketing.locks.grant")
    new = Action("发锁价", reverse("marketing:lock_new")) if granting else None
    return list_response(
        request,
        ListPage(
            title="锁价",
            columns=(
                Column("编号", "number", "code"),
                Column("会员", "member.number", "code"),
                Column("油品", "grade.code"),
                Column("锁定单价", "price", "yuan"),
                Column("升数", "litres", "litres", minor=True),
                Column("剩余", "left", "litres"),
                Column("到期", "valid_until", "moment"),
                Column("费用归属", "campaign", minor=True),
                Column(
                    "状态",
                    lambda row: state_of(row, at),
                    "state",
                    tone=lambda row: TONES[state_of(row, at)],
                ),
            ),
            rows=rows,
            order=("-id",),
            filters=filters,
            opens=lambda row: reverse("marketing:lock", args=[row.pk]),
            primary=new,
            empty=Empty(
                "还没有锁价",
                "把某个油品的单价给会员锁定若干升：油枪价涨了，他加油自动按锁定的价算。",
                icon="lock",
            ).leading(new),
        ),
    )


@require_http_methods(["GET", "POST"])
@may("marketing.locks.grant")
def lock_new(request: StaffRequest) -> HttpResponse:
    form = LockForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            return _granted(request, form)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    key = request.POST.get("key", "").replace("\0", "")[:40] or uuid4().hex
    content = {"form": form, "key": key, "back_href": reverse("marketing:locks")}
    return render(request, "marketing/lock_new.html", content, status=422 if form.errors else 200)


def _granted(request: StaffRequest, form: LockForm) -> HttpResponse:
    members, unknown = members_meant(form.cleaned_data["members"])
    if unknown:
        raise LockRefused(f"没有发锁价：找不到 {'、'.join(unknown[:5])}。请改正后再发。")
    made = services.grant(
        station=request.station,
        wish=form.wish(),
        members=members,
        actor=request.user,
        at=now(),
        key=request.POST.get("key", "").replace("\0", "")[:40] or uuid4().hex,
    )
    waits = "，等另一人审批" if made[0].status == Status.PLANNED else "，加油时自动用"
    messages.success(request, f"已给 {len(made)} 人发锁价{waits}。")
    return redirect("marketing:lock", made[0].pk) if len(made) == 1 else redirect("marketing:locks")


def _found(request: StaffRequest, pk: int) -> PriceLock:
    return get_object_or_404(locks_at(request.stations), pk=pk)


@require_GET
@may("marketing.locks.view")
def lock(request: StaffRequest, pk: int) -> HttpResponse:
    return _page(request, _found(request, pk))


@require_POST
@may("marketing.locks.approve")
def lock_approve(request: StaffRequest, pk: int) -> HttpResponse:
    return _decided(request, pk, services.approve, "已批准，加油时自动用。")


@require_POST
@may("marketing.locks.approve")
def lock_reject(request: StaffRequest, pk: int) -> HttpResponse:
    return _decided(request, pk, services.reject, "已驳回。", reason=reason_of(request))


@require_POST
@may("marketing.locks.grant")
def lock_stop(request: StaffRequest, pk: int) -> HttpResponse:
    return _decided(
        request, pk, services.stop, "已停止，剩下的升数收回。", reason=reason_of(request)
    )


def _decided(
    request: StaffRequest, pk: int, act: Callable[..., None], words: str, **more: str
) -> HttpResponse:
    found = _found(request, pk)
    return decided(
        request,
        lambda at: act(lock=found, actor=request.user, at=at, **more),
        words=f"{found.number} {words}",
        to=reverse("marketing:lock", args=[pk]),
        page=lambda refusal: _page(request, _found(request, pk), refusal),
    )


def _page(request: StaffRequest, found: PriceLock, refusal: str = "") -> HttpResponse:
    state = state_of(found, now())
    own = found.granted_by_id == request.user.pk
    content = {
        "lock": found,
        "state": state,
        "tone": TONES[state],
        "own": own,
        "worth": worth(list_price=found.list_price, price=found.price, litres=found.litres),
        "moves": found.moves.select_related("actor").order_by("pk"),
        "may_approve": found.status == Status.PLANNED
        and not own
        and may_do(request.role, "marketing.locks.approve"),
        "may_stop": found.status == Status.APPROVED
        and found.left > 0
        and may_do(request.role, "marketing.locks.grant"),
        "refusal": refusal,
        "history": history_of(found.number),
    }
    return render(request, "marketing/lock.html", content, status=422 if refusal else 200)
