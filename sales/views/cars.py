"""The car at a nozzle: whose it is, put right in two taps, and registered where it is unknown."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from devices.models import PlateRead
from devices.queries import cameras
from devices.services import plates
from devices.views.nozzles import done
from members.queries.plates import owners
from sales.forms.cars import PlateForm
from sales.queries import cars as asked
from sales.queries.fleet import known_at
from sales.services import fleet
from station.access import StaffRequest, may, may_do
from station.context import page_for
from station.errors import Refusal
from station.models import Nozzle
from station.queries.masking import mask_plate


@require_GET
@never_cache
@may("devices.wall")
def at_nozzle(request: StaffRequest, pk: int) -> HttpResponse:
    """A part of the nozzle's panel; nothing where no camera saw a car."""
    return _at_pump(request, _nozzle(request, pk))


@require_POST
@may("devices.authorise")
def let_loose(request: StaffRequest, pk: int) -> HttpResponse:
    """单位放行, from the panel of the wall or from the phone."""
    nozzle = _nozzle(request, pk)
    is_phone = request.POST.get("from") == "phone"
    try:
        expected = request.POST.get("expected", "")
        leave = fleet.let_loose(nozzle=nozzle, actor=request.user, at=now(), expected=expected)
    except Refusal as refusal:
        if is_phone:
            messages.error(request, str(refusal))
            return redirect("sales:attendant")
        return _at_pump(request, nozzle, refusal=str(refusal))
    words = f"已放行：{nozzle}，{leave.company}"
    if is_phone:
        messages.success(request, words)
        return redirect("sales:attendant")
    return done(words)


def _nozzle(request: StaffRequest, pk: int) -> Nozzle:
    nozzles = Nozzle.objects.select_related("station", "tank__grade", "dispenser__island")
    return get_object_or_404(nozzles, pk=pk, station=request.station)


def _at_pump(request: StaffRequest, nozzle: Nozzle, *, refusal: str = "") -> HttpResponse:
    car, pairing = known_at(nozzle=nozzle, at=now())
    content = {
        "nozzle": nozzle,
        "car": car,
        "pairing": pairing,
        "refusal": refusal,
        "may_correct": may_do(request.role, "devices.plates.correct"),
        "may_authorise": may_do(request.role, "devices.authorise"),
    }
    return render(request, "sales/_at_pump.html", content, status=422 if refusal else 200)


@never_cache
@require_http_methods(["GET", "POST"])
@may("devices.plates.correct")
def car(request: StaffRequest, pk: int) -> HttpResponse:
    """The plate in full, to be compared with the car that stands there; a wrong one is put right."""
    at = now()
    read = get_object_or_404(cameras.reads_of(station=request.station), pk=pk)
    form = PlateForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            plates.correct(read=read, plate=form.cleaned_data["plate"], actor=request.user, at=at)
            messages.success(request, "已更正。")
            return redirect("sales:car", pk)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return render(
        request,
        "sales/car.html",
        {"form": form, **_told(request, read)},
        status=422 if form.errors else 200,
    )


def _told(request: StaffRequest, read: PlateRead) -> dict[str, object]:
    at, plate = now(), cameras.plate_of(read)
    full = cameras.near(read, at) and not read.forgotten_at
    index = read.corrected_index or read.plate_index
    owner = owners(indexes=[index], at=at).get(index)
    joins = may_do(request.role, "members.create")
    return {
        "read": read,
        "full": full,
        "plate": plate if full else mask_plate(plate),
        "owner": owner,
        "candidates": asked.candidates(read=read, at=at) if full and owner is None else [],
        "pictured": full and hasattr(read, "image"),
        "join_href": f"{reverse('members:join')}?read={read.pk}" if joins and full else "",
        "poster_href": page_for("members:poster", request.role),
    }
