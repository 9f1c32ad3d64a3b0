"""后台任务: long work that may be watched and left."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from station.access import StaffRequest, may
from station.forms.records import JobFilter
from station.queries.columns import Column, Empty, Tone
from station.queries.jobs import jobs_seen_by, progress_of, title_of
from station.queries.listing import ListPage
from station.views.listing import filters_of, list_response

TONES: dict[str, Tone] = {"WAITING": "wait", "RUNNING": "info", "DONE": "good", "FAILED": "bad"}


@require_GET
@may("station.jobs")
def index(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, JobFilter)
    rows = jobs_seen_by(request.user)
    if filters.cleaned_data.get("status"):
        rows = rows.filter(status=filters.cleaned_data["status"])
    return list_response(
        request,
        ListPage(
            title="后台任务",
            columns=(
                Column("提交时间", "asked_at", "moment"),
                Column("任务", lambda row: title_of(row.kind)),
                Column("提交人", lambda row: row.asked_by.name if row.asked_by else "系统"),
                Column("进度", lambda row: f"{row.done} / {row.total}" if row.total else ""),
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
            opens=lambda row: reverse("station:job", args=[row.pk]),
            empty=Empty("还没有后台任务", "导入、重算等要花时间的工作会排在这里，可以离开页面。"),
        ),
    )


@require_GET
@may("station.jobs")
def job(request: StaffRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(jobs_seen_by(request.user), pk=pk)
    content = {"job": found, "task": progress_of(found), "tone": TONES[found.status]}
    return render(request, "station/job.html", content)


@require_GET
@may("station.jobs")
def progress(request: StaffRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(jobs_seen_by(request.user), pk=pk)
    return render(request, "station/_progress.html", {"task": progress_of(found)})
