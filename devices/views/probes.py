"""接线调试: a port is tried out before there is a line, by the poller on whose machine it hangs."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from devices.forms.filters import ProbeFilter
from devices.forms.probes import ProbeForm
from devices.models import Probe
from devices.queries import probes as asked
from devices.services import probing
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.queries.audit import history_of
from station.queries.columns import Action, Column, Empty
from station.queries.listing import ListPage
from station.views.listing import filters_of, list_response

VIEW, CHANGE = "devices.wiring.view", "devices.wiring.change"


@require_GET
@may(VIEW)
def probes(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, ProbeFilter)
    rows = asked.probes_of(request.station)
    if status := filters.cleaned_data.get("status"):
        rows = rows.filter(status=status)
    new = Action("试接", reverse("devices:probe_new"), "plug-connected")
    first = new if may_do(request.role, CHANGE) else None
    listing = ListPage(
        title="接线调试",
        columns=(
            Column("时间", "asked_at", "moment"),
            Column("端口", "url", "code"),
            Column("协议", lambda row: row.get_protocol_display() or "逐个试"),
            Column("地址", "address", "code"),
            Column(
                "状态",
                lambda row: row.get_status_display(),
                "state",
                tone=lambda row: asked.TONES[row.status],  # type: ignore[arg-type,return-value]
            ),
            Column("结果", "progress"),
            Column("发起人", "actor.name", minor=True),
        ),
        rows=rows,
        order=("-asked_at",),
        filters=filters,
        opens=lambda row: reverse("devices:probe", args=[row.pk]),
        primary=first,
        empty=Empty(
            "还没有试接过",
            "接上一台新机器后先试接：系统自己找协议、波特率和地址，只读不写。",
            icon="plug-connected",
        ).leading(first),
    )
    return list_response(request, listing)


@require_http_methods(["GET", "POST"])
@may(CHANGE)
def probe_new(request: StaffRequest) -> HttpResponse:
    form = ProbeForm(request.POST or None, initial={"url": request.GET.get("url", "")})
    in_use = None
    if request.method == "POST" and form.is_valid():
        try:
            made = probing.ask(
                station=request.station,
                rest="rest" in request.POST,
                at=now(),
                actor=request.user,
                **form.cleaned_data,
            )
            return redirect("devices:probe", made.pk)
        except probing.LineInUse as held:
            form.add_error(None, str(held))
            in_use = held.line
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {"form": form, "in_use": in_use, "back_href": reverse("devices:probes")}
    return render(request, "devices/probe_new.html", content, status=422 if form.errors else 200)


@require_GET
@may(VIEW)
def probe(request: StaffRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Probe.objects.select_related("actor"), pk=pk, station=request.station)
    changing = may_do(request.role, CHANGE)
    content = {
        "probe": found,
        "tone": asked.TONES[found.status],  # type: ignore[index]
        "silent": asked.silent_poller(found, at=now()),
        "frames": asked.passed(found),
        "heads": asked.heads(found),
        "words": asked.said(found),
        "steps": _steps(found) if changing else [],
        "new_line": changing and _lacks_line(found),
        "may_change": changing,
    }
    if request.headers.get("HX-Target") == "probe":
        return render(request, "devices/_probe.html", content)
    content["history"] = history_of(f"probe:{found.pk}")
    return render(request, "devices/probe.html", content)


@require_POST
@may(CHANGE)
def probe_cancel(request: StaffRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Probe, pk=pk, station=request.station)
    probing.cancel(probe=found, at=now(), actor=request.user)
    messages.info(request, "已要求取消，端口马上放开。")
    return redirect("devices:probe", pk)


def _steps(probe: Probe) -> list[dict[str, Any]]:
    """The forms that the proposal leads into, filled in."""
    to = asked.proposed(probe)
    if to is None:
        return []
    line = {name: value for name, value in to.line.items() if value is not False}
    line["active"] = "on"
    if to.row is None:
        steps = [_step("按此设置建立线路", reverse("devices:lines-new"), line)]
    elif not to.row.active:
        href = reverse("devices:lines-edit", args=[to.row.pk])
        steps = [_step(f"按此设置恢复线路「{to.row}」", href, line)]
    else:
        steps = []
        for one in to.dispensers:
            steps.append(
                _step(
                    f"登记地址 {one['address']} 的加油机",
                    reverse("devices:dispensers-new"),
                    {"line": to.row.pk, **one},
                )
            )
        for tank in to.tanks:
            steps.append(
                _step(
                    f"登记主机 {tank['number']} 号罐",
                    reverse("devices:gauges-new"),
                    {"line": to.row.pk, **tank},
                )
            )
        if not to.dispensers and probe.findings.get("reader"):
            steps.append(
                _step("登记读卡器或扫码枪", reverse("devices:readers-new"), {"line": to.row.pk})
            )
    return steps


def _lacks_line(probe: Probe) -> bool:
    """What was found is to become a line first: dispensers are hung on it afterwards."""
    to = asked.proposed(probe)
    return to is not None and (to.row is None or not to.row.active)


def _step(label: str, href: str, values: dict[str, Any]) -> dict[str, Any]:
    return {"label": label, "href": f"{href}?{urlencode(values)}"}
