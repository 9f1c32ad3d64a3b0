"""Who is on duty now."""

from __future__ import annotations

from django.db.models import QuerySet

from station.models import Shift, Station, User


def on_duty(station: Station) -> QuerySet[User]:
    """The crew of the open shift; nobody before the first was opened."""
    shifts = Shift.objects.filter(station=station, status=Shift.Status.OPEN)
    return User.objects.filter(pk__in=shifts.values("crew__user"), is_active=True).order_by("pk")
