"""The owner's page on the phone, and the manager's dashboard."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.timezone import now
from django.views.decorators.http import require_GET

from finance.queries.dashboard import dashboard as dashboard_now
from finance.queries.owner import days_to_show, owners_page
from station.access import StaffRequest, may


@require_GET
@may("finance.owner")
def owner(request: StaffRequest) -> HttpResponse:
    at = now()
    days = days_to_show(request.station, at)
    wanted = request.GET.get("day", "")
    days.sort(key=lambda day: f"{day.date}" != wanted and bool(wanted))
    if not days:
        return render(request, "finance/owner_empty.html")
    page = owners_page(day=days[0], other=days[1] if len(days) > 1 else None, at=at)
    switch = sorted(days, key=lambda day: day.date, reverse=True)
    return render(request, "finance/owner.html", {"owner": page, "switch": switch, "at": at})


@require_GET
@may("finance.owner")
def dashboard(request: StaffRequest) -> HttpResponse:
    at = now()
    found = dashboard_now(station=request.station, at=at)
    if found is None:
        return render(request, "finance/owner_empty.html")
    part = request.htmx.target == "dash"
    if part and request.headers.get("If-None-Match") == found.etag:
        response = HttpResponse(status=304)
    else:
        template = "finance/_dashboard.html" if part else "finance/dashboard.html"
        response = render(request, template, {"dash": found, "at": at})
    response["ETag"] = found.etag
    response["Cache-Control"] = "no-cache"
    return response
