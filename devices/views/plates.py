"""车牌识别: how well each camera reads, what is confused with what, and the last reads, masked."""

from __future__ import annotations

import base64

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from devices.models import PlateRead
from devices.queries import cameras as asked
from station.access import StaffRequest, may, may_do
from station.queries.columns import Column, Empty
from station.queries.listing import ListPage
from station.queries.masking import mask_plate
from station.services import sealing
from station.views.listing import list_response

NOTHING = Empty("还没有摄像头", "先登记车牌摄像头，再到它的设置页里填地址和密钥。", icon="camera")


@require_GET
@may("devices.plates")
def plates(request: StaffRequest) -> HttpResponse:
    station, at = request.station, now()
    content = {
        "cameras": asked.cameras(station=station, at=at),
        "confusions": asked.confusions(station=station, at=at),
        "may_wire": may_do(request.role, "devices.wiring.change"),
        "empty": NOTHING,
    }
    return render(request, "devices/plates.html", content)


def _shown(row: PlateRead) -> str:
    return "（已销毁）" if row.forgotten_at else mask_plate(asked.original_of(row))


def _corrected(row: PlateRead) -> str:
    return mask_plate(asked.plate_of(row)) if row.corrected_sealed else ""


@require_GET
@may("devices.plates")
def plate_list(request: StaffRequest) -> HttpResponseBase:
    return list_response(
        request,
        ListPage(
            title="车牌识别记录",
            columns=(
                Column("时间", "occurred_at", "moment"),
                Column("摄像头", "camera.name"),
                Column("枪", lambda row: str(row.nozzle.number) if row.nozzle else "", minor=True),
                Column("车牌", _shown, "code"),
                Column("可信度", lambda row: f"{row.confidence}%" if row.confidence else ""),
                Column("更正为", _corrected, "code"),
                Column("更正人", lambda row: row.corrected_by.name if row.corrected_by else ""),
            ),
            rows=asked.reads_of(station=request.station),
            order=("-occurred_at",),
            empty=Empty("还没有车牌识别", "摄像头读到的每一次都会出现在这里。", icon="camera"),
        ),
    )


@never_cache
@require_GET
@may("devices.plates.correct")
def image(request: StaffRequest, pk: int) -> HttpResponse:
    """The picture of a car that may still stand there; afterwards nobody is shown it."""
    read = get_object_or_404(asked.reads_of(station=request.station), pk=pk)
    held = getattr(read, "image", None)
    if held is None or not asked.near(read, now()):
        raise Http404
    content = base64.b64decode(sealing.unseal(read.key, held.sealed))
    return HttpResponse(content, content_type="image/jpeg")
