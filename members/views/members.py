"""会员: joined at the till or here, listed masked, opened in full with a reason."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from members.forms.people import ChangeForm, JoinForm, MemberFilter, ReasonForm, VehicleForm
from members.models import Member, Vehicle
from members.queries.cards import Card, card_of, latest_purchases, members_of
from members.queries.finding import find
from members.queries.points import wallet_of
from members.services import joining, unmasking, vehicles
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.queries.audit import history_of
from station.queries.columns import Action, Column, Empty, Tone
from station.queries.listing import ListPage
from station.views.listing import filters_of, list_response
from station.views.sign_in import next_page

TONES: dict[str, Tone] = {"ACTIVE": "good", "FROZEN": "wait", "CLOSED": "off"}


@require_GET
@may("members.view")
def index(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, MemberFilter)
    rows = members_of(request.stations)
    text, status = filters.cleaned_data.get("text"), filters.cleaned_data.get("status")
    if text:
        rows = rows.filter(pk__in=[one.member_id for one in find(text=text)])
    if status:
        rows = rows.filter(status=status)
    return list_response(
        request,
        ListPage(
            title="会员",
            columns=(
                Column("会员号", "number", "code"),
                Column("姓名", lambda row: card_of(row).name),
                Column("手机号", lambda row: card_of(row).phone, "code"),
                Column("车牌", _plates, "code"),
                Column("入会油站", "home_station.name", minor=True),
                Column("入会时间", "joined_at", "moment", minor=True),
                Column(
                    "状态",
                    lambda row: row.get_status_display(),
                    "state",
                    tone=lambda row: TONES[row.status],
                ),
            ),
            rows=rows,
            order=("-id",),
            filters=filters,
            opens=lambda row: reverse("members:member", args=[row.number]),
            primary=Action("登记会员", reverse("members:join")),
            empty=Empty(
                "还没有会员",
                "在收银台或这里登记，只要手机号和姓名。",
                "登记会员",
                reverse("members:join"),
            ),
            note="手机号、车牌遮盖显示；查看完整资料须写原因，会记入审计。",
        ),
    )


@require_http_methods(["GET", "POST"])
@may("members.create")
def join(request: StaffRequest) -> HttpResponse:
    initial = {"phone": request.GET.get("phone", ""), "plate": request.GET.get("plate", "")}
    form = JoinForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            member = joining.join(
                station=request.station, at=now(), actor=request.user, **form.cleaned_data
            )
            messages.success(request, f"已登记会员 {member.number}。")
            wanted = next_page(request)
            return redirect(
                wanted if wanted != "/" else reverse("members:member", args=[member.number])
            )
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {"form": form, "back_href": reverse("members:members")}
    return render(request, "members/join.html", content, status=422 if form.errors else 200)


@require_GET
@may("members.view")
def member(request: StaffRequest, number: str) -> HttpResponse:
    found = _found(request, number)
    return _page(request, found, card_of(found))


@never_cache
@require_POST
@may("members.unmask")
def unmask(request: StaffRequest, number: str) -> HttpResponse:
    found = _found(request, number)
    try:
        card = unmasking.unmask(
            subject=found, reason=request.POST.get("reason", ""), at=now(), actor=request.user
        )
    except Refusal as refusal:
        return _page(request, found, card_of(found), refusal=str(refusal))
    return _page(request, found, card)


@require_http_methods(["GET", "POST"])
@may("members.create")
def change(request: StaffRequest, number: str) -> HttpResponse:
    found = _found(request, number)
    form = ChangeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            joining.change(member=found, at=now(), actor=request.user, **form.cleaned_data)
            messages.success(request, "已保存。")
            return redirect("members:member", number)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {
        "form": form,
        "member": found,
        "card": card_of(found),
        "back_href": reverse("members:member", args=[number]),
    }
    return render(request, "members/change.html", content, status=422 if form.errors else 200)


@require_POST
@may("members.create")
def consent(request: StaffRequest, number: str) -> HttpResponse:
    given = request.POST.get("given") == "1"
    joining.set_consent(member=_found(request, number), given=given, at=now(), actor=request.user)
    return redirect("members:member", number)


@require_http_methods(["GET", "POST"])
@may("members.create")
def vehicle_new(request: StaffRequest, number: str) -> HttpResponse:
    found = _found(request, number)
    form = VehicleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            vehicles.add_vehicle(owner=found, at=now(), actor=request.user, **form.cleaned_data)
            return redirect("members:member", number)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    back = reverse("members:member", args=[number])
    content = {"form": form, "owner": found.number, "back_href": back}
    return render(request, "members/vehicle.html", content, status=422 if form.errors else 200)


@require_POST
@may("members.create")
def vehicle_remove(request: StaffRequest, number: str, pk: int) -> HttpResponse:
    found = _found(request, number)
    vehicle = get_object_or_404(Vehicle, pk=pk, member=found)
    masked = next((one.plate for one in card_of(found).plates if one.pk == pk), "*")
    vehicles.remove_vehicle(vehicle=vehicle, plate=masked, at=now(), actor=request.user)
    return redirect("members:member", number)


@require_POST
@may("members.forget")
def forget(request: StaffRequest, number: str) -> HttpResponse:
    found = _found(request, number)
    reason = request.POST.get("reason", "").strip()
    if not reason:
        words = "没有注销：请写明原因，例如「本人要求注销」。"
        return _page(request, found, card_of(found), refusal=words)
    joining.forget(member=found, reason=reason, at=now(), actor=request.user)
    messages.success(request, f"会员 {number} 已注销，个人资料已销毁。")
    return redirect("members:member", number)


def _found(request: StaffRequest, number: str) -> Member:
    return get_object_or_404(members_of(request.stations), number=number)


def _page(request: StaffRequest, found: Member, card: Card, refusal: str = "") -> HttpResponse:
    content = {
        "member": found,
        "card": card,
        "tone": TONES[found.status],
        "closed": found.status == Member.Status.CLOSED,
        "may_unmask": may_do(request.role, "members.unmask"),
        "may_change": may_do(request.role, "members.create"),
        "may_forget": may_do(request.role, "members.forget"),
        "may_points": may_do(request.role, "members.points.view"),
        "wallet": wallet_of(member_id=found.pk, at=now()),
        "reason": ReasonForm(),
        "refusal": refusal,
        "purchases": latest_purchases(found),
        "history": history_of(found.number),
    }
    return render(request, "members/member.html", content, status=422 if refusal else 200)


def _plates(row: Member) -> str:
    return " ".join(one.plate for one in card_of(row).plates)
