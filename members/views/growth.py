"""会员目标 and 会员流失: what membership should come to and does, and who stays away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import date
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from members.forms.growth import ChurnForm, TargetForm
from members.models import Member, MemberTarget
from members.queries.cards import card_of
from members.queries.churn import DAYS, Part, Sum, churn, churned, months_to, summed
from members.queries.targets import progress
from members.services import targets
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.queries import settings
from station.queries.charts import Chart, Series
from station.queries.columns import Action, Column, Empty
from station.queries.listing import ListPage
from station.queries.reporting import Figure, Linked, Report, ReportTable
from station.queries.wording import local
from station.views.listing import filters_of, list_response
from station.views.reporting import head_of, report_response

# ------------------------------------------------------------------------------- targets


@require_GET
@may("members.growth")
def index(request: StaffRequest) -> HttpResponseBase:
    today, known = localdate(now()), {}

    def reached(row: MemberTarget) -> object:
        if row.pk not in known:
            known[row.pk] = progress(target=row, today=today)
        return known[row.pk]

    changing = may_do(request.role, "members.growth.change")
    new = Action("设目标", reverse("members:target_new")) if changing else None
    return list_response(
        request,
        ListPage(
            title="会员目标",
            columns=(
                Column("指标", lambda row: row.get_measure_display()),
                Column("从", "since", "date"),
                Column("到", "until", "date"),
                Column("目标", "goal", "count"),
                Column("现在", lambda row: reached(row).actual, "count"),  # type: ignore[attr-defined]
                Column("完成", lambda row: reached(row).share, "percent"),  # type: ignore[attr-defined]
                Column(
                    "进度",
                    lambda row: "落后" if reached(row).behind else "正常",  # type: ignore[attr-defined]
                    "state",
                    tone=lambda row: "bad" if reached(row).behind else "good",  # type: ignore[attr-defined]
                ),
            ),
            rows=MemberTarget.objects.filter(station=request.station),
            order=("-until", "id"),
            per_page=20,
            opens=lambda row: reverse("members:target", args=[row.pk]),
            primary=new,
            empty=Empty("还没有目标", "设好后，这里每天对照实际。").leading(new),
        ),
    )


@require_http_methods(["GET", "POST"])
@may("members.growth.change")
def target_new(request: StaffRequest) -> HttpResponse:
    return _edit(request, None)


@require_http_methods(["GET", "POST"])
@may("members.growth.change")
def target_change(request: StaffRequest, pk: int) -> HttpResponse:
    return _edit(request, _found(request, pk))


def _edit(request: StaffRequest, row: MemberTarget | None) -> HttpResponse:
    names = ("measure", "since", "until", "goal")
    known = {name: getattr(row, name) for name in names} if row else None
    form = TargetForm(request.POST or None, initial=known)
    if request.method == "POST" and form.is_valid():
        try:
            saved = targets.save(
                row=row,
                values=form.cleaned_data,
                station=request.station,
                actor=request.user,
                at=now(),
            )
            return redirect("members:target", saved.pk)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    back = reverse("members:target", args=[row.pk]) if row else reverse("members:targets")
    content = {"form": form, "target": row, "back_href": back}
    return render(request, "members/target_form.html", content, status=422 if form.errors else 200)


@require_POST
@may("members.growth.change")
def target_strike(request: StaffRequest, pk: int) -> HttpResponse:
    targets.strike_out(row=_found(request, pk), actor=request.user, at=now())
    messages.success(request, "已删去这个目标。")
    return redirect("members:targets")


@require_GET
@may("members.growth")
def target(request: StaffRequest, pk: int) -> HttpResponseBase:
    row = _found(request, pk)
    told = progress(target=row, today=localdate(now()))
    days = [f"{one.day:%m-%d}" for one in told.points]
    chart = Chart(
        f"{row.get_measure_display()}：实际与目标",
        tuple(days),
        (
            Series("实际", tuple(one.actual for one in told.points)),
            Series("应到", tuple(one.due for one in told.points)),
        ),
        "line",
        "count",
        label="日期",
    )
    made = Report(
        title=f"会员目标：{row.get_measure_display()}",
        period=f"{local(row.since)} 至 {local(row.until)}",
        head=head_of(request, at=now()),
        figures=(
            Figure("目标", row.goal, "count"),
            Figure("现在", told.actual, "count"),
            Figure("完成", told.share, "percent"),
        ),
        charts=(chart,) if days else (),
        tables=(
            ReportTable(
                "每天",
                (
                    Column("日期", kind="date"),
                    Column("实际", kind="count"),
                    Column("应到", kind="count"),
                ),
                rows=[(one.day, one.actual, one.due) for one in reversed(told.points)],
            ),
        ),
        remarks=(
            "应到按天数平均分摊；消费率每天都对照目标。",
            "新会员数按入会油站和入会日期算；消费会员数是这段时间消费过的人数；"
            "新会员消费率是这段时间入会的人里消费过的比例。",
        ),
    )
    context = {"target": row, "may_change": may_do(request.role, "members.growth.change")}
    return report_response(request, made, template="members/target.html", context=context)


def _found(request: StaffRequest, pk: int) -> MemberTarget:
    rows = MemberTarget.objects.filter(station__in=request.stations).select_related("station")
    return get_object_or_404(rows, pk=pk)


# --------------------------------------------------------------------------------- churn


def _days(request: StaffRequest) -> int:
    return max(settings.whole(DAYS, request.station), 1)


@require_GET
@may("members.growth")
def churn_report(request: StaffRequest) -> HttpResponseBase:
    today = localdate(now())
    months, days = months_to(today), _days(request)
    filters = filters_of(request, ChurnForm, months=months)
    chosen = _month(filters.cleaned_data.get("month") or "", months)
    parts = churn(
        months=months, today=today, days=days, stations=[one.pk for one in request.stations]
    )
    by_month = {one: summed([part for part in parts if part.month == one]) for one in months}
    shown = [part for part in parts if part.month == chosen]
    now_ = by_month[chosen]
    made = Report(
        title="会员流失",
        period=f"{chosen:%Y} 年 {chosen.month} 月",
        head=head_of(request, at=now()),
        figures=(
            Figure("月初活跃会员", now_.active, "count", unit="人"),
            Figure("当月流失", now_.gone, "count", unit="人"),
            Figure("流失率", now_.rate, "percent"),
        ),
        charts=(
            Chart(
                "近 12 个月流失率",
                tuple(f"{one:%Y-%m}" for one in months),
                (
                    # Where nobody was active there is no rate: months before the first sale.
                    Series(
                        "流失率",
                        tuple(
                            by_month[one].rate if by_month[one].active else None for one in months
                        ),
                    ),
                ),
                "line",
                "percent",
                label="月份",
            ),
        ),
        tables=(
            _table("按等级（月初持有的）", "等级", shown, chosen, lambda one: one.tier, "tier"),
            _table("按入会年份", "入会年份", shown, chosen, lambda one: str(one.joined), "joined"),
            _by_month(by_month),
        ),
        remarks=(
            f"活跃：此前 {days} 天内消费过。流失：月初活跃，到月底（本月到今天）已 {days} 天没有消费。",
            "流失率 = 流失 ÷ 月初活跃。整单退掉的消费不算。天数在「限额与参数」里改。",
        ),
    )
    return report_response(request, made, filters=filters)


def _by_month(sums: Mapping[date, Sum]) -> ReportTable:
    return ReportTable(
        "各月",
        (
            Column("月份"),
            Column("月初活跃", kind="count"),
            Column("流失", kind="count"),
            Column("流失率", kind="percent"),
        ),
        rows=[
            (
                f"{one:%Y-%m}",
                sums[one].active,
                Linked(sums[one].gone, href=_href(one)),
                sums[one].rate,
            )
            for one in sorted(sums, reverse=True)
        ],
    )


def _table(
    title: str,
    head: str,
    parts: list[Part],
    month: date,
    key: Callable[[Part], str],
    name: str,
) -> ReportTable:
    groups: dict[str, list[Part]] = defaultdict(list)
    for part in parts:
        groups[key(part)].append(part)
    sums = {one: summed(rows) for one, rows in groups.items()}
    whole = summed(parts)
    return ReportTable(
        title,
        (
            Column(head),
            Column("月初活跃", kind="count"),
            Column("流失", kind="count"),
            Column("流失率", kind="percent"),
        ),
        rows=[
            (one, told.active, Linked(told.gone, href=_href(month, **{name: one})), told.rate)
            for one, told in sums.items()
        ],
        totals=("合计", whole.active, whole.gone, whole.rate),
    )


def _href(month: date, **more: str) -> str:
    asked = urlencode({"month": f"{month:%Y-%m}", **more})
    return f"{reverse('members:churned')}?{asked}"


def _month(text: str, months: list[date]) -> date:
    return next((one for one in months if f"{one:%Y-%m}" == text), months[-1])


@require_GET
@may("members.growth.members")
def churned_list(request: StaffRequest) -> HttpResponseBase:
    today = localdate(now())
    month = _month(request.GET.get("month", ""), months_to(today))
    tier, joined = request.GET.get("tier", "").replace("\0", "")[:20], request.GET.get("joined", "")
    year = int(joined) if joined.isascii() and joined.isdigit() and len(joined) == 4 else None
    rows = churned(
        month=month,
        today=today,
        days=_days(request),
        stations=[one.pk for one in request.stations],
        tier=tier,
        joined=year,
    )

    def name(row: Member) -> str:
        return "" if row.status == Member.Status.CLOSED else card_of(row).name

    said = "，".join(one for one in (tier, f"{year} 年入会" if year else "") if one)
    return list_response(
        request,
        ListPage(
            title=f"{month:%Y} 年 {month.month} 月流失的会员{f'（{said}）' if said else ''}",
            columns=(
                Column("会员号", "number", "code"),
                Column("姓名", name),
                Column("入会", "joined_at", "date"),
                Column("油站", "home_station.name", minor=True),
                Column("状态", lambda row: row.get_status_display(), minor=True),
            ),
            rows=rows,
            order=("number",),
            opens=lambda row: reverse("members:member", args=[row.number]),
            empty=Empty(
                "没有人流失", "换一个月份或等级看看。", "会员流失", reverse("members:churn")
            ),
        ),
    )
