"""Fills: what was delivered, asked by nozzle, tank, shift or time."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet, Sum

from devices.models import Fill
from station.models import Nozzle, Shift, Tank
from station.money import Litres


def litres_run(
    *,
    tank: Tank | None = None,
    nozzle: Nozzle | None = None,
    shift: Shift | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Litres:
    """Litres delivered by a tank or a nozzle in a shift or between two instants (since < t ≤ until)."""
    fills: QuerySet[Fill] = Fill.objects.all()
    if tank is not None:
        fills = fills.filter(tank=tank)
    if nozzle is not None:
        fills = fills.filter(nozzle=nozzle)
    if shift is not None:
        fills = fills.filter(shift=shift)
    if since is not None:
        fills = fills.filter(occurred_at__gt=since)
    if until is not None:
        fills = fills.filter(occurred_at__lte=until)
    total: Litres | None = fills.aggregate(total=Sum("litres"))["total"]
    return total or Decimal("0.000")
