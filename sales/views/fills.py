"""What became of a fill: the documents that claimed it, beside what the pump said."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.timezone import now
from django.views.decorators.http import require_GET

from devices.models import Fill
from sales.models import FillClaim, FillLease
from station.access import StaffRequest, may
from station.context import page_for


@require_GET
@may("devices.fills")
def fill_claims(request: StaffRequest, pk: int) -> HttpResponse:
    fills = Fill.objects.select_related("nozzle")
    fill = get_object_or_404(fills, pk=pk, station=request.station)
    content = {
        "fill": fill,
        "till_url": page_for("sales:till", request.role),
        "claims": FillClaim.objects.filter(fill=fill)
        .select_related("day", "attendant")
        .order_by("-id"),
        "lease": FillLease.objects.filter(fill=fill, expires_at__gt=now())
        .select_related("session__till", "session__cashier")
        .first(),
    }
    return render(request, "sales/_fill_claims.html", content)
