"""兑换单: listed by state; given under a number, answered for a partner, cancelled with a reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from members.forms.rewards import EndForm, OrderFilter
from members.models import Redemption, Reward
from members.queries.points_expiry import last_day
from members.queries.rewards import orders, waiting_of
from members.services import partners, redemption_endings
from members.services.partners import Answer
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.queries.audit import history_of
from station.queries.columns import Column, Empty, Tone
from station.queries.listing import ListPage, within
from station.views.listing import filters_of, list_response

TONES: dict[str, Tone] = {
    "REQUESTED": "wait",
    "RESERVED": "wait",
    "FULFILLED": "good",
    "CANCELLED": "off",
    "EXPIRED": "off",
}


@require_GET
@may("members.rewards")
def index(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, OrderFilter)
    wanted = filters.cleaned_data
    rows = orders().filter(station__in=request.stations)
    for name in ("state", "kind"):
        if wanted.get(name):
            rows = rows.filter(**{name: wanted[name]})
    if text := (wanted.get("text") or "").strip():
        rows = rows.filter(
            Q(number__iexact=text) | Q(member__number__iexact=text) | Q(code=text.upper())
        )
    rows = within(rows, "requested_at", since=wanted.get("since"), until=wanted.get("until"))
    return list_response(
        request,
        ListPage(
            title="兑换单",
            columns=(
                Column("单号", "number", "code"),
                Column("时间", "requested_at", "moment"),
                Column("会员号", "member.number", "code"),
                Column("礼品", "reward.name"),
                Column("类型", lambda row: row.get_kind_display(), minor=True),
                Column("积分", "points", "count"),
                Column("加价", lambda row: row.surcharge or None, "yuan", minor=True),
                Column("油站", "station.name", minor=True),
                Column("渠道", lambda row: row.get_channel_display(), minor=True),
                Column(
                    "状态",
                    lambda row: row.get_state_display(),
                    "state",
                    tone=lambda row: TONES[row.state],
                ),
            ),
            rows=rows,
            order=("-id",),
            filters=filters,
            opens=lambda row: reverse("members:redemption", args=[row.number]),
            empty=Empty("还没有兑换单", "会员在收银台用积分兑换后会出现在这里。"),
        ),
    )


@require_GET
@may("members.rewards")
def redemption(request: StaffRequest, number: str) -> HttpResponse:
    return _page(request, _found(request, number))


@require_POST
@may("members.redeem.end")
def fulfil(request: StaffRequest, number: str) -> HttpResponse:
    def act(order: Redemption, typed: dict[str, Any]) -> None:
        redemption_endings.fulfil(
            order=order, at=now(), actor=request.user, reference=typed["reference"]
        )

    return _end(request, number, act, "已登记发放。")


@require_POST
@may("members.redeem.end")
def answer(request: StaffRequest, number: str) -> HttpResponse:
    """What the partner said, noted by a person."""

    def act(order: Redemption, typed: dict[str, Any]) -> None:
        done = request.POST.get("done") == "1"
        told = (
            Answer("SUCCEEDED", reference=typed["reference"])
            if done
            else Answer("FAILED", words=typed["reason"])
        )
        partners.answer(order=order, told=told, at=now(), actor=request.user)

    return _end(request, number, act, "已登记合作方的结果。")


@require_POST
@may("members.redeem.end")
def cancel(request: StaffRequest, number: str) -> HttpResponse:
    def act(order: Redemption, typed: dict[str, Any]) -> None:
        redemption_endings.cancel(order=order, reason=typed["reason"], at=now(), actor=request.user)

    return _end(request, number, act, "已取消，积分和库存都已退回。")


def _end(
    request: StaffRequest,
    number: str,
    act: Callable[[Redemption, dict[str, Any]], None],
    words: str,
) -> HttpResponse:
    order = _found(request, number)
    form = EndForm(request.POST)
    if not form.is_valid():
        return _page(request, order, refusal=str(next(iter(form.errors.values()))[0]))
    try:
        act(order, form.cleaned_data)
    except Refusal as refusal:
        return _page(request, _found(request, number), refusal=str(refusal))
    messages.success(request, words)
    return redirect("members:redemption", number)


def _found(request: StaffRequest, number: str) -> Redemption:
    return get_object_or_404(orders().filter(station__in=request.stations), number=number)


def _page(request: StaffRequest, order: Redemption, refusal: str = "") -> HttpResponse:
    partner = order.kind == Reward.Kind.PARTNER
    reserved = order.state == Redemption.State.RESERVED
    ending = reserved and may_do(request.role, "members.redeem.end")
    content = {
        "order": order,
        "tone": TONES[order.state],
        "last": last_day(order.expires_at),
        "waiting": waiting_of(order),
        "events": order.events.select_related("actor").order_by("pk"),
        "refusal": refusal,
        "may_fulfil": ending and not partner,
        "may_answer": ending and partner,
        "may_cancel": ending and not partner,
        "by_number": order.kind in redemption_endings.BY_OTHERS,
        "history": history_of(order.number),
    }
    return render(request, "members/redemption.html", content, status=422 if refusal else 200)
