"""Reports of money: 付款方式日报 and 长短款."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from finance.queries import dayrows
from finance.queries.ask import Row, ask
from finance.queries.dayrows import Dated
from finance.queries.links import link, on
from finance.queries.parts import TenderDay, share
from finance.queries.periods import live_days
from finance.queries.ranges import Grain, Range
from finance.queries.reports.comparing import Cells
from finance.queries.reports.tables import live_words, tender_table
from station.models import Station
from station.money import ZERO
from station.queries.charts import MOST_SERIES, Chart, Series
from station.queries.columns import Column
from station.queries.reporting import Figure, Head, Linked, Report, ReportTable

COUNTS = (
    Column("营业日", kind="date"),
    Column("班次"),
    Column("收银台"),
    Column("收银员"),
    Column("付款方式"),
    Column("应有", kind="yuan"),
    Column("实点", kind="yuan"),
    Column("长短款", kind="over_short"),
    Column("原因"),
)

PEOPLE = (
    Column("收银员"),
    Column("点款次数", kind="count"),
    Column("短款", kind="over_short"),
    Column("长款", kind="over_short"),
)


def tenders(*, station: Station, since: date, until: date, grain: Grain, head: Head) -> Report:
    """付款方式日报: date by date and tender by tender, refunds beside receipts."""
    chosen = Range(since, until)
    live = live_days(station, chosen)
    dated = dayrows.tenders(station=station, chosen=chosen, live=live)
    totals = dayrows.tender_totals(dated)
    by_day: dict[date, Decimal] = defaultdict(lambda: ZERO)
    series: dict[str, dict[date, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
    for one in dated:
        if one.tender is not None:
            by_day[one.date] += one.tender.net
            series[one.tender.code][one.date] += one.tender.net
    days = sorted(by_day)
    return Report(
        title="付款方式日报",
        period=chosen.text,
        head=head,
        charts=(
            Chart(
                "每日净额",
                tuple(f"{day:%m-%d}" for day in days),
                tuple(
                    Series(row.name, tuple(series[row.code][day] for day in days))
                    for row in totals[:MOST_SERIES]
                ),
                "stack",
                "yuan",
                "元",
                "日期",
            ),
        ),
        tables=(tender_table(totals, chosen, "合计"), _dated_table(dated, by_day)),
        remarks=live_words(live),
        landscape=True,
    )


def _dated_row(day: date, row: TenderDay, whole: Decimal) -> Cells:
    return (
        Linked(day, link("finance:daily", day=day)),
        row.name,
        Linked(row.count, link("sales:sales", **on(day), tender=row.code)),
        row.received,
        row.refunded,
        row.moved,
        row.net,
        share(row.net, whole),
        row.fuel,
        row.shop,
        row.advance,
        row.litres,
        row.over_short,
    )


def _dated_table(dated: Sequence[Dated], by_day: dict[date, Decimal]) -> ReportTable:
    return ReportTable(
        "逐日",
        (
            Column("日期", kind="date"),
            Column("付款方式"),
            Column("笔数", kind="count"),
            Column("收款", kind="yuan"),
            Column("退款", kind="yuan"),
            Column("改付与预收转入", kind="yuan"),
            Column("净额", kind="yuan"),
            Column("占当日", kind="percent"),
            Column("油品", kind="yuan"),
            Column("非油", kind="yuan"),
            Column("预收增减", kind="yuan"),
            Column("付油升数", kind="litres"),
            Column("长短款", kind="over_short"),
        ),
        [
            _dated_row(one.date, one.tender, by_day[one.date])
            for one in dated
            if one.tender is not None
        ],
    )


def over_short(*, station: Station, since: date, until: date, grain: Grain, head: Head) -> Report:
    """长短款: every count that differed, and each cashier's over and short apart.

    长款不得抵短款: the two are never set against each other.
    """
    chosen = Range(since, until)
    counts = _counts(station, chosen)
    people: dict[str, list[Decimal]] = defaultdict(list)
    for row in counts:
        people[row["cashier"]].append(row["difference"])
    over, short = (
        _over(row["difference"] for row in counts),
        _short(row["difference"] for row in counts),
    )
    names = sorted(people, key=lambda name: _short(people[name]))
    return Report(
        title="长短款",
        period=chosen.text,
        head=head,
        figures=(
            Figure("短款", short, "over_short", note=_times(counts, -1)),
            Figure("长款", over, "over_short", note=_times(counts, 1)),
        ),
        charts=(
            Chart(
                "按收银员",
                tuple(names),
                (
                    Series("短款", tuple(-_short(people[name]) for name in names)),
                    Series("长款", tuple(_over(people[name]) for name in names)),
                ),
                "bar",
                "yuan",
                "元",
                "收银员",
            ),
        ),
        tables=(
            _people_table(people, counts),
            _count_table(counts),
        ),
        remarks=("长款不得抵短款：长款和短款分别合计。",),
    )


def _counts(station: Station, chosen: Range) -> list[Row]:
    """Every tender of every count of a range, in order."""
    return ask(
        """
        SELECT day.date, shift.ordinal, shift.name AS shift, till.name AS till, session.id,
            cashier.name AS cashier, tender.name AS tender, row.expected, row.counted,
            row.difference, row.reason
        FROM sales_sessiontender row
        JOIN station_businessday day ON day.id = row.day_id
        JOIN sales_tender tender ON tender.id = row.tender_id
        JOIN station_tillsession session ON session.id = row.session_id
        JOIN station_shift shift ON shift.id = session.shift_id
        JOIN station_till till ON till.id = session.till_id
        JOIN station_user cashier ON cashier.id = session.cashier_id
        WHERE day.station_id = %(station)s AND day.date BETWEEN %(since)s AND %(until)s
        ORDER BY day.date, shift.ordinal, session.id, tender.position
        """,
        station=station.pk,
        since=chosen.since,
        until=chosen.until,
    )


def _people_table(people: dict[str, list[Decimal]], counts: list[Row]) -> ReportTable:
    names = sorted(people, key=lambda name: _short(people[name]))
    short = _short(row["difference"] for row in counts)
    over = _over(row["difference"] for row in counts)
    return ReportTable(
        "按收银员",
        PEOPLE,
        [(name, len(people[name]), _short(people[name]), _over(people[name])) for name in names],
        ("合计", len(counts), short, over) if counts else (),
    )


def _count_table(counts: list[Row]) -> ReportTable:
    return ReportTable(
        "明细",
        COUNTS,
        [
            (
                row["date"],
                row["shift"],
                row["till"],
                Linked(row["cashier"], link("sales:session", row["id"])),
                row["tender"],
                row["expected"],
                row["counted"],
                row["difference"],
                row["reason"],
            )
            for row in counts
            if row["difference"]
        ],
        note="只列有差异的点款。",
        empty="这个期间每次点款都相符。",
    )


def _over(differences: Iterable[Decimal]) -> Decimal:
    return sum((one for one in differences if one > 0), ZERO)


def _short(differences: Iterable[Decimal]) -> Decimal:
    return sum((one for one in differences if one < 0), ZERO)


def _times(counts: list[Row], sign: int) -> str:
    return f"{sum(row['difference'] * sign > 0 for row in counts)} 次"
