"""练习 in the practice station: the scenarios, one attempt as it goes, and how it ended."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from finance.queries.practice import progress
from finance.queries.practice.table import BY_SLUG, HINT_COSTS
from finance.services.practice import staging
from station.access import StaffRequest, may
from station.context import page_for
from station.errors import Refusal
from station.models import PracticeAttempt
from station.models.people import Role
from station.services.practice import PIN

P = ParamSpec("P")
PAGES = (
    ("收银台", "sales:till"),
    ("现场看板", "sales:wall"),
    ("告警", "devices:alarms"),
    ("销售单", "sales:sales"),
    ("收银班", "sales:sessions"),
)


def _in_practice(
    view: Callable[Concatenate[StaffRequest, P], HttpResponse],
) -> Callable[Concatenate[StaffRequest, P], HttpResponse]:
    """A live station has no such page."""

    @wraps(view)
    def guarded(request: StaffRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not settings.PRACTICE:
            raise Http404
        return view(request, *args, **kwargs)

    return cast(Callable[Concatenate[StaffRequest, P], HttpResponse], guarded)


@never_cache
@require_GET
@may("station.practice")
@_in_practice
def index(request: StaffRequest) -> HttpResponse:
    return _index(request)


@require_POST
@may("station.practice")
@_in_practice
def start(request: StaffRequest, slug: str) -> HttpResponse:
    if slug not in BY_SLUG:
        raise Http404
    try:
        attempt = staging.start(slug=slug, station=request.station, actor=request.user, at=now())
    except Refusal as refusal:
        return _index(request, refusal=str(refusal))
    return redirect("finance:practice_attempt", attempt.key)


@never_cache
@require_GET
@may("station.practice")
@_in_practice
def attempt(request: StaffRequest, key: UUID) -> HttpResponse:
    held = _found(request, key)
    if request.htmx and held.ended_at is not None:  # the time was up
        return HttpResponse(headers={"HX-Refresh": "true"})
    template = "finance/_practice_told.html" if request.htmx else "finance/practice_attempt.html"
    return render(request, template, _content(request, held))


@require_POST
@may("station.practice")
@_in_practice
def hint(request: StaffRequest, key: UUID) -> HttpResponse:
    return _act(request, key, staging.hint)


@require_POST
@may("station.practice")
@_in_practice
def finish(request: StaffRequest, key: UUID) -> HttpResponse:
    return _act(request, key, staging.finish)


def _act(request: StaffRequest, key: UUID, deed: Callable[..., object]) -> HttpResponse:
    held = _found(request, key)
    try:
        deed(attempt=held, actor=request.user, at=now())
    except Refusal as refusal:
        content = {**_content(request, _found(request, key)), "refusal": str(refusal)}
        return render(request, "finance/practice_attempt.html", content, status=422)
    return redirect("finance:practice_attempt", key)


def _found(request: StaffRequest, key: UUID) -> PracticeAttempt:
    rows = PracticeAttempt.objects.filter(user=request.user, station=request.station)
    return get_object_or_404(rows, key=key)


def _index(request: StaffRequest, refusal: str = "") -> HttpResponse:
    content = {
        "course": progress.course(user=request.user, role=request.role),
        "running": progress.running_of(request.user),
        "role": Role(request.role).label,
        "pin": PIN,
        "refusal": refusal,
        "session_open": page_for("sales:session_open", request.role),
    }
    return render(request, "finance/practice.html", content, status=422 if refusal else 200)


def _content(request: StaffRequest, held: PracticeAttempt) -> dict[str, object]:
    hints, more = progress.hints_of(held)
    links = [(label, page_for(name, request.role)) for label, name in PAGES]
    return {
        "attempt": held,
        "scenario": BY_SLUG[held.scenario],
        "deadline": staging.deadline(held),
        "told": progress.told_of(held),
        "hints": hints,
        "more_hints": more,
        "hint_costs": HINT_COSTS,
        "pin": PIN,
        "links": [(label, href) for label, href in links if href],
    }
