"""Middleware: who is asking and at which station, and what becomes of a refusal nobody caught."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import cast
from urllib.parse import urlencode, urlsplit

import structlog
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url

from station import idle
from station.access import StaffRequest, stations_with_role
from station.errors import Refusal
from station.queries.people import needs_second_factor
from station.views.errors import refused

Answer = Callable[[HttpRequest], HttpResponse]


class SignInMiddleware:
    """Send a stranger to the sign-in page; give everyone else `request.station` and `request.role`.

    A view marked `open_to_all` is let through. The station is the one kept in the session, if the
    user may see it, else the first that he may. Then come the gates: a screen left alone is locked,
    owner and manager show a second factor, a one-time password is changed.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponse],
        args: tuple[object, ...],
        kwargs: dict[str, object],
    ) -> HttpResponse | None:
        if getattr(view, "right", "") is None:
            return None
        if not request.user.is_authenticated:
            return _elsewhere(request, settings.LOGIN_URL, 401)
        staff = cast(StaffRequest, request)
        staff.stations = stations_with_role(staff.user)
        staff.role = ""
        chosen = request.session.get("station")
        for station in sorted(staff.stations, key=lambda one: one.pk != chosen)[:1]:
            staff.station = station
            staff.role = getattr(station, "role")  # noqa: B009  annotated by the query
        return _gate(staff, getattr(view, "before_gates", frozenset()))


def _gate(request: StaffRequest, passed: frozenset[str]) -> HttpResponse | None:
    """Where this person has to go first; None if he may go on."""
    if idle.is_locked(request) and "lock" not in passed:
        return _elsewhere(request, "station:lock", 423)
    roles = [getattr(station, "role") for station in request.stations]  # noqa: B009
    if (
        "second_factor" not in passed
        and needs_second_factor(roles)
        and not settings.PRACTICE  # who comes by a ticket has shown it at the live station
        and not request.user.is_verified()  # type: ignore[attr-defined]  # by django_otp
    ):
        return _elsewhere(request, "station:second_factor", 401)
    if request.user.must_change_password and "password" not in passed:
        return _elsewhere(request, "station:password", 401)
    return None


def _elsewhere(request: HttpRequest, name: str, status: int) -> HttpResponse:
    """Send a page elsewhere, to come back after; a part of a page is told so by its status.

    A locked screen keeps its page (423 and the event `locked`): a basket must not be lost.
    """
    if request.headers.get("HX-Request"):
        if status == 423:
            return HttpResponse(status=status, headers={"HX-Trigger": "locked"})
        back = urlsplit(request.headers.get("HX-Current-URL", "")).path or "/"
        target = f"{resolve_url(name)}?{urlencode({'next': back})}"
        return HttpResponse(status=status, headers={"HX-Redirect": target})
    if not request.accepts("text/html"):
        return HttpResponse(status=status)
    back = request.get_full_path() if request.method == "GET" else "/"
    return redirect_to_login(back, resolve_url(name), "next")


class RefusalMiddleware:
    """A refusal that no view caught is a 409 page with its words, never a 500."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, Refusal):
            return refused(request, str(exception))
        return None


class PlainTextMiddleware:
    """Text with a NUL in an address or a form is no person's doing and no column's: a 400."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponse],
        args: tuple[object, ...],
        kwargs: dict[str, object],
    ) -> None:
        told = [*kwargs.values()]
        for form in (request.GET, request.POST):
            told += [value for values in form.lists() for value in values[1]]
        if any(isinstance(value, str) and "\x00" in value for value in told):
            raise BadRequest("NUL in the text of a request")


class RequestLogMiddleware:
    """One structured line per request: method, route, status, who."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response
        self.log = structlog.get_logger("station.requests")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        match = request.resolver_match or None
        # A wall that refreshes itself every second would drown everything else.
        quiet = request.method in ("GET", "HEAD") and response.status_code < 400
        self.log.log(
            logging.DEBUG if quiet else logging.INFO,
            "request",
            method=request.method,
            route=match.view_name if match else request.path,
            status=response.status_code,
            user=getattr(getattr(request, "user", None), "pk", None),
        )
        return response
