"""恢复核对: after a power cut, what was posted last and what every totalizer has run since."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from devices.models import Fill, NozzleState, TotalizerGap
from devices.queries.totalizers import latest
from sales.models import Sale
from sales.queries.unpaid import unpaid_fills
from station.models import Nozzle, Station
from station.money import round_yuan
from station.queries.prices import prices_at

NEAR = Decimal("0.011")


def recovery(*, station: Station, at: datetime, count: int = 5) -> dict[str, Any]:
    """The last sales, each nozzle's totalizer against its last fill, and what is missing.

    What is missing comes as a proposal: a fill to be paid, or litres without a fill that a late
    entry would explain (with the totalizer, the posted price and the amount filled in).
    """
    sales = Sale.objects.filter(station=station).order_by("-pk")[:count]
    readings, prices = latest(station=station), prices_at(station=station, at=at)
    busy = set(
        NozzleState.objects.filter(
            nozzle__station=station, state__in=["FUELLING", "SUSPENDED"]
        ).values_list("nozzle_id", flat=True)
    )
    last = _last_fills(station)
    nozzles, missing = [], []
    for nozzle in Nozzle.objects.filter(station=station, active=True).order_by("number"):
        reading, fill = readings.get(nozzle.pk), last.get(nozzle.pk)
        run = Decimal(0)
        if reading and fill and reading.epoch == fill.meter_epoch:
            run = max(reading.litres - fill.totalizer_after, Decimal(0))
        nozzles.append(
            {
                "number": nozzle.number,
                "totalizer": str(reading.litres) if reading else "",
                "last": str(fill.totalizer_after) if fill else "",
                "run": str(run),
                "busy": nozzle.pk in busy,
            }
        )
        if run > NEAR and nozzle.pk not in busy and fill and reading:
            price = prices.get(fill.grade_id, fill.unit_price)
            missing.append(_proposal(nozzle, run, price, reading.litres))
    missing += _from_gaps(station, known={one["nozzle"] for one in missing})
    return {
        "sales": [
            {"number": one.number, "due": str(one.due), "at": one.occurred_at.isoformat()}
            for one in sales
        ],
        "nozzles": nozzles,
        "unpaid": [
            {"id": one.pk, "nozzle": one.nozzle.number, "amount": str(one.amount)}
            for one in unpaid_fills(station=station)
        ],
        "missing": missing,
    }


def _last_fills(station: Station) -> dict[int, Fill]:
    fills = (
        Fill.objects.filter(station=station, nozzle__active=True)
        .order_by("nozzle_id", "-meter_epoch", "-totalizer_after")
        .distinct("nozzle_id")
    )
    return {fill.nozzle_id: fill for fill in fills}


def _from_gaps(station: Station, *, known: set[int]) -> list[dict[str, Any]]:
    gaps = (
        TotalizerGap.objects.filter(station=station, explained_at=None)
        .exclude(nozzle__in=known)
        .select_related("nozzle")
        .order_by("found_at")
    )
    return [
        _proposal(
            gap.nozzle, gap.litres_to - gap.litres_from, gap.unit_price, gap.litres_to, gap=gap.pk
        )
        for gap in gaps
    ]


def _proposal(
    nozzle: Nozzle,
    litres: Decimal,
    price: Decimal | None,
    totalizer: Decimal,
    gap: int | None = None,
) -> dict[str, Any]:
    return {
        "nozzle": nozzle.pk,
        "number": nozzle.number,
        "litres": str(litres),
        "unit_price": str(price) if price is not None else "",
        "amount": str(round_yuan(litres * price)) if price is not None else "",
        "totalizer_after": str(totalizer),
        "gap": gap,
    }
