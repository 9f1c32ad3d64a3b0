"""Who may do what: one table, asked by every view; and the door that loads the user's stations.

A right is `app.verb` or `app.noun.verb`. The table below is the role matrix of the project; its
test walks every URL and every role. A right that is not in the table belongs to nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar, cast

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django_htmx.middleware import HtmxDetails

from station.models import Assignment, Station, User
from station.models.people import Role
from station.rights import RIGHTS

P = ParamSpec("P")
R = TypeVar("R", bound=HttpResponseBase)


class StaffRequest(HttpRequest):
    """A request whose user is signed in; `role` and `station` are set by the middleware."""

    user: User
    role: str
    station: Station
    htmx: HtmxDetails
    stations: list[Station]  # all that this person may see, by code


def may_do(role: str, right: str) -> bool:
    """Whether the role has the right."""
    return role in RIGHTS.get(right, frozenset())


def may(
    right: str,
) -> Callable[
    [Callable[Concatenate[StaffRequest, P], R]], Callable[Concatenate[HttpRequest, P], R]
]:
    """Let the view run only for a role that has the right at the request's station; else 403."""

    def decorate(
        view: Callable[Concatenate[StaffRequest, P], R],
    ) -> Callable[Concatenate[HttpRequest, P], R]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> R:
            staff = cast(StaffRequest, request)
            if not getattr(staff, "role", "") or not may_do(staff.role, right):
                raise PermissionDenied(right)
            return view(staff, *args, **kwargs)

        guarded.right = right  # type: ignore[attr-defined]
        return cast(Callable[Concatenate[HttpRequest, P], R], guarded)

    return decorate


def open_to_all(view: Callable[P, R]) -> Callable[P, R]:
    """Mark a view that needs no signing in (sign-in itself, health for machines)."""
    view.right = None  # type: ignore[attr-defined]
    return view


def while_signing_in(*gates: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark a view that is reached before a gate is passed: lock, second_factor, password.

    It stands above `may`: the person is known already, only not let in yet.
    """

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        view.before_gates = frozenset(gates)  # type: ignore[attr-defined]
        return view

    return decorate


def address_of(request: HttpRequest) -> str | None:
    """The address a request came from, for the audit; behind our own proxy the one it names."""
    forwarded: str = request.headers.get("X-Forwarded-For", "")
    if settings.HTTPS and forwarded:
        return forwarded.split(",")[-1].strip() or None
    return request.META.get("REMOTE_ADDR") or None


def stations_of(user: User) -> QuerySet[Station]:
    """The stations a user may see: those assigned, or all where an assignment names none."""
    mine = Assignment.objects.filter(user=user)
    return Station.objects.filter(
        Exists(mine.filter(station=None)) | Exists(mine.filter(station=OuterRef("pk"))), active=True
    )


# At most one row of each kind joins: `one_role_per_user_and_station`, `one_role_over_all_stations`.
_STATIONS_WITH_ROLE = """
SELECT station.*, COALESCE(own.role, overall.role) AS role
FROM station_station station
LEFT JOIN station_assignment own ON own.station_id = station.id AND own.user_id = %(user)s
LEFT JOIN station_assignment overall ON overall.station_id IS NULL AND overall.user_id = %(user)s
WHERE station.active AND COALESCE(own.role, overall.role) IS NOT NULL
ORDER BY station.code
"""


def stations_with_role(user: User) -> list[Station]:
    """The same by station code, each with the user's `role` there; one statement for a request.

    Written by hand: every request asks it, and composing it took longer than answering.
    """
    return list(Station.objects.raw(_STATIONS_WITH_ROLE, {"user": user.pk}))


def role_at(user: User, station: Station) -> str:
    """The user's role at a station: its own assignment before one over all stations; "" if none."""
    roles = dict(
        Assignment.objects.filter(user=user)
        .filter(station__in=[station])
        .values_list("station_id", "role")
    )
    if station.pk in roles:
        return roles[station.pk]
    over_all = (
        Assignment.objects.filter(user=user, station=None).values_list("role", flat=True).first()
    )
    return over_all or ""


def own_station(request: StaffRequest, station_id: int) -> Station:
    """A station by id, 404 where this person may not see it."""
    return get_object_or_404(stations_of(request.user), pk=station_id)


ROLES = [role.value for role in Role]
