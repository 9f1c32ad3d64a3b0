"""The reports of the house by name: what each is called, what it says, and who makes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from finance.queries.reports import money, operating, pumping, selling, tanks
from station.queries.reporting import Report


@dataclass(frozen=True)
class Kind:
    """One report over any range. `grains` tells whether it can be cut into weeks, months, years."""

    name: str
    title: str
    text: str
    icon: str
    make: Callable[..., Report]
    grains: bool = False


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "operating",
            "经营报表",
            "升数、销售额、毛利、付款、损溢，日周月年任选，比上期和去年同期",
            "report-analytics",
            operating.operating,
            grains=True,
        ),
        Kind(
            "products",
            "商品排行",
            "油品和非油的排名、占比、毛利、趋势、ABC",
            "trophy",
            selling.products,
        ),
        Kind("hours", "时段与星期", "每小时、每个星期几的高峰和低谷", "clock", selling.hours),
        Kind(
            "tenders",
            "付款方式日报",
            "逐日逐付款方式的收款、退款、净额、长短款",
            "credit-card",
            money.tenders,
        ),
        Kind(
            "over_short",
            "长短款",
            "每次点款的差异和原因，长款短款分列",
            "scale",
            money.over_short,
        ),
        Kind("discounts", "优惠", "谁给了多少优惠，什么原因", "discount", selling.discounts),
        Kind("tanks", "损溢分析", "每罐逐日损溢和月累计损溢率", "droplet-half", tanks.tanks),
        Kind(
            "balance",
            "日平衡表",
            "期初、进货、付出、期末、实测、损溢，按品种",
            "table",
            tanks.balance,
        ),
        Kind("pumped", "付油统计", "每枪泵码、回罐、付油合计、金额", "gas-station", pumping.pumped),
        Kind(
            "custody",
            "分罐保管账",
            "每罐一本账：卸前卸后、账存、罐存、水、累计损溢",
            "notebook",
            pumping.custody,
        ),
    )
}
