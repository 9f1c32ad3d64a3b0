"""运行状况: JSON for machines without signing in, a page for the manager."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from station.access import StaffRequest, may, open_to_all
from station.queries import health as queries


@never_cache
@require_safe
@open_to_all
def healthz(request: HttpRequest) -> HttpResponse:
    found = queries.checks(at=now())
    worst = queries.worst(found)
    answer = {
        "state": worst.name,
        "checks": {
            check.name: {"state": check.state.name, "detail": check.detail, "figure": check.figure}
            for check in found
        },
    }
    return JsonResponse(
        answer,
        status=503 if worst is queries.State.FAILED else 200,
        json_dumps_params={"ensure_ascii": False},
    )


@never_cache
@require_safe
@may("station.health")
def health(request: StaffRequest) -> HttpResponse:
    at = now()
    mine = {None, *(station.pk for station in request.stations)}
    found = [check for check in queries.checks(at=at) if check.station_id in mine]
    context = {"checks": found, "worst": queries.worst(found), "at": at}
    template = "station/_health.html" if request.htmx else "station/health.html"
    return render(request, template, context)
