"""Plates of a member: registered and taken away."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_http_methods, require_POST

from members.forms.people import VehicleForm
from members.models import Vehicle
from members.queries.cards import card_of
from members.services import vehicles
from members.views.page import found
from station.access import StaffRequest, may
from station.errors import Refusal


@require_http_methods(["GET", "POST"])
@may("members.create")
def vehicle_new(request: StaffRequest, number: str) -> HttpResponse:
    one = found(request, number)
    form = VehicleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            vehicles.add_vehicle(owner=one, at=now(), actor=request.user, **form.cleaned_data)
            return redirect("members:member", number)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    back = reverse("members:member", args=[number])
    content = {"form": form, "owner": one.number, "back_href": back}
    return render(request, "members/vehicle.html", content, status=422 if form.errors else 200)


@require_POST
@may("members.create")
def vehicle_remove(request: StaffRequest, number: str, pk: int) -> HttpResponse:
    one = found(request, number)
    vehicle = get_object_or_404(Vehicle, pk=pk, member=one)
    masked = next((plate.plate for plate in card_of(one).plates if plate.pk == pk), "*")
    vehicles.remove_vehicle(vehicle=vehicle, plate=masked, at=now(), actor=request.user)
    return redirect("members:member", number)
