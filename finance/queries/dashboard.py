"""The manager's dashboard: today live, within seconds of a sale."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from finance.queries import trade
from finance.queries.frozen import digest
from finance.queries.links import link, on
from finance.queries.owner import TankNow
from finance.queries.parts import FUEL, Hour, Product
from finance.queries.periods import Sums, frozen_heads_on, live_sums
from finance.queries.reports.comparing import WEEK
from finance.queries.todos import Todo, hours_left, litres_per_hour
from inventory.queries.books import levels
from sales.models import Sale
from station.models import Alert, BusinessDay, Station
from station.queries import wording
from station.queries.charts import Chart, Series
from station.queries.reporting import Figure

LAST = 8


@dataclass(frozen=True)
class Dashboard:
    """Today at an instant."""

    day: BusinessDay
    figures: tuple[Figure, ...]
    fuels: tuple[Product, ...]
    sales: tuple[Sale, ...]
    tanks: tuple[TankNow, ...]
    alerts: tuple[Todo, ...]
    hours: tuple[Hour, ...]

    @property
    def etag(self) -> str:
        """Moves when anything on the page does, but not with the clock."""
        return digest(
            [
                [f"{figure.value}" for figure in self.figures],
                [sale.number for sale in self.sales],
                [f"{tank.level.litres}" for tank in self.tanks],
                [alert.text for alert in self.alerts],
            ]
        )[:24]

    @property
    def chart(self) -> Chart:
        by_hour = {row.hour: row.litres for row in self.hours}
        return Chart(
            "今日各时段销量",
            tuple(f"{hour}时" for hour in range(24)),
            (Series("升数", tuple(by_hour.get(hour) for hour in range(24))),),
            "bar",
            "litres",
            "升",
            "时段",
        )


def dashboard(*, station: Station, at: datetime) -> Dashboard | None:
    """Today's sums, last sales, tanks and alerts; None before the station went live."""
    day = (
        BusinessDay.objects.filter(station=station, status=BusinessDay.Status.OPEN)
        .select_related("station")
        .first()
    )
    if day is None:
        return None
    sums = live_sums([day])[day]
    week = frozen_heads_on(station, [day.date - WEEK]).get(day.date - WEEK)
    sold = trade.products([day.pk]).get(day.pk, ())
    pace = litres_per_hour(station, at)
    last = Sale.objects.filter(day=day).select_related("cashier").order_by("-pk")[:LAST]
    live = Alert.objects.filter(station=station, status=Alert.Status.OPEN).order_by("-pk")[:5]
    return Dashboard(
        day=day,
        figures=_figures(day, sums, week),
        fuels=tuple(row for row in sold if row.kind == FUEL),
        sales=tuple(last),
        tanks=tuple(TankNow(level, hours_left(level, pace)) for level in levels(station)),
        alerts=tuple(
            Todo(0, _level(row.level), row.text, row.url or link("station:alerts")) for row in live
        ),
        hours=trade.hours([day.pk]).get(day.pk, ()),
    )


def _level(level: str) -> int:
    return {"CRITICAL": 3, "WARNING": 2}.get(level, 1)


def _figures(day: BusinessDay, sums: Sums, week: Sums | None) -> tuple[Figure, ...]:
    weekday = f"上周{wording.WEEKDAYS[day.date.weekday()]}全天"

    def note(text: str | None) -> str:
        return f"{weekday} {text}" if text and week else ""

    sales = link("sales:sales", **on(day.date))
    return (
        Figure(
            "油品升数",
            sums.fuel_litres,
            "litres",
            "升",
            note=note(wording.litres(week.fuel_litres) if week else None),
            href=sales,
        ),
        Figure(
            "销售额",
            sums.net,
            "yuan",
            note=note(wording.yuan(week.net) if week else None),
            href=sales,
        ),
        Figure(
            "非油销售额",
            sums.shop_net,
            "yuan",
            note=f"油非转化率 {wording.percent(sums.conversion)}",
            href=sales,
        ),
        Figure(
            "毛利(不含税)",
            sums.margin,
            "yuan",
            note=note(wording.yuan(week.margin) if week else None),
        ),
        Figure("单数", sums.sales_count, "count", note=f"加油 {sums.fuel_count} 笔", href=sales),
        Figure("新增会员", sums.new_members, "count"),
    )
