"""Parts of days over a range: products, hours, tenders and tanks. Frozen rows, plus what is live."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from finance.models import DayHour, DayTank, DayTender
from finance.queries import forecourt, takings, trade
from finance.queries.ask import ask
from finance.queries.parts import Hour, Product, TankDay, TenderDay
from finance.queries.ranges import Range
from station.models import BusinessDay, Station
from station.money import NO_LITRES, Litres, permille

PRODUCT_SUMS = ("quantity", "list_amount", "discount", "net", "tax", "cost", "count", "refunded")
TENDER_SUMS = (
    *("count", "received", "refunded", "moved", "net", "fuel", "shop", "advance"),
    *("litres", "over_short"),
)


@dataclass(frozen=True)
class TankSum:
    """One tank over a range: opening of the first day, closing of the last, and the moves between."""

    number: int
    grade: str
    opening: Litres
    received: Litres
    pumped: Litres
    returned: Litres
    other: Litres
    sold: Litres
    closing: Litres
    variance: Litres
    measured_sold: Litres

    @property
    def variance_permille(self) -> Decimal | None:
        """累计损溢率 ‰ over the days that were measured."""
        return permille(self.variance, self.measured_sold)


@dataclass(frozen=True)
class Dated:
    """A part of a day with the day's date."""

    date: date
    tank: TankDay | None = None
    tender: TenderDay | None = None


def products(*, station: Station, chosen: Range, live: Sequence[BusinessDay]) -> list[Product]:
    """Every product of a range by net, largest first; fuel and goods alike."""
    rows = ask(
        """
        SELECT kind, code, (ARRAY_AGG(name ORDER BY date DESC))[1] AS name,
            (ARRAY_AGG(category ORDER BY date DESC))[1] AS category,
            SUM(quantity) AS quantity, SUM(list_amount) AS list_amount,
            SUM(discount) AS discount, SUM(net) AS net, SUM(tax) AS tax, SUM(cost) AS cost,
            SUM(count)::int AS count
        FROM finance_dayproduct
        WHERE station_id = %(station)s AND date BETWEEN %(since)s AND %(until)s
        GROUP BY kind, code
        """,
        station=station.pk,
        since=chosen.since,
        until=chosen.until,
    )
    found = {(row["kind"], row["code"]): Product(**row) for row in rows}
    for parts in trade.products([day.pk for day in live]).values() if live else ():
        for part in parts:
            key = (part.kind, part.code)
            found[key] = _joined(found[key], part) if key in found else part
    return sorted(found.values(), key=lambda row: (-row.net, row.code))


def _joined(left: Product, right: Product) -> Product:
    words = {name: getattr(right, name) for name in ("kind", "code", "name", "category")}
    return Product(**words, **_added(left, right, PRODUCT_SUMS))


def hours(
    *, station: Station, chosen: Range, live: Sequence[BusinessDay]
) -> dict[date, list[Hour]]:
    """The hours of every day of a range, by date."""
    found: dict[date, list[Hour]] = defaultdict(list)
    rows = DayHour.objects.filter(
        station=station, date__gte=chosen.since, date__lte=chosen.until
    ).values_list("date", "hour", "count", "litres", "net")
    for day, hour, count, litres, net in rows:
        found[day].append(Hour(hour, count, litres, net))
    live_hours = trade.hours([day.pk for day in live]) if live else {}
    for one in live:
        found[one.date].extend(live_hours.get(one.pk, ()))
    return found


def tenders(*, station: Station, chosen: Range, live: Sequence[BusinessDay]) -> list[Dated]:
    """Every tender of every day of a range, by date and in the order of the tenders."""
    found = [
        Dated(row.pop("date"), tender=TenderDay(**row))
        for row in DayTender.objects.filter(
            station=station, date__gte=chosen.since, date__lte=chosen.until
        )
        .order_by("date", "pk")
        .values("date", "code", "name", *TENDER_SUMS)
    ]
    live_tenders = takings.tenders([day.pk for day in live]) if live else {}
    found += [Dated(day.date, tender=row) for day in live for row in live_tenders.get(day.pk, ())]
    return found


def tender_totals(rows: Iterable[Dated]) -> list[TenderDay]:
    """Tenders added up over their days, largest first."""
    found: dict[str, TenderDay] = {}
    for dated in rows:
        row = dated.tender
        if row is None:
            continue
        before = found.get(row.code)
        found[row.code] = (
            row
            if before is None
            else TenderDay(row.code, row.name, **_added(before, row, TENDER_SUMS))
        )
    return sorted(found.values(), key=lambda row: (-row.net, row.code))


def _added(left: object, right: object, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(left, name) + getattr(right, name) for name in names}


def tank_days(*, station: Station, chosen: Range, live: Sequence[BusinessDay]) -> list[Dated]:
    """日平衡 of every tank on every day of a range, by date and tank."""
    found = [
        Dated(row.date, tank=_tank_of(row))
        for row in DayTank.objects.filter(
            station=station, date__gte=chosen.since, date__lte=chosen.until
        ).order_by("date", "tank_number")
    ]
    tanks = forecourt.tanks(live)
    found += [Dated(day.date, tank=row) for day in live for row in tanks[day.pk]]
    return found


def _tank_of(row: DayTank) -> TankDay:
    return TankDay(
        number=row.tank_number,
        grade=row.grade_code,
        opening=row.opening_l,
        received=row.received_l,
        pumped=row.pumped_l,
        returned=row.returned_l,
        other=row.other_l,
        sold=row.sold_l,
        book=row.book_l,
        physical=row.physical_l,
        variance=row.variance_l,
        price=row.price,
    )


def tank_totals(rows: Iterable[Dated]) -> list[TankSum]:
    """Tanks added up over their days, by number. Days without a measurement have no variance."""
    by_tank: dict[int, list[TankDay]] = defaultdict(list)
    for dated in rows:
        if dated.tank is not None:
            by_tank[dated.tank.number].append(dated.tank)
    return [_tank_sum(days) for _, days in sorted(by_tank.items())]


def _tank_sum(days: Sequence[TankDay]) -> TankSum:
    measured = [day for day in days if day.variance is not None]

    def total(name: str, rows: Sequence[TankDay] = days) -> Litres:
        return sum((getattr(row, name) for row in rows), NO_LITRES)

    return TankSum(
        number=days[0].number,
        grade=days[-1].grade,
        opening=days[0].opening,
        received=total("received"),
        pumped=total("pumped"),
        returned=total("returned"),
        other=total("other"),
        sold=total("sold"),
        closing=days[-1].closing,
        variance=total("variance", measured),
        measured_sold=total("sold", measured),
    )


def total_permille(rows: Sequence[TankSum]) -> Decimal | None:
    """损溢率 ‰ over all tanks; None where nothing was measured."""
    variance = sum((row.variance for row in rows), NO_LITRES)
    return permille(variance, sum((row.measured_sold for row in rows), NO_LITRES))
