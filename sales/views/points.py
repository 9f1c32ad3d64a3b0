"""Points of the member on a ticket, for the till's panel."""

from __future__ import annotations

from typing import Any

from django.utils.timezone import now
from django.views.decorators.http import require_POST

from sales.queries.points_till import points_on_screen
from sales.queries.tickets import read_ticket
from sales.services.points import PointsRefused
from sales.views.answers import answers_json, body_of
from station.access import StaffRequest, may


@require_POST
@may("sales.till")
@answers_json
def points(request: StaffRequest) -> dict[str, Any]:
    """What the member has, and what this ticket may spend and would earn."""
    ticket = read_ticket(body_of(request))
    if ticket.member_id is None:
        raise PointsRefused("还没有会员。请先选会员。")
    return points_on_screen(ticket=ticket, station=request.station, at=now())
