"""设备状态: which machines answer."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.timezone import now
from django.views.decorators.http import require_GET

from devices.queries import cameras
from devices.queries import status as asked
from devices.queries.printers import printer_light, printers
from devices.queries.repairs import open_of
from devices.queries.signs import displays, signs
from devices.services.simulated import runs
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
        "gauged": asked.gauged(station=station, at=at),
        "readers": asked.readers(station=station),
        "cameras": cameras.cameras(station=station, at=at),
        "printers": [(one, printer_light(one, at)) for one in printers(station=station)],
        "displays": [(one, asked.line_status(one.line, at)) for one in displays(station=station)],
        "signs": [
            (one, asked.line_status(one.line, at) if one.line else None)
            for one in signs(station=station)
        ],
        "repairs": open_of(station=station).order_by("reported_at")[:20],
        "unwired": asked.unwired(station=station),
        "empty": NOTHING,
        "simulated": runs() and may_do(request.role, "devices.simulate"),
        "at": at,
        "may_wire": may_do(request.role, "devices.wiring.view"),
    }
    part = request.headers.get("HX-Target") == "status"
    return render(request, "devices/_status.html" if part else "devices/status.html", content)
