"""盘点损溢: the books of tanks over a range, and what one tank's day is made of."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import Http404, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.timezone import localdate, now
from django.views.decorators.http import require_GET

from inventory.forms.reconciliation import ReconciliationForm
from inventory.queries import reconciliation_day as of_day
from inventory.queries import reconciliation_report as made
from inventory.queries.losses import judged
from inventory.queries.reconciliation import Grain
from station.access import StaffRequest, may
from station.models import BusinessDay, Tank
from station.views.listing import filters_of
from station.views.reporting import head_of, report_response


@require_GET
@may("inventory.losses")
def reconciliation(request: StaffRequest) -> HttpResponseBase:
    today = localdate()
    month: dict[str, Any] = {
        "since": today.replace(day=1),
        "until": today,
        "grain": "day",
        "by": "tank",
    }
    form = filters_of(request, ReconciliationForm, station=request.station, initial=month)
    values = {**month, **form.cleaned_data} if form.is_valid() else month
    grain, by_grade = Grain(values["grain"]), values["by"] == "grade"
    found = judged(
        station=request.station,
        since=values["since"],
        until=values["until"],
        grain=grain,
        by_grade=by_grade,
    )
    tank = values.get("tank")
    if tank is not None:
        found = [
            row
            for row in found
            if (row.line.grade == tank.grade if by_grade else row.line.books[0].tank == tank)
        ]
    report = made.report(
        rows=found,
        period=made.period(values["since"], values["until"], grain),
        grain=grain,
        by_grade=by_grade,
        head=head_of(request, at=now()),
    )
    return report_response(request, report, filters=form, template="inventory/reconciliation.html")


@require_GET
@may("inventory.losses")
def reconciliation_day(request: StaffRequest, pk: int, day: str) -> HttpResponseBase:
    tank = get_object_or_404(
        Tank.objects.select_related("grade", "station"), pk=pk, station=request.station
    )
    found = day_of(request, day)
    report = of_day.report(tank=tank, day=found, head=head_of(request, at=now()))
    days = BusinessDay.objects.filter(station=request.station)
    around = {
        "tank": tank,
        "day": found,
        "before": days.filter(date__lt=found.date).order_by("-date").first(),
        "after": days.filter(date__gt=found.date).order_by("date").first(),
    }
    return report_response(
        request, report, template="inventory/reconciliation_day.html", context=around
    )


def day_of(request: StaffRequest, day: str) -> BusinessDay:
    """The business day of the station in view by its date; 404 for anything else."""
    try:
        wanted = date.fromisoformat(day)
    except ValueError:
        raise Http404(day) from None
    return get_object_or_404(
        BusinessDay.objects.select_related("station"), station=request.station, date=wanted
    )
