"""导入会员: a wizard in three steps: file, trial, taking in; and the way back."""

from __future__ import annotations

import csv
import io

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from members.forms.imports import UploadForm
from members.models import ImportBatch
from members.queries.import_files import HEADS
from members.services import import_rows, importing
from station.access import StaffRequest, may
from station.errors import Refusal
from station.queries.columns import Action, Column, Empty, Tone
from station.queries.listing import ListPage
from station.views.listing import list_response

TONES: dict[str, Tone] = {
    "UPLOADED": "wait",
    "CHECKED": "info",
    "IMPORTING": "wait",
    "DONE": "good",
    "UNDONE": "off",
    "REFUSED": "bad",
}


@require_GET
@may("members.import")
def imports(request: StaffRequest) -> HttpResponseBase:
    new = Action("导入文件", reverse("members:import_new"))
    return list_response(
        request,
        ListPage(
            title="导入会员",
            columns=(
                Column("上传时间", "uploaded_at", "moment"),
                Column("文件", "name"),
                Column("行数", "rows", "count"),
                Column("可导入", "good", "count"),
                Column("重复", "known", "count"),
                Column("有错", "bad", "count"),
                Column("已导入", "taken", "count"),
                Column("上传人", "uploaded_by.name", minor=True),
                Column(
                    "状态",
                    lambda row: row.get_status_display(),
                    "state",
                    tone=lambda row: TONES[row.status],
                ),
            ),
            rows=_batches(request).select_related("uploaded_by"),
            order=("-uploaded_at",),
            opens=lambda row: reverse("members:import", args=[row.pk]),
            primary=new,
            empty=Empty("还没有导入过会员", "从旧系统导出 xlsx 或 CSV，先试一遍再导入。").leading(
                new
            ),
        ),
    )


@require_http_methods(["GET", "POST"])
@may("members.import")
def import_new(request: StaffRequest) -> HttpResponse:
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            batch, _ = importing.upload(
                station=request.station,
                name=file.name or "",
                content=file.read(),
                at=now(),
                actor=request.user,
            )
            messages.success(request, "已上传，正在检查；检查完才决定要不要导入。")
            return redirect("members:import", batch.pk)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {"form": form, "back_href": reverse("members:imports")}
    return render(request, "members/import_new.html", content, status=422 if form.errors else 200)


@require_GET
@may("members.import")
def template(request: StaffRequest) -> HttpResponse:
    """An empty file with the head that the wizard knows."""
    out = io.StringIO()
    head = [names[0] for names in HEADS.values()]
    csv.writer(out).writerow([*head, *import_rows.extra_columns()])
    answer = HttpResponse("\ufeff" + out.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="members.csv"'
    return answer


@require_GET
@may("members.import")
def batch(request: StaffRequest, pk: int) -> HttpResponse:
    return _page(request, _batch(request, pk))


@require_GET
@may("members.import")
def troubles(request: StaffRequest, pk: int) -> HttpResponse:
    """The error file: line, masked content, what to mend."""
    one = _batch(request, pk)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("行", "内容", "类别", "原因"))
    for row in one.troubles.order_by("line"):
        writer.writerow((row.line, row.masked, "重复" if row.known else "有错", row.words))
    answer = HttpResponse("\ufeff" + out.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="import-{one.pk}-errors.csv"'
    return answer


@require_POST
@may("members.import")
def import_confirm(request: StaffRequest, pk: int) -> HttpResponse:
    one = _batch(request, pk)
    try:
        job = importing.confirm(batch=one, at=now(), actor=request.user)
    except Refusal as refusal:
        return _page(request, one, str(refusal))
    return redirect("station:job", job.pk)


@require_POST
@may("members.import")
def import_undo(request: StaffRequest, pk: int) -> HttpResponse:
    one = _batch(request, pk)
    try:
        job = importing.undo(batch=one, at=now(), actor=request.user)
    except Refusal as refusal:
        return _page(request, one, str(refusal))
    return redirect("station:job", job.pk)


def _page(request: StaffRequest, one: ImportBatch, refusal: str = "") -> HttpResponse:
    content = {
        "batch": one,
        "tone": TONES[one.status],
        "refusal": refusal,
        "troubles": one.troubles.order_by("line")[:100],
        "waiting": one.status in ("UPLOADED", "IMPORTING"),
    }
    return render(request, "members/import.html", content, status=422 if refusal else 200)


def _batches(request: StaffRequest) -> QuerySet[ImportBatch]:
    return ImportBatch.objects.filter(station__in=request.stations)


def _batch(request: StaffRequest, pk: int) -> ImportBatch:
    return get_object_or_404(_batches(request).select_related("uploaded_by"), pk=pk)
