"""Reports of what sold: ranking of products, hours and weekdays, discounts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal

from finance.models import DayDiscount
from finance.queries import dayrows, trade
from finance.queries.links import link
from finance.queries.parts import FUEL, PersonDiscount, Product, share
from finance.queries.periods import live_days, period
from finance.queries.ranges import Grain, Range
from finance.queries.reports.comparing import Cells, against, whole
from finance.queries.reports.tables import live_words, said_of_live, weekday_table
from station.models import BusinessDay, Station
from station.money import NO_LITRES, ZERO, round_litres
from station.queries import wording
from station.queries.charts import Chart, Series
from station.queries.columns import Column
from station.queries.reporting import Head, Linked, Report, ReportTable

CLASS_A, CLASS_B = Decimal("0.8"), Decimal("0.95")
CHARTED = 15

RANKING = (
    Column("名次", kind="count"),
    Column("名称"),
    Column("类别"),
    Column("数量", kind="count"),
    Column("实收", kind="yuan"),
    Column("占比", kind="percent"),
    Column("优惠", kind="yuan"),
    Column("毛利", kind="yuan"),
    Column("毛利率", kind="percent"),
    Column("笔数", kind="count"),
    Column("趋势"),
    Column("ABC"),
)

DISCOUNTS = (
    Column("收银员"),
    Column("原因"),
    Column("笔数", kind="count"),
    Column("优惠", kind="yuan"),
    Column("占比", kind="percent"),
)


def products(*, station: Station, since: date, until: date, grain: Grain, head: Head) -> Report:
    """商品排行: every product by net, with share, margin, trend and ABC class of the shop's."""
    chosen = Range(since, until)
    live = live_days(station, chosen)
    sold = dayrows.products(station=station, chosen=chosen, live=live)
    before = {
        (row.kind, row.code): row.net
        for row in dayrows.products(station=station, chosen=chosen.before, live=())
    }
    shop = [row for row in sold if row.kind != FUEL]
    fuels = [row for row in sold if row.kind == FUEL]
    top = shop[:CHARTED]
    return Report(
        title="商品排行",
        period=chosen.text,
        head=head,
        charts=(
            Chart(
                f"非油前 {CHARTED} 名",
                tuple(row.name for row in top),
                (Series("实收", tuple(row.net for row in top)),),
                "bar",
                "yuan",
                "元",
                "商品",
            ),
            _category_chart(shop),
        ),
        tables=(
            _ranking("油品", fuels, before, chosen, classed=False),
            _ranking("非油", shop, before, chosen, classed=True),
        ),
        remarks=(
            f"趋势与上期（{chosen.before.text}）比较。",
            "ABC：按实收从大到小累计，80% 以内为 A 类，95% 以内为 B 类，其余为 C 类。",
            *live_words(live),
        ),
    )


def _category_chart(shop: Sequence[Product]) -> Chart:
    by_category: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for row in shop:
        by_category[row.category] += row.net
    names = sorted(by_category, key=lambda name: -by_category[name])
    return Chart(
        "非油类别",
        tuple(names),
        (Series("实收", tuple(by_category[name] for name in names)),),
        "pie",
        "yuan",
        "元",
        "类别",
    )


def _ranking(
    title: str,
    rows: Sequence[Product],
    before: dict[tuple[str, str], Decimal],
    chosen: Range,
    *,
    classed: bool,
) -> ReportTable:
    net = sum((row.net for row in rows), ZERO)
    cells: list[Cells] = []
    running = ZERO
    for place, row in enumerate(rows, 1):
        grade = _class_of(share(running, net)) if classed else ""
        running += row.net
        query = {"since": chosen.since, "until": chosen.until}
        opens = (
            link("sales:sales", **query, grade=row.code)
            if row.kind == FUEL
            else link("inventory:stock_moves", **query, text=row.code)
        )
        cells.append(
            (
                place,
                Linked(row.name, opens),
                row.category,
                row.quantity,
                row.net,
                share(row.net, net),
                row.discount,
                row.margin,
                row.margin_rate,
                row.count,
                against(row.net, before.get((row.kind, row.code))),
                grade,
            )
        )
    summed = whole(tuple(rows))
    return ReportTable(
        title,
        RANKING,
        cells,
        (
            *("合计", "", "", summed.quantity, summed.net, "", summed.discount, summed.margin),
            *(summed.margin_rate, summed.count, against(net, _sum_before(rows, before)), ""),
        )
        if rows
        else (),
    )


def _sum_before(rows: Sequence[Product], before: dict[tuple[str, str], Decimal]) -> Decimal | None:
    kinds = {row.kind for row in rows}
    found = [net for (kind, _), net in before.items() if kind in kinds]
    return sum(found, ZERO) if found else None


def _class_of(above: Decimal | None) -> str:
    """The class of a product by the share of all that sells better."""
    if above is None:
        return ""
    return "A" if above < CLASS_A else "B" if above < CLASS_B else "C"


