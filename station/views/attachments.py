"""附件: put in and got out, by those who may see the station."""

from __future__ import annotations

from django.contrib import messages
from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from station.access import StaffRequest, may
from station.errors import Refusal
from station.forms.records import UploadForm
from station.models import Attachment
from station.services import attachments
from station.views.sign_in import next_page


@require_POST
@may("station.attachments")
def upload(request: StaffRequest) -> HttpResponse:
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        raise NothingChosen("没有上传：请先选一个文件。")
    attachments.add(
        station=request.station,
        document=form.cleaned_data["document"],
        upload=form.cleaned_data["file"],
        at=now(),
        actor=request.user,
    )
    messages.success(request, "附件已保存。")
    return redirect(next_page(request))


@require_GET
@may("station.attachments")
def download(request: StaffRequest, pk: int) -> HttpResponseBase:
    found = get_object_or_404(Attachment, pk=pk, station__in=request.stations)
    return FileResponse(
        found.file.open("rb"),
        content_type=found.content_type,
        filename=found.name,
        as_attachment=found.content_type == "application/pdf",
    )


class NothingChosen(Refusal):
    """The form came without a file."""
