"""积分规则与方案: versions with their dates; a change is tried on last month's sales before it is saved."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.timezone import localtime, now
from django.views.decorators.http import require_GET, require_http_methods

from members.forms.points import PeriodForm, ProgramForm, RuleForm, initial_of
from members.models import EarnRule
from members.queries.earn_rules import active_program, in_force, newest_rules, versions_of
from members.queries.points_report import Flow, points_flow, points_report
from members.queries.points_whatif import what_if
from members.services import earn_rules
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.queries.audit import history_of
from station.queries.charts import Chart, Series
from station.queries.columns import Action, Column, Empty, Tone
from station.queries.listing import ListPage
from station.queries.reporting import Figure, Report, ReportTable
from station.queries.wording import local
from station.views.listing import filters_of, list_response
from station.views.reporting import head_of, report_response


@require_GET
@may("members.points.view")
def rules(request: StaffRequest) -> HttpResponseBase:
    at = now()
    newest = [one.pk for one in newest_rules()]
    may_change = may_do(request.role, "members.points.rules")

    def state(row: EarnRule) -> str:
        return "未生效" if row.valid_from > at else "在用" if in_force(row, at) else "停用"

    def tone(row: EarnRule) -> Tone:
        return {"未生效": "wait", "在用": "good"}.get(state(row), "off")  # type: ignore[return-value]

    return list_response(
        request,
        ListPage(
            title="积分规则",
            columns=(
                Column("名称", "name"),
                Column("类别", lambda row: row.get_kind_display()),
                Column("内容", earn_rules.words_of),
                Column("版本", "version", "count"),
                Column("生效", "valid_from", "moment"),
                Column("截止", "valid_until", "moment", minor=True),
                Column("状态", state, "state", tone=tone),
                Column(
                    "保存人", lambda row: row.saved_by.name if row.saved_by else "初始", minor=True
                ),
            ),
            rows=EarnRule.objects.filter(pk__in=newest).select_related("saved_by"),
            order=("-priority", "code"),
            per_page=0,
            opens=lambda row: reverse("members:points_rule", args=[row.code]),
            primary=Action("新建规则", reverse("members:points_rule_new")) if may_change else None,
            empty=Empty("还没有积分规则", "没有规则，会员消费不得积分。"),
            note="每次修改都是新的一版，从生效时间起用；已有的销售保留原来的版本。",
        ),
        template="members/points_rules.html",
        context={"program": active_program(), "may_change": may_change},
    )


@require_http_methods(["GET", "POST"])
@may("members.points.rules")
def rule_new(request: StaffRequest) -> HttpResponse:
    return _rule(request, None)


@require_http_methods(["GET", "POST"])
@may("members.points.rules")
def rule(request: StaffRequest, code: str) -> HttpResponse:
    versions = versions_of(code)
    if not versions:
        raise Http404
    return _rule(request, versions[0])


def _rule(request: StaffRequest, newest: EarnRule | None) -> HttpResponse:
    """Typed, tried on last month's sales, and only then saved: what is saved is what was tried."""
    initial = initial_of(newest) if newest else {}
    form = RuleForm(
        request.POST or None,
        initial=initial,
        stations=request.stations,
        known=newest is not None,
    )
    tried, seen = None, ""
    if request.method == "POST" and form.is_valid():
        values = form.values()
        code = newest.code if newest else values["code"]
        seen = _seal(code, values)
        try:
            if request.POST.get("seen") == seen:
                saved = earn_rules.save_rule(
                    code=code, values=values, station=request.station, at=now(), actor=request.user
                )
                messages.success(request, f"已保存：{saved}。")
                return redirect("members:points_rules")
            at = now()
            draft = earn_rules.draft(code=code, values=values, at=at)
            today = localtime(at).date()
            tried = what_if(rule=draft, stations=request.stations, today=today, at=at)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {
        "form": form,
        "rule": newest,
        "versions": versions_of(newest.code) if newest else [],
        "tried": tried,
        "seen": seen if tried else "",
        "back_href": reverse("members:points_rules"),
        "history": history_of(f"points-rule:{newest.code}") if newest else [],
    }
    return render(request, "members/points_rule.html", content, status=422 if form.errors else 200)


def _seal(code: str, values: dict[str, Any]) -> str:
    """What was typed, in short: a page that was changed after it was tried is tried again."""
    text = json.dumps([code, values], default=str, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@require_http_methods(["GET", "POST"])
@may("members.points.rules")
def program(request: StaffRequest) -> HttpResponse:
    found = active_program()
    if found is None:
        raise Http404
    initial = {name: getattr(found, name) for name in earn_rules.TERMS}
    form = ProgramForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            earn_rules.save_program(
                values=form.cleaned_data, station=request.station, at=now(), actor=request.user
            )
            messages.success(request, "已保存。")
            return redirect("members:points_rules")
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {"form": form, "back_href": reverse("members:points_rules")}
    return render(
        request, "members/points_program.html", content, status=422 if form.errors else 200
    )


@require_GET
@may("members.points.report")
def report(request: StaffRequest) -> HttpResponseBase:
    today = localtime(now()).date()
    filters = filters_of(request, PeriodForm, since=today.replace(day=1), until=today)
    since, until = filters.span()
    here = points_report(since=since, until=until, station=request.station)
    all_stations = points_report(since=since, until=until)
    terms = active_program()
    period = local(since) if since == until else f"{local(since)} 至 {local(until)}"
    told = (("期初未用", "opening"), ("发放", "issued"), ("人工调整", "adjusted"), ("使用", "used"),
            ("过期", "expired"), ("扣回", "reversed"), ("转移", "moved"), ("合作商家互换", "exchanged"), ("期末未用", "outstanding"),
            ("欠分", "debt"))  # fmt: skip
    made = Report(
        title="积分报表",
        period=period,
        head=head_of(request, at=now()),
        figures=(
            Figure("期末未用", here.outstanding, "count", unit="分"),
            Figure("发放", here.issued, "count", unit="分"),
            Figure("使用", here.used, "count", unit="分"),
            Figure("过期", here.expired, "count", unit="分"),
            Figure("兑换率", here.rate, "percent"),
        ),
        charts=(_flow(points_flow(since=since, until=until, station=request.station)),),
        tables=(
            ReportTable(
                "积分收支",
                (
                    Column("项目"),
                    Column("本站发放的", kind="count"),
                    Column("全部油站", kind="count"),
                ),
                rows=[(name, getattr(here, one), getattr(all_stations, one)) for name, one in told],
            ),
        ),
        remarks=(
            "期初未用 + 发放 + 人工调整 − 使用 − 过期 − 扣回 + 转移 + 合作商家互换 = 期末未用。",
            "一分属于发放它的油站，在哪里用都记在那里；使用已减去退款退回的。",
            f"每 100 分抵 {terms.yuan_per_100} 元。" if terms else "还没有积分方案。",
        ),
        signatures=("制表", "审核"),
    )
    return report_response(request, made, filters=filters)


def _flow(told: Sequence[Flow]) -> Chart:
    """Given, used and expired, day by day or month by month."""
    return Chart(
        "本站积分的发放、使用和过期",
        tuple(one.label for one in told),
        (
            Series("发放", tuple(one.issued for one in told)),
            Series("使用", tuple(one.used for one in told)),
            Series("过期", tuple(one.expired for one in told)),
        ),
        "bar",
        "count",
        unit="分",
        label="日期",
    )
