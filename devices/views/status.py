"""设备状态: which machines answer."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.timezone import now
from django.views.decorators.http import require_GET

from devices.queries import status as asked
from station.access import StaffRequest, may, may_do
from station.queries.columns import Empty

NOTHING = Empty("还没有接线", "先登记线路，再把加油机、读卡器和打印机接上去。", icon="plug")


@require_GET
@may("devices.status")
def status(request: StaffRequest) -> HttpResponse:
    station, at = request.station, now()
    content = {
        "lines": asked.lines(station=station, at=at),
        "pumps": asked.pumps(station=station),
        "readers": asked.readers(station=station),
        "printers": asked.printers(station=station),
        "unwired": asked.unwired(station=station),
        "empty": NOTHING,
        "at": at,
        "may_wire": may_do(request.role, "devices.wiring.view"),
    }
    part = request.headers.get("HX-Target") == "status"
    return render(request, "devices/_status.html" if part else "devices/status.html", content)
