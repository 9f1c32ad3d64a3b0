"""付油统计 and 分罐保管账: what left through the nozzles, and each tank's own ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from finance.queries import dayrows
from finance.queries.ask import Row, ask
from finance.queries.links import link
from finance.queries.parts import TankDay
from finance.queries.periods import live_days
from finance.queries.ranges import Grain, Range
from finance.queries.reports.comparing import Cells
from finance.queries.reports.tables import live_words
from finance.queries.reports.tanks import running_variance
from station.models import Station
from station.money import NO_LITRES, ZERO, Litres
from station.queries.charts import Chart, Series
from station.queries.columns import Column
from station.queries.reporting import Head, Linked, Report, ReportTable

PUMPED = (
    Column("油品", kind="grade"),
    Column("油罐", kind="code"),
    Column("枪号", kind="code"),
    Column("泵码数", kind="litres"),
    Column("回罐", kind="litres"),
    Column("自用", kind="litres"),
    Column("付油合计", kind="litres"),
    Column("金额", kind="yuan"),
    Column("订单升数", kind="litres"),
    Column("订单金额", kind="yuan"),
    Column("差异升数", kind="more_less"),
)


def pumped(*, station: Station, since: date, until: date, grain: Grain, head: Head) -> Report:
    """付油统计: 油品, 油罐, 泵码数, 回罐, 付油合计, 金额, by nozzle. Runs are those of closed shifts."""
    chosen = Range(since, until)
    live = live_days(station, chosen)
    rows = _nozzle_rows(station, chosen)
    names = ("run", "tests", "own_use", "sold", "amount", "claimed", "claimed_amount", "difference")
    return Report(
        title="付油统计",
        period=chosen.text,
        head=head,
        charts=(
            Chart(
                "付油升数",
                tuple(f"{row['nozzle']} 号枪" for row in rows),
                (Series("付油合计", tuple(row["sold"] for row in rows)),),
                "bar",
                "litres",
                "升",
                "油枪",
            ),
        ),
        tables=(
            ReportTable(
                "按油枪",
                PUMPED,
                [_pumped_row(row, names, chosen) for row in rows],
                (
                    *("合计", "", ""),
                    *(sum((row[name] for row in rows), ZERO) for name in names),
                )
                if rows
                else (),
            ),
            _by_grade(rows),
        ),
        remarks=("泵码取自已班结的班次；当班未班结的走字在班结后计入。", *live_words(live)),
        landscape=True,
    )


def _nozzle_rows(station: Station, chosen: Range) -> list[Row]:
    """What each nozzle ran in the closed shifts of a range."""
    return ask(
        """
        SELECT grade.code AS grade, tank.number AS tank, nozzle.number AS nozzle, nozzle.id,
            SUM(row.run) AS run, SUM(row.tests) AS tests, SUM(row.own_use) AS own_use,
            SUM(row.sold) AS sold, SUM(row.sold_amount) AS amount, SUM(row.claimed) AS claimed,
            SUM(row.claimed_amount) AS claimed_amount, SUM(row.difference) AS difference
        FROM sales_shiftnozzle row
        JOIN station_businessday day ON day.id = row.day_id
        JOIN station_grade grade ON grade.id = row.grade_id
        JOIN station_tank tank ON tank.id = row.tank_id
        JOIN station_nozzle nozzle ON nozzle.id = row.nozzle_id
        WHERE day.station_id = %(station)s AND day.date BETWEEN %(since)s AND %(until)s
        GROUP BY grade.position, grade.code, tank.number, nozzle.number, nozzle.id
        ORDER BY grade.position, tank.number, nozzle.number
        """,
        station=station.pk,
        since=chosen.since,
        until=chosen.until,
    )


def _by_grade(rows: Sequence[Row]) -> ReportTable:
    sold: dict[str, Decimal] = defaultdict(lambda: NO_LITRES)
    for row in rows:
        sold[row["grade"]] += row["sold"]
    return ReportTable(
        "按油品",
        (Column("油品", kind="grade"), Column("付油合计", kind="litres")),
        list(sold.items()),
    )


def _pumped_row(row: Row, names: Sequence[str], chosen: Range) -> Cells:
    fills = link("devices:fills", since=chosen.since, until=chosen.until, nozzle=row["id"])
    return (
        row["grade"],
        f"{row['tank']}",
        Linked(f"{row['nozzle']}", fills),
        *(row[name] for name in names),
    )


def custody(*, station: Station, since: date, until: date, grain: Grain, head: Head) -> Report:
    """分罐保管账: each tank's own ledger, day by day, with deliveries, water and running variance."""
    chosen = Range(since, until)
    live = live_days(station, chosen)
    dated = dayrows.tank_days(station=station, chosen=chosen, live=live)
    running = running_variance(dated)
    arrived = _arrivals(station, chosen)
    water = _water(station, chosen)
    by_tank: dict[int, list[tuple[date, TankDay]]] = defaultdict(list)
    for one in dated:
        if one.tank is not None:
            by_tank[one.tank.number].append((one.date, one.tank))
    return Report(
        title="分罐保管账",
        period=chosen.text,
        head=head,
        tables=tuple(
            _ledger(number, rows, running, arrived, water)
            for number, rows in sorted(by_tank.items())
        ),
        remarks=("进货损溢 = 实收 − 计划量（原发升数按罐分摊）。", *live_words(live)),
        signatures=("保管员", "计量员", "站长"),
        landscape=True,
    )


