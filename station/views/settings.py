"""限额与参数: the declared figures of a station, changed on one page."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_http_methods

from station.access import StaffRequest, may
from station.errors import Refusal
from station.forms.records import SettingsForm
from station.queries.settings import values
from station.services import settings as services


@require_http_methods(["GET", "POST"])
@may("station.settings.change")
def index(request: StaffRequest) -> HttpResponse:
    form = SettingsForm(request.POST or None, values=values(request.station))
    if request.method == "POST" and form.is_valid():
        try:
            changed = services.change_all(
                values=form.cleaned_data, station=request.station, at=now(), actor=request.user
            )
            messages.success(request, f"已保存，改了 {changed} 项。")
            return redirect("station:settings")
        except services.BadValue as refusal:
            form.add_error(refusal.name, str(refusal))
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return render(
        request, "station/settings.html", {"form": form}, status=422 if form.errors else 200
    )
