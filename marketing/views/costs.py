"""促销成本: what each campaign took off, by business day."""

from __future__ import annotations

from django.http import HttpResponseBase
from django.utils.timezone import localdate, now
from django.views.decorators.http import require_GET

from marketing.forms.coupons import RangeFilter
from marketing.queries import uses
from station.access import StaffRequest, may
from station.money import ZERO
from station.queries.columns import Column
from station.queries.reporting import Figure, Report, ReportTable
from station.views.listing import filters_of
from station.views.reporting import head_of, report_response


@require_GET
@may("marketing.costs")
def costs(request: StaffRequest) -> HttpResponseBase:
    today = localdate()
    form = filters_of(request, RangeFilter, initial={"since": today.replace(day=1), "until": today})
    since, until = form.range(today)
    rows = uses.costs(stations=[request.station], since=since, until=until)
    total = sum((one.cost for one in rows), ZERO)
    report = Report(
        title="促销成本",
        period=f"{since} 至 {until}",
        head=head_of(request, at=now()),
        figures=(
            Figure("促销成本", total, "yuan"),
            Figure("活动", len(rows), "count"),
        ),
        tables=(
            ReportTable(
                "各活动",
                (
                    Column("费用归属"),
                    Column("单数", kind="count"),
                    Column("优惠", kind="yuan"),
                    Column("退款收回", kind="yuan"),
                    Column("成本", kind="yuan"),
                ),
                rows=[(one.campaign, one.documents, one.given, one.back, one.cost) for one in rows],
                totals=("合计", "", "", "", total),
                empty="这个期间没有促销和券的优惠。",
            ),
        ),
        remarks=("手工优惠不在内。退款按明细分摊收回，当天冲减。",),
        signatures=("制表", "审核"),
    )
    return report_response(request, report, filters=form)
