"""预付: take, move, cancel, pay back, and the list of what is open or due."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from sales.forms.till import PrepayForm, PrepayMoveForm, PrepayRefundForm, ReasonForm, checked
from sales.models import Prepay
from sales.queries.prepays import open_prepays
from sales.services import prepaying
from sales.views.answers import answers_json, body_of, session_of
from station.access import StaffRequest, may


def _prepay(request: StaffRequest, pk: int) -> Prepay:
    return get_object_or_404(Prepay, pk=pk, station=request.station)


@require_GET
@may("sales.till")
@answers_json
def prepays(request: StaffRequest) -> dict[str, Any]:
    return {"prepays": open_prepays(station=request.station)}


@require_POST
@may("sales.settle")
@answers_json
def create(request: StaffRequest) -> dict[str, Any]:
    typed = checked(PrepayForm(body_of(request), station=request.station))
    prepay = prepaying.create(
        nozzle=typed["nozzle"],
        amount=typed["amount"],
        tender=typed["tender"],
        reference=typed["reference"],
        plate=typed["plate"],
        session=session_of(request),
        actor=request.user,
        at=now(),
        key=typed["key"],
    )
    return {"number": prepay.number}


@require_POST
@may("sales.settle")
@answers_json
def move(request: StaffRequest, pk: int) -> dict[str, Any]:
    found = _prepay(request, pk)
    typed = checked(PrepayMoveForm(body_of(request), station=request.station))
    prepay = prepaying.move(prepay=found, nozzle=typed["nozzle"], actor=request.user, at=now())
    return {"number": prepay.number}


@require_POST
@may("sales.settle")
@answers_json
def cancel(request: StaffRequest, pk: int) -> dict[str, Any]:
    prepay = prepaying.cancel(
        prepay=_prepay(request, pk),
        reason=checked(ReasonForm(body_of(request)))["reason"],
        actor=request.user,
        at=now(),
    )
    return {"number": prepay.number, "due": str(prepay.refund_due)}


@require_POST
@may("sales.settle")
@answers_json
def pay_refund(request: StaffRequest, pk: int) -> dict[str, Any]:
    prepay = prepaying.pay_refund(
        prepay=_prepay(request, pk),
        reference=checked(PrepayRefundForm(body_of(request)))["reference"],
        session=session_of(request),
        actor=request.user,
        at=now(),
    )
    return {"number": prepay.number, "paid": str(prepay.refund_due)}
