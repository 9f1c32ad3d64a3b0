"""What a person may have of his own data, and lists of members that leave the station."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from members.forms.exports import ApprovalForm
from members.models import MemberExport
from members.services import exporting
from members.views.page import found, page
from station.access import StaffRequest, may
from station.errors import Refusal
from station.models import User
from station.queries import settings
from station.services.approval import check_approver
from station.services.audit import record


@require_POST
@may("members.export")
def export_ask(request: StaffRequest, number: str) -> HttpResponse:
    one = found(request, number)
    try:
        _, job = exporting.ask(
            member=one, reason=request.POST.get("reason", ""), at=now(), actor=request.user
        )
    except Refusal as refusal:
        return page(request, one, refusal=str(refusal))
    return redirect("station:job", job.pk)


@never_cache
@require_GET
@may("members.export")
def export(request: StaffRequest, number: str, pk: int) -> HttpResponseBase:
    one = found(request, number)
    row = get_object_or_404(MemberExport.objects.select_related("member__key"), pk=pk, member=one)
    try:
        content = exporting.opened(export=row, at=now(), actor=request.user)
    except Refusal as refusal:
        return page(request, one, refusal=str(refusal))
    answer = HttpResponse(content, content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="{one.number}.zip"'
    return answer


def approved(request: StaffRequest, count: int) -> HttpResponse | None:
    """None where a list of members may leave: it is short, or a second person approved it here."""
    limit = settings.whole("members.export_limit", request.station)
    if not request.GET.get("export") or count <= limit:
        return None
    form = ApprovalForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            approver = check_approver(
                username=form.cleaned_data["approver"],
                secret=form.cleaned_data["approver_secret"],
                right="members.export.approve",
                station=request.station,
                not_user=request.user,
                at=now(),
            )
        except Refusal as refusal:
            form.add_error(None, str(refusal))
        else:
            _note(request, approver, count, form.cleaned_data["reason"])
            return None
    content = {"form": form, "count": count, "limit": limit}
    return render(
        request, "members/export_approve.html", content, status=422 if form.errors else 200
    )


def _note(request: StaffRequest, approver: User, count: int, reason: str) -> None:
    record(
        at=now(),
        actor=request.user,
        action="members.list.exported",
        station=request.station,
        document="会员",
        reason=reason,
        after={"行数": str(count), "审批人": approver.name},
    )
