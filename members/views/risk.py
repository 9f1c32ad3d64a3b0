"""风控规则 and 异常名单: limits as versions, and what went over them with a state per case."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from members.forms.risk import CaseFilter, DecideForm, LimitForm, limit_initial
from members.models import Metric, RiskCase, RiskRule
from members.queries.risk import cases, newest_rules
from members.services import risk_cases, risk_rules
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.queries.audit import history_of
from station.queries.columns import Column, Empty, Tone
from station.queries.listing import ListPage
from station.views.listing import filters_of, list_response

TONES: dict[str, Tone] = {"NEW": "bad", "SEEN": "wait", "CLEARED": "off", "CONFIRMED": "info"}


@require_GET
@may("members.risk")
def rules(request: StaffRequest) -> HttpResponseBase:
    changing = may_do(request.role, "members.risk.rules")
    return list_response(
        request,
        ListPage(
            title="风控规则",
            columns=(
                Column("项目", lambda row: row.get_metric_display()),
                Column("内容", risk_rules.words_of),
                Column("版本", "version", "count", minor=True),
                Column("保存时间", "saved_at", "moment", minor=True),
                Column(
                    "保存人", lambda row: row.saved_by.name if row.saved_by else "初始", minor=True
                ),
                Column(
                    "状态",
                    lambda row: "启用" if row.active else "停用",
                    "state",
                    tone=lambda row: "good" if row.active else "off",
                ),
            ),
            rows=newest_rules(),
            order=("metric",),
            per_page=0,
            opens=(lambda row: reverse("members:risk_rule", args=[row.metric]))
            if changing
            else None,
            note="在给积分、用积分的当时检查，改了从下一单起用。不给：这一单没有积分，钱照收；"
            "待核实：积分先记着，放行后才能用；只记录：进名单，不影响会员。",
            empty=Empty("没有风控规则", "规则随系统初始数据而来。"),
        ),
    )


@require_http_methods(["GET", "POST"])
@may("members.risk.rules")
def rule(request: StaffRequest, metric: str) -> HttpResponse:
    versions = list(
        RiskRule.objects.filter(metric=metric).select_related("saved_by").order_by("-version")
    )
    if not versions:
        raise Http404
    newest = versions[0]
    initial = limit_initial(
        newest.window,
        active=newest.active,
        limit=newest.limit,
        least=newest.least,
        action=newest.action,
    )
    form = LimitForm(request.POST or None, initial=initial, metric=metric)
    if request.method == "POST" and form.is_valid():
        try:
            saved = risk_rules.save(
                metric=metric,
                station=request.station,
                actor=request.user,
                at=now(),
                **form.values(),
            )
            messages.success(
                request,
                f"已保存「{saved.get_metric_display()}」第 {saved.version} 版，从下一单起用。",
            )
            return redirect("members:risk_rules")
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {
        "form": form,
        "title": Metric(metric).label,
        "versions": [(one, risk_rules.words_of(one)) for one in versions],
        "back_href": reverse("members:risk_rules"),
        "history": history_of(f"risk-rule:{metric}"),
    }
    return render(request, "members/risk_rule.html", content, status=422 if form.errors else 200)


@require_GET
@may("members.risk")
def index(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, CaseFilter)
    wanted = filters.cleaned_data
    rows = cases().filter(Q(station__in=request.stations) | Q(station=None))
    if wanted.get("state") == "OPEN":
        rows = rows.filter(state__in=["NEW", "SEEN"])
    elif wanted.get("state"):
        rows = rows.filter(state=wanted["state"])
    if wanted.get("metric"):
        rows = rows.filter(metric=wanted["metric"])
    if text := (wanted.get("text") or "").strip():
        rows = rows.filter(Q(member__number__iexact=text) | Q(document__iexact=text))
    if wanted.get("since"):
        rows = rows.filter(date__gte=wanted["since"])
    if wanted.get("until"):
        rows = rows.filter(date__lte=wanted["until"])
    return list_response(
        request,
        ListPage(
            title="异常名单",
            columns=(
                Column("日期", "date", "date"),
                Column("项目", lambda row: row.get_metric_display()),
                Column("说明", "words"),
                Column("会员号", lambda row: row.member.number if row.member else "", "code"),
                Column("经手人", lambda row: row.staff.name if row.staff else ""),
                Column("单据", "document", "code", minor=True),
                Column("处置", lambda row: row.get_action_display()),
                Column("积分", lambda row: row.points or None, "count"),
                Column("油站", lambda row: row.station.name if row.station else "", minor=True),
                Column(
                    "状态",
                    lambda row: row.get_state_display(),
                    "state",
                    tone=lambda row: TONES[row.state],
                ),
            ),
            rows=rows,
            order=("-date", "-id"),
            filters=filters,
            opens=lambda row: reverse("members:risk_case", args=[row.pk]),
            empty=Empty(
                "没有异常",
                "超过风控规则的加油、积分、调整和退款会出现在这里。",
                "看风控规则",
                reverse("members:risk_rules"),
            ),
        ),
    )


@require_GET
@may("members.risk")
def case(request: StaffRequest, pk: int) -> HttpResponse:
    return _page(request, _found(request, pk))


@require_POST
@may("members.risk.decide")
def look(request: StaffRequest, pk: int) -> HttpResponse:
    risk_cases.look(case=_found(request, pk), actor=request.user, at=now())
    return redirect("members:risk_case", pk)


@require_POST
@may("members.risk.decide")
def decide(request: StaffRequest, pk: int) -> HttpResponse:
    found = _found(request, pk)
    form = DecideForm(request.POST)
    if not form.is_valid():
        return _page(request, found, refusal="没有登记：请写明理由，例如「已核对监控」。")
    try:
        risk_cases.decide(
            case=found,
            confirm=request.POST.get("confirm") == "1",
            reason=form.cleaned_data["reason"],
            actor=request.user,
            at=now(),
        )
    except Refusal as refusal:
        return _page(request, _found(request, pk), refusal=str(refusal))
    messages.success(request, "已登记。")
    return redirect("members:risk_case", pk)


def _found(request: StaffRequest, pk: int) -> RiskCase:
    here = Q(station__in=request.stations) | Q(station=None)
    return get_object_or_404(cases().filter(here), pk=pk)


def _page(request: StaffRequest, found: RiskCase, refusal: str = "") -> HttpResponse:
    waiting = found.state in (RiskCase.State.NEW, RiskCase.State.SEEN)
    same = cases().exclude(pk=found.pk)
    content = {
        "case": found,
        "tone": TONES[found.state],
        "rule": risk_rules.words_of(found.rule),
        "steps": found.steps.select_related("actor").order_by("pk"),
        "others": same.filter(document=found.document).order_by("pk") if found.document else [],
        "refusal": refusal,
        "may_decide": waiting and may_do(request.role, "members.risk.decide"),
        "is_new": found.state == RiskCase.State.NEW,
        "history": history_of(f"risk:{found.pk}"),
    }
    return render(request, "members/risk_case.html", content, status=422 if refusal else 200)
