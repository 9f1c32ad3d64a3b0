"""家庭与单位积分 in the office and at the till: who is in a pool, what went in and out, and its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from members.forms.pools import (
    DriverForm,
    FoundForm,
    InviteForm,
    PoolFilter,
    ReasonForm,
    SpanForm,
    TermsForm,
)
from members.models import Pool, PoolMember
from members.queries.cards import card_of, companies_of
from members.queries.points import in_words, ledger_of
from members.queries.pools import plate_of, pools_of, seats_of, whose_of
from members.services import pool_endings, pools, presence
from members.services.pools import terms_of
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.queries.audit import history_of
from station.queries.columns import Action, Column, Empty
from station.queries.listing import ListPage
from station.views.listing import filters_of, list_response

Why = PoolMember.Why
CHANGE, CONFIRM = "members.pools.change", "members.pools.confirm"


@require_GET
@may("members.pools")
def index(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, PoolFilter)
    wanted = filters.cleaned_data
    rows = pools_of(request.stations).annotate(
        people=Count("members", filter=Q(members__state="ACTIVE"))
    )
    if wanted.get("kind"):
        rows = rows.filter(kind=wanted["kind"])
    if wanted.get("state"):
        rows = rows.filter(closed_at__isnull=wanted["state"] == "open")
    if text := (wanted.get("text") or "").strip():
        inside = PoolMember.objects.filter(member__number__iexact=text).values("pool")
        rows = rows.filter(
            Q(number__iexact=text) | Q(company__name__icontains=text) | Q(pk__in=inside)
        )
    new = Action("建立家庭积分", reverse("members:pool_open"))
    confirming = may_do(request.role, CONFIRM)
    return list_response(
        request,
        ListPage(
            title="家庭与单位积分",
            columns=(
                Column("编号", "number", "code"),
                Column("类别", lambda row: row.get_kind_display()),
                Column("户主或单位", whose_of),
                Column("人数", "people", "count"),
                Column("可用积分", "account.balance", "count"),
                Column("建立", "opened_at", "moment", minor=True),
                Column("油站", "station.name", minor=True),
                Column(
                    "状态",
                    lambda row: "已解散" if row.closed_at else "在用",
                    "state",
                    tone=lambda row: "off" if row.closed_at else "good",
                ),
            ),
            rows=rows,
            order=("-id",),
            filters=filters,
            opens=lambda row: reverse("members:pool", args=[row.number]),
            primary=new if confirming else None,
            empty=Empty(
                "还没有积分池",
                "会员在手机「家庭积分」里建立，户主到场时也可以在这里代办；单位积分在单位客户的页面开通。",
                new.label if confirming else "",
                new.href if confirming else "",
            ),
        ),
    )


@require_http_methods(["GET", "POST"])
@may(CONFIRM)
def open_family(request: StaffRequest) -> HttpResponse:
    form = FoundForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        typed, at = form.cleaned_data, now()
        try:
            head = pools.whom(typed["whom"])
            if head is None:
                raise pools.PoolRefused("没有建立：没有这个会员，请核对手机号或会员号。")
            presence.demand_here(member=head, station=request.station, at=at)
            made = pools.open_family(
                head=head, share_pct=typed["share_pct"], at=at, actor=request.user
            )
            messages.success(request, f"已建立{made}。")
            return redirect("members:pool", made.number)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {"form": form, "back_href": reverse("members:pools")}
    return render(request, "members/pool_open.html", content, status=422 if form.errors else 200)


@require_POST
@may(CHANGE)
def open_company(request: StaffRequest, number: str) -> HttpResponse:
    company = get_object_or_404(companies_of(request.stations), number=number)
    try:
        made = pools.open_company(company=company, at=now(), actor=request.user)
    except Refusal as refusal:
        messages.error(request, str(refusal))
        return redirect("members:company", number)
    messages.success(request, f"已开通{made}，请添加司机。")
    return redirect("members:pool", made.number)


@require_GET
@may("members.pools")
def pool(request: StaffRequest, number: str) -> HttpResponse:
    return _page(request, found_pool(request, number))


@require_GET
@may("members.pools")
def ledger(request: StaffRequest, number: str) -> HttpResponseBase:
    found = found_pool(request, number)
    filters = filters_of(request, SpanForm)
    rows = ledger_of(found.account).select_related("place__member")
    span = filters.cleaned_data
    if span.get("since"):
        rows = rows.filter(date__gte=span["since"])
    if span.get("until"):
        rows = rows.filter(date__lte=span["until"])
    return list_response(
        request,
        ListPage(
            title=f"{found} 的流水",
            columns=(
                Column("时间", "occurred_at", "moment"),
                Column("会员", lambda row: row.place.member.number if row.place else "", "code"),
                Column("事由", in_words),
                Column("变动", "delta", "count"),
                Column("可用余额", "balance_after", "count"),
                Column("单据", "document", "code"),
                Column("经手", lambda row: row.actor.name if row.actor else "系统", minor=True),
            ),
            rows=rows,
            order=("-id",),
            filters=filters,
            empty=Empty("还没有积分进出", "成员消费后按比例进池，用掉的也在这里。"),
        ),
    )


@require_POST
@may(CONFIRM)
def invite(request: StaffRequest, number: str) -> HttpResponse:
    """By the head who stands at the counter; a company's drivers are added by who may change it."""
    found = found_pool(request, number)
    form = _inviting(found, request.POST)

    def act() -> None:
        at = now()
        if found.head is not None:
            presence.demand_here(member=found.head, station=request.station, at=at)
        elif not may_do(request.role, CHANGE):
            raise Refusal("没有添加：单位的司机由站长或客服添加。")
        pools.invite(
            pool=found,
            member=pools.whom(form.cleaned_data["whom"]),
            vehicle=form.cleaned_data.get("vehicle"),
            terms=form.terms(),
            at=at,
            actor=request.user,
        )

    return done(request, found, form, act, "已邀请，等本人确认。", inviting=form)


