"""损耗剔温: the same losses at Vt and at V20, and what only the temperature did.

V20 of a measurement is what was recorded with it, so one method serves a whole reconciliation.
    V20 balance: variance₂₀ = physical₂₀ − (opening₂₀ + received₂₀ − out·f),
        out = pumped − returned ∓ other, f the mean of the opening and the closing factor V20/Vt
    剔温损溢 = variance₂₀ ÷ closing factor;  罐存温差 = variance − 剔温损溢
    进油温差 = received·β·(t_tank − t_depot), of the difference between received and issued
Opening and closing temperature are those of the dips between which a book runs; without one of
them nothing is said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import QuerySet

from inventory.models import Delivery, DeliveryTank, Dip
from inventory.queries.books import Book
from inventory.queries.reconciliation import Dated, Grain, rate_of, slot_of
from station.models import Station, Tank
from station.money import NO_LITRES, Litres, round_litres, split_litres

Slot = tuple[date, int, int]  # date and ordinal of a line, tank id


@dataclass(frozen=True)
class Received:
    """What one delivery brought into one tank, beside its share of what the depot issued.

    `thermal`: what warmed or cooled on the way; None where a temperature is missing.
    """

    document: str
    tank_id: int
    day_id: int | None
    shift_id: int | None
    issued: Litres
    issued_v20: Litres | None
    received: Litres
    received_v20: Litres | None
    thermal: Litres | None

    @property
    def variance(self) -> Litres:
        """进油损溢 = 实收 − 原发."""
        return self.received - self.issued

    @property
    def variance_v20(self) -> Litres | None:
        if self.received_v20 is None or self.issued_v20 is None:
            return None
        return self.received_v20 - self.issued_v20


@dataclass(frozen=True)
class Thermal:
    """A tank over a slot of time, at Vt and without the temperature. None: something was not measured."""

    variance: Litres | None = None
    variance_v20: Litres | None = None
    free: Litres | None = None
    sold: Litres = NO_LITRES
    opening_temp: Decimal | None = None
    closing_temp: Decimal | None = None
    deliveries: tuple[Received, ...] = ()

    @property
    def stock(self) -> Litres | None:
        """罐存温差: what the tank's own oil grew or shrank by."""
        if self.variance is None or self.free is None:
            return None
        return self.variance - self.free

    @property
    def received(self) -> Litres | None:
        """进油温差 of the deliveries; None where one of them has no temperature."""
        return total_of(one.thermal for one in self.deliveries)

    @property
    def delivered(self) -> Litres:
        """进油损溢 of the deliveries."""
        return sum((one.variance for one in self.deliveries), NO_LITRES)

    @property
    def whole(self) -> Litres | None:
        """温差影响: of what came in, and of what lay there."""
        return total_of((self.stock, self.received))

    @property
    def free_permille(self) -> Decimal | None:
        return None if self.free is None else rate_of(self.free, self.sold)


def total_of(parts: Iterable[Litres | None]) -> Litres | None:
    """The sum, or None where one part is unknown."""
    known = NO_LITRES
    for part in parts:
        if part is None:
            return None
        known += part
    return known


def deliveries_of(*, station: Station, since: date, until: date) -> list[Received]:
    """Every part of every delivery posted in a range. One statement."""
    return received_of(
        DeliveryTank.objects.filter(
            delivery__station=station,
            delivery__status=Delivery.Status.POSTED,
            delivery__day__station=station,
            delivery__day__date__range=(since, until),
        )
    )


def received_of(parts: QuerySet[DeliveryTank]) -> list[Received]:
    """Deliveries by tank, each note shared out by what every tank received."""
    notes: dict[int, list[DeliveryTank]] = defaultdict(list)
    for part in parts.select_related("delivery__grade", "after").order_by("delivery_id", "tank_id"):
        notes[part.delivery_id].append(part)
    return [one for note in notes.values() for one in _shared(note)]


def _shared(note: Sequence[DeliveryTank]) -> list[Received]:
    delivery = note[0].delivery
    weights = [max(part.received_l or NO_LITRES, NO_LITRES) for part in note]
    if not sum(weights):
        weights = [part.planned_l for part in note]
    shares = split_litres(delivery.issued_l, weights) if sum(weights) else [NO_LITRES for _ in note]
    return [_received(part, share) for part, share in zip(note, shares, strict=True)]


def _received(part: DeliveryTank, share: Litres) -> Received:
    delivery, beta = part.delivery, part.delivery.grade.expansion
    depot = delivery.issued_temp_c
    tank = part.after.temp_c if part.after else None
    litres = part.received_l or NO_LITRES
    return Received(
        document=delivery.number,
        tank_id=part.tank_id,
        day_id=delivery.day_id,
        shift_id=delivery.shift_id,
        issued=share,
        issued_v20=None if depot is None else round_litres(share - share * (depot - 20) * beta),
        received=litres,
        received_v20=part.received_v20_l,
        thermal=None
        if depot is None or tank is None
        else thermal_of(litres, beta=beta, tank=tank, depot=depot),
    )


