"""检定回罐, 自用, 跑单: a fill of the till's list that is no sale; and the list of drive-offs."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.shortcuts import get_object_or_404
from django.utils.timezone import now
from django.views.decorators.http import require_POST

from devices.models import Fill
from sales.forms.till import DriveOffForm, UseForm, checked
from sales.services import disposals
from sales.services.disposals import DisposalRefused
from sales.views.answers import answers_json, approver_of, body_of, session_of
from station.access import StaffRequest, may
from station.queries.columns import Tone
from station.services import attachments

TONES: dict[str, Tone] = {"OPEN": "bad", "RECOVERED": "good", "WRITTEN_OFF": "off"}


def _fill(request: StaffRequest, pk: int) -> Fill:
    return get_object_or_404(Fill, pk=pk, station=request.station)


@require_POST
@may("sales.dispose_fill")
@answers_json
def use(request: StaffRequest, pk: int) -> dict[str, Any]:
    fill, body = _fill(request, pk), body_of(request)
    typed = checked(UseForm(body))
    approver = approver_of(request, body, right="sales.approve")
    if approver is None:
        raise DisposalRefused("没有登记：请另一位有权限的人输入账号和口令审批。")
    used = disposals.use_fill(
        fill=fill,
        kind=typed["kind"],
        reason=typed["reason"],
        session=session_of(request),
        actor=request.user,
        approver=approver,
        at=now(),
    )
    return {"number": used.number}


@require_POST
@may("sales.dispose_fill")
@answers_json
def drive_off(request: StaffRequest, pk: int) -> dict[str, Any]:
    fill = _fill(request, pk)
    form = DriveOffForm(request.POST or body_of(request), request.FILES)
    typed = checked(form)
    at = now()
    with transaction.atomic():  # the photo belongs to the drive-off or neither is kept
        gone = disposals.drive_off(
            fill=fill,
            plate=typed["plate"],
            note=typed["note"],
            session=session_of(request),
            actor=request.user,
            at=at,
        )
        if typed["photo"]:
            attachments.add(
                station=request.station,
                document=gone.number,
                upload=typed["photo"],
                at=at,
                actor=request.user,
            )
    return {"number": gone.number}
