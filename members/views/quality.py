"""资料质量: what of the member file is missing, doubtful and old."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.timezone import now
from django.views.decorators.http import require_GET

from members.queries.quality import marks_of
from station.access import StaffRequest, may


@require_GET
@may("members.quality")
def quality(request: StaffRequest) -> HttpResponse:
    at = now()
    marks = marks_of(stations=request.stations, station=request.station, at=at)
    return render(request, "members/quality.html", {"marks": marks, "at": at})
