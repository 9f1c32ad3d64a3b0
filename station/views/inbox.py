"""收件箱: a person's own messages, and the alerts that wait for him at the station."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from station.access import StaffRequest, may, may_do
from station.forms.records import InboxFilter
from station.queries.alerts import alerts_of
from station.queries.columns import Column, Empty
from station.queries.inbox import messages_to
from station.queries.listing import ListPage
from station.services import messages as services
from station.views.listing import filters_of, list_response

FIRST = 5  # alerts; the bell has them all


@require_GET
@may("station.account")
def index(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, InboxFilter)
    unread = filters.cleaned_data.get("unread") == "1"
    waiting = may_do(request.role, "station.alerts")
    live = alerts_of([request.station]).order_by("-raised_at")[:FIRST] if waiting else ()
    return list_response(
        request,
        ListPage(
            title="收件箱",
            columns=(
                Column("标题", "subject"),
                Column("内容", "text"),
                Column("时间", "created_at", "moment"),
                Column(
                    "状态",
                    lambda row: "已读" if row.read_at else "未读",
                    "state",
                    tone=lambda row: "off" if row.read_at else "wait",
                ),
            ),
            rows=messages_to(request.user, unread=unread),
            order=("-created_at",),
            filters=filters,
            opens=lambda row: reverse("station:message", args=[row.pk]),
            empty=Empty("没有消息", "您交办的任务做完了、账号有变动，会告诉您。", icon="mail"),
        ),
        template="station/inbox.html",
        context={"live": live},
    )


@require_GET
@may("station.account")
def message(request: StaffRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(messages_to(request.user), pk=pk)
    return render(request, "station/message.html", {"message": found})


@require_POST
@may("station.account")
def read(request: StaffRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(messages_to(request.user), pk=pk)
    services.mark_read(message=found, at=now())
    return redirect(found.url or "station:inbox")


@require_POST
@may("station.account")
def read_all(request: StaffRequest) -> HttpResponse:
    count = services.mark_all_read(user=request.user, at=now())
    messages.success(request, f"{count} 条已标为已读。" if count else "没有未读的消息。")
    return redirect("station:inbox")
