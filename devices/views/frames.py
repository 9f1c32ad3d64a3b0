"""报文: what passed on a line in a stretch of time, on a page and as a file."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.utils.timezone import localtime, now
from django.views.decorators.http import require_GET

from devices.forms.filters import FrameFilter
from devices.queries import frames as boxed
from devices.queries.ports import black_box
from station.access import StaffRequest, may
from station.queries.columns import Empty
from station.services import audit
from station.views.listing import filters_of

NOTHING = Empty(
    "这段时间没有报文", "换一条线路，或放宽时间。超过保留天数的报文已经删除。", icon="plug"
)
NO_LINES = Empty("还没有线路", "先在「接线」里建一条线路。", icon="plug")


@require_GET
@may("devices.wiring.view")
def frames(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, FrameFilter, station=request.station, at=now())
    line, since, until, polls = filters.wanted()
    if line is None or since is None or until is None:
        content = {
            "filters": filters,
            "frames": [],
            "empty": NOTHING if filters.lines else NO_LINES,
        }
        return render(request, "devices/frames.html", content)
    if request.GET.get("download"):
        found = boxed.recorded_between(line, since=since, until=until, boxes=black_box())
        name = f"报文-{line.name}-{localtime(since):%Y%m%d-%H%M}.log"
        return taken(request, boxed.export(line, found), name, f"line:{line.pk}")
    shown, more = boxed.frames_between(
        line, since=since, until=until, boxes=black_box(), polls=polls
    )
    content = {
        "filters": filters,
        "frames": shown,
        "more": more,
        "most": boxed.MOST,
        "empty": NOTHING,
    }
    return render(request, "devices/frames.html", content)


def taken(
    request: StaffRequest, lines: Iterable[str], name: str, document: str
) -> HttpResponseBase:
    """Frames as a file; who took which is audited."""
    audit.record(
        at=now(),
        actor=request.user,
        action="devices.frames.taken",
        station=request.station,
        document=document,
        after={"file": name},
    )
    headers = {
        "Content-Disposition": content_disposition_header(True, name.replace("/", "-"))
        or "attachment"
    }
    return StreamingHttpResponse(lines, content_type="text/plain; charset=utf-8", headers=headers)
