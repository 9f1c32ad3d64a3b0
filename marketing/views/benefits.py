"""权益成本: what each tier's benefits cost, and what its members spend more since."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpResponseBase
from django.utils.timezone import localdate, now
from django.views.decorators.http import require_GET

from marketing.forms.coupons import RangeFilter
from marketing.queries.benefit_report import WINDOW, Cost, More, benefit_costs, spending_since
from station.access import StaffRequest, may
from station.money import ZERO
from station.queries.columns import Column
from station.queries.reporting import Figure, Report, ReportTable
from station.views.listing import filters_of
from station.views.reporting import head_of, report_response


@require_GET
@may("marketing.costs")
def benefits(request: StaffRequest) -> HttpResponseBase:
    today = localdate(now())
    form = filters_of(request, RangeFilter, initial={"since": today.replace(day=1), "until": today})
    since, until = form.range(today)
    costs = benefit_costs(stations=[request.station], since=since, until=until)
    more = spending_since(stations=[request.station], since=since, until=until, today=today)
    return report_response(
        request, _report(request, f"{since} 至 {until}", costs, more), filters=form
    )


def _report(
    request: StaffRequest, period: str, costs: Sequence[Cost], more: Sequence[More]
) -> Report:
    cost = sum((one.cost for one in costs), ZERO)
    gained = sum((one.more for one in more), ZERO)
    return Report(
        title="权益成本与增量消费",
        period=period,
        head=head_of(request, at=now()),
        figures=(
            Figure("权益成本", cost, "yuan"),
            Figure("升级后多消费", gained, "yuan"),
            Figure("升级会员", sum(one.members for one in more), "count", unit="人"),
        ),
        tables=(
            ReportTable(
                "成本",
                (
                    Column("等级"),
                    Column("权益"),
                    Column("次数", kind="count"),
                    Column("会员", kind="count"),
                    Column("成本", kind="yuan"),
                ),
                rows=[(one.tier, one.benefit, one.uses, one.members, one.cost) for one in costs],
                totals=("合计", "", "", "", cost),
                empty="这个期间没有用过等级权益。",
            ),
            ReportTable(
                "增量消费",
                (
                    Column("升到的等级"),
                    Column("会员", kind="count"),
                    Column("升级前", kind="yuan"),
                    Column("升级后", kind="yuan"),
                    Column("多消费", kind="yuan"),
                ),
                rows=[(one.tier, one.members, one.before, one.after, one.more) for one in more],
                totals=("合计", "", "", "", gained),
                empty="这个期间没有会员升级。",
            ),
        ),
        remarks=(
            "每升优惠和生日券按实际让利，退款已冲减；积分倍数按多给的分数乘一分的抵扣价值。",
            f"增量消费：期间升级的会员，升级后到今天（最多 {WINDOW} 天）的消费，"
            "减去升级前同样天数的消费；升级当天不算。",
            "升级的人往往正处在消费多的时候，多消费可能偏低；停权益前请多看几个月。",
        ),
        signatures=("制表", "审核"),
    )