def hours(*, station: Station, since: date, until: date, grain: Grain, head: Head) -> Report:
    """时段与星期: litres per hour of each weekday, peaks and valleys."""
    found = period(station=station, since=since, until=until, grain=Grain.DAY)
    by_hour = dayrows.hours(station=station, chosen=found.range, live=found.live)
    litres: dict[tuple[int, int], Decimal] = defaultdict(lambda: NO_LITRES)
    counts: dict[int, int] = defaultdict(int)
    days_of: dict[int, int] = defaultdict(int)
    for day, rows in by_hour.items():
        days_of[day.weekday()] += 1
        for row in rows:
            litres[day.weekday(), row.hour] += row.litres
            counts[row.hour] += row.count

    def average(weekday: int, hour: int) -> Decimal:
        days = days_of[weekday]
        return round_litres(litres[weekday, hour] / days) if days else NO_LITRES

    whole_days = len(by_hour)
    by_clock = [
        round_litres(sum((litres[weekday, hour] for weekday in range(7)), NO_LITRES) / whole_days)
        if whole_days
        else NO_LITRES
        for hour in range(24)
    ]
    return Report(
        title="时段与星期",
        period=found.range.text,
        head=head,
        charts=(
            Chart(
                "一天的高峰和低谷",
                tuple(f"{hour}时" for hour in range(24)),
                (Series("平均升数", tuple(by_clock)),),
                "bar",
                "litres",
                "升",
                "时段",
            ),
        ),
        tables=(
            _clock_table(average, by_clock, counts),
            weekday_table(found, by_hour),
        ),
        remarks=(*_peaks(by_clock), *said_of_live(found)),
    )


def _clock_table(
    average: Callable[[int, int], Decimal], by_clock: Sequence[Decimal], counts: dict[int, int]
) -> ReportTable:
    return ReportTable(
        "每小时平均升数",
        (
            Column("时段"),
            *(Column(f"周{word}", kind="litres") for word in wording.WEEKDAYS),
            Column("平均", kind="litres"),
            Column("加油笔数", kind="count"),
        ),
        [
            (
                f"{hour:02d}–{hour + 1:02d} 时",
                *(average(weekday, hour) for weekday in range(7)),
                by_clock[hour],
                counts[hour],
            )
            for hour in range(24)
        ],
        note="每个星期几按有营业的天数平均。",
    )


def _peaks(by_clock: Sequence[Decimal]) -> tuple[str, ...]:
    if not any(by_clock):
        return ()
    high = sorted(range(24), key=lambda hour: -by_clock[hour])[:3]
    low = sorted(range(24), key=lambda hour: by_clock[hour])[:3]

    def names(hours: Sequence[int]) -> str:
        return "、".join(f"{hour}–{hour + 1} 时" for hour in sorted(hours))

    return (f"高峰：{names(high)}；低谷：{names(low)}。",)


Given = dict[tuple[str, str], tuple[int, Decimal]]


def _given(station: Station, chosen: Range, live: Sequence[BusinessDay]) -> Given:
    """Times and yuan by person and reason."""
    summed: Given = defaultdict(lambda: (0, ZERO))
    frozen = DayDiscount.objects.filter(
        station=station, date__gte=chosen.since, date__lte=chosen.until
    ).values_list("person", "reason", "count", "amount")
    given = trade.discounts([day.pk for day in live]) if live else {}
    rows = [PersonDiscount(*row) for row in frozen]
    rows += [row for parts in given.values() for row in parts]
    for row in rows:
        count, amount = summed[row.person, row.reason]
        summed[row.person, row.reason] = (count + row.count, amount + row.amount)
    return summed


def discounts(*, station: Station, since: date, until: date, grain: Grain, head: Head) -> Report:
    """优惠: who gave how much for which reason."""
    chosen = Range(since, until)
    live = live_days(station, chosen)
    summed = _given(station, chosen, live)
    by_person: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for (person, _), (_, amount) in summed.items():
        by_person[person] += amount
    people = sorted(by_person, key=lambda person: -by_person[person])
    total = sum(by_person.values(), ZERO)
    return Report(
        title="优惠",
        period=chosen.text,
        head=head,
        charts=(
            Chart(
                "按收银员",
                tuple(people),
                (Series("优惠", tuple(by_person[person] for person in people)),),
                "bar",
                "yuan",
                "元",
                "收银员",
            ),
        ),
        tables=(
            ReportTable(
                "明细",
                DISCOUNTS,
                [
                    (
                        Linked(person, link("sales:sales", since=since, until=until)),
                        reason,
                        count,
                        amount,
                        share(amount, total),
                    )
                    for (person, reason), (count, amount) in sorted(
                        summed.items(), key=lambda pair: -pair[1][1]
                    )
                ],
                ("合计", "", sum(count for count, _ in summed.values()), total, "")
                if summed
                else (),
            ),
        ),
        remarks=live_words(live),
    )
