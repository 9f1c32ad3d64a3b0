"""The wizard of a new station: each step can be left and come back to; state is asked, not kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.views.decorators.http import require_http_methods

from devices.models import TotalizerReading
from finance.forms.founding import BalanceForm, LayoutForm, ShelfForm, TankStockForm, TotalsForm
from finance.models import OpeningBalance
from finance.services import founding
from inventory.models import Item, StockMove, TankMovement
from station.access import StaffRequest, may
from station.errors import Refusal
from station.models import Nozzle, Station, Tank
from station.queries.calendar import open_shift
from station.queries.columns import Step
from station.queries.go_live import all_findings

STEPS = ("site", "layout", "totalizers", "tanks", "shelves", "balances", "live")


@require_http_methods(["GET", "POST"])
@may("station.site.change")
def wizard(request: StaffRequest, step: str = "site") -> HttpResponse:
    if step not in STEPS:
        raise Http404
    station = request.station
    form = _form(step, request)
    if request.method == "POST" and form is not None and form.is_valid():
        try:
            messages.success(request, _ACTS[step](request, form))
            following = (
                step if step == "balances" else STEPS[min(STEPS.index(step) + 1, len(STEPS) - 1)]
            )
            return redirect("finance:wizard-step", step=following)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    if request.method == "POST" and form is None:
        return _post_without_form(request, step)
    done = _done(station)
    context = {
        "station": station,
        "steps": _steps(done, step),
        "step": step,
        "done": done[step],
        "form": form,
        "balances": OpeningBalance.objects.filter(station=station).order_by("kind", "name"),
        "missing": [row for row in all_findings(station=station, at=now()) if not row.ok]
        if step == "live"
        else [],
        "next": STEPS[min(STEPS.index(step) + 1, len(STEPS) - 1)],
        "shift": open_shift(station),
    }
    return render(
        request,
        "finance/wizard.html",
        context,
        status=422 if form is not None and form.errors else 200,
    )


def _post_without_form(request: StaffRequest, step: str) -> HttpResponse:
    if step == "live":
        founding.go_live(station=request.station, at=now(), actor=request.user)
        messages.success(request, "油站已正式启用。接下来由当班人员开首班。")
    return redirect("finance:wizard-step", step=step)


def _form(step: str, request: StaffRequest) -> Any:
    station, data = request.station, request.POST or None
    if step == "layout":
        return LayoutForm(data)
    if step == "totalizers":
        return TotalsForm(data, nozzles=_nozzles(station), initial={"date": localdate()})
    if step == "tanks":
        return TankStockForm(data, tanks=_tanks(station))
    if step == "shelves":
        return ShelfForm(
            data,
            items=list(Item.objects.filter(active=True, kind=Item.Kind.GOODS).order_by("code")),
        )
    if step == "balances":
        return BalanceForm(data, initial={"as_of": localdate()})
    return None


def _nozzles(station: Station) -> list[Nozzle]:
    return list(
        Nozzle.objects.filter(station=station, active=True)
        .select_related("tank__grade")
        .order_by("number")
    )


def _tanks(station: Station) -> list[Tank]:
    return list(
        Tank.objects.filter(station=station, active=True).select_related("grade").order_by("number")
    )


def _lay_out(request: StaffRequest, form: LayoutForm) -> str:
    founding.lay_out(station=request.station, at=now(), actor=request.user, **form.cleaned_data)
    return "已建好油罐、加油岛、加油机、油枪与接线。"


def _open_totalizers(request: StaffRequest, form: TotalsForm) -> str:
    day = founding.open_totalizers(
        station=request.station,
        totals=form.totals(),
        date=form.cleaned_data["date"],
        at=now(),
        actor=request.user,
    )
    return f"泵码已接管，首个营业日 {day.date} 开始。"


def _open_tanks(request: StaffRequest, form: TankStockForm) -> str:
    founding.open_tanks(
        station=request.station,
        litres=form.litres(),
        costs=form.costs(),
        at=now(),
        actor=request.user,
    )
    return "罐存已接管。"


def _open_shelves(request: StaffRequest, form: ShelfForm) -> str:
    document = founding.open_shelves(
        station=request.station, counts=form.counts(), at=now(), actor=request.user
    )
    return f"商品库存已接管，单号 {document}。"


def _open_balance(request: StaffRequest, form: BalanceForm) -> str:
    row = founding.open_balance(
        station=request.station, at=now(), actor=request.user, **form.cleaned_data
    )
    return f"已开账：{row}。"


_ACTS: dict[str, Callable[[StaffRequest, Any], str]] = {
    "layout": _lay_out,
    "totalizers": _open_totalizers,
    "tanks": _open_tanks,
    "shelves": _open_shelves,
    "balances": _open_balance,
}


def _done(station: Station) -> dict[str, bool]:
    """Which steps have been taken, asked of the facts."""
    return {
        "site": bool(station.address and station.shift_pattern_id),
        "layout": station.dispensers.exists() and station.tanks.exists(),
        "totalizers": TotalizerReading.objects.filter(
            nozzle__station=station, kind="OPENING"
        ).exists(),
        "tanks": TankMovement.objects.filter(station=station, kind="OPENING").exists(),
        "shelves": StockMove.objects.filter(station=station, kind="OPENING").exists(),
        "balances": OpeningBalance.objects.filter(station=station).exists(),
        "live": station.went_live_at is not None,
    }


def _steps(done: dict[str, bool], here: str) -> list[Step]:
    words = {
        "site": ("油站", "站名、地址、价区、班次制度"),
        "layout": ("罐、机、枪与接线", "三段文字，一次建好"),
        "totalizers": ("泵码初值", "抄各枪泵码，开始首个营业日"),
        "tanks": ("罐存初值", "各罐存油与进价"),
        "shelves": ("商品库存", "盘点数，没有便利店可跳过"),
        "balances": ("备用金与应收", "没有可跳过"),
        "live": ("检查并启用", "缺什么，到哪里补"),
    }
    return [
        Step(
            label=words[name][0],
            note=words[name][1],
            state="done" if done[name] else "open",
            href=reverse("finance:wizard-step", args=[name]),
            here=name == here,
        )
        for name in STEPS
    ]
