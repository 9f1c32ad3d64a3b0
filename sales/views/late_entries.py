"""补录 and 恢复核对, the last sales, as the till asks for them."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from devices.models import TotalizerGap
from sales.forms.receipts import CopyForm
from sales.forms.till import LateEntryForm, checked
from sales.models import Sale
from sales.queries.printing import reprints
from sales.queries.recovery import recovery as recovered
from sales.queries.till import last_sales
from sales.services import late_entries, printing
from sales.services.late_entries import EntryRefused
from sales.views.answers import answers_json, approver_of, body_of, session_of
from station.access import StaffRequest, may


@require_POST
@may("sales.late_entry")
@answers_json
def enter(request: StaffRequest) -> dict[str, Any]:
    body = body_of(request)
    typed = checked(LateEntryForm(body, station=request.station))
    approver = approver_of(request, body, right="sales.approve")
    if approver is None:
        raise EntryRefused("没有补录：请另一位有权限的人输入账号和口令审批。")
    gap = None
    if typed["gap"]:
        gap = get_object_or_404(TotalizerGap, pk=typed["gap"], station=request.station)
    entry = late_entries.enter(
        nozzle=typed["nozzle"],
        litres=typed["litres"],
        unit_price=typed["unit_price"],
        amount=typed["amount"],
        totalizer_after=typed["totalizer_after"],
        ended_at=typed["ended_at"],
        reason=typed["reason"],
        gap=gap,
        session=session_of(request),
        actor=request.user,
        approver=approver,
        at=now(),
    )
    return {"number": entry.number}


@require_GET
@may("sales.till")
@answers_json
def recovery(request: StaffRequest) -> dict[str, Any]:
    return recovered(station=request.station, at=now())


@require_GET
@may("sales.till")
@answers_json
def recent(request: StaffRequest) -> dict[str, Any]:
    sales = last_sales(session=session_of(request))
    copies = reprints([one.number for one in sales])
    return {
        "sales": [
            {
                "number": one.number,
                "kind": one.get_kind_display(),
                "due": str(one.due),
                "at": one.occurred_at.isoformat(),
                "lines": "、".join(line.name for line in one.lines.all()),
                "tenders": "、".join(
                    dict.fromkeys(payment.tender.name for payment in one.payments.all())
                ),
                "url": reverse("sales:sale", args=[one.number]),
                "reprint": reverse("sales:till_reprint", args=[one.number]),
                "copy": copies.get(one.number, 0) + 1,
            }
            for one in sales
        ]
    }


@require_POST
@may("sales.reprint")
@answers_json
def reprint(request: StaffRequest, number: str) -> dict[str, Any]:
    sale = get_object_or_404(Sale, number=number, station=request.station)
    form = CopyForm(body_of(request))
    copy = form.cleaned_data["copy"] if form.is_valid() else None
    receipt = printing.reprint(sale=sale, actor=request.user, at=now(), copy=copy)
    return {"copy": receipt.copy}
