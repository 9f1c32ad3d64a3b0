"""Any range at any grain: frozen days added up, plus the days that are not frozen yet, live.

Only the rows of frozen days are read (`Day*` tables), never ten years of sales, so that a month
costs the same whatever lies behind it. Days that are open or being counted are asked of the facts
in the same few statements, however many they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal

from finance.models import DayFigures, DayProduct
from finance.queries import takings, trade
from finance.queries.ask import ask
from finance.queries.parts import FUEL, Head, Product, TenderDay, share
from finance.queries.ranges import Grain, Range
from station.models import BusinessDay, Station
from station.money import NO_LITRES, ZERO, Litres, Yuan, round_litres, round_yuan


@dataclass(frozen=True)
class Sums:
    """What adds up over days. Each field is a column of a frozen day."""

    fuel_litres: Litres = NO_LITRES
    fuel_net: Yuan = ZERO
    shop_net: Yuan = ZERO
    discount: Yuan = ZERO
    rounding: Yuan = ZERO
    due: Yuan = ZERO
    tax: Yuan = ZERO
    fuel_tax: Yuan = ZERO
    cost: Yuan = ZERO
    fuel_cost: Yuan = ZERO
    sales_count: int = 0
    fuel_count: int = 0
    fuel_sales_count: int = 0
    shop_count: int = 0
    both_count: int = 0
    corrections_count: int = 0
    over_short: Yuan = ZERO
    new_members: int = 0

    def __add__(self, other: Sums) -> Sums:
        return Sums(*(getattr(self, name) + getattr(other, name) for name in COLUMNS))

    @property
    def net(self) -> Yuan:
        return self.fuel_net + self.shop_net

    @property
    def margin(self) -> Yuan:
        return self.net - self.tax - self.cost

    @property
    def fuel_margin(self) -> Yuan:
        return self.fuel_net - self.fuel_tax - self.fuel_cost

    @property
    def shop_margin(self) -> Yuan:
        return self.margin - self.fuel_margin

    @property
    def margin_rate(self) -> Decimal | None:
        return share(self.margin, self.net - self.tax)

    @property
    def average_price(self) -> Yuan | None:
        return round_yuan(self.fuel_net / self.fuel_litres) if self.fuel_litres else None

    @property
    def per_car(self) -> Litres | None:
        return round_litres(self.fuel_litres / self.fuel_count) if self.fuel_count else None

    @property
    def basket(self) -> Yuan | None:
        return round_yuan(self.shop_net / self.shop_count) if self.shop_count else None

    @property
    def per_sale(self) -> Yuan | None:
        return round_yuan(self.due / self.sales_count) if self.sales_count else None

    @property
    def conversion(self) -> Decimal | None:
        return share(self.both_count, self.fuel_sales_count)


COLUMNS = tuple(field.name for field in fields(Sums))
SUM_COLUMNS = ", ".join(f"COALESCE(SUM(frozen.{name}), 0) AS {name}" for name in COLUMNS)


@dataclass(frozen=True)
class Bucket:
    """One day, week, month or year of a range."""

    start: date
    name: str
    sums: Sums


@dataclass(frozen=True)
class Period:
    """A range at a grain, with what it is compared with. `live` are its days that are not frozen."""

    range: Range
    grain: Grain
    buckets: tuple[Bucket, ...]
    total: Sums
    before: Sums
    year_before: Sums
    live: tuple[BusinessDay, ...]


def period(*, station: Station, since: date, until: date, grain: Grain) -> Period:
    """Sums by bucket over a range, with the range before and the same a year ago.

    Three statements for frozen days and five for what is not frozen yet, whatever the range.
    """
    chosen = Range(since, until)
    live = live_days(station, chosen)
    by_start: dict[date, Sums] = defaultdict(Sums)
    for row in ask(
        f"""
        SELECT DATE_TRUNC(%(grain)s, frozen.date)::date AS start, {SUM_COLUMNS}
        FROM finance_dayfigures frozen
        WHERE frozen.station_id = %(station)s AND frozen.date BETWEEN %(since)s AND %(until)s
        GROUP BY 1
        """,
        grain=grain.value,
        station=station.pk,
        since=since,
        until=until,
    ):
        start = row.pop("start")
        by_start[start] = by_start[start] + Sums(**row)
    for day, sums in live_sums(live).items():
        start = grain.start_of(day.date)
        by_start[start] = by_start[start] + sums
    buckets = tuple(
        Bucket(start, grain.name_of(start), by_start[start]) for start in sorted(by_start)
    )
    before, year_before = frozen_sums(station, [chosen.before, chosen.year_before])
    total = sum((bucket.sums for bucket in buckets), Sums())
    return Period(chosen, grain, buckets, total, before, year_before, tuple(live))


def frozen_sums(station: Station, ranges: Sequence[Range]) -> list[Sums]:
    """The sums of frozen days over each range, in one statement."""
    rows = ask(
        f"""
        SELECT wanted.ordinal, {SUM_COLUMNS}
        FROM UNNEST(%(since)s::date[], %(until)s::date[]) WITH ORDINALITY
            AS wanted (since, until, ordinal)
        LEFT JOIN finance_dayfigures frozen ON frozen.station_id = %(station)s
            AND frozen.date BETWEEN wanted.since AND wanted.until
        GROUP BY wanted.ordinal ORDER BY wanted.ordinal
        """,
        station=station.pk,
        since=[one.since for one in ranges],
        until=[one.until for one in ranges],
    )
    return [Sums(**{name: row[name] for name in COLUMNS}) for row in rows]


def live_days(station: Station, chosen: Range) -> list[BusinessDay]:
    """The days of a range that are not frozen: open, or cut and being counted."""
    days = BusinessDay.objects.filter(
        station=station, date__gte=chosen.since, date__lte=chosen.until
    ).exclude(status=BusinessDay.Status.CLOSED)
    return list(days.select_related("station").order_by("date"))


def live_sums(days: Sequence[BusinessDay]) -> dict[BusinessDay, Sums]:
    """The sums of days that are not frozen, asked of the facts."""
    if not days:
        return {}
    ids = [day.pk for day in days]
    heads, products = trade.heads(ids), trade.products(ids)
    tenders, joined = takings.tenders(ids), trade.new_members(ids)
    return {
        day: _sums_of(
            heads.get(day.pk, Head()),
            products.get(day.pk, ()),
            tenders.get(day.pk, ()),
            joined.get(day.pk, 0),
        )
        for day in days
    }


def _sums_of(
    head: Head, products: Sequence[Product], tenders: Sequence[TenderDay], joined: int
) -> Sums:
    fuels = [row for row in products if row.kind == FUEL]
    fuel_net = sum((row.net for row in fuels), ZERO)
    return Sums(
        fuel_litres=sum((row.quantity for row in fuels), NO_LITRES),
        fuel_net=fuel_net,
        shop_net=sum((row.net for row in products), ZERO) - fuel_net,
        discount=head.discount,
        rounding=head.rounding,
        due=head.due,
        tax=sum((row.tax for row in products), ZERO),
        fuel_tax=sum((row.tax for row in fuels), ZERO),
        cost=sum((row.cost for row in products), ZERO),
        fuel_cost=sum((row.cost for row in fuels), ZERO),
        sales_count=head.sales,
        fuel_count=head.fuel_lines,
        fuel_sales_count=head.fuel_sales,
        shop_count=head.shop_sales,
        both_count=head.both_sales,
        corrections_count=head.corrections,
        over_short=sum((row.over_short for row in tenders), ZERO),
        new_members=joined,
    )


def frozen_products_on(
    station: Station, dates: Sequence[date]
) -> Mapping[date, dict[str, Decimal]]:
    """Litres by grade on frozen dates, for comparisons."""
    found: dict[date, dict[str, Decimal]] = defaultdict(dict)
    rows = DayProduct.objects.filter(station=station, date__in=dates, kind=FUEL)
    for day, code, quantity in rows.values_list("date", "code", "quantity"):
        found[day][code] = quantity
    return found


def frozen_heads_on(station: Station, dates: Sequence[date]) -> dict[date, Sums]:
    """The sums of single frozen dates, for comparisons."""
    rows = DayFigures.objects.filter(station=station, date__in=dates).values("date", *COLUMNS)
    return {row.pop("date"): Sums(**row) for row in rows}
