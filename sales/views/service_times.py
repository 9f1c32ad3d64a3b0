"""服务时长: how long a car stays, by hour, against the target."""

from __future__ import annotations

from django.http import HttpResponseBase
from django.utils.timezone import localtime, now
from django.views.decorators.http import require_GET

from sales.forms.periods import PeriodForm
from sales.queries.service_times import ServiceTime, service_times
from station.access import StaffRequest, may
from station.queries import settings
from station.queries.charts import Chart, Series
from station.queries.columns import Column
from station.queries.reporting import Figure, Report, ReportTable
from station.queries.wording import local
from station.views.listing import filters_of
from station.views.reporting import head_of, report_response

COLUMNS = (
    Column("时段"),
    Column("车次", kind="count"),
    Column("中位时长", kind="duration"),
    Column("九成以内", kind="duration"),
    Column("等授权", kind="duration"),
    Column("加油", kind="duration"),
    Column("收款", kind="duration"),
    Column("与目标", kind="state"),
)


@require_GET
@may("sales.service_times")
def times(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, PeriodForm, today=localtime().date())
    since, until = filters.span()
    hours, whole = service_times(station=request.station, since=since, until=until)
    target = settings.whole("sales.service_time_target", request.station)
    period = local(since) if since == until else f"{local(since)} 至 {local(until)}"
    report = Report(
        title="服务时长",
        period=period,
        head=head_of(request, at=now()),
        figures=_figures(whole, target),
        charts=_charts(hours),
        tables=(
            ReportTable(
                "各时段（按提枪时间）",
                COLUMNS,
                rows=[_row(f"{one.hour:02d}:00", one, target) for one in hours],
                totals=_row("合计", whole, target) if whole else (),
            ),
        ),
        remarks=(
            "时长从提枪算到付清；中间依次是等授权（提枪到出油）、加油（到挂枪）、收款（到付清）。",
            f"目标 {target} 秒，在设置里修改；近一小时的中位时长超过它时发预警。",
            "超过 4 小时才收款的不计入。",
        ),
    )
    return report_response(request, report, filters=filters)


def _figures(whole: ServiceTime | None, target: int) -> tuple[Figure, ...]:
    if whole is None:
        return (Figure("车次", 0),)
    slow = "超过目标" if whole.median > target else "在目标内"
    return (
        Figure("中位时长", whole.median, "duration", note=slow),
        Figure("九成以内", whole.p90, "duration"),
        Figure("其中等授权", whole.waiting, "duration"),
        Figure("其中收款", whole.paying, "duration"),
        Figure("车次", whole.count),
    )


def _charts(hours: list[ServiceTime]) -> tuple[Chart, ...]:
    if not hours:
        return ()
    labels = tuple(f"{one.hour:02d}:00" for one in hours)
    medians = Series("中位时长", tuple(one.median for one in hours))
    slowest = Series("九成以内", tuple(one.p90 for one in hours))
    return (Chart("各时段服务时长", labels, (medians, slowest), "line", "count", "秒", "时段"),)


def _row(label: str, one: ServiceTime, target: int) -> tuple[str | int, ...]:
    verdict = "超过" if one.median > target else "达到"
    return (
        label,
        one.count,
        one.median,
        one.p90,
        one.waiting,
        one.fuelling,
        one.paying,
        verdict,
    )
