"""消息记录: what members were told, by which channel, and what became of each attempt."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from members.forms.messages import MessageFilter
from members.models import NoticeDelivery, NoticeText
from members.queries.notices import messages_of
from station.access import StaffRequest, may
from station.queries.columns import Column, Empty, Tone
from station.queries.listing import ListPage, within
from station.views.listing import filters_of, list_response

TONES: dict[str, Tone] = {
    "SENT": "good",
    "WAITING": "wait",
    "SENDING": "wait",
    "FAILED": "bad",
    "UNKNOWN": "bad",
    "SKIPPED": "off",
    "": "off",
}
INBOX = {**dict(NoticeDelivery.State.choices), "": "—"}
TEXT = {**dict(NoticeText.State.choices), "": "—"}


@require_GET
@may("members.messages")
def index(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, MessageFilter)
    wanted = filters.cleaned_data
    rows = messages_of(request.stations)
    if wanted.get("kind"):
        rows = rows.filter(kind=wanted["kind"])
    if wanted.get("queued"):
        rows = rows.filter(sms__state=wanted["queued"])
    if text := (wanted.get("text") or "").strip():
        rows = rows.filter(member__number__iexact=text)
    rows = within(rows, "created_at", since=wanted.get("since"), until=wanted.get("until"))
    return list_response(
        request,
        ListPage(
            title="消息记录",
            columns=(
                Column("时间", "created_at", "moment"),
                Column("会员号", "member.number", "code"),
                Column("类别", lambda row: row.get_kind_display()),
                Column("标题", "subject", minor=True),
                Column("内容", "text", minor=True),
                Column(
                    "站内",
                    lambda row: INBOX[row.inbox or ""],
                    "state",
                    tone=lambda row: TONES[row.inbox or ""],
                ),
                Column(
                    "短信",
                    lambda row: TEXT[row.queued or ""],
                    "state",
                    tone=lambda row: TONES[row.queued or ""],
                ),
                Column("已读", lambda row: "已读" if row.read_at else "", minor=True),
            ),
            rows=rows,
            order=("-id",),
            filters=filters,
            opens=lambda row: reverse("members:message", args=[row.pk]),
            empty=Empty(
                "还没有消息",
                "积分到期、券到期、等级变化等提醒发出后列在这里；提前几天发，在「限额与参数」里定。",
                icon="bell",
            ),
        ),
    )


@require_GET
@may("members.messages")
def message(request: StaffRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(messages_of(request.stations), pk=pk)
    content = {
        "message": found,
        "waiting": NoticeText.objects.filter(notice=found).first(),
        "attempts": [(one, TONES[one.state]) for one in found.deliveries.order_by("at", "pk")],
    }
    return render(request, "members/message.html", content)
