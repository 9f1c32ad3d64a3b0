"""Middleware: who is asking and at which station, and what becomes of a refusal nobody caught."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import cast

import structlog
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse

from station.access import StaffRequest, stations_with_role
from station.errors import Refusal
from station.views.errors import refused

Answer = Callable[[HttpRequest], HttpResponse]


class SignInMiddleware:
    """Send a stranger to the sign-in page; give everyone else `request.station` and `request.role`.

    A view marked `open_to_all` is let through. The station is the one kept in the session, if the
    user may see it, else the first that he may.
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
            return redirect_to_login(request.get_full_path(), settings.LOGIN_URL)
        staff = cast(StaffRequest, request)
        staff.stations = stations_with_role(staff.user)
        staff.role = ""
        chosen = request.session.get("station")
        for station in sorted(staff.stations, key=lambda one: one.pk != chosen)[:1]:
            staff.station = station
            staff.role = getattr(station, "role")  # noqa: B009  annotated by the query
        return None


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
