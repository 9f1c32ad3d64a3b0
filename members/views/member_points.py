"""One member's points: his ledger in words, and adjustments with a second pair of eyes."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import localtime, now
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from members.forms.points import AdjustForm, HolderForm, PeriodForm
from members.models import Member, PointsAccount, PointsTxn
from members.queries.cards import members_of
from members.queries.points import (
    Wallet,
    account_of,
    employees_of,
    in_words,
    ledger_of,
    sentences,
    wallet_at,
)
from members.services import points_adjusting
from members.views.approving import points_approver
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.queries.columns import Column, Empty
from station.queries.listing import ListPage
from station.views.listing import filters_of, list_response


def _found(request: StaffRequest, number: str) -> Member:
    return get_object_or_404(members_of(request.stations), number=number)


@require_GET
@may("members.points.view")
def ledger(request: StaffRequest, number: str) -> HttpResponseBase:
    found = _found(request, number)
    account = account_of(member_id=found.pk)
    own = PointsAccount.objects.filter(member=found).first()
    rows = ledger_of(account) if account else PointsTxn.objects.none()
    adjusting = may_do(request.role, "members.points.adjust") and found.status != "CLOSED"
    return list_response(
        request,
        ListPage(
            title=f"会员 {number} 的积分",
            columns=(
                Column("时间", "occurred_at", "moment"),
                Column("事由", _told),
                Column("变动", "delta", "count"),
                Column("可用余额", "balance_after", "count"),
                Column("油站", lambda row: row.station.name if row.station else "", minor=True),
                Column("经手", lambda row: row.actor.name if row.actor else "系统", minor=True),
            ),
            rows=rows,
            order=("-id",),
            empty=Empty("还没有积分", "消费后会出现在这里，连同每一分的由来。"),
        ),
        template="members/points_ledger.html",
        context={
            "member": found,
            "wallet": wallet_at(account=account, at=now()) if account else Wallet(),
            "may_adjust": adjusting,
            "may_hold": may_do(request.role, "members.points.approve"),
            "holder": HolderForm(
                station=request.station,
                initial={"staff": _employee(found), "frozen": own.frozen if own else False},
            ),
        },
    )


def _employee(member: Member) -> int | None:
    return next(iter(employees_of(member.pk)), None)


def _told(row: PointsTxn) -> str:
    return "；".join((in_words(row), *sentences(row)))


@require_http_methods(["GET", "POST"])
@may("members.points.adjust")
def adjust(request: StaffRequest, number: str) -> HttpResponse:
    found = _found(request, number)
    form = AdjustForm(request.POST or None)
    key = request.POST.get("key", "")[:40].replace("\x00", "") or uuid.uuid4().hex
    if request.method == "POST" and form.is_valid():
        at, typed, where = now(), form.cleaned_data, request.station
        try:
            points_adjusting.adjust(
                member=found,
                points=typed["points"],
                reason=typed["reason"],
                station=where,
                actor=request.user,
                approver=points_approver(typed=typed, station=where, actor=request.user, at=at),
                at=at,
                key=key,
            )
            messages.success(request, f"已调整 {typed['points']:+d} 分。")
            return redirect("members:points_ledger", number)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    back = reverse("members:points_ledger", args=[number])
    content = {"form": form, "member": found, "key": key, "back_href": back}
    return render(
        request, "members/points_adjust.html", content, status=422 if form.errors else 200
    )


@require_POST
@may("members.points.approve")
def holder(request: StaffRequest, number: str) -> HttpResponse:
    """Whose own account it is, and whether its points may be spent."""
    found = _found(request, number)
    form = HolderForm(request.POST, station=request.station)
    if form.is_valid():
        own = PointsAccount.objects.filter(member=found).first()
        try:
            user = form.cleaned_data["staff"]
            if (user.pk if user else None) != _employee(found):
                points_adjusting.name_staff(member=found, user=user, at=now(), actor=request.user)
            if form.cleaned_data["frozen"] != (own.frozen if own else False):
                points_adjusting.set_frozen(
                    member=found,
                    frozen=form.cleaned_data["frozen"],
                    reason=form.cleaned_data["reason"],
                    at=now(),
                    actor=request.user,
                )
            messages.success(request, "已保存。")
        except Refusal as refusal:
            messages.error(request, str(refusal))
    else:
        messages.error(request, "没有保存：请重新选择员工。")
    return redirect("members:points_ledger", number)


@require_GET
@may("members.points.report")
def adjustments(request: StaffRequest) -> HttpResponseBase:
    """人工调整日报: every adjustment of a day, who did it, who signed, why."""
    today = localtime(now()).date()
    filters = filters_of(request, PeriodForm, since=today, until=today)
    since, until = filters.span()
    rows = PointsTxn.objects.filter(
        kind=PointsTxn.Kind.ADJUST, date__range=(since, until), station__in=request.stations
    )
    return list_response(
        request,
        ListPage(
            title="积分人工调整",
            columns=(
                Column("时间", "occurred_at", "moment"),
                Column("会员", lambda row: str(row.account.member or row.account), "code"),
                Column("分数", "delta", "count"),
                Column("原因", "reason"),
                Column("经手", lambda row: row.actor.name if row.actor else ""),
                Column("审批", lambda row: row.approver.name if row.approver else "限额内"),
                Column("油站", "station.name", minor=True),
            ),
            rows=rows.select_related("account__member", "actor", "approver", "station"),
            order=("-id",),
            filters=filters,
            opens=lambda row: (
                reverse("members:points_ledger", args=[row.account.member.number])
                if row.account.member
                else ""
            ),
            empty=Empty("没有人工调整", "这一天没有人手工加减过积分。"),
        ),
    )
