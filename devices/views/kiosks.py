"""自助终端 as the manager keeps them: registered by the code they show, and revoked."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from devices.forms.kiosks import KioskForm
from devices.models import Kiosk
from devices.queries.kiosks import kiosks_of
from devices.services import kiosks as services
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.queries.audit import history_of
from station.queries.columns import Action, Column, Empty
from station.queries.listing import ListPage
from station.views.listing import list_response

CHANGE = "devices.wiring.change"


def _state(row: Kiosk) -> str:
    return "已停用" if row.revoked_at else "在用"


@require_GET
@may("devices.wiring.view")
def kiosks(request: StaffRequest) -> HttpResponseBase:
    primary = Action("登记终端", reverse("devices:kiosk_new"), "plus")
    first = primary if may_do(request.role, CHANGE) else None
    return list_response(
        request,
        ListPage(
            title="自助终端",
            columns=(
                Column("名称", "name"),
                Column("打印机", lambda row: row.printer.name if row.printer else "不打印"),
                Column("读卡器", lambda row: str(row.reader) if row.reader else ""),
                Column("登记时间", "paired_at", "moment", minor=True),
                Column("登记人", "paired_by.name", minor=True),
                Column("最近使用", "seen_at", "moment"),
                Column(
                    "状态", _state, "state", tone=lambda row: "off" if row.revoked_at else "good"
                ),
            ),
            rows=kiosks_of(request.station),
            order=("name",),
            primary=first,
            opens=lambda row: reverse("devices:kiosk", args=[row.pk]),
            empty=Empty(
                "还没有自助终端", "在一台触摸屏上打开 /kiosk/ 取配对码，再到这里登记。"
            ).leading(first),
        ),
    )


@require_http_methods(["GET", "POST"])
@may(CHANGE)
def kiosk_new(request: StaffRequest) -> HttpResponse:
    form = KioskForm(request.POST or None, station=request.station)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.pair(
                station=request.station, at=now(), actor=request.user, **form.cleaned_data
            )
            messages.success(request, f"已登记终端“{made.name}”，终端上几秒内会打开首页。")
            return redirect("devices:kiosks")
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {"form": form, "back_href": reverse("devices:kiosks")}
    return render(request, "devices/kiosk_new.html", content, status=422 if form.errors else 200)


def _found(request: StaffRequest, pk: int) -> Kiosk:
    return get_object_or_404(kiosks_of(request.station), pk=pk)


@require_GET
@may("devices.wiring.view")
def kiosk(request: StaffRequest, pk: int) -> HttpResponse:
    found = _found(request, pk)
    content = {
        "kiosk": found,
        "state": _state(found),
        "may_revoke": found.revoked_at is None and may_do(request.role, CHANGE),
        "history": history_of(f"kiosk:{found.pk}"),
    }
    return render(request, "devices/kiosk.html", content)


@require_POST
@may(CHANGE)
def kiosk_revoke(request: StaffRequest, pk: int) -> HttpResponse:
    found = _found(request, pk)
    services.revoke(kiosk=found, at=now(), actor=request.user)
    messages.success(request, f"终端“{found.name}”已停用，它的页面马上打不开了。")
    return redirect("devices:kiosks")
