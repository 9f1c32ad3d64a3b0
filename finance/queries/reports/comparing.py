"""What a day is held against: the same weekday of last week and of last year."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from finance.queries.parts import Product
from finance.queries.periods import Sums, frozen_heads_on, frozen_products_on
from station.models import Station
from station.money import NO_LITRES, ZERO
from station.queries import wording
from station.queries.columns import Value
from station.queries.reporting import Linked, changed

Cells = tuple[Value | Linked, ...]
WEEK, YEAR = timedelta(days=7), timedelta(days=364)  # 52 weeks: the same weekday a year ago


@dataclass(frozen=True)
class Comparison:
    """The same weekday of last week and of last year; empty where no frozen day is there."""

    day: date
    week: Sums | None
    year: Sums | None
    litres: Mapping[date, Mapping[str, Decimal]]

    def week_litres(self, grade: str) -> Decimal | None:
        return self.litres.get(self.day - WEEK, {}).get(grade)

    def year_litres(self, grade: str) -> Decimal | None:
        return self.litres.get(self.day - YEAR, {}).get(grade)

    @property
    def week_label(self) -> str:
        return f"比上周{wording.WEEKDAYS[self.day.weekday()]}"


def comparison(*, station: Station, day: date) -> Comparison:
    """What a day is held against. Two statements."""
    dates = [day - WEEK, day - YEAR]
    heads = frozen_heads_on(station, dates)
    return Comparison(
        day, heads.get(dates[0]), heads.get(dates[1]), frozen_products_on(station, dates)
    )


def whole(products: tuple[Product, ...]) -> Product:
    """Products added up as one."""
    return Product(
        kind="",
        code="",
        name="合计",
        category="",
        quantity=sum((one.quantity for one in products), NO_LITRES),
        list_amount=sum((one.list_amount for one in products), ZERO),
        discount=sum((one.discount for one in products), ZERO),
        net=sum((one.net for one in products), ZERO),
        tax=sum((one.tax for one in products), ZERO),
        cost=sum((one.cost for one in products), ZERO),
        count=sum(one.count for one in products),
    )


def against(now: Decimal, before: Decimal | None) -> str:
    """升 12.3%, 降 1.0%, or that there is nothing to compare with."""
    change = changed(now, before)
    return f"{change.word} {change.text}".strip()


def wording_of_rate(rate: Decimal | None) -> str:
    """A 损溢率 in words: 损 0.42‰; one that nobody measured is 未量油, for a dash reads as a minus."""
    return "未量油" if rate is None else wording.loss_rate(rate)