@require_POST
@may(CONFIRM)
def confirm(request: StaffRequest, pk: int) -> HttpResponse:
    """The invited one is here and says yes: his card or his phone's code was read just now."""
    place, at = found_place(request, pk), now()

    def act() -> None:
        presence.demand_here(member=place.member, station=request.station, at=at)
        pools.accept(place=place, seen=terms_of(place), at=at, actor=request.user)

    return done(request, place.pool, None, act, "已加入。")


@require_POST
@may(CHANGE)
def terms(request: StaffRequest, pk: int) -> HttpResponse:
    place, form = found_place(request, pk), TermsForm(request.POST)

    def act() -> None:
        if place.pool.is_family:
            raise Refusal("没有保存：家庭积分的条件由户主在手机上改。")
        pools.set_terms(place=place, terms=form.terms(), at=now(), actor=request.user)

    return done(request, place.pool, form, act, "已保存。")


@require_POST
@may(CHANGE)
def remove(request: StaffRequest, pk: int) -> HttpResponse:
    """Out of the pool, or the invitation is taken back."""
    place, form = found_place(request, pk), ReasonForm(request.POST)

    def act() -> None:
        reason, at = form.cleaned_data["reason"].strip(), now()
        if place.state == PoolMember.State.INVITED:
            pools.decline(place=place, at=at, actor=request.user)
            return
        if len(reason) < 2:
            raise Refusal("没有移出：请写明原因，例如「本人要求退出」。")
        pool_endings.leave(place=place, why=Why.REMOVED, at=at, actor=request.user, reason=reason)

    return done(request, place.pool, form, act, "已移出。")


@require_POST
@may(CHANGE)
def dissolve(request: StaffRequest, number: str) -> HttpResponse:
    found, form = found_pool(request, number), ReasonForm(request.POST)

    def act() -> None:
        reason = form.cleaned_data["reason"]
        pool_endings.dissolve(pool=found, reason=reason, at=now(), actor=request.user)

    return done(request, found, form, act, "已解散，积分已退回各人。")


def found_pool(request: StaffRequest, number: str) -> Pool:
    return get_object_or_404(pools_of(request.stations), number=number)


def found_place(request: StaffRequest, pk: int) -> PoolMember:
    rows = PoolMember.objects.select_related("member__home_station")
    place = get_object_or_404(rows, pk=pk, pool__station__in=list(request.stations))
    place.pool = found_pool(request, place.pool.number)
    return place


def _inviting(found: Pool, typed: Any = None) -> InviteForm | DriverForm:
    return InviteForm(typed) if found.is_family else DriverForm(typed, company=found.company)


def done(
    request: StaffRequest,
    found: Pool,
    form: forms.Form | None,
    act: Callable[[], None],
    words: str,
    **kept: Any,
) -> HttpResponse:
    """Do it and go back to the pool's page; what was wrong is said there."""
    if form is not None and not form.is_valid():
        first = "" if kept else str(next(iter(form.errors.values()))[0])
        return _page(request, found, refusal=first, failed=True, **kept)
    try:
        act()
    except Refusal as refusal:
        fresh = found_pool(request, found.number)
        return _page(request, fresh, refusal=str(refusal), failed=True, **kept)
    messages.success(request, words)
    return redirect("members:pool", found.number)


def _page(
    request: StaffRequest,
    found: Pool,
    *,
    refusal: str = "",
    failed: bool = False,
    inviting: forms.Form | None = None,
) -> HttpResponse:
    at, is_open = now(), found.closed_at is None
    waiting = found.members.filter(state="INVITED").select_related(
        "member__key", "vehicle", "pool__company__key"
    )
    changing = is_open and may_do(request.role, CHANGE)
    content = {
        "pool": found,
        "whose": whose_of(found),
        "refusal": refusal,
        "seats": [
            (
                seat,
                card_of(seat.place.member).name,
                plate_of(seat.place),
                terms_of(seat.place).words(),
                TermsForm(initial=vars(terms_of(seat.place)), auto_id=f"place-{seat.place.pk}-%s"),
            )
            for seat in seats_of(found, at=at)
        ],
        "waiting": [
            (one, card_of(one.member).name, plate_of(one), terms_of(one).words()) for one in waiting
        ],
        "heir": card_of(found.heir).name if found.heir else "",
        "may_confirm": is_open and may_do(request.role, CONFIRM),
        "may_change": changing,
        "may_invite": changing if found.company else is_open and may_do(request.role, CONFIRM),
        "inviting": inviting or _inviting(found),
        "history": history_of(found.number),
    }
    return render(request, "members/pool.html", content, status=422 if failed else 200)