def thermal_of(received: Litres, *, beta: Decimal, tank: Decimal, depot: Decimal) -> Litres:
    """thermal = received·β·(t_tank − t_depot): warmer in the tank is more litres."""
    return round_litres(received * beta * (tank - depot))


def factor_of(dip: Dip | None, tank: Tank) -> Decimal | None:
    """V20/Vt of a measurement; of an empty tank by the coefficient; None without a temperature."""
    if dip is None or dip.temp_c is None:
        return None
    by_coefficient: Decimal = 1 - (dip.temp_c - 20) * tank.grade.expansion
    measured: Litres = dip.net_l
    return dip.v20_l / measured if dip.v20_l is not None and measured else by_coefficient


@dataclass
class _Chain:
    """A tank from one measurement to the next: what it opened on, and what moved since."""

    litres: Litres | None = None
    factor: Decimal | None = None
    temp: Decimal | None = None
    moved: Litres = NO_LITRES  # out without deliveries: pumped − returned − other
    received: Litres = NO_LITRES
    received_v20: Litres | None = NO_LITRES
    sold: Litres = NO_LITRES

    def take(self, book: Book, parts: Sequence[Received]) -> None:
        if self.litres is None:
            self.litres = book.opening
        self.moved += book.pumped - book.returned - book.other
        self.sold += book.sold
        self.received += book.received
        known = total_of(part.received_v20 for part in parts)
        if known is None or self.received_v20 is None:
            self.received_v20 = None
        else:
            self.received_v20 += known
            # Litres in the book that no delivery with a V20 brought are at the tank's temperature.
            self.moved -= book.received - sum((part.received for part in parts), NO_LITRES)

    def end(self, book: Book) -> tuple[Litres, Litres] | None:
        """(variance₂₀, 剔温损溢) at a measurement; None where a temperature is missing."""
        closing = factor_of(book.dip, book.tank)
        if closing is None or self.factor is None or self.received_v20 is None:
            return None
        if self.litres is None or book.physical is None:
            return None
        out = self.moved * (self.factor + closing) / 2
        standard = book.physical * closing - (self.litres * self.factor + self.received_v20 - out)
        return round_litres(standard), round_litres(standard / closing)


def thermals(
    rows: Sequence[Dated], received: Sequence[Received], *, grain: Grain
) -> dict[Slot, Thermal]:
    """Every tank and slot of time, by the slot. Books before the range give it its first temperature."""
    parts = _by_book(received, by_shift=grain == Grain.SHIFT)
    chains: dict[int, _Chain] = defaultdict(_Chain)
    found: dict[Slot, list[Thermal]] = defaultdict(list)
    for row in rows:
        book = row.book
        shift = book.shift.pk if grain == Grain.SHIFT and book.shift else None
        own = parts.get((row.day_id, shift, book.tank.pk), ())
        chain = chains[book.tank.pk]
        chain.take(book, own)
        found[*slot_of(row, grain), book.tank.pk].append(_thermal(chain, book, own))
        if book.physical is not None:
            chains[book.tank.pk] = _Chain(
                litres=book.physical,
                factor=factor_of(book.dip, book.tank),
                temp=book.dip.temp_c if book.dip else None,
            )
    return {slot: _added(group) for slot, group in found.items()}


def _by_book(
    received: Sequence[Received], *, by_shift: bool
) -> Mapping[tuple[int | None, int | None, int], Sequence[Received]]:
    found: dict[tuple[int | None, int | None, int], list[Received]] = defaultdict(list)
    for one in received:
        found[one.day_id, one.shift_id if by_shift else None, one.tank_id].append(one)
    return found


def _thermal(chain: _Chain, book: Book, own: Sequence[Received]) -> Thermal:
    standard = chain.end(book)
    return Thermal(
        variance=book.variance,
        variance_v20=None if standard is None else standard[0],
        free=None if standard is None else standard[1],
        sold=NO_LITRES if book.physical is None else chain.sold,
        opening_temp=chain.temp,
        closing_temp=book.dip.temp_c if book.dip else None,
        deliveries=tuple(own),
    )


def _added(group: Sequence[Thermal]) -> Thermal:
    """Several in order as one. What was not measured adds nothing; a missing temperature leaves it open."""
    if len(group) == 1:
        return group[0]
    measured = [one for one in group if one.variance is not None]
    return Thermal(
        variance=total_of(one.variance for one in measured) if measured else None,
        variance_v20=total_of(one.variance_v20 for one in measured) if measured else None,
        free=total_of(one.free for one in measured) if measured else None,
        sold=sum((one.sold for one in measured), NO_LITRES),
        opening_temp=group[0].opening_temp,
        closing_temp=group[-1].closing_temp,
        deliveries=tuple(part for one in group for part in one.deliveries),
    )
