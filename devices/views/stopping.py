"""急停 and its release: on every page, and with the record of who did it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.timezone import now
from django.views.decorators.http import require_http_methods, require_POST

from devices.forms.nozzles import ReasonForm
from devices.queries.commands import last_stop
from devices.services import authorising, local_stop
from station.access import StaffRequest, may
from station.errors import Refusal


@require_POST
@may("devices.stop_all")
def stop_all(request: StaffRequest) -> HttpResponse:
    # Straight to the poller first: the row is the record, and the second way there.
    told = local_stop.send("STOP_ALL", request.user.name) == "OK"
    authorising.stop_all(station=request.station, actor=request.user, at=now())
    if told:
        messages.warning(request, "急停已送达：全站油枪停止加油，排队的授权已作废。")
    else:
        messages.error(
            request,
            "急停已下发，但采集程序没有当场应答。请看现场看板，必要时按加油机上的急停按钮。",
        )
    return redirect(_back(request))


@require_http_methods(["GET", "POST"])
@may("devices.resume_all")
def release_all(request: StaffRequest) -> HttpResponse:
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            authorising.release_all(
                station=request.station,
                actor=request.user,
                at=now(),
                reason=form.cleaned_data["reason"],
            )
            messages.success(request, "急停已解除，油枪可以重新授权。")
            return redirect("sales:wall")
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {"form": form, "stop": last_stop(request.station)}
    return render(request, "devices/release_all.html", content, status=422 if form.errors else 200)


def _back(request: StaffRequest) -> str:
    came_from = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(came_from, allowed_hosts={request.get_host()}):
        return came_from
    return "/"
