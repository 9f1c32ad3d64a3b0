"""会员活动 on a member's phone: what there is, his seat or place in the line, and his code."""

from __future__ import annotations

import segno
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods

from members.models import ClubEvent, SignUp
from members.queries.merged import one_person
from members.services import events as services
from members.views.guard import MemberRequest, member_only, member_page
from station.errors import Refusal


@require_http_methods(["GET", "POST"])
@member_only
def events(request: MemberRequest) -> HttpResponse:
    refused = ""
    if request.method == "POST":
        try:
            _act(request)
            return redirect("phone:events")
        except Refusal as refusal:
            refused = str(refusal)
    coming = ClubEvent.objects.filter(cancelled_at=None, ends_at__gt=request.at)
    rows = list(coming.select_related("station").order_by("starts_at")[:50])
    mine = {
        one.event_id: one
        for one in SignUp.objects.filter(
            event__in=rows, member__in=one_person(request.member)
        ).exclude(state=SignUp.State.CANCELLED)
    }
    told = [(row, mine.get(row.pk), _picture(mine.get(row.pk))) for row in rows]
    content = {"rows": told, "refused": refused}
    return member_page(request, "members/phone/events.html", content, 422 if refused else 200)


def _act(request: MemberRequest) -> None:
    pk = request.POST.get("event", "")
    if not (pk.isascii() and pk.isdigit() and len(pk) < 12):
        raise services.EventRefused("没有报名：没有这场活动。请刷新后再选。")
    row = get_object_or_404(ClubEvent, pk=int(pk))
    if request.POST.get("act") != "withdraw":
        services.sign_up(event=row, member=request.member, at=request.at)
        return
    mine = SignUp.objects.filter(event=row, member__in=one_person(request.member))
    for one in mine.exclude(state=SignUp.State.CANCELLED).select_related("event"):
        services.withdraw(sign_up=one, at=request.at)


def _picture(row: SignUp | None) -> str:
    if row is None or row.state != SignUp.State.SEATED:
        return ""
    return segno.make(row.code, error="m").svg_data_uri(scale=7, border=2)
