"""班次制度: the list, one to change, and which one the station works by."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from station.access import StaffRequest, may
from station.errors import Refusal
from station.forms.patterns import PatternForm
from station.models import ShiftPattern
from station.queries import patterns as queries
from station.services import patterns as services


@require_GET
@may("station.site.view")
def patterns(request: StaffRequest) -> HttpResponse:
    context = {"patterns": queries.patterns(), "chosen": request.station.shift_pattern_id}
    return render(request, "station/patterns.html", context)


@require_http_methods(["GET", "POST"])
@may("station.site.change")
def pattern_edit(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    pattern = get_object_or_404(ShiftPattern, pk=pk) if pk is not None else None
    slots = list(pattern.slots.order_by("ordinal")) if pattern else []
    form = PatternForm(
        request.POST or None, slots=slots, initial={"name": pattern.name if pattern else ""}
    )
    if request.method == "POST" and form.is_valid():
        try:
            services.save_pattern(
                name=form.cleaned_data["name"],
                slots=form.slots,
                pattern=pattern,
                at=timezone.now(),
                actor=request.user,
            )
            messages.success(request, "班次制度已保存，下一次交班起按新班名。")
            return redirect("station:patterns")
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    context = {"form": form, "pattern": pattern, "back_href": reverse("station:patterns")}
    return render(request, "station/pattern.html", context, status=422 if form.errors else 200)


@require_POST
@may("station.site.change")
def pattern_choose(request: StaffRequest, pk: int) -> HttpResponse:
    pattern = get_object_or_404(ShiftPattern, pk=pk)
    services.work_by(
        station=request.station, pattern=pattern, at=timezone.now(), actor=request.user
    )
    messages.success(request, f"本站从下一班起按“{pattern.name}”排班。")
    return redirect("station:patterns")
