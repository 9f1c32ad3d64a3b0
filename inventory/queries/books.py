"""The book of a tank: opening + received − pumped + returned + other, against what was measured.

A book opens on the last physical litres if there were any, else on the last book. `pumped` is
everything that passed a meter, tests and own use included; what a test gave back is `returned`.
variance = physical − book, negative is loss.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from django.db.models import F, Sum

from devices.models import Fill, TotalizerGap
from inventory.models import Dip, TankBook, TankMovement
from station.models import BusinessDay, Shift, Station, Tank
from station.money import NO_LITRES, Litres, permille

Kind = TankMovement.Kind


@dataclass(frozen=True)
class Book:
    """One tank over one shift (or one day, where `shift` is None)."""

    tank: Tank
    shift: Shift | None
    opening: Litres
    opening_is_physical: bool
    received: Litres = NO_LITRES
    pumped: Litres = NO_LITRES
    returned: Litres = NO_LITRES
    other: Litres = NO_LITRES
    sold: Litres = NO_LITRES
    physical: Litres | None = None
    dip: Dip | None = None
    reason: str = ""
    frozen: bool = False

    @property
    def book(self) -> Litres:
        """账存."""
        return self.opening + self.received - self.pumped + self.returned + self.other

    @property
    def variance(self) -> Litres | None:
        """损溢 = 实存 − 账存; None where nothing was measured."""
        return None if self.physical is None else self.physical - self.book

    @property
    def variance_permille(self) -> Decimal | None:
        """损溢率 ‰ of the litres sold."""
        return None if self.variance is None else permille(self.variance, self.sold)

    @property
    def closing(self) -> Litres:
        """What the next book opens on."""
        return self.book if self.physical is None else self.physical


@dataclass(frozen=True)
class Level:
    """A tank as it stands now by its book, with its last measurement."""

    tank: Tank
    litres: Litres
    dip: Dip | None
    book: Book

    @property
    def saleable(self) -> Litres:
        """Litres above the dead stock."""
        above: Litres = self.litres - self.tank.dead_stock_l
        return max(above, NO_LITRES)

    @property
    def ullage(self) -> Litres:
        """空容 up to the safe fill."""
        free: Litres = self.tank.safe_fill_l - self.litres
        return max(free, NO_LITRES)

    @property
    def share(self) -> int:
        """Whole per cent of the capacity."""
        return int(self.litres * 100 / self.tank.capacity_l)

    @property
    def is_low(self) -> bool:
        return bool(self.litres <= self.tank.low_alarm_l)

    @property
    def is_high(self) -> bool:
        return bool(self.litres >= self.tank.high_alarm_l)


@dataclass
class _Sums:
    received: Litres = NO_LITRES
    pumped: Litres = NO_LITRES
    returned: Litres = NO_LITRES
    other: Litres = NO_LITRES


def shift_books(shift: Shift) -> list[Book]:
    """The books of all tanks of a shift by tank number: frozen if it was closed, else live."""
    if shift.status == Shift.Status.CLOSED:
        rows = TankBook.objects.filter(shift=shift).select_related("tank__grade", "dip")
        return [from_row(row, shift) for row in rows.order_by("tank__number")]
    return live_books(shift.station)[shift.pk]


def live_books(station: Station) -> dict[int, list[Book]]:
    """Books of every shift that is not frozen yet, by shift id, each opening where the last ended.

    Seven statements whatever the tanks, shifts or fills.
    """
    shifts = list(
        Shift.objects.filter(station=station)
        .exclude(status=Shift.Status.CLOSED)
        .select_related("day", "station")
        .order_by("pk")
    )
    tanks = list(
        Tank.objects.filter(station=station, active=True).select_related("grade").order_by("number")
    )
    sums = _sums(shifts)
    dips = _handover_dips(shifts)
    openings = _openings(station, tanks)
    books: dict[int, list[Book]] = {}
    for shift in shifts:
        rows = []
        for tank in tanks:
            opening, is_physical = openings[tank.pk]
            moved = sums[tank.pk, shift.pk]
            dip = dips.get((tank.pk, shift.pk))
            book = Book(
                tank=tank,
                shift=shift,
                opening=opening,
                opening_is_physical=is_physical,
                received=moved.received,
                pumped=moved.pumped,
                returned=moved.returned,
                other=moved.other,
                sold=moved.pumped - moved.returned,
                physical=dip.net_l if dip else None,
                dip=dip,
            )
            openings[tank.pk] = (book.closing, dip is not None)
            rows.append(book)
        books[shift.pk] = rows
    return books


def levels(station: Station) -> list[Level]:
    """Every tank of a station as it stands now, by number."""
    books = live_books(station)
    last = books[max(books)] if books else _resting_books(station)
    measured = _last_dips([book.tank for book in last])
    return [
        Level(tank=book.tank, litres=book.closing, dip=measured.get(book.tank.pk), book=book)
        for book in last
    ]


def day_books(day: BusinessDay) -> list[Book]:
    """The books of a day by tank number: frozen rows if it was closed, else its shifts added up."""
    frozen = list(
        TankBook.objects.filter(day=day, shift=None)
        .select_related("tank__grade", "dip")
        .order_by("tank__number")
    )
    if frozen:
        return [from_row(row, None) for row in frozen]
    closed = TankBook.objects.filter(shift__day=day).select_related(
        "tank__grade", "dip", "shift__day"
    )
    by_tank: dict[int, list[Book]] = defaultdict(list)
    for row in closed.order_by("shift__ordinal"):
        by_tank[row.tank_id].append(from_row(row, row.shift))
    for books in live_books(day.station).values():
        for book in books:
            if book.shift is not None and book.shift.day_id == day.pk:
                by_tank[book.tank.pk].append(book)
    return sorted((add_up(books) for books in by_tank.values()), key=lambda book: book.tank.number)


def add_up(books: Sequence[Book]) -> Book:
    """Shift books of one tank, in order, as one. Its variance is the sum of theirs.

    Where any of them was measured, the whole closes on what the last closes on, so that the next
    book opens where this one ends.
    """
    first, last = books[0], books[-1]
    whole = Book(
        tank=first.tank,
        shift=None,
        opening=first.opening,
        opening_is_physical=first.opening_is_physical,
        received=sum((book.received for book in books), NO_LITRES),
        pumped=sum((book.pumped for book in books), NO_LITRES),
        returned=sum((book.returned for book in books), NO_LITRES),
        other=sum((book.other for book in books), NO_LITRES),
        sold=sum((book.sold for book in books), NO_LITRES),
        dip=next((book.dip for book in reversed(books) if book.dip), None),
        reason="；".join(book.reason for book in books if book.reason),
    )
    measured = any(book.physical is not None for book in books)
    return replace(whole, physical=last.closing if measured else None)


def from_row(row: TankBook, shift: Shift | None) -> Book:
    """A frozen book as the live one is shown."""
    return Book(
        tank=row.tank,
        shift=shift,
        opening=row.opening_l,
        opening_is_physical=row.opening_is_physical,
        received=row.received_l,
        pumped=row.pumped_l,
        returned=row.returned_l,
        other=row.other_l,
        sold=row.sold_l,
        physical=row.physical_l,
        dip=row.dip,
        reason=row.reason,
        frozen=True,
    )


def pumped_between(*, tank: Tank, since: datetime, until: datetime) -> Litres:
    """Litres of the fills of a tank that ended in (since, until]: 期间付油 of a delivery."""
    total = Fill.objects.filter(tank=tank, occurred_at__gt=since, occurred_at__lte=until).aggregate(
        total=Sum("litres")
    )["total"]
    return total or NO_LITRES


def _sums(shifts: Iterable[Shift]) -> Mapping[tuple[int, int], _Sums]:
    """What went in and out of each tank in each shift, by (tank id, shift id)."""
    ids = [shift.pk for shift in shifts]
    sums: dict[tuple[int, int], _Sums] = defaultdict(_Sums)
    fills = Fill.objects.filter(shift__in=ids).values_list("tank_id", "shift_id").order_by()
    for tank_id, shift_id, litres in fills.annotate(total=Sum("litres")):
        sums[tank_id, shift_id].pumped += litres
    # Litres that passed the meter without a fill have left the tank all the same.
    gaps = TotalizerGap.objects.filter(shift__in=ids, fill=None).values_list(
        "nozzle__tank_id", "shift_id"
    )
    for tank_id, shift_id, litres in gaps.order_by().annotate(
        total=Sum(F("litres_to") - F("litres_from"))
    ):
        sums[tank_id, shift_id].pumped += litres
    movements = TankMovement.objects.filter(shift__in=ids).exclude(kind=Kind.OPENING)
    for tank_id, shift_id, kind, litres in (
        movements.values_list("tank_id", "shift_id", "kind")
        .order_by()
        .annotate(total=Sum("litres"))
    ):
        row = sums[tank_id, shift_id]
        if kind == Kind.DELIVERY:
            row.received += litres
        elif kind == Kind.TEST_RETURN:
            row.returned += litres
        else:
            row.other += litres
    return sums


def _handover_dips(shifts: Iterable[Shift]) -> dict[tuple[int, int], Dip]:
    """The last handover dip of each tank in each shift."""
    dips = Dip.objects.filter(
        shift__in=[shift.pk for shift in shifts], purpose=Dip.Purpose.HANDOVER
    ).order_by("occurred_at", "pk")
    return {(dip.tank_id, dip.shift_id): dip for dip in dips if dip.shift_id is not None}


def _openings(station: Station, tanks: Sequence[Tank]) -> dict[int, tuple[Litres, bool]]:
    """What the first shift that is not frozen opens on, by tank id."""
    openings = {tank.pk: (NO_LITRES, False) for tank in tanks}
    last = Shift.objects.filter(station=station, status=Shift.Status.CLOSED).order_by("-pk").first()
    known = set()
    if last is not None:
        for row in TankBook.objects.filter(shift=last):
            measured = row.physical_l
            openings[row.tank_id] = (
                row.book_l if measured is None else measured,
                measured is not None,
            )
            known.add(row.tank_id)
    fresh = [tank.pk for tank in tanks if tank.pk not in known]
    if fresh:  # a tank that no closed shift knows opens on what the wizard recorded
        for movement in TankMovement.objects.filter(tank__in=fresh, kind=Kind.OPENING).order_by(
            "pk"
        ):
            openings[movement.tank_id] = (movement.litres, True)
    return openings


def _resting_books(station: Station) -> list[Book]:
    """Books of a station on which no shift is open: what its tanks stood at."""
    tanks = list(
        Tank.objects.filter(station=station, active=True).select_related("grade").order_by("number")
    )
    openings = _openings(station, tanks)
    return [
        Book(
            tank=tank,
            shift=None,
            opening=openings[tank.pk][0],
            opening_is_physical=openings[tank.pk][1],
        )
        for tank in tanks
    ]


def _last_dips(tanks: Sequence[Tank]) -> dict[int, Dip]:
    dips = Dip.objects.filter(tank__in=[tank.pk for tank in tanks])
    return {
        dip.tank_id: dip for dip in dips.order_by("tank_id", "-occurred_at").distinct("tank_id")
    }
