"""Reports of tanks: 损溢, 日平衡表, 付油统计, 分罐保管账. Column names and order as the trade has them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from finance.queries import dayrows
from finance.queries.ask import ask
from finance.queries.attributing import told_of_tanks
from finance.queries.dayrows import Dated
from finance.queries.links import link
from finance.queries.parts import TankDay
from finance.queries.periods import live_days
from finance.queries.ranges import Grain, Range
from finance.queries.reports.comparing import Cells, wording_of_rate
from finance.queries.reports.tables import live_words
from inventory.queries.attributions import said, sentences
from station.models import Station
from station.money import NO_LITRES, ZERO, Litres, permille
from station.queries import settings
from station.queries.charts import MOST_SERIES, Chart, Series
from station.queries.columns import Column
from station.queries.reporting import Figure, Head, Linked, Report, ReportTable


def tanks(*, station: Station, since: date, until: date, grain: Grain, head: Head) -> Report:
    """损溢: every tank's variance day by day, running up over the range, against the limit."""
    chosen = Range(since, until)
    live = live_days(station, chosen)
    dated = dayrows.tank_days(station=station, chosen=chosen, live=live)
    sums = dayrows.tank_totals(dated)
    limit = settings.number("inventory.variance_rate_limit", station)
    running = running_variance(dated)
    return Report(
        title="损溢分析",
        period=chosen.text,
        head=head,
        figures=(
            Figure(
                "损溢",
                sum((row.variance for row in sums), NO_LITRES),
                "gain_loss",
                note=f"累计 {wording_of_rate(dayrows.total_permille(sums))}",
            ),
            *(
                Figure(
                    f"{row.number} 号罐 {row.grade}",
                    wording_of_rate(row.variance_permille),
                    note=_light(row.variance_permille, limit),
                )
                for row in sums[:4]
            ),
        ),
        charts=(_chart(dated, sums, running),),
        tables=(
            _sum_table(sums, limit),
            _variance_table(dated, running, limit, _causes(station, dated)),
        ),
        remarks=(
            f"损溢 = 实存 − 账存；损溢率按销售升数计，限额 {limit}‰。",
            *live_words(live),
        ),
        landscape=True,
    )


def _chart(
    dated: Sequence[Dated],
    sums: Sequence[dayrows.TankSum],
    running: dict[tuple[int, date], tuple[Litres, Decimal | None]],
) -> Chart:
    days = sorted({one.date for one in dated})
    return Chart(
        "累计损溢",
        tuple(f"{day:%m-%d}" for day in days),
        tuple(
            Series(
                f"{row.number} 号罐",
                tuple(running.get((row.number, day), (None, None))[0] for day in days),
            )
            for row in sums[:MOST_SERIES]
        ),
        "line",
        "gain_loss",
        "升",
        "日期",
    )


def _light(rate: Decimal | None, limit: Decimal) -> str:
    if rate is None:
        return "未量油"
    return "超过限额" if abs(rate) > limit else "限额以内"


def running_variance(
    dated: Sequence[Dated],
) -> dict[tuple[int, date], tuple[Litres, Decimal | None]]:
    """Cumulated variance and its rate by tank and date."""
    variance: dict[int, Litres] = defaultdict(lambda: NO_LITRES)
    sold: dict[int, Litres] = defaultdict(lambda: NO_LITRES)
    found = {}
    for one in dated:
        tank = one.tank
        if tank is None:
            continue
        if tank.variance is not None:
            variance[tank.number] += tank.variance
            sold[tank.number] += tank.sold
        total = variance[tank.number]
        found[tank.number, one.date] = (total, permille(total, sold[tank.number]))
    return found


def _sum_table(sums: Sequence[dayrows.TankSum], limit: Decimal) -> ReportTable:
    return ReportTable(
        "合计",
        (
            Column("罐号", kind="code"),
            Column("油品", kind="grade"),
            Column("期初库存", kind="litres"),
            Column("卸油量", kind="litres"),
            Column("付油量", kind="litres"),
            Column("期末库存", kind="litres"),
            Column("损溢", kind="gain_loss"),
            Column("损溢率", kind="loss_rate"),
            Column("限额", kind="state"),
        ),
        [
            (
                f"{row.number}",
                row.grade,
                row.opening,
                row.received,
                row.pumped,
                row.closing,
                row.variance,
                row.variance_permille,
                Linked(
                    _light(row.variance_permille, limit),
                    tone="bad" if abs(row.variance_permille or ZERO) > limit else "good",
                ),
            )
            for row in sums
        ],
    )


