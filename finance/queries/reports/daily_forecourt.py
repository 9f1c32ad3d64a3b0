"""Tables of the 加油站日报 about fuel: grades, shifts, nozzles, tanks."""

from __future__ import annotations

from decimal import Decimal

from finance.queries.figures import Figures
from finance.queries.links import link, on
from finance.queries.parts import Product
from finance.queries.reports.comparing import Cells, Comparison, whole
from finance.queries.reports.comparing import against as held
from station.money import NO_LITRES, ZERO
from station.queries.columns import Column
from station.queries.reporting import Linked, ReportTable

FUEL = (
    Column("油品", kind="grade"),
    Column("升数(L)", kind="litres"),
    Column("吨数(t)", kind="count"),
    Column("挂牌额", kind="yuan"),
    Column("优惠", kind="yuan"),
    Column("实收", kind="yuan"),
    Column("均价", kind="price"),
    Column("毛利", kind="yuan"),
    Column("毛利率", kind="percent"),
    Column("笔数", kind="count"),
    Column("单车升数", kind="litres"),
    Column("环比上周同日"),
    Column("同比去年同日"),
)

NOZZLES = (
    Column("枪号", kind="code"),
    Column("油品", kind="grade"),
    Column("罐号", kind="code"),
    Column("接班泵码", kind="litres"),
    Column("交班泵码", kind="litres"),
    Column("走字数", kind="litres"),
    Column("回罐", kind="litres"),
    Column("自用", kind="litres"),
    Column("净付", kind="litres"),
    Column("订单升数", kind="litres"),
    Column("差异升数", kind="more_less"),
    Column("加油笔数", kind="count"),
    Column("加油升数", kind="litres"),
    Column("加油金额", kind="yuan"),
)


def fuel(figures: Figures, against: Comparison) -> ReportTable:
    def row(fuel: Product) -> Cells:
        return (
            fuel.code,
            Linked(fuel.quantity, link("devices:fills", **on(figures.date), grade=fuel.id)),
            figures.tonnes(fuel),
            fuel.list_amount,
            fuel.discount,
            fuel.net,
            fuel.average_price,
            fuel.margin,
            fuel.margin_rate,
            fuel.count,
            fuel.per_car,
            held(fuel.quantity, against.week_litres(fuel.code)),
            held(fuel.quantity, against.year_litres(fuel.code)),
        )

    fuels = figures.fuels
    tonnes = [figures.tonnes(fuel) for fuel in fuels]
    summed = whole(fuels)
    week, year = against.week, against.year
    return ReportTable(
        "一、油品销售",
        FUEL,
        [row(fuel) for fuel in fuels],
        (
            "合计",
            summed.quantity,
            None if None in tonnes else sum((one for one in tonnes if one), Decimal("0.000")),
            summed.list_amount,
            summed.discount,
            summed.net,
            summed.average_price,
            summed.margin,
            summed.margin_rate,
            summed.count,
            summed.per_car,
            held(summed.quantity, week.fuel_litres if week else None),
            held(summed.quantity, year.fuel_litres if year else None),
        )
        if fuels
        else (),
        note="吨数按标准密度折算（V20 ×（ρ20 − 1.1））；毛利为不含税净额减移动加权成本。密度："
        + "，".join(f"{one.code} {one.density20}（{one.source}）" for one in figures.densities),
        empty="当日没有油品销售。",
    )


def shifts(figures: Figures) -> ReportTable:
    return ReportTable(
        "二、班次",
        (
            Column("班次号", kind="code"),
            Column("班名"),
            Column("班长"),
            Column("接班人"),
            Column("接班时间", kind="moment"),
            Column("交班时间", kind="moment"),
            Column("油品升数(L)", kind="litres"),
            Column("油品实收", kind="yuan"),
            Column("非油实收", kind="yuan"),
            Column("单数", kind="count"),
            Column("长短款", kind="over_short"),
        ),
        [
            (
                Linked(row.number, link("sales:shift_report", row.id)),
                row.name,
                row.leader,
                row.receiver,
                row.opened_at,
                row.handed_over_at,
                row.litres,
                row.fuel,
                row.shop,
                row.sales,
                row.over_short,
            )
            for row in figures.shifts
        ],
    )


def nozzles(figures: Figures) -> ReportTable:
    rows = figures.nozzles
    return ReportTable(
        "三、枪泵码",
        NOZZLES,
        [
            (
                f"{row.number}",
                row.grade,
                f"{row.tank}",
                row.opening,
                row.closing,
                row.run,
                row.tests,
                row.own_use,
                row.sold,
                row.claimed,
                row.difference,
                row.fills,
                Linked(row.litres, link("devices:fills", **on(figures.date), nozzle=row.id)),
                row.amount,
            )
            for row in rows
        ],
        (
            *("合计", "", "", "", ""),
            *(
                sum((getattr(row, name) for row in rows), NO_LITRES)
                for name in ("run", "tests", "own_use", "sold", "claimed", "difference")
            ),
            sum(row.fills for row in rows),
            sum((row.litres for row in rows), NO_LITRES),
            sum((row.amount for row in rows), ZERO),
        )
        if rows
        else (),
        note="泵码在班结时取自加油机，当班期间只列加油记录；加油升数含检定、自用与未付。",
    )


def tanks(figures: Figures) -> ReportTable:
    rows = figures.tanks
    totals = ("opening", "received", "pumped", "returned", "other", "book")
    return ReportTable(
        "四、罐平衡",
        (
            Column("罐号", kind="code"),
            Column("油品", kind="grade"),
            Column("期初", kind="litres"),
            Column("进油", kind="litres"),
            Column("付油", kind="litres"),
            Column("回罐", kind="litres"),
            Column("移库与调整", kind="litres"),
            Column("账存", kind="litres"),
            Column("实存", kind="litres"),
            Column("损溢", kind="gain_loss"),
            Column("损溢率", kind="loss_rate"),
            Column("归因"),
        ),
        [
            (
                f"{row.number}",
                row.grade,
                row.opening,
                Linked(row.received, link("inventory:deliveries", **on(figures.date))),
                row.pumped,
                row.returned,
                row.other,
                row.book,
                row.physical,
                row.variance,
                row.variance_permille,
                row.reason,
            )
            for row in rows
        ],
        (
            "合计",
            "",
            *(sum((getattr(row, name) for row in rows), NO_LITRES) for name in totals),
            "",
            figures.variance,
            figures.variance_permille,
            "",
        )
        if rows
        else (),
        note="账存 = 期初 + 进油 − 付油 + 回罐 ± 移库与调整；损溢 = 实存 − 账存，未量油的罐不计损溢。",
    )
