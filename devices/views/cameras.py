"""Plate cameras: registered on pages, and the door at which they push what they read."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse, RawPostDataException
from django.shortcuts import get_object_or_404, render
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from devices.forms.cameras import CameraForm
from devices.models import Camera
from devices.queries.ports import drop_folder
from devices.services import cameras as services
from devices.services.cameras import NotSigned
from devices.services.plates import BadEvent, TooMany
from station.access import StaffRequest, may, open_to_all
from station.errors import Refusal
from station.queries.columns import Column
from station.views.crud import Reference

# What a camera is told to send, as it stands on its page.
EVENT = (
    '{"id": "e-1", "plate": "云A12345", "confidence": 97, '
    '"at": "2026-04-22T10:30:00+08:00", "nozzle": 3, "image": "…"}'
)
BEAT = '{"beat": true}'
VIEW, CHANGE = "devices.wiring.view", "devices.wiring.change"


@open_to_all
@csrf_exempt
@require_POST
def event(request: HttpRequest, pk: int) -> HttpResponse:
    """One event of a camera; the signature is its only sign-in."""
    try:
        read, new = services.receive(pk=pk, headers=request.headers, body=_body(request), at=now())
    except NotSigned as refusal:
        return _said("NOT_SIGNED", refusal, 401)
    except TooMany as refusal:
        return _said("TOO_MANY", refusal, 429)
    except Refusal as refusal:
        return _said("REFUSED", refusal, 422)
    if read is None:
        return JsonResponse({"ok": True})
    return JsonResponse({"ok": True, "read": read.pk, "again": not new})


def _body(request: HttpRequest) -> bytes:
    """The body as it was signed; what is too long is not even read."""
    try:
        if int(request.headers.get("Content-Length") or 0) > services.LONGEST:
            raise BadEvent(f"没有收下：内容超过 {services.LONGEST // 1000} KB，请调低图片质量。")
        return request.body
    except (RawPostDataException, ValueError, OSError) as error:
        raise BadEvent("没有收下：内容无法读取。") from error


def _said(code: str, refusal: Refusal, status: int) -> JsonResponse:
    return JsonResponse({"error": code, "words": str(refusal)}, status=status)


@never_cache
@require_http_methods(["GET", "POST"])
@may(CHANGE)
def key(request: StaffRequest, pk: int) -> HttpResponse:
    """How a camera is set up; by POST a new key, which is shown this once."""
    camera = get_object_or_404(Camera.objects.filter(station=request.station), pk=pk)
    secret = ""
    if request.method == "POST":
        secret = services.new_secret(camera=camera, actor=request.user, at=now())
    content = {
        "camera": camera,
        "secret": secret,
        "example": EVENT,
        "beat": BEAT,
        "headers": ("X-Camera-Time", "X-Camera-Sign"),
        "folder": drop_folder(camera.folder) if camera.folder else "",
        "address": request.build_absolute_uri(f"/devices/cameras/{camera.pk}/events/"),
    }
    return render(request, "devices/camera_key.html", content)


CAMERAS = Reference(
    app="devices",
    name="cameras",
    noun="车牌摄像头",
    columns=(
        Column("名称", "name"),
        Column("接法", lambda row: row.get_kind_display()),
        Column("加油岛", lambda row: str(row.island)),
        Column("枪", lambda row: str(row.nozzle) if row.nozzle else "整座岛"),
        Column("最近消息", "heard_at", "moment"),
        Column("在用", "active"),
    ),
    form=CameraForm,
    form_knows=lambda request: {"station": request.station},
    rows=lambda request: Camera.objects.filter(station=request.station).select_related(
        "island", "nozzle__tank__grade", "station"
    ),
    save=services.save_camera,
    initial=lambda row: {
        name: getattr(row, name)
        for name in ("name", "kind", "island", "nozzle", "folder", "active")
    },
    order=("name",),
    empty_text="摄像头读到车牌，加油员的手机和现场看板就显示是哪位会员、常加什么油。",
    view_right=VIEW,
    change_right=CHANGE,
)
