"""The owner's page: five figures against the same weekday, what to do, and what is still missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils import timezone

from devices.models import NozzleState
from finance.models import DayHour
from finance.queries import dayrows
from finance.queries.figures import Figures, day_figures
from finance.queries.links import link, on
from finance.queries.periods import live_days
from finance.queries.ranges import month_to
from finance.queries.reports.comparing import WEEK, Comparison, comparison, wording_of_rate
from finance.queries.todos import Todo, hours_left, litres_per_hour, offline_nozzles, todos
from inventory.queries.books import Level, levels
from sales.queries.cash import Custody, custody
from station.models import BusinessDay, Station
from station.money import NO_LITRES, ZERO, Litres, Yuan, round_litres
from station.queries import wording
from station.queries.reporting import Figure

# A day that opened just now says nothing yet: until then the page opens on the day before.
YOUNG = timedelta(hours=6)
SHOWN = 3


@dataclass(frozen=True)
class TankNow:
    """A tank on the page: what it holds, and how long that lasts."""

    level: Level
    hours: Decimal | None


@dataclass(frozen=True)
class OwnersPage:
    """What the owner sees first."""

    day: BusinessDay
    figures: Figures
    headline: tuple[Figure, ...]
    first: tuple[Todo, ...]
    more: tuple[Todo, ...]
    missing: tuple[str, ...]
    tanks: tuple[TankNow, ...]
    other: BusinessDay | None


def days_to_show(station: Station, at: datetime) -> list[BusinessDay]:
    """The open day and the one before it, the one to open on first. Empty before going live."""
    days = list(
        BusinessDay.objects.filter(station=station).select_related("station").order_by("-date")[:2]
    )
    if len(days) == 2 and days[0].opened_at > at - YOUNG:
        days.reverse()
    return days


def owners_page(*, day: BusinessDay, other: BusinessDay | None, at: datetime) -> OwnersPage:
    """Everything the page says about a day, asked at an instant."""
    station = day.station
    figures = day_figures(day=day)
    against = comparison(station=station, day=day.date)
    stood = levels(station)
    held = custody(station=station)
    month = month_permille(day, figures)
    wanted = todos(
        station=station,
        at=at,
        figures=figures,
        levels=stood,
        custody=held,
        month_permille=month,
    )
    pace = litres_per_hour(station, at)
    return OwnersPage(
        day=day,
        figures=figures,
        headline=headline(
            day=day, figures=figures, against=against, held=held, month_permille=month, at=at
        ),
        first=tuple(wanted[:SHOWN]),
        more=tuple(wanted[SHOWN:]),
        missing=tuple(_missing(day, figures, held, against)),
        tanks=tuple(TankNow(level, hours_left(level, pace)) for level in stood),
        other=other,
    )


def headline(
    *,
    day: BusinessDay,
    figures: Figures,
    against: Comparison,
    held: Custody,
    month_permille: Decimal | None,
    at: datetime,
) -> tuple[Figure, ...]:
    """升数, 毛利, 未缴现金 and by whom, 月损溢‰, 应收."""
    whole = day.status != BusinessDay.Status.OPEN
    weekday = wording.WEEKDAYS[day.date.weekday()]
    before = against.week.fuel_litres if against.week else None
    if not whole:
        before = _litres_until(day, at)
    return (
        Figure(
            "油品升数",
            figures.litres,
            "litres",
            "升",
            before=before,
            compare_label=f"比上周{weekday}" if whole else f"比上周{weekday}此时",
            href=link("finance:daily", day=day.date),
        ),
        Figure(
            "毛利(不含税)",
            figures.margin,
            "yuan",
            before=against.week.margin if against.week and whole else None,
            compare_label=f"比上周{weekday}" if whole else "",
            note=f"上周{weekday}全天 {wording.yuan(against.week.margin)}"
            if against.week
            else "上周同日没有数据",
            href=link("finance:report", "products", **on(day.date)),
        ),
        Figure("未缴现金", held.total, "yuan", note=_who_holds(held), href=link("sales:custody")),
        Figure(
            "月损溢率",
            wording_of_rate(month_permille),
            note="本月还没有量油" if month_permille is None else "按销售升数计，未量油的罐不计",
            href=link("finance:report", "tanks", since=day.date.replace(day=1), until=day.date),
        ),
        _receivable(figures),
    )


def _receivable(figures: Figures) -> Figure:
    due = sum((row.balance for row in figures.advances if row.is_refund_due), ZERO)
    return Figure(
        "应收",
        figures.receivable.balance,
        "yuan",
        note=f"跑单；预付应退 {wording.yuan(due)}",
        href=link("sales:drive_offs"),
    )


def _who_holds(held: Custody) -> str:
    if not held.holdings:
        return "都已存行" if not held.selling else "收银中的未计"
    names = [f"{row.name} {wording.yuan(row.amount)}" for row in held.holders[:2]]
    return "，".join(names) + ("等" if len(held.holders) > 2 else "")


def month_permille(day: BusinessDay, figures: Figures) -> Decimal | None:
    """月累计损溢率 ‰ from the first of the month to a day; None where nothing was measured.

    The day itself is known already; other days that are not frozen are asked of the facts.
    """
    chosen = month_to(day.date)
    others = [one for one in live_days(day.station, chosen) if one.pk != day.pk]
    dated = dayrows.tank_days(station=day.station, chosen=chosen, live=others)
    if day.status != BusinessDay.Status.CLOSED:
        dated += [dayrows.Dated(day.date, tank=tank) for tank in figures.tanks]
    return dayrows.total_permille(dayrows.tank_totals(dated))


def _litres_until(day: BusinessDay, at: datetime) -> Litres | None:
    """Litres of the same weekday last week up to the same time of its day; None without that day."""
    rows = dict(
        DayHour.objects.filter(station=day.station, date=day.date - WEEK).values_list(
            "hour", "litres"
        )
    )
    if not rows:
        return None
    opened, now = timezone.localtime(day.opened_at), timezone.localtime(at)
    passed = min(int((now - opened.replace(minute=0, second=0)).total_seconds() // 3600), 24)
    whole = sum(
        (rows.get((opened.hour + step) % 24, NO_LITRES) for step in range(passed)), NO_LITRES
    )
    begun = rows.get(now.hour, NO_LITRES) * now.minute / 60 if passed < 24 else NO_LITRES
    return round_litres(whole + begun)


def _silent(states: Sequence[NozzleState]) -> list[str]:
    """Nozzles that the wire does not hear, in one sentence."""
    if not states:
        return []
    named = "、".join(str(state.nozzle.number) for state in states[:6])
    who = f"{named} 号枪" if len(states) <= 6 else f"{named} 号等 {len(states)} 把枪"
    since = wording.local(min(state.since for state in states))
    return [f"{who}离线，自 {since} 起的加油要等恢复后补采"]


def _missing(
    day: BusinessDay, figures: Figures, held: Custody, against: Comparison
) -> Sequence[str]:
    """What the figures do not know yet, named."""
    said = _silent(offline_nozzles(day.station))
    if day.status == BusinessDay.Status.OPEN:
        said.append("营业日未截止，当日长短款和损溢要等班结")
    elif day.status == BusinessDay.Status.CUT:
        said.append("还没有日结，数字可能再变")
    uncounted = [row for row in held.counting if row.shift.day_id == day.pk]
    if uncounted:
        names = "、".join(dict.fromkeys(row.cashier.name for row in uncounted))
        said.append(f"{names} 还没有点款交接")
    unmeasured = [f"{tank.number} 号" for tank in figures.tanks if tank.physical is None]
    if unmeasured and day.status != BusinessDay.Status.OPEN:
        said.append(f"{'、'.join(unmeasured)}罐没有量油，不计损溢")
    if figures.unpaid:
        amount: Yuan = sum((row.amount for row in figures.unpaid), ZERO)
        said.append(f"{len(figures.unpaid)} 笔加油未付（{wording.yuan(amount)}）不在销售里")
    if against.week is None:
        said.append("上周同日没有日结数据，无可比")
    return said
