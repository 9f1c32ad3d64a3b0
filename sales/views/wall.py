"""现场看板: every nozzle on one screen, refreshed each second; only what changed travels."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from sales.queries import wall as asked
from station.access import StaffRequest, may, may_do
from station.context import page_for
from station.queries.columns import Empty

NO_NOZZLES = Empty(
    "还没有油枪", "在油站设置里登记加油机和油枪，接好线后它们会出现在这里。", icon="gas-station"
)


@require_GET
@never_cache
@may("devices.wall")
def wall(request: StaffRequest) -> HttpResponse:
    found = asked.wall(station=request.station, at=now())
    content = {"wall": found, "empty": NO_NOZZLES, **_rights(request)}
    return render(request, "sales/wall.html", content)


@require_GET
@may("devices.wall")
def tiles(request: StaffRequest) -> HttpResponse:
    found = asked.wall(station=request.station, at=now())
    if request.headers.get("If-None-Match") == found.etag:
        response = HttpResponse(status=304)
    else:
        content = {
            "wall": found,
            "tiles": asked.changed(found, request.headers.get("Wall-Tiles", "")),
            "head_changed": request.headers.get("Wall-Head") != found.head_digest,
            **_rights(request),
        }
        response = render(request, "sales/_wall_changes.html", content)
    response["ETag"] = found.etag
    response["Cache-Control"] = "no-store"
    return response


def _rights(request: StaffRequest) -> dict[str, object]:
    return {
        "may_authorise": may_do(request.role, "devices.authorise"),
        "may_stop": may_do(request.role, "devices.stop"),
        "may_release": may_do(request.role, "devices.resume_all"),
        "may_pay": may_do(request.role, "sales.till"),
        "till_url": page_for("sales:till", request.role),
    }