def _variance_table(
    dated: Sequence[Dated],
    running: dict[tuple[int, date], tuple[Litres, Decimal | None]],
    limit: Decimal,
    causes: dict[tuple[date, int], str],
) -> ReportTable:
    rows: list[Cells] = []
    for one in dated:
        tank = one.tank
        if tank is None:
            continue
        total, rate = running[tank.number, one.date]
        over = abs(tank.variance_permille or ZERO) > limit
        rows.append(
            (
                Linked(one.date, link("finance:daily", day=one.date)),
                f"{tank.number}",
                tank.grade,
                tank.sold,
                tank.variance,
                Linked(tank.variance_permille, tone="bad" if over else ""),
                total,
                rate,
                causes.get((one.date, tank.number), tank.reason),
            )
        )
    return ReportTable(
        "逐日",
        (
            Column("日期", kind="date"),
            Column("罐号", kind="code"),
            Column("油品", kind="grade"),
            Column("销量", kind="litres"),
            Column("损溢", kind="gain_loss"),
            Column("损溢率", kind="loss_rate"),
            Column("累计损溢", kind="gain_loss"),
            Column("累计率", kind="loss_rate"),
            Column("归因"),
        ),
        rows,
    )


def _causes(station: Station, dated: Sequence[Dated]) -> dict[tuple[date, int], str]:
    """What was said of variances over the limits, by date and tank."""
    told = told_of_tanks(station, [(one.date, one.tank) for one in dated if one.tank])
    return {(one.date, one.number): said(one.row) for one in told}


def balance(*, station: Station, since: date, until: date, grain: Grain, head: Head) -> Report:
    """日平衡表: 品种, 期初库存, 出货单号, 进货数量, 期间付出, 期末库存, 实测库存, 损耗量, 损耗率."""
    chosen = Range(since, until)
    live = live_days(station, chosen)
    dated = dayrows.tank_days(station=station, chosen=chosen, live=live)
    notes = _notes(station, chosen)
    by_grade: dict[tuple[date, str], list[TankDay]] = defaultdict(list)
    for one in dated:
        if one.tank is not None:
            by_grade[one.date, one.tank.grade].append(one.tank)
    rows = [
        _balance_row(day, grade, group, notes) for (day, grade), group in sorted(by_grade.items())
    ]
    return Report(
        title="日平衡表",
        period=chosen.text,
        head=head,
        tables=(
            ReportTable(
                "按品种",
                (
                    Column("结账日期", kind="date"),
                    Column("品种", kind="grade"),
                    Column("期初库存", kind="litres"),
                    Column("出货单号", kind="code"),
                    Column("进货数量", kind="litres"),
                    Column("期间付出", kind="litres"),
                    Column("回罐与调整", kind="litres"),
                    Column("期末库存", kind="litres"),
                    Column("实测库存", kind="litres"),
                    Column("损溢量", kind="gain_loss"),
                    Column("损溢率", kind="loss_rate"),
                ),
                rows,
            ),
        ),
        remarks=(
            "期间付出为泵码走字，含回罐和自用；损溢量 = 实测 − 期末账存。",
            *sentences(
                told_of_tanks(station, [(one.date, one.tank) for one in dated if one.tank]),
                dated=since != until,
            ),
            *live_words(live),
        ),
        signatures=("制表", "计量员", "站长"),
        landscape=True,
    )


def _balance_row(
    day: date, grade: str, group: Sequence[TankDay], notes: dict[tuple[date, str], str]
) -> Cells:
    measured = all(tank.physical is not None for tank in group)
    variance = sum((tank.variance or NO_LITRES for tank in group), NO_LITRES)

    def total(name: str) -> Litres:
        return sum((getattr(tank, name) for tank in group), NO_LITRES)

    return (
        Linked(day, link("finance:daily", day=day)),
        grade,
        total("opening"),
        notes.get((day, grade), ""),
        total("received"),
        total("pumped"),
        total("returned") + total("other"),
        total("book"),
        total("physical") if measured else None,
        variance if measured else None,
        permille(variance, total("sold")) if measured else None,
    )


def _notes(station: Station, chosen: Range) -> dict[tuple[date, str], str]:
    """出货单号 of the deliveries of each date and grade."""
    rows = ask(
        """
        SELECT day.date, grade.code, STRING_AGG(delivery.note_no, '、' ORDER BY delivery.id) AS notes
        FROM inventory_delivery delivery
        JOIN station_businessday day ON day.id = delivery.day_id
        JOIN station_grade grade ON grade.id = delivery.grade_id
        WHERE delivery.station_id = %(station)s AND delivery.status = 'POSTED'
            AND day.date BETWEEN %(since)s AND %(until)s
        GROUP BY day.date, grade.code
        """,
        station=station.pk,
        since=chosen.since,
        until=chosen.until,
    )
    return {(row["date"], row["code"]): row["notes"] for row in rows}
