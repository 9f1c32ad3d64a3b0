"""挂单与取单, and baskets that were thrown away."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from members.queries.finding import member_by_id
from sales.forms.till import BasketVoidForm, ParkForm, ReasonForm, checked
from sales.models import ParkedTicket
from sales.queries.till import parked_tickets
from sales.services import parking
from sales.views.answers import all_shown, answers_json, body_of, session_of
from station.access import StaffRequest, may


@require_GET
@may("sales.till")
@answers_json
def parked(request: StaffRequest) -> dict[str, Any]:
    return {
        "parked": [
            {
                "id": one.pk,
                "number": one.number,
                "label": one.label,
                "total": str(one.total),
                "lines": len(one.basket.get("lines", [])),
                "by": one.parked_by.name,
                "till": one.parked_session.till.name,
                "at": one.parked_at.isoformat(),
            }
            for one in parked_tickets(station=request.station)
        ]
    }


@require_POST
@may("sales.settle")
@answers_json
def park(request: StaffRequest) -> dict[str, Any]:
    body = body_of(request)
    typed = checked(ParkForm(body))
    basket = body.get("basket")
    one = parking.park(
        basket=basket if isinstance(basket, dict) else {},
        total=typed["total"],
        label=typed["label"],
        session=session_of(request),
        actor=request.user,
        at=now(),
    )
    return {"number": one.number}


@require_POST
@may("sales.settle")
@answers_json
def recall(request: StaffRequest, pk: int) -> dict[str, Any]:
    found = get_object_or_404(ParkedTicket, pk=pk, station=request.station)
    one = parking.recall(parked=found, session=session_of(request), at=now())
    member = one.basket.get("member")
    hit = member_by_id(member) if isinstance(member, int) else None
    known = all_shown([hit] if hit else [], at=now())
    return {"number": one.number, "basket": one.basket, "member": known[0] if known else None}


@require_POST
@may("sales.void")
@answers_json
def void_parked(request: StaffRequest, pk: int) -> dict[str, Any]:
    found = get_object_or_404(ParkedTicket, pk=pk, station=request.station)
    parking.void_parked(
        parked=found,
        reason=checked(ReasonForm(body_of(request)))["reason"],
        actor=request.user,
        at=now(),
    )
    return {"number": found.number}


@require_POST
@may("sales.void_line")
@answers_json
def void_line(request: StaffRequest) -> dict[str, Any]:
    return _void(request)


@require_POST
@may("sales.void")
@answers_json
def void_basket(request: StaffRequest) -> dict[str, Any]:
    return _void(request)


def _void(request: StaffRequest) -> dict[str, Any]:
    typed = checked(BasketVoidForm(body_of(request)))
    parking.void_basket(
        lines=typed["lines"],
        total=typed["total"],
        reason=typed["reason"],
        session=session_of(request),
        actor=request.user,
        at=now(),
    )
    return {}
