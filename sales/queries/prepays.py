"""Prepays that are open or of which something is due back."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from sales.models import Prepay
from station.models import Station


def open_prepays(*, station: Station) -> list[dict[str, Any]]:
    """Open prepays and refunds due, oldest first, ready for the screen. One statement."""
    rows = (
        Prepay.objects.filter(station=station)
        .filter(
            Q(status__in=[Prepay.Status.OPEN, Prepay.Status.FUELLING])
            | Q(refund_due__gt=0, refunded_at=None)
        )
        .select_related("nozzle", "authorisation", "sale")
        .order_by("taken_at")
    )
    return [
        {
            "id": one.pk,
            "number": one.number,
            "nozzle": one.nozzle.number,
            "amount": str(one.amount),
            "status": one.get_status_display(),
            "open": one.status in (Prepay.Status.OPEN, Prepay.Status.FUELLING),
            "authorisation": one.authorisation.get_status_display() if one.authorisation else "",
            "sold": str(one.sale.due) if one.sale else "",
            "due": str(one.refund_due),
            "at": one.taken_at.isoformat(),
        }
        for one in rows
    ]
