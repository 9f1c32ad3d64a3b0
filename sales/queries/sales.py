"""Sales as lists and details ask for them."""

from __future__ import annotations

from datetime import date

from django.db.models import Q, QuerySet

from sales.models import Sale
from station.models import Station


def sales_of(
    *,
    station: Station,
    since: date | None = None,
    until: date | None = None,
    kind: str = "",
    source: str = "",
    tender: str = "",
    cashier: int | None = None,
    shift: int | None = None,
    session: int | None = None,
    grade: str = "",
    text: str = "",
) -> QuerySet[Sale]:
    """Sales of a station by business day, kind, source, tender, people, grade, or part of a number."""
    sales = Sale.objects.filter(station=station)
    if since:
        sales = sales.filter(day__date__gte=since)
    if until:
        sales = sales.filter(day__date__lte=until)
    exact = {
        "kind": kind,
        "source": source,
        "cashier_id": cashier,
        "shift_id": shift,
        "session_id": session,
    }
    sales = sales.filter(**{name: value for name, value in exact.items() if value})
    if tender:
        sales = sales.filter(pk__in=Sale.objects.filter(payments__tender__code=tender).values("pk"))
    if grade:
        sales = sales.filter(pk__in=Sale.objects.filter(lines__grade__code=grade).values("pk"))
    if text.strip():
        sales = sales.filter(_named(text.strip()))
    return sales


def _named(text: str) -> Q:
    return Q(number__icontains=text) | Q(client_key=text)


def sale_of(*, station: Station, number: str) -> QuerySet[Sale]:
    """The sale of a number at a station with everything its page shows."""
    return (
        Sale.objects.filter(station=station, number=number)
        .select_related(
            "station", "day", "shift__day", "till", "cashier", "member", "original", "approved_by"
        )
        .prefetch_related(
            "lines__fill__nozzle",
            "lines__grade",
            "lines__item",
            "lines__attendant",
            "payments__tender",
            "corrections",
        )
    )
