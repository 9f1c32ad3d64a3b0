"""打印队列: receipts by state, and the printers with how their last paper went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Count, OuterRef, QuerySet, Subquery

from devices.models import Printer
from devices.queries.printers import Light, printer_light
from sales.models import Receipt
from station.models import Station
from station.queries.listing import within


@dataclass(frozen=True)
class PrinterRow:
    """A printer in use, its last paper, and which test print comes next."""

    printer: Printer
    last: Receipt | None
    next_trial: int
    light: Light


def receipts_of(
    *, station: Station, status: str = "", kind: str = "", since: date | None = None, text: str = ""
) -> QuerySet[Receipt]:
    """Receipts of a station by state, kind, day asked for and part of the number."""
    rows = Receipt.objects.filter(station=station).select_related("printer", "asked_by")
    if status:
        rows = rows.filter(status=status)
    if kind:
        rows = rows.filter(kind=kind)
    if text:
        rows = rows.filter(document__icontains=text.strip())
    return within(rows, "asked_at", since=since)


def printer_rows(*, station: Station, at: datetime) -> list[PrinterRow]:
    """The printers in use by name. Three statements."""
    newest = Receipt.objects.filter(printer=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    printers = list(
        Printer.objects.filter(station=station, active=True)
        .select_related("till", "state")
        .annotate(last_id=Subquery(newest))
        .order_by("name", "pk")
    )
    last = Receipt.objects.in_bulk([one.last_id for one in printers if one.last_id])
    trials = dict(
        Receipt.objects.filter(printer__in=printers, kind=Receipt.Kind.TRIAL)
        .values_list("printer")
        .annotate(Count("pk"))
        .order_by("printer")
    )
    return [
        PrinterRow(
            one, last.get(one.last_id or 0), trials.get(one.pk, 0) + 1, printer_light(one, at)
        )
        for one in printers
    ]


def reprints(documents: Sequence[str]) -> dict[str, int]:
    """How often each document was printed again. One statement."""
    rows = Receipt.objects.filter(document__in=documents, kind=Receipt.Kind.REPRINT)
    return dict(rows.values_list("document").annotate(Count("pk")).order_by("document"))
