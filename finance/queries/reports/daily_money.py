"""Tables of the 加油站日报 about money: tenders, sessions, shop, discounts, corrections."""

from __future__ import annotations

from finance.queries.figures import Figures
from finance.queries.links import link, on
from finance.queries.parts import share
from finance.queries.reports.comparing import whole
from members.queries.value_liability import Liability
from station.money import NO_LITRES, ZERO
from station.queries import wording
from station.queries.columns import Column
from station.queries.reporting import Linked, ReportTable


def tenders(figures: Figures) -> ReportTable:
    rows = figures.tenders
    net = sum((row.net for row in rows), ZERO)
    sums = ("received", "refunded", "moved", "net", "fuel", "shop", "advance")
    return ReportTable(
        "五、付款方式",
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
            Column("付油升数", kind="litres"),
            Column("占比", kind="percent"),
            Column("长短款", kind="over_short"),
        ),
        [
            (
                row.name,
                Linked(row.count, link("sales:sales", **on(figures.date), tender=row.code)),
                row.received,
                row.refunded,
                row.moved,
                row.net,
                row.fuel,
                row.shop,
                row.advance,
                row.litres,
                share(row.net, net),
                row.over_short,
            )
            for row in rows
        ],
        (
            "合计",
            sum(row.count for row in rows),
            *(sum((getattr(row, name) for row in rows), ZERO) for name in sums),
            sum((row.litres for row in rows), NO_LITRES),
            "",
            figures.over_short,
        )
        if rows
        else (),
        note="净额 = 收款 − 退款 ± 改付与预收转入 = 油品 + 非油 + 预收增减。",
    )


def sessions(figures: Figures) -> ReportTable:
    return ReportTable(
        "六、收银缴款",
        (
            Column("班次", kind="code"),
            Column("收银台"),
            Column("收银员"),
            Column("备用金", kind="yuan"),
            Column("收款净额", kind="yuan"),
            Column("中途缴款", kind="yuan"),
            Column("应有现金", kind="yuan"),
            Column("实点现金", kind="yuan"),
            Column("长短款", kind="over_short"),
            Column("原因"),
        ),
        [
            (
                row.shift,
                row.till,
                Linked(row.cashier, link("sales:session", row.id)),
                row.float_amount,
                row.received,
                row.dropped,
                row.expected,
                row.counted,
                row.over_short,
                row.reason,
            )
            for row in figures.sessions
        ],
        note="长款不得抵短款：各收银班、各付款方式分别列示。",
    )


def shop(figures: Figures) -> ReportTable:
    rows = figures.shop
    summed = whole(rows)
    return ReportTable(
        "七、非油",
        (
            Column("类别"),
            Column("商品"),
            Column("数量", kind="count"),
            Column("销售额", kind="yuan"),
            Column("优惠", kind="yuan"),
            Column("实收", kind="yuan"),
            Column("毛利", kind="yuan"),
            Column("毛利率", kind="percent"),
        ),
        [
            (
                row.category,
                row.name,
                row.quantity,
                row.list_amount,
                row.discount,
                row.net,
                row.margin,
                row.margin_rate,
            )
            for row in rows
        ],
        (
            *("合计", "", summed.quantity, summed.list_amount, summed.discount, summed.net),
            *(summed.margin, summed.margin_rate),
        )
        if rows
        else (),
        note=f"客单 {wording.yuan(figures.basket)}，油非转化率 {wording.percent(figures.conversion)}"
        f"（{figures.head.both_sales} / {figures.head.fuel_sales} 张油品小票含非油）。",
        empty="当日没有非油销售。",
    )


def discounts(figures: Figures) -> ReportTable:
    return ReportTable(
        "八、优惠",
        (
            Column("收银员"),
            Column("原因"),
            Column("笔数", kind="count"),
            Column("金额", kind="yuan"),
        ),
        [(row.person, row.reason, row.count, row.amount) for row in figures.discounts],
        ("合计", "", "", sum((row.amount for row in figures.discounts), ZERO))
        if figures.discounts
        else (),
        empty="当日没有优惠。",
    )


def corrections(figures: Figures) -> ReportTable:
    words = {"REFUND": "退款", "REVERSAL": "冲红"}
    return ReportTable(
        "九、退款与冲红",
        (
            Column("单号", kind="code"),
            Column("类别"),
            Column("原单", kind="code"),
            Column("金额", kind="yuan"),
            Column("经办"),
            Column("审批"),
            Column("原因"),
        ),
        [
            (
                Linked(row.document, link("sales:sale", row.document)),
                words.get(row.kind, row.kind),
                Linked(row.original, link("sales:sale", row.original)),
                row.amount,
                row.person,
                row.approver,
                row.reason,
            )
            for row in figures.corrections
        ],
        empty="当日没有退款和冲红。",
    )


def stored_value(figures: Figures) -> tuple[ReportTable, ...]:
    """What customers are owed, principal and bonus apart; nothing where nobody ever topped up."""
    value = figures.value
    if value is None or value == Liability():
        return ()
    return (
        ReportTable(
            "十三、储值余额",
            (
                Column("项目"),
                Column("期初", kind="yuan"),
                Column("充值(赠送)", kind="yuan"),
                Column("消费", kind="yuan"),
                Column("退款", kind="yuan"),
                Column("收回", kind="yuan"),
                Column("转移与导入", kind="yuan"),
                Column("期末", kind="yuan"),
            ),
            [
                (
                    Linked(word, link("members:value_liability", **on(figures.date))),
                    side.opening,
                    side.topped_up,
                    -side.spent,
                    -side.refunded,
                    -side.recovered,
                    side.moved,
                    side.closing,
                )
                for word, side in (("本金", value.principal), ("赠金", value.bonus))
            ],
            note="储值本金是负债，不是收入；充值收款在“预收增减”里，加油时才计入实收。",
        ),
    )
