"""会员: joined at the till or here, listed masked, opened in full with a reason."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from devices.queries import cameras
from members.forms.people import ChangeForm, JoinForm, MemberFilter
from members.models import Consent, Member
from members.queries.cards import card_of, members_of
from members.queries.finding import find
from members.services import closing, joining, profiles, unmasking
from members.services.joining import Guardian
from members.views.exports import approved
from members.views.page import TONES, found, page
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.queries.columns import Action, Column, Empty
from station.queries.listing import ListPage
from station.views.listing import filters_of, list_response
from station.views.sign_in import next_page


@require_http_methods(["GET", "POST"])
@may("members.view")
def index(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, MemberFilter)
    rows = members_of(request.stations)
    text, status = filters.cleaned_data.get("text"), filters.cleaned_data.get("status")
    if text:
        rows = rows.filter(pk__in=[one.member_id for one in find(text=text)])
    if status:
        rows = rows.filter(status=status)
    if request.GET.get("export") and (wait := approved(request, rows.count())):
        return wait
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
                "在收银台或这里登记，只要手机号和顾客同意隐私政策。",
                "登记会员",
                reverse("members:join"),
            ),
            note="手机号、车牌遮盖显示；查看完整资料须写原因，会记入审计。",
        ),
    )


@require_http_methods(["GET", "POST"])
@may("members.create")
def join(request: StaffRequest) -> HttpResponse:
    plate = request.GET.get("plate", "") or _plate_read(request)
    initial = {"phone": request.GET.get("phone", ""), "plate": plate}
    form = JoinForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        told = dict(form.cleaned_data)
        guardian = Guardian(told.pop("guardian_name"), told.pop("guardian_phone"))
        purposes = [Consent.Purpose.PERSONAL] if told.pop("personal") else []
        try:
            made, new = joining.join_or_find(
                station=request.station,
                at=now(),
                actor=request.user,
                guardian=guardian,
                purposes=purposes,
                **told,
            )
            words = f"已登记会员 {made.number}。" if new else _known(made)
            messages.success(request, words)
            wanted = next_page(request)
            return redirect(
                wanted if wanted != "/" else reverse("members:member", args=[made.number])
            )
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {"form": form, "back_href": reverse("members:members")}
    return render(request, "members/join.html", content, status=422 if form.errors else 200)


def _plate_read(request: StaffRequest) -> str:
    """The plate that a camera has just read, by the number of its read; it stands in no address."""
    number = request.GET.get("read", "")
    if not (number.isascii() and number.isdigit() and len(number) < 18):
        return ""
    read = cameras.reads_of(station=request.station).filter(pk=int(number)).first()
    seen = may_do(request.role, "devices.plates.correct") and read is not None
    return cameras.plate_of(read) if seen and read and cameras.near(read, now()) else ""


def _known(member: Member) -> str:
    return f"这个手机号已是会员 {member.number}，没有重复登记。"


@require_GET
@may("members.view")
def member(request: StaffRequest, number: str) -> HttpResponse:
    return page(request, found(request, number))


@never_cache
@require_POST
@may("members.unmask")
def unmask(request: StaffRequest, number: str) -> HttpResponse:
    one = found(request, number)
    try:
        card = unmasking.unmask(
            subject=one, reason=request.POST.get("reason", ""), at=now(), actor=request.user
        )
    except Refusal as refusal:
        return page(request, one, refusal=str(refusal))
    return page(request, one, card)


@require_http_methods(["GET", "POST"])
@may("members.create")
def change(request: StaffRequest, number: str) -> HttpResponse:
    one = found(request, number)
    form = ChangeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            profiles.change(member=one, at=now(), actor=request.user, **form.cleaned_data)
            messages.success(request, "已保存。")
            return redirect("members:member", number)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {
        "form": form,
        "member": one,
        "card": card_of(one),
        "back_href": reverse("members:member", args=[number]),
    }
    return render(request, "members/change.html", content, status=422 if form.errors else 200)


@require_POST
@may("members.create")
def confirm(request: StaffRequest, number: str) -> HttpResponse:
    one = found(request, number)
    try:
        profiles.confirm(member=one, at=now(), actor=request.user)
    except Refusal as refusal:
        return page(request, one, refusal=str(refusal))
    messages.success(request, "已记下：资料没有变。")
    return redirect("members:member", number)


@require_POST
@may("members.forget")
def forget(request: StaffRequest, number: str) -> HttpResponse:
    one = found(request, number)
    reason = request.POST.get("reason", "").strip()
    if not reason:
        return page(request, one, refusal="没有注销：请写明原因，例如「本人要求注销」。")
    try:
        closing.forget(member=one, reason=reason, at=now(), actor=request.user)
    except Refusal as refusal:
        return page(request, one, refusal=str(refusal))
    messages.success(request, f"会员 {number} 已注销，个人资料已销毁。")
    return redirect("members:member", number)


def _plates(row: Member) -> str:
    return " ".join(one.plate for one in card_of(row).plates)
