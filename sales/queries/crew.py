"""Who may be put on duty, receive, witness or approve at a station."""

from __future__ import annotations

from station.models import Assignment, Crew, Island, Shift, Station, User
from station.rights import RIGHTS


def people(*, station: Station, right: str = "sales.shift.view") -> list[User]:
    """Active people of a station whose role has a right, by name."""
    roles = RIGHTS[right]
    here = Assignment.objects.filter(role__in=roles, user__is_active=True)
    found = here.filter(station=station) | here.filter(station=None)
    return sorted({row.user for row in found.select_related("user")}, key=lambda one: one.name)


def islands(station: Station) -> list[Island]:
    """The islands at which attendants stand."""
    return list(Island.objects.filter(station=station, active=True).order_by("number"))


def crew_of(shift: Shift) -> list[Crew]:
    """Who is on duty in a shift, the leader first."""
    return list(shift.crew.select_related("user", "island").order_by("pk"))


def last_named(*, station: Station, name: str, before: Shift) -> Shift | None:
    """The newest shift of a name before the one on duty: whoever worked it likely comes again."""
    earlier = Shift.objects.filter(station=station, name=name, pk__lt=before.pk)
    return earlier.select_related("day", "leader").order_by("-pk").first()
