"""The till's screen: the page, its pulse, its goods, and taking payment."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from devices.models import ReadRule, Swipe
from devices.queries.printers import has_drawer
from devices.services import whispering
from sales.queries import till as screen
from sales.queries.points_till import gained_by
from sales.queries.tickets import read_id, read_ticket
from sales.services import leasing, settling
from sales.views.answers import answers_json, approver_of, body_of, ids_of, own_session, session_of
from sales.views.topups import proven
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.queries import settings
from station.queries.calendar import open_session

# What the script calls, by name; those with an id carry 0 in its place.
ADDRESSES = (
    "till_pulse",
    "till_catalogue",
    "settle",
    "lease",
    "put_back",
    "set_free",
    "parked",
    "park",
    "void_line",
    "void_basket",
    "prepays",
    "prepay_new",
    "late_entry",
    "recovery",
    "recent",
    "till_enrol",
    "till_worker",
    "till_members",
    "till_member_present",
    "till_value",
    "till_topup",
    "till_kiosk_order",
    "till_points",
    "till_quote",
    "till_release",
    "till_join",
    "till_mall",
    "till_reward_tile",
    "till_reward_hint",
    "till_redeem",
    "till_use_code",
    "till_display",
    "till_drawer",
)
WITH_ID = (
    "recall",
    "void_parked",
    "prepay_move",
    "prepay_cancel",
    "prepay_give_up",
    "prepay_refund",
    "fill_use",
    "fill_drive_off",
    "till_confirm",
    "till_hand_out",
    "till_reward_slip",
)


@require_GET
@may("sales.till")
def till(request: StaffRequest) -> HttpResponse:
    session = open_session(cashier=request.user)
    if session is None or session.station_id != request.station.pk:
        return render(
            request,
            "sales/till_closed.html",
            {"elsewhere": session, "open_href": reverse("sales:session_open")},
        )
    setup = screen.setup_of(session, role=request.role)
    setup["rights"] = [
        right for right in ("sales.approve", "sales.tender_change") if may_do(request.role, right)
    ]
    last = Swipe.objects.order_by("-pk").values_list("pk", flat=True).first()
    setup["swipe"] = last or 0
    setup["guardian_age"] = settings.whole("members.guardian_age", request.station)
    setup["urls"] = {name: reverse(f"sales:{name}") for name in ADDRESSES} | {
        name: reverse(f"sales:{name}", args=[0]) for name in WITH_ID
    }
    setup["urls"]["reads"] = reverse("devices:typed_read")
    setup["urls"]["upload"] = reverse("sales:upload", args=[session.till_id])
    content = {
        "session": session,
        "setup": setup,
        "may_open_drawer": may_do(request.role, "sales.drawer") and has_drawer(session.till),
    }
    return render(request, "sales/till.html", content)


@require_GET
@may("sales.till")
def pulse(request: StaffRequest) -> HttpResponse:
    """What changes each second; an unchanged till costs a 304."""
    try:
        session = session_of(request)
    except Refusal as refusal:
        return JsonResponse({"error": str(refusal)}, status=409)
    payload = screen.pulse(session=session, at=now(), swipes_after=_known(request))
    for scan in payload["scans"]:
        # The mask is all that is kept; the code itself is said to its till once.
        key = scan.pop("key")
        if scan["meaning"] == ReadRule.Meaning.PAYMENT_CODE:
            scan["text"] = whispering.take(key) or scan["text"]
    return _tagged(request, payload)


def _known(request: HttpRequest) -> int:
    """The last swipe that the page has seen; nothing sensible is none."""
    try:
        return read_id(request.GET.get("swipe", ""))
    except ValueError:
        return 0


@require_GET
@may("sales.till")
def catalogue(request: StaffRequest) -> HttpResponse:
    """All goods and services, for the till's own search."""
    return _tagged(request, {"items": screen.catalogue()})


def _tagged(request: HttpRequest, payload: dict[str, Any]) -> HttpResponse:
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:24]}"'
    if request.headers.get("If-None-Match") == tag:
        answer: HttpResponse = HttpResponseNotModified()
    else:
        answer = HttpResponse(text, content_type="application/json")
    answer["ETag"] = tag
    answer["Cache-Control"] = "private, no-cache"
    return answer


@require_POST
@may("sales.settle")
@answers_json
def settle(request: StaffRequest) -> dict[str, Any]:
    body = body_of(request)
    ticket = proven(read_ticket(body), body, at=now())
    sale = settling.settle(
        ticket,
        session=own_session(request),
        actor=request.user,
        at=now(),
        approver=approver_of(request, body, right="sales.approve"),
    )
    tendered = sum((one.amount for one in ticket.tenders), Decimal(0))
    return {
        "number": sale.number,
        "due": str(sale.due),
        "tendered": str(tendered),
        "change": str(tendered - sale.due),
        "points": gained_by(sale),
    }


@require_POST
@may("sales.settle")
@answers_json
def lease(request: StaffRequest) -> dict[str, Any]:
    until = leasing.lease(
        fill_ids=ids_of(body_of(request), "fills"), session=session_of(request), at=now()
    )
    return {"until": until.isoformat()}


@require_POST
@may("sales.settle")
@answers_json
def put_back(request: StaffRequest) -> dict[str, Any]:
    session = session_of(request)
    return {"freed": leasing.put_back(fill_ids=ids_of(body_of(request), "fills"), session=session)}


@require_POST
@may("sales.approve")
@answers_json
def set_free(request: StaffRequest) -> dict[str, Any]:
    for fill_id in ids_of(body_of(request), "fills"):
        leasing.set_free(fill_id=fill_id, station=request.station, actor=request.user, at=now())
    return {}
