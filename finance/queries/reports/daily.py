"""加油站日报: one day on A4, from its figures alone. Every figure opens the rows it was made of."""

from __future__ import annotations

from decimal import Decimal

from finance.queries.figures import Figures
from finance.queries.links import link, on
from finance.queries.periods import Sums
from finance.queries.reports import daily_forecourt as forecourt
from finance.queries.reports import daily_money as money
from finance.queries.reports import daily_oddities as oddities
from finance.queries.reports.comparing import Comparison, wording_of_rate
from station.money import NO_LITRES, ZERO
from station.queries import wording
from station.queries.charts import Chart, Series
from station.queries.reporting import Figure, Head, Report


def daily_report(
    *,
    figures: Figures,
    against: Comparison,
    head: Head,
    month_permille: Decimal | None,
    remarks: tuple[str, ...] = (),
) -> Report:
    """The evening report of a day; `month_permille` is 月累计损溢率 up to the day."""
    return Report(
        title="加油站日报",
        period=wording.local(figures.date),
        head=head,
        figures=_headline(figures, against, month_permille),
        charts=_charts(figures),
        tables=(
            forecourt.fuel(figures, against),
            forecourt.shifts(figures),
            forecourt.nozzles(figures),
            forecourt.tanks(figures),
            money.tenders(figures),
            money.sessions(figures),
            money.shop(figures),
            money.discounts(figures),
            money.corrections(figures),
            oddities.fills(figures),
            oddities.tallies(figures),
            oddities.checks(figures),
            *money.stored_value(figures),
        ),
        remarks=(*_said(figures, against), *remarks),
        signatures=("制表", "站长", "审核"),
        landscape=True,
    )


def _headline(
    figures: Figures, against: Comparison, month_permille: Decimal | None
) -> tuple[Figure, ...]:
    day = figures.date
    week, label = against.week or Sums(), against.week_label
    return (
        Figure(
            "油品升数",
            figures.litres,
            "litres",
            "升",
            before=week.fuel_litres,
            compare_label=label,
            href=link("sales:sales", **on(day)),
        ),
        Figure(
            "实收",
            figures.fuel_net + figures.shop_net,
            "yuan",
            before=week.net,
            compare_label=label,
            note=f"油品 {wording.yuan(figures.fuel_net)}，非油 {wording.yuan(figures.shop_net)}",
            href=link("sales:sales", **on(day)),
        ),
        Figure(
            "毛利(不含税)",
            figures.margin,
            "yuan",
            before=week.margin,
            compare_label=label,
            note=f"油品 {wording.yuan(figures.fuel_margin)}，"
            f"非油 {wording.yuan(figures.shop_margin)}",
            href=link("finance:report", "products", **on(day)),
        ),
        Figure(
            "长短款",
            figures.over_short,
            "over_short",
            href=link("finance:report", "over_short", **on(day)),
        ),
        Figure(
            "损溢",
            figures.variance,
            "gain_loss",
            note=f"当日 {wording_of_rate(figures.variance_permille)}，"
            f"月累计 {wording_of_rate(month_permille)}",
            href=link("finance:report", "tanks", since=day.replace(day=1), until=day),
        ),
    )


def _charts(figures: Figures) -> tuple[Chart, ...]:
    by_hour = {row.hour: row for row in figures.hours}
    hours = range(24)
    return (
        Chart(
            "各时段销量",
            tuple(f"{hour}时" for hour in hours),
            (
                Series(
                    "升数",
                    tuple(by_hour[hour].litres if hour in by_hour else NO_LITRES for hour in hours),
                ),
            ),
            "bar",
            "litres",
            "升",
            "时段",
        ),
        Chart(
            "付款方式",
            tuple(row.name for row in figures.tenders),
            (Series("净额", tuple(row.net for row in figures.tenders)),),
            "pie",
            "yuan",
            "元",
            "付款方式",
        ),
    )


def _said(figures: Figures, against: Comparison) -> tuple[str, ...]:
    """What the figures say in words, one sentence each."""
    said = []
    short = [row for row in figures.sessions if row.over_short]
    said += [
        f"{row.cashier} {wording.over_short(row.over_short)}"
        + (f"，原因：{row.reason}。" if row.reason else "，未写原因。")
        for row in short
    ]
    if figures.unpaid:
        amount = sum((row.amount for row in figures.unpaid), ZERO)
        said.append(f"日终有 {len(figures.unpaid)} 笔加油未付，共 {wording.yuan(amount)}。")
    if against.week is None:
        said.append("上周同日没有日结数据，环比从缺。")
    if against.year is None:
        said.append("去年同日没有日结数据，同比从缺。")
    return tuple(said)
