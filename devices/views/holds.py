"""停售 of a tank with water in it: why, since when, and the way to lift it by hand."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from devices.forms.nozzles import LiftForm
from devices.models import TankHold
from devices.queries.gauges import latest
from devices.services import holds as services
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.queries.audit import history_of


@require_GET
@may("devices.wall")
def hold(request: StaffRequest, pk: int) -> HttpResponse:
    return _page(request, _hold(request, pk), LiftForm())


@require_POST
@may("devices.holds.lift")
def lift(request: StaffRequest, pk: int) -> HttpResponse:
    found = _hold(request, pk)
    form = LiftForm(request.POST)
    if form.is_valid():
        try:
            services.lift(
                hold=found, reason=form.cleaned_data["reason"], actor=request.user, at=now()
            )
            messages.success(request, f"已解除{found.tank}停售，油枪可以授权。")
            return redirect("devices:hold", pk)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return _page(request, found, form)


def _hold(request: StaffRequest, pk: int) -> TankHold:
    rows = TankHold.objects.select_related("tank__grade", "station", "lifted_by")
    return get_object_or_404(rows, pk=pk, station=request.station)


def _page(request: StaffRequest, found: TankHold, form: LiftForm) -> HttpResponse:
    live = latest(station=request.station, at=now()).get(found.tank_id)
    content = {
        "hold": found,
        "live": live,
        "nozzles": found.tank.nozzles.filter(active=True).order_by("number"),
        "may_lift": may_do(request.role, "devices.holds.lift"),
        "form": form,
        "history": history_of(f"停售 {found.pk}"),
    }
    return render(request, "devices/hold.html", content, status=422 if form.errors else 200)
