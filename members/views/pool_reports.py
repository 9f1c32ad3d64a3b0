"""月报 of a family's or a company's points: who brought and used what, for both to sign."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpResponseBase
from django.utils.timezone import localtime, now
from django.views.decorators.http import require_GET

from members.forms.points import PeriodForm
from members.models import Pool
from members.queries.cards import card_of
from members.queries.pool_report import Person, pool_report
from members.queries.pools import plate_of, whose_of
from members.views.pools import found_pool
from station.access import StaffRequest, may
from station.queries.columns import Column
from station.queries.reporting import Figure, Report, ReportTable
from station.queries.wording import local
from station.views.listing import filters_of
from station.views.reporting import head_of, report_response


@require_GET
@may("members.pools")
def report(request: StaffRequest, number: str) -> HttpResponseBase:
    found, today = found_pool(request, number), localtime(now()).date()
    filters = filters_of(request, PeriodForm, since=today.replace(day=1), until=today)
    since, until = filters.span()
    return report_response(request, _report(request, found, since, until), filters=filters)


def _report(request: StaffRequest, found: Pool, since: date, until: date) -> Report:
    told = pool_report(pool=found, since=since, until=until)
    sums = [sum(getattr(one, name) for one in told.people) for name in
            ("brought", "taken", "used", "returned")]  # fmt: skip
    flow = (("期初", "opening"), ("入池", "brought"), ("退款扣回", "taken"), ("使用", "used"),
            ("退回", "returned"), ("过期", "expired"), ("退出和解散带走", "left"),
            ("期末", "closing"))  # fmt: skip
    whole = [
        Column(name, kind="count") for name in ("入池", "退款扣回", "使用", "退回", "每月上限")
    ]
    return Report(
        title=f"{found.get_kind_display()}积分月报",
        period=local(since) if since == until else f"{local(since)} 至 {local(until)}",
        head=head_of(request, at=now()),
        figures=(
            Figure("期末可用", told.closing, "count", unit="分"),
            Figure("入池", told.brought - told.taken, "count", unit="分"),
            Figure("使用", told.used - told.returned, "count", unit="分"),
            Figure("过期", told.expired, "count", unit="分"),
        ),
        tables=(
            ReportTable(
                f"{found} {whose_of(found)}",
                (Column("会员"), Column("姓名"), Column("车牌"), *whole, Column("状态")),
                rows=[_line(one) for one in told.people],
                totals=["合计", "", "", *sums, "", ""],
            ),
            ReportTable(
                "积分池收支",
                (Column("项目"), Column("积分", kind="count")),
                rows=[(name, getattr(told, one)) for name, one in flow],
            ),
        ),
        remarks=(
            "期初 + 入池 − 退款扣回 − 使用 + 退回 − 过期 − 带走 = 期末。",
            "退回的积分算在用掉它的人名下；单位积分只收加油所得。",
        ),
        signatures=("制表", "单位确认" if not found.is_family else "户主确认"),
    )


def _line(one: Person) -> list[Any]:
    place = one.place
    return [
        place.member.number,
        card_of(place.member).name,
        plate_of(place),
        one.brought,
        one.taken,
        one.used,
        one.returned,
        place.cap_month,
        place.get_state_display(),
    ]
