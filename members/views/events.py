"""会员活动 for the staff: made, filled, checked in, called off."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from members.forms.events import CheckInForm, EventForm, GuestForm, event_initial
from members.models import ClubEvent, SignUp
from members.queries.cards import members_anywhere
from members.services import events
from members.views.approving import points_approver
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.queries.audit import history_of
from station.queries.columns import Action, Column, Empty, Tone
from station.queries.listing import ListPage
from station.views.listing import list_response

TONES: dict[str, Tone] = {
    "SEATED": "good",
    "WAITING": "wait",
    "CANCELLED": "off",
    "ATTENDED": "info",
}


def _state(event: ClubEvent) -> str:
    if event.cancelled_at:
        return "已取消"
    at = now()
    return "已结束" if at >= event.ends_at else "进行中" if at >= event.starts_at else "报名中"


@require_GET
@may("members.events")
def index(request: StaffRequest) -> HttpResponseBase:
    changing = may_do(request.role, "members.events.change")
    new = Action("新建活动", reverse("members:event_new")) if changing else None
    return list_response(
        request,
        ListPage(
            title="会员活动",
            columns=(
                Column("名称", "name"),
                Column("开始", "starts_at", "moment"),
                Column("地点", "place", minor=True),
                Column("名额", "capacity", "count"),
                Column("已报", "taken", "count"),
                Column("到场积分", lambda row: row.points or None, "count", minor=True),
                Column("油站", "station.name", minor=True),
                Column(
                    "状态",
                    _state,
                    "state",
                    tone=lambda row: "off" if _state(row) in ("已取消", "已结束") else "good",
                ),
            ),
            rows=ClubEvent.objects.filter(station__in=request.stations).select_related("station"),
            order=("-starts_at",),
            opens=lambda row: reverse("members:event", args=[row.pk]),
            primary=new,
            empty=Empty("还没有活动", "车主讲堂、节日活动建好后，会员在手机上报名。").leading(new),
        ),
    )


@require_http_methods(["GET", "POST"])
@may("members.events.change")
def event_new(request: StaffRequest) -> HttpResponse:
    return _edit(request, None)


@require_http_methods(["GET", "POST"])
@may("members.events.change")
def event_change(request: StaffRequest, pk: int) -> HttpResponse:
    return _edit(request, _found(request, pk))


def _edit(request: StaffRequest, row: ClubEvent | None) -> HttpResponse:
    form = EventForm(request.POST or None, initial=event_initial(row) if row else None)
    if request.method == "POST" and form.is_valid():
        at, typed = now(), form.cleaned_data
        where = row.station if row else request.station
        try:
            approver = points_approver(typed=typed, station=where, actor=request.user, at=at)
            saved = events.save(
                event=row,
                values=typed,
                station=where,
                actor=request.user,
                at=at,
                approver=approver,
            )
            messages.success(request, f"已保存「{saved.name}」。")
            return redirect("members:event", saved.pk)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    back = reverse("members:event", args=[row.pk]) if row else reverse("members:events")
    content = {"form": form, "event": row, "back_href": back}
    return render(request, "members/event_form.html", content, status=422 if form.errors else 200)


@require_GET
@may("members.events")
def event(request: StaffRequest, pk: int) -> HttpResponse:
    return _page(request, _found(request, pk))


@require_POST
@may("members.events")
def event_sign_up(request: StaffRequest, pk: int) -> HttpResponse:
    def act(row: ClubEvent) -> str:
        form = GuestForm(request.POST)
        number = form.cleaned_data["number"].strip() if form.is_valid() else ""
        member = members_anywhere().filter(number__iexact=number).first() if number else None
        if member is None:
            raise events.EventRefused("没有报名：没有这个会员号。请核对。")
        made = events.sign_up(event=row, member=member, at=now(), actor=request.user)
        said = f"会员 {member.number} {made.get_state_display()}。"
        return f"{said}签到码只在会员手机「会员活动」里，到场时出示。"

    return _done(request, pk, act)


@require_POST
@may("members.events")
def event_check_in(request: StaffRequest, pk: int) -> HttpResponse:
    def act(row: ClubEvent) -> str:
        form = CheckInForm(request.POST)
        code = form.cleaned_data["code"] if form.is_valid() else ""
        made = events.check_in(event=row, code=code, actor=request.user, at=now())
        given = events.points_of(made)
        points = f"，得 {given} 积分" if given else ""
        return f"会员 {made.member.number} 已签到{points}。"

    return _done(request, pk, act)


@require_POST
@may("members.events")
def event_withdraw(request: StaffRequest, pk: int, sign_up: int) -> HttpResponse:
    def act(row: ClubEvent) -> str:
        one = get_object_or_404(SignUp.objects.select_related("event"), pk=sign_up, event=row)
        events.withdraw(sign_up=one, at=now(), actor=request.user)
        return "已取消这位的报名。"

    return _done(request, pk, act)


@require_POST
@may("members.events.change")
def event_cancel(request: StaffRequest, pk: int) -> HttpResponse:
    def act(row: ClubEvent) -> str:
        reason = request.POST.get("reason", "").replace("\0", "")[:200]
        events.cancel(event=row, reason=reason, actor=request.user, at=now())
        return "活动已取消，报名的会员会收到消息。"

    return _done(request, pk, act)


def _done(request: StaffRequest, pk: int, act: Callable[[ClubEvent], str]) -> HttpResponse:
    row = _found(request, pk)
    try:
        messages.success(request, act(row))
    except Refusal as refusal:
        return _page(request, _found(request, pk), refusal=str(refusal))
    return redirect("members:event", pk)


def _found(request: StaffRequest, pk: int) -> ClubEvent:
    rows = ClubEvent.objects.filter(station__in=request.stations).select_related("station")
    return get_object_or_404(rows, pk=pk)


def _page(request: StaffRequest, row: ClubEvent, refusal: str = "") -> HttpResponse:
    signed = SignUp.objects.filter(event=row).select_related("member").order_by("pk")
    state = _state(row)
    going = state in ("报名中", "进行中")
    content = {
        "event": row,
        "state": state,
        "going": going,
        "signed": [(one, TONES[one.state]) for one in signed],
        "waiting": sum(one.state == SignUp.State.WAITING for one in signed),
        "attended": sum(one.state == SignUp.State.ATTENDED for one in signed),
        "may_change": going and may_do(request.role, "members.events.change"),
        "refusal": refusal,
        "history": history_of(f"event:{row.pk}"),
    }
    return render(request, "members/event.html", content, status=422 if refusal else 200)
