"""Which business day, shift and session is open."""

from __future__ import annotations

from station.models import BusinessDay, Shift, Station, Till, TillSession, User


def open_day(station: Station) -> BusinessDay | None:
    """The business day that takes new facts now; None before the station went live."""
    return BusinessDay.objects.filter(station=station, status=BusinessDay.Status.OPEN).first()


def open_shift(station: Station) -> Shift | None:
    """The shift on duty; None before the first was opened."""
    return (
        Shift.objects.select_related("day")
        .filter(station=station, status=Shift.Status.OPEN)
        .first()
    )


def open_session(*, till: Till | None = None, cashier: User | None = None) -> TillSession | None:
    """The open session of a till, of a cashier, or of both."""
    sessions = TillSession.objects.select_related(
        "station", "shift__day", "till", "cashier"
    ).filter(status=TillSession.Status.OPEN)
    if till is not None:
        sessions = sessions.filter(till=till)
    if cashier is not None:
        sessions = sessions.filter(cashier=cashier)
    return sessions.first()
