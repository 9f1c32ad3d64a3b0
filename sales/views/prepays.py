"""预付: take, move, cancel, pay back, and the list of what is open or due."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from sales.forms.till import PrepayForm, PrepayMoveForm, PrepayRefundForm, ReasonForm, checked
from sales.models import Prepay, PrepayChange
from sales.queries.prepays import open_prepays
from sales.services import prepay_changes, prepaying
from sales.services.prepaying import PrepayRefused
from sales.views.answers import answers_json, approver_of, body_of, session_of
from station.access import StaffRequest, may


def _prepay(request: StaffRequest, pk: int) -> Prepay:
    return get_object_or_404(Prepay, pk=pk, station=request.station)


@require_GET
@may("sales.till")
@answers_json
def prepays(request: StaffRequest) -> dict[str, Any]:
    patience = prepay_changes.PATIENCE.seconds
    return {"prepays": open_prepays(station=request.station, at=now(), patience=patience)}


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
        member=typed["member"],
    )
    return {"number": prepay.number}


@require_POST
@may("sales.settle")
@answers_json
def move(request: StaffRequest, pk: int) -> dict[str, Any]:
    found = _prepay(request, pk)
    typed = checked(PrepayMoveForm(body_of(request), station=request.station))
    change = prepay_changes.move(prepay=found, nozzle=typed["nozzle"], actor=request.user, at=now())
    return _told(change)


@require_POST
@may("sales.settle")
@answers_json
def cancel(request: StaffRequest, pk: int) -> dict[str, Any]:
    change = prepay_changes.cancel(
        prepay=_prepay(request, pk),
        reason=checked(ReasonForm(body_of(request)))["reason"],
        actor=request.user,
        at=now(),
    )
    return _told(change)


@require_POST
@may("sales.settle")
@answers_json
def give_up(request: StaffRequest, pk: int) -> dict[str, Any]:
    """取消 without the pump's word: the second person has looked at it."""
    found, body = _prepay(request, pk), body_of(request)
    approver = approver_of(request, body, right="sales.approve")
    if approver is None:
        raise PrepayRefused("没有取消：请看过加油机的人输入账号和口令确认。")
    change = prepay_changes.give_up(prepay=found, approver=approver, actor=request.user, at=now())
    return _told(change)


def _told(change: PrepayChange) -> dict[str, Any]:
    """Whether what was asked is done, or waits for the pump."""
    return {"number": change.prepay.number, "done": change.status == PrepayChange.Status.DONE}


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
