"""经营报表: the owner's month (or any range) on one page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from finance.queries import dayrows
from finance.queries.dayrows import TankSum
from finance.queries.links import link
from finance.queries.parts import FUEL, Product, share
from finance.queries.periods import Bucket, Period, Sums, period
from finance.queries.ranges import Grain, Range
from finance.queries.reports.comparing import Cells, against, wording_of_rate
from finance.queries.reports.tables import said_of_live, tender_table, weekday_table
from station.models import Station
from station.money import NO_LITRES, ZERO
from station.queries import wording
from station.queries.charts import MOST_SERIES, Chart, Series
from station.queries.columns import Column
from station.queries.reporting import Figure, Head, Linked, Report, ReportTable

MOST_PRODUCTS = 20


def operating(*, station: Station, since: date, until: date, grain: Grain, head: Head) -> Report:
    """Litres, money, margin, tenders, tanks, products and hours of a range, compared twice.

    At most twenty statements; frozen days cost the same whatever lies behind them.
    """
    found = period(station=station, since=since, until=until, grain=grain)
    live = found.live
    sold = dayrows.products(station=station, chosen=found.range, live=live)
    taken = dayrows.tender_totals(dayrows.tenders(station=station, chosen=found.range, live=live))
    stood = dayrows.tank_days(station=station, chosen=found.range, live=live)
    tanks = dayrows.tank_totals(stood)
    by_hour = dayrows.hours(station=station, chosen=found.range, live=live)
    return Report(
        title="经营报表",
        period=found.range.text,
        head=head,
        figures=headline(found, tanks),
        charts=(_trend(found), _grades_chart(sold)),
        tables=(
            _buckets(found),
            _grades(sold, found.range),
            tender_table(taken, found.range, "付款方式"),
            _tank_table(tanks, found.range),
            _top(sold, found.range),
            weekday_table(found, by_hour),
        ),
        remarks=said_of_live(found),
        signatures=("制表", "站长", "审核"),
        landscape=True,
    )


def headline(found: Period, tanks: Sequence[TankSum]) -> tuple[Figure, ...]:
    """Five figures of a range against the range before."""
    total, before = found.total, found.before
    label = "比上期"
    dates = {"since": found.range.since, "until": found.range.until}
    return (
        Figure(
            "油品升数",
            total.fuel_litres,
            "litres",
            "升",
            before=before.fuel_litres,
            compare_label=label,
            href=link("finance:report", "pumped", **dates),
        ),
        Figure(
            "销售额",
            total.net,
            "yuan",
            before=before.net,
            compare_label=label,
            href=link("finance:report", "tenders", **dates),
        ),
        Figure(
            "非油销售额",
            total.shop_net,
            "yuan",
            before=before.shop_net,
            compare_label=label,
            href=link("finance:report", "products", **dates),
        ),
        Figure(
            "毛利(不含税)",
            total.margin,
            "yuan",
            before=before.margin,
            compare_label=label,
            href=link("finance:report", "products", **dates),
        ),
        Figure(
            "损溢率",
            wording_of_rate(dayrows.total_permille(tanks)),
            note=wording.gain_loss(sum((row.variance for row in tanks), NO_LITRES)),
            href=link("finance:report", "tanks", **dates),
        ),
    )


def _trend(found: Period) -> Chart:
    return Chart(
        "销量走势",
        tuple(bucket.name for bucket in found.buckets),
        (Series("升数", tuple(bucket.sums.fuel_litres for bucket in found.buckets)),),
        "line" if len(found.buckets) > 12 else "bar",
        "litres",
        "升",
        found.grain.label,
    )


def _grades_chart(sold: Sequence[Product]) -> Chart:
    fuels = [row for row in sold if row.kind == FUEL][:MOST_SERIES]
    return Chart(
        "油品构成",
        tuple(row.code for row in fuels),
        (Series("升数", tuple(row.quantity for row in fuels)),),
        "pie",
        "litres",
        "升",
        "油品",
    )


def _buckets(found: Period) -> ReportTable:
    return ReportTable(
        f"按{found.grain.label}汇总",
        (
            Column(found.grain.label),
            Column("油品升数(L)", kind="litres"),
            Column("油品实收", kind="yuan"),
            Column("均价", kind="price"),
            Column("非油实收", kind="yuan"),
            Column("优惠", kind="yuan"),
            Column("毛利", kind="yuan"),
            Column("毛利率", kind="percent"),
            Column("单数", kind="count"),
            Column("加油笔数", kind="count"),
            Column("单车升数", kind="litres"),
            Column("油非转化率", kind="percent"),
            Column("长短款", kind="over_short"),
        ),
        [_bucket_row(bucket, found.grain) for bucket in found.buckets],
        ("合计", *_sum_cells(found.total)) if found.buckets else (),
        note=f"比上期：升数{against(found.total.fuel_litres, found.before.fuel_litres)}，"
        f"销售额{against(found.total.net, found.before.net)}，"
        f"毛利{against(found.total.margin, found.before.margin)}；"
        f"比去年同期：升数{against(found.total.fuel_litres, found.year_before.fuel_litres)}，"
        f"销售额{against(found.total.net, found.year_before.net)}，"
        f"毛利{against(found.total.margin, found.year_before.margin)}。",
    )


def _bucket_row(bucket: Bucket, grain: Grain) -> Cells:
    if grain == Grain.DAY:
        href = link("finance:daily", day=bucket.start)
    else:
        last = _last_of(bucket.start, grain)
        href = link(
            "finance:report", "operating", since=bucket.start, until=last, grain=Grain.DAY.value
        )
    return (Linked(bucket.name, href), *_sum_cells(bucket.sums))


def _last_of(start: date, grain: Grain) -> date:
    """The last date of a bucket."""
    day = start
    while grain.start_of(date.fromordinal(day.toordinal() + 1)) == start:
        day = date.fromordinal(day.toordinal() + 1)
    return day


def _sum_cells(sums: Sums) -> Cells:
    return (
        sums.fuel_litres,
        sums.fuel_net,
        sums.average_price,
        sums.shop_net,
        sums.discount,
        sums.margin,
        sums.margin_rate,
        sums.sales_count,
        sums.fuel_count,
        sums.per_car,
        sums.conversion,
        sums.over_short,
    )


def _grades(sold: Sequence[Product], chosen: Range) -> ReportTable:
    fuels = [row for row in sold if row.kind == FUEL]
    litres = sum((row.quantity for row in fuels), NO_LITRES)
    return ReportTable(
        "油品",
        (
            Column("油品", kind="grade"),
            Column("升数(L)", kind="litres"),
            Column("占比", kind="percent"),
            Column("挂牌额", kind="yuan"),
            Column("优惠", kind="yuan"),
            Column("实收", kind="yuan"),
            Column("均价", kind="price"),
            Column("毛利", kind="yuan"),
            Column("毛利率", kind="percent"),
            Column("笔数", kind="count"),
            Column("单车升数", kind="litres"),
        ),
        [
            (
                row.code,
                Linked(
                    row.quantity,
                    link("finance:report", "pumped", since=chosen.since, until=chosen.until),
                ),
                share(row.quantity, litres),
                row.list_amount,
                row.discount,
                row.net,
                row.average_price,
                row.margin,
                row.margin_rate,
                row.count,
                row.per_car,
            )
            for row in fuels
        ],
    )


def _tank_table(tanks: Sequence[TankSum], chosen: Range) -> ReportTable:
    sums = ("opening", "received", "pumped", "returned", "other", "sold", "closing", "variance")
    return ReportTable(
        "油罐损溢",
        (
            Column("罐号", kind="code"),
            Column("油品", kind="grade"),
            Column("期初", kind="litres"),
            Column("进油", kind="litres"),
            Column("付油", kind="litres"),
            Column("回罐", kind="litres"),
            Column("移库与调整", kind="litres"),
            Column("销售", kind="litres"),
            Column("期末", kind="litres"),
            Column("损溢", kind="gain_loss"),
            Column("损溢率", kind="loss_rate"),
        ),
        [
            (
                Linked(
                    f"{row.number}",
                    link("finance:report", "balance", since=chosen.since, until=chosen.until),
                ),
                row.grade,
                *(getattr(row, name) for name in sums),
                row.variance_permille,
            )
            for row in tanks
        ],
        (
            "合计",
            "",
            *(sum((getattr(row, name) for row in tanks), NO_LITRES) for name in sums),
            dayrows.total_permille(tanks),
        )
        if tanks
        else (),
    )


def _top(sold: Sequence[Product], chosen: Range) -> ReportTable:
    shop = [row for row in sold if row.kind != FUEL]
    net = sum((row.net for row in shop), ZERO)
    return ReportTable(
        f"非油销售前 {MOST_PRODUCTS} 名",
        (
            Column("名次", kind="count"),
            Column("商品"),
            Column("类别"),
            Column("数量", kind="count"),
            Column("实收", kind="yuan"),
            Column("占比", kind="percent"),
            Column("毛利", kind="yuan"),
            Column("毛利率", kind="percent"),
        ),
        [
            (
                place,
                Linked(
                    row.name,
                    link("finance:report", "products", since=chosen.since, until=chosen.until),
                ),
                row.category,
                row.quantity,
                row.net,
                share(row.net, net),
                row.margin,
                row.margin_rate,
            )
            for place, row in enumerate(shop[:MOST_PRODUCTS], 1)
        ],
    )
