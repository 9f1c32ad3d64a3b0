"""价格分段: a price change splits the run of a nozzle; the next segment opens where the last closed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from devices.models import MeterChange, TotalizerReading
from devices.queries import totalizers
from devices.queries.totalizers import Reading
from station.models import Nozzle, PriceLine, Shift
from station.money import ZERO, Litres, Yuan, round_yuan
from station.queries import prices


@dataclass(frozen=True)
class Segment:
    """A part of a run at one posted price; the meter's epochs come along for changed meters."""

    opening: Litres
    closing: Litres
    litres: Litres
    price: Yuan | None
    opening_epoch: int = 0
    closing_epoch: int = 0

    @property
    def amount(self) -> Yuan:
        """Litres × price, rounded once per segment as on paper."""
        return self.worth(without=Decimal(0))

    def worth(self, *, without: Litres) -> Yuan:
        """What the segment's litres less some that earn nothing are worth."""
        return ZERO if self.price is None else round_yuan((self.litres - without) * self.price)

    def holds(self, after: Reading) -> bool:
        """Whether a totalizer falls into this segment."""
        stands = (after.epoch, after.litres)
        first, last = (self.opening_epoch, self.opening), (self.closing_epoch, self.closing)
        return first < stands <= last


@dataclass(frozen=True)
class Edges:
    """The price a nozzle opens with and each reading at which another came into force."""

    price: Yuan | None
    changes: tuple[tuple[Reading, Yuan], ...] = ()


def segments_of(*, shift: Shift, nozzles: Sequence[Nozzle]) -> Mapping[int, Edges]:
    """Prices over a shift by nozzle id. Three statements."""
    posted = prices.prices_at(station=shift.station, at=shift.opened_at)
    rows = TotalizerReading.objects.filter(
        kind=TotalizerReading.Kind.PRICE,
        nozzle__station=shift.station_id,
        occurred_at__gt=shift.opened_at,
    )
    readings = list(rows.order_by("occurred_at", "pk"))
    changed = {
        (line.change.number, line.grade_id): line.price
        for line in PriceLine.objects.filter(
            change__station=shift.station_id,
            change__number__in={row.document for row in readings},
        ).select_related("change")
    }
    by_nozzle: dict[int, list[TotalizerReading]] = defaultdict(list)
    for row in readings:
        by_nozzle[row.nozzle_id].append(row)
    found = {}
    for nozzle in nozzles:
        grade = nozzle.tank.grade_id
        found[nozzle.pk] = Edges(
            posted.get(grade),
            tuple(
                (
                    Reading(row.nozzle_id, row.meter_epoch, row.litres, row.occurred_at),
                    changed[row.document, grade],
                )
                for row in by_nozzle[nozzle.pk]
                if (row.document, grade) in changed
            ),
        )
    return found


def priced(
    edges: Edges, *, opening: Reading, closing: Reading, changes: Sequence[MeterChange]
) -> list[Segment]:
    """The run cut at each price change. Empty pieces before a change are left out."""
    pieces: list[Segment] = []
    start, price = opening, edges.price
    ends: list[tuple[Reading, Yuan | None]] = [*edges.changes, (closing, None)]
    for end, following in ends:
        if _stands(end) <= _stands(start) and end is not closing:
            price = following  # nothing was delivered before this price came
            continue
        if _stands(end) > _stands(closing):  # acknowledged after the handover: the next shift's
            end, following = closing, None
        inside = [change for change in changes if start.epoch < change.epoch <= end.epoch]
        litres = totalizers.run_between(start, end, inside)
        if litres or (end is closing and not pieces):
            pieces.append(Segment(start.litres, end.litres, litres, price, start.epoch, end.epoch))
        if end is closing:
            break
        start, price = end, following
    return pieces


def _stands(reading: Reading) -> tuple[int, Litres]:
    return reading.epoch, reading.litres
