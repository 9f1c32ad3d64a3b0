"""模拟设备: the demo's devices, what they show, and buttons to make them fail. Only beside a simulator."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from devices.forms.simulated import WishForm
from devices.queries.simulated import ACTS, panels
from devices.services import simulated
from station.access import StaffRequest, may
from station.errors import Refusal


@require_GET
@may("devices.simulate")
def devices(request: StaffRequest) -> HttpResponse:
    if not simulated.runs():
        raise Http404
    try:
        content = {"panels": panels(simulated.tell({"do": "state"})), "at": now()}
    except Refusal as refusal:
        content = {"panels": [], "refusal": str(refusal), "at": now()}
    part = request.headers.get("HX-Target") == "simulated"
    template = "devices/_simulated.html" if part else "devices/simulated.html"
    return render(request, template, content)


@require_POST
@may("devices.simulate")
def act(request: StaffRequest) -> HttpResponse:
    if not simulated.runs():
        raise Http404
    form = WishForm(request.POST)
    if not form.is_valid():
        messages.error(request, "没有照做：请填卡号或条码，再点一次。")
        return redirect("devices:simulated")
    try:
        simulated.tell(form.wish() or ACTS[form.cleaned_data["act"]])
    except Refusal as refusal:
        messages.error(request, str(refusal))
    return redirect("devices:simulated")
