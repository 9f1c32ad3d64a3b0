"""Tables and words that several reports share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from finance.queries.links import link
from finance.queries.parts import Hour, TenderDay, share
from finance.queries.periods import Period
from finance.queries.ranges import Range
from finance.queries.reports.comparing import Cells
from station.models import BusinessDay
from station.money import NO_LITRES, ZERO, round_litres
from station.queries import wording
from station.queries.columns import Column
from station.queries.reporting import Linked, ReportTable


def said_of_live(found: Period) -> tuple[str, ...]:
    """Which days are not frozen yet, and so may still move; and what the range is compared with."""
    compared = f"上期为 {found.range.before.text}；同期为 {found.range.year_before.text}。"
    return (compared, *live_words(found.live))


def live_words(live: Sequence[BusinessDay]) -> tuple[str, ...]:
    """Which days of a report may still move."""
    if not live:
        return ()
    names = "、".join(f"{day.date}（{day.get_status_display()}）" for day in live)
    return (f"{names} 尚未日结，数字为实时值。",)


def tender_table(rows: Sequence[TenderDay], chosen: Range, title: str) -> ReportTable:
    """Tenders of a range: received, refunded, net, what it paid for, share, over and short."""
    net = sum((row.net for row in rows), ZERO)
    sums = ("received", "refunded", "moved", "net", "fuel", "shop", "advance")
    return ReportTable(
        title,
        (
            Column("付款方式"),
            Column("笔数", kind="count"),
            Column("收款", kind="yuan"),
            Column("退款", kind="yuan"),
            Column("改付与预收转入", kind="yuan"),
            Column("净额", kind="yuan"),
            Column("油品", kind="yuan"),
            Column("非油", kind="yuan"),
            Column("预收增减", kind="yuan"),
            Column("占比", kind="percent"),
            Column("长短款", kind="over_short"),
        ),
        [
            (
                row.name,
                Linked(
                    row.count,
                    link("sales:sales", since=chosen.since, until=chosen.until, tender=row.code),
                ),
                *(getattr(row, name) for name in sums),
                share(row.net, net),
                row.over_short,
            )
            for row in rows
        ],
        (
            "合计",
            sum(row.count for row in rows),
            *(sum((getattr(row, name) for row in rows), ZERO) for name in sums),
            "",
            sum((row.over_short for row in rows), ZERO),
        )
        if rows
        else (),
    )


def weekday_table(found: Period, by_hour: dict[date, list[Hour]]) -> ReportTable:
    """Average litres and net of each weekday, with its busiest hour."""
    days: dict[int, list[date]] = defaultdict(list)
    for day in by_hour:
        days[day.weekday()].append(day)
    rows: list[Cells] = []
    for weekday in sorted(days):
        hours: dict[int, Decimal] = defaultdict(lambda: NO_LITRES)
        for day in days[weekday]:
            for hour in by_hour[day]:
                hours[hour.hour] += hour.litres
        litres = sum(hours.values(), NO_LITRES)
        net = sum((hour.net for day in days[weekday] for hour in by_hour[day]), ZERO)
        count = sum(hour.count for day in days[weekday] for hour in by_hour[day])
        busiest = max(hours, key=lambda hour: hours[hour])
        rows.append(
            (
                f"周{wording.WEEKDAYS[weekday]}",
                len(days[weekday]),
                round_litres(litres / len(days[weekday])),
                count,
                litres,
                net,
                f"{busiest}–{busiest + 1} 时",
            )
        )
    return ReportTable(
        "星期",
        (
            Column("星期"),
            Column("天数", kind="count"),
            Column("日均升数(L)", kind="litres"),
            Column("加油笔数", kind="count"),
            Column("升数(L)", kind="litres"),
            Column("实收", kind="yuan"),
            Column("高峰时段"),
        ),
        rows,
        note="时段与星期的明细见“时段与星期”报表。",
    )
