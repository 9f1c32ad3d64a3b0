"""Answers to the till's script: JSON in, JSON out, a refusal as 422 with its words."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.http import HttpResponse, JsonResponse
from django.utils.timezone import now

from members.queries.finding import MemberHit
from members.queries.tier_progress import Progress, progress_of
from sales.queries.tickets import BadTicket, plain, read_id
from sales.services.settling import SessionEnded
from station.access import StaffRequest
from station.errors import Refusal
from station.models import TillSession, User
from station.queries.calendar import open_session
from station.services.approval import check_approver

P = ParamSpec("P")


def answers_json(
    view: Callable[Concatenate[StaffRequest, P], dict[str, Any]],
) -> Callable[Concatenate[StaffRequest, P], HttpResponse]:
    """Send what the view returns as JSON; a refusal is 422 and says what to do next."""

    @wraps(view)
    def answer(request: StaffRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return JsonResponse(view(request, *args, **kwargs))
        except Refusal as refusal:
            return JsonResponse({"error": str(refusal)}, status=422)

    return cast(Callable[Concatenate[StaffRequest, P], HttpResponse], answer)


def body_of(request: StaffRequest) -> dict[str, Any]:
    """The JSON object of a request, or the fields of a form. Refuses BadTicket anything else."""
    if request.content_type != "application/json":
        return {name: request.POST.get(name, "") for name in request.POST}
    try:
        # Figures stay the text they came as: no float, and nothing that is no number.
        body = json.loads(request.body, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise BadTicket("提交的内容无法识别。请刷新页面后重试。") from error
    if not isinstance(body, dict):
        raise BadTicket("提交的内容无法识别。请刷新页面后重试。")
    return body


def ids_of(body: dict[str, Any], name: str) -> list[int]:
    """A list of ids out of a request. Refuses BadTicket what is none."""
    try:
        return [read_id(one) for one in body[name]][:100]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise BadTicket("提交的内容不完整。请刷新页面后重试。") from error


def session_of(request: StaffRequest) -> TillSession:
    """The open till session of the person at the screen. Refuses when there is none here."""
    session = open_session(cashier=request.user)
    if session is None or session.station_id != request.station.pk:
        raise SessionEnded("你还没有开收银班。请先开班再收款。")
    return session


def own_session(request: StaffRequest) -> TillSession:
    """The same without what belongs to it, for a service that locks and loads it itself."""
    session = TillSession.objects.filter(
        cashier=request.user, station=request.station, status=TillSession.Status.OPEN
    ).first()
    if session is None:
        raise SessionEnded("你还没有开收银班。请先开班再收款。")
    return session


def all_shown(hits: Sequence[MemberHit], *, at: datetime) -> list[dict[str, Any]]:
    """Members as the till shows them: masked, with their tier and what is missing to the next."""
    stand = progress_of(member_ids=[hit.member_id for hit in hits], at=at)
    return [{**shown(hit), "tier": _tier(stand.get(hit.member_id))} for hit in hits]


def _tier(progress: Progress | None) -> dict[str, Any]:
    if progress is None:
        return {"name": "", "lines": [], "benefits": []}
    return {
        "name": progress.tier,
        "lines": progress.lines,
        "benefits": list(progress.benefits),
    }


def shown(hit: MemberHit) -> dict[str, Any]:
    """A member as the till shows him: masked."""
    return {
        "id": hit.member_id,
        "number": hit.number,
        "name": hit.name,
        "phone": hit.phone,
        "plates": " ".join(hit.plates),
        "status": hit.status,
        "words": hit.words,
        "exact": hit.exact,
    }


def approver_of(
    request: StaffRequest, body: dict[str, Any], *, right: str, at: datetime | None = None
) -> User | None:
    """The second person who typed account and PIN on this screen; None where nobody did."""
    name, secret = plain(body.get("approver") or ""), plain(body.get("approver_secret") or "")
    if not name:
        return None
    return check_approver(
        username=name,
        secret=secret,
        right=right,
        station=request.station,
        not_user=request.user,
        at=at or now(),
    )