def _ledger(
    number: int,
    days: Sequence[tuple[date, TankDay]],
    running: dict[tuple[int, date], tuple[Litres, Decimal | None]],
    arrived: dict[tuple[int, date], Row],
    water: dict[tuple[int, date], Row],
) -> ReportTable:
    rows: list[Cells] = []
    for day, tank in days:
        came = arrived.get((number, day), {})
        wet = water.get((number, day), {})
        rows.append(
            (
                Linked(day, link("finance:daily", day=day)),
                came.get("planned"),
                came.get("before"),
                came.get("after"),
                tank.received,
                came.get("received", NO_LITRES) - came["planned"] if came else None,
                tank.pumped,
                tank.book,
                tank.physical,
                wet.get("height"),
                wet.get("litres"),
                tank.variance,
                running[number, day][0],
            )
        )
    return ReportTable(
        f"{number} 号罐 {days[-1][1].grade}",
        (
            Column("日期", kind="date"),
            Column("计划量", kind="litres"),
            Column("卸前升数", kind="litres"),
            Column("卸后升数", kind="litres"),
            Column("实收", kind="litres"),
            Column("进货损溢", kind="gain_loss"),
            Column("日付油", kind="litres"),
            Column("账存", kind="litres"),
            Column("罐存", kind="litres"),
            Column("水高(mm)", kind="count"),
            Column("水量", kind="litres"),
            Column("日损溢", kind="gain_loss"),
            Column("累计损溢", kind="gain_loss"),
        ),
        rows,
    )


def _arrivals(station: Station, chosen: Range) -> dict[tuple[int, date], Row]:
    """Deliveries by tank and date: planned, before, after, received."""
    rows = ask(
        """
        SELECT tank.number, day.date, SUM(part.planned_l) AS planned,
            MIN(before.net_l) AS before, MAX(after.net_l) AS after,
            COALESCE(SUM(part.received_l), 0.000) AS received
        FROM inventory_deliverytank part
        JOIN inventory_delivery delivery ON delivery.id = part.delivery_id
        JOIN station_businessday day ON day.id = delivery.day_id
        JOIN station_tank tank ON tank.id = part.tank_id
        LEFT JOIN inventory_dip before ON before.id = part.before_id
        LEFT JOIN inventory_dip after ON after.id = part.after_id
        WHERE delivery.station_id = %(station)s AND delivery.status = 'POSTED'
            AND day.date BETWEEN %(since)s AND %(until)s
        GROUP BY tank.number, day.date
        """,
        station=station.pk,
        since=chosen.since,
        until=chosen.until,
    )
    return {(row["number"], row["date"]): row for row in rows}


def _water(station: Station, chosen: Range) -> dict[tuple[int, date], Row]:
    """Water of the dip on which each tank's day was closed."""
    rows = ask(
        """
        SELECT DISTINCT ON (tank.number, day.date) tank.number, day.date,
            dip.water_height_mm AS height, dip.water_l AS litres
        FROM inventory_tankbook book
        JOIN station_businessday day ON day.id = book.day_id
        JOIN station_tank tank ON tank.id = book.tank_id
        JOIN inventory_dip dip ON dip.id = book.dip_id
        WHERE day.station_id = %(station)s AND day.date BETWEEN %(since)s AND %(until)s
        ORDER BY tank.number, day.date, dip.occurred_at DESC
        """,
        station=station.pk,
        since=chosen.since,
        until=chosen.until,
    )
    return {(row["number"], row["date"]): row for row in rows}
