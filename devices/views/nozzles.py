"""A nozzle at the wall: its panel, and what may be ordered of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from devices.forms.nozzles import PresetForm
from devices.models import Authorisation
from devices.queries.totalizers import reading_at
from devices.queries.wall import nozzle_now
from devices.services import authorising
from station.access import StaffRequest, may
from station.errors import Refusal
from station.models import Nozzle

QUICK = (100, 200, 300, 500)
KEYS = ("7", "8", "9", "4", "5", "6", "1", "2", "3", ".", "0", "⌫")


@require_GET
@may("devices.wall")
def panel(request: StaffRequest, pk: int) -> HttpResponse:
    nozzle = _nozzle(request, pk)
    return _panel(request, nozzle, PresetForm(initial={"kind": PresetForm.FULL}))


@require_POST
@may("devices.authorise")
def authorise(request: StaffRequest, pk: int) -> HttpResponse:
    nozzle = _nozzle(request, pk)
    form = PresetForm(request.POST)
    if form.is_valid():
        try:
            made = authorising.authorise(
                nozzle=nozzle,
                actor=request.user,
                at=now(),
                amount=form.amount,
                litres=form.litres,
            )
            figure = form.cleaned_data["figure"]
            words = {"yuan": f"，预置 {figure} 元", "litres": f"，预置 {figure} 升"}
            return done(f"已下发授权：{made.nozzle}{words.get(form.cleaned_data['kind'], '')}")
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return _panel(request, nozzle, form, status=422)


@require_POST
@may("devices.authorise")
def cancel(request: StaffRequest, pk: int) -> HttpResponse:
    nozzle = _nozzle(request, pk)
    live = Authorisation.objects.filter(nozzle=nozzle, status__in=authorising.LIVE).first()
    if live is None:
        return _refused(request, nozzle, f"{nozzle} 没有可取消的授权，请看现场看板上的最新状态")
    return _ordered(
        request,
        nozzle,
        lambda at: authorising.cancel(authorisation=live, actor=request.user, at=at),
        f"已取消授权：{nozzle}",
    )


@require_POST
@may("devices.stop")
def stop(request: StaffRequest, pk: int) -> HttpResponse:
    nozzle = _nozzle(request, pk)
    return _ordered(
        request,
        nozzle,
        lambda at: authorising.stop(nozzle=nozzle, actor=request.user, at=at),
        f"已下发停枪：{nozzle}",
    )


@require_POST
@may("devices.stop")
def suspend(request: StaffRequest, pk: int) -> HttpResponse:
    nozzle = _nozzle(request, pk)
    return _ordered(
        request,
        nozzle,
        lambda at: authorising.suspend(nozzle=nozzle, actor=request.user, at=at),
        f"已下发暂停：{nozzle}",
    )


@require_POST
@may("devices.authorise")
def resume(request: StaffRequest, pk: int) -> HttpResponse:
    nozzle = _nozzle(request, pk)
    return _ordered(
        request,
        nozzle,
        lambda at: authorising.resume(nozzle=nozzle, actor=request.user, at=at),
        f"已下发继续：{nozzle}",
    )


def _nozzle(request: StaffRequest, pk: int) -> Nozzle:
    nozzles = Nozzle.objects.select_related("station", "tank__grade", "dispenser__island")
    return get_object_or_404(nozzles, pk=pk, station=request.station)


def _ordered(
    request: StaffRequest, nozzle: Nozzle, order: Callable[[datetime], object], words: str
) -> HttpResponse:
    try:
        order(now())
    except Refusal as refusal:
        return _refused(request, nozzle, str(refusal))
    return done(words)


def _refused(request: StaffRequest, nozzle: Nozzle, words: str) -> HttpResponse:
    return _panel(request, nozzle, PresetForm(), refusal=words, status=422)


def _panel(
    request: HttpRequest,
    nozzle: Nozzle,
    form: PresetForm,
    *,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    at = now()
    content = {
        "nozzle": nozzle,
        "now": nozzle_now(nozzle=nozzle, at=at),
        "totalizer": reading_at(nozzle=nozzle, at=at),
        "form": form,
        "refusal": refusal,
        "quick": QUICK,
        "keys": KEYS,
    }
    return render(request, "devices/_nozzle.html", content, status=status)


def done(words: str) -> HttpResponse:
    """The order is given: the panel closes, and the page says so."""
    response = HttpResponse(status=204)
    response["HX-Trigger"] = json.dumps(
        {"toast": {"level": "success", "text": words}, "wall:done": {}}
    )
    return response
