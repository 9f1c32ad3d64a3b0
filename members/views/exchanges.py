"""积分互通 in the office: partners and their programmes, every exchange, and the month with a partner."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import localtime, now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from members.forms.exchanges import OrderFilter, PartnerForm, ProgramForm, ReasonForm
from members.forms.points import PeriodForm
from members.models import ExchangeOrder, ExchangePartner, PartnerProgram
from members.queries.exchanges import (
    StatementLine,
    ledger_sum,
    orders_of,
    partners_of,
    program_on,
    statement,
)
from members.queries.partner_months import months_of
from members.services import exchange_partners, exchanges
from members.services.exchange_partners import words_of
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.queries.audit import history_of
from station.queries.columns import Action, Column, Empty, Tone, Value
from station.queries.listing import ListPage, within
from station.queries.reporting import Figure, Linked, Report, ReportTable
from station.queries.wording import local
from station.views.listing import filters_of, list_response
from station.views.reporting import head_of, report_response

PLAN, APPROVE = "members.partners.plan", "members.partners.approve"
TONES: dict[str, Tone] = {"DONE": "good", "REVERSED": "off"}


@require_GET
@may("members.partners")
def index(request: StaffRequest) -> HttpResponseBase:
    today, planning = localtime(now()).date(), may_do(request.role, PLAN)
    new = Action("新增合作商家", reverse("members:partner_new"))

    def in_force(row: ExchangePartner) -> str:
        found = program_on(partner=row, day=today)
        return f"第 {found.version} 版，至 {local(found.valid_until)}" if found else "没有"

    return list_response(
        request,
        ListPage(
            title="合作商家",
            columns=(
                Column("代码", "code", "code"),
                Column("名称", "name"),
                Column("生效的方案", in_force),
                Column("油站", "station.name", minor=True),
                Column(
                    "状态",
                    lambda row: "在用" if row.active else "停用",
                    "state",
                    tone=lambda row: "good" if row.active else "off",
                ),
            ),
            rows=partners_of(request.stations),
            order=("code",),
            opens=lambda row: reverse("members:partner", args=[row.code]),
            primary=new if planning else None,
            empty=Empty(
                "还没有合作商家",
                "电影院、超市、咖啡厅等，和它们互换积分：先新增商家，再提交兑换方案，由另一人审批。",
                new.label if planning else "",
                new.href if planning else "",
            ),
        ),
    )


@never_cache
@require_http_methods(["GET", "POST"])
@may(PLAN)
def partner_new(request: StaffRequest) -> HttpResponse:
    form = PartnerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made, secret = exchange_partners.add_partner(
                station=request.station, at=now(), actor=request.user, **form.cleaned_data
            )
            return _page(request, made, secret=secret)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {"form": form, "back_href": reverse("members:partners")}
    return render(request, "members/partner_new.html", content, status=422 if form.errors else 200)


@require_GET
@may("members.partners")
def partner(request: StaffRequest, code: str) -> HttpResponse:
    return _page(request, _found(request, code))


@never_cache
@require_POST
@may(APPROVE)
def secret(request: StaffRequest, code: str) -> HttpResponse:
    """Another secret, shown this once."""
    found = _found(request, code)
    made = exchange_partners.new_secret(partner=found, at=now(), actor=request.user)
    return _page(request, found, secret=made)


@require_POST
@may(APPROVE)
def active(request: StaffRequest, code: str) -> HttpResponse:
    found = _found(request, code)
    exchange_partners.set_active(
        partner=found, active=not found.active, at=now(), actor=request.user
    )
    return redirect("members:partner", code)


@require_http_methods(["GET", "POST"])
@may(PLAN)
def program_new(request: StaffRequest, code: str) -> HttpResponse:
    found = _found(request, code)
    last = found.programs.order_by("-version").first()
    today = localtime(now()).date()
    usual = {"fee": 0, "valid_from": today, "valid_until": today + timedelta(days=365)}
    initial = {name: getattr(last, name) for name in exchange_partners.TERMS} if last else usual
    form = ProgramForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            exchange_partners.plan(
                partner=found, values=form.cleaned_data, at=now(), actor=request.user
            )
            messages.success(request, "已提交，等另一人审批。")
            return redirect("members:partner", code)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {
        "form": form,
        "partner": found,
        "back_href": reverse("members:partner", args=[code]),
    }
    return render(
        request, "members/partner_program.html", content, status=422 if form.errors else 200
    )


@require_POST
@may(APPROVE)
def program_approve(request: StaffRequest, pk: int) -> HttpResponse:
    found = _program(request, pk)
    return _acted(
        request,
        found.partner,
        lambda: exchange_partners.approve(program=found, at=now(), actor=request.user),
        "已审批。",
    )


@require_POST
@may(APPROVE)
def program_withdraw(request: StaffRequest, pk: int) -> HttpResponse:
    found = _program(request, pk)
    return _acted(
        request,
        found.partner,
        lambda: exchange_partners.withdraw(program=found, at=now(), actor=request.user),
        "已停用这一版。",
    )


@require_GET
@may("members.partners")
def orders(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, OrderFilter, stations=request.stations)
    wanted = filters.cleaned_data
    rows = orders_of(request.stations)
    for name in ("partner", "way", "state"):
        if wanted.get(name):
            rows = rows.filter(**{name: wanted[name]})
    if text := (wanted.get("text") or "").strip():
        rows = rows.filter(
            Q(number__iexact=text) | Q(partner_no=text) | Q(member__number__iexact=text)
        )
    rows = within(rows, "at", since=wanted.get("since"), until=wanted.get("until"))
    return list_response(
        request,
        ListPage(
            title="积分互换单",
            columns=(
                Column("单号", "number", "code"),
                Column("时间", "at", "moment"),
                Column("合作商家", "partner.name"),
                Column("对方单号", "partner_no", "code", minor=True),
                Column("会员号", "member.number", "code"),
                Column("方向", lambda row: "换出" if row.way == "OUT" else "换入"),
                Column("我方积分", "points", "count"),
                Column("手续费", "fee", "count", minor=True),
                Column("对方积分", "theirs", "count"),
                Column(
                    "状态",
                    lambda row: row.get_state_display(),
                    "state",
                    tone=lambda row: TONES[row.state],
                ),
            ),
            rows=rows,
            order=("-id",),
            filters=filters,
            opens=lambda row: reverse("members:exchange", args=[row.number]),
            empty=Empty("还没有积分互换", "会员在合作商家那里换积分后会出现在这里。"),
        ),
    )


@require_GET
@may("members.partners")
def order(request: StaffRequest, number: str) -> HttpResponse:
    return _order_page(request, _order(request, number))


@require_POST
@may("members.partners.reverse")
def reverse_order(request: StaffRequest, number: str) -> HttpResponse:
    found, form = _order(request, number), ReasonForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    try:
        exchanges.reverse(order=found, reason=reason, at=now(), actor=request.user)
    except Refusal as refusal:
        return _order_page(request, _order(request, number), refusal=str(refusal))
    messages.success(request, "已冲回。请通知对方按对方单号冲回他那一边。")
    return redirect("members:exchange", number)


@require_GET
@may("members.partners")
def month(request: StaffRequest, code: str) -> HttpResponseBase:
    found, today = _found(request, code), localtime(now()).date()
    filters = filters_of(request, PeriodForm, since=today.replace(day=1), until=today)
    since, until = filters.span()
    return report_response(request, _statement(request, found, since, until), filters=filters)


def _statement(request: StaffRequest, found: ExchangePartner, since: date, until: date) -> Report:
    lines = statement(partner=found, since=since, until=until)
    ours = sum(one.points + one.fee for one in lines)
    booked = ledger_sum(partner=found, since=since, until=until)
    out = [one for one in lines if one.order.way == "OUT"]
    into = [one for one in lines if one.order.way == "IN"]
    return Report(
        title=f"与{found.name}的积分对账单",
        period=local(since) if since == until else f"{local(since)} 至 {local(until)}",
        head=head_of(request, at=now()),
        figures=(
            Figure("换出", -sum(one.points for one in out), "count", unit="我方分"),
            Figure("手续费", -sum(one.fee for one in out), "count", unit="我方分"),
            Figure("换入", sum(one.points for one in into), "count", unit="我方分"),
            Figure("账本合计", booked, "count", unit="我方分"),
            Figure("差额", ours - booked, "count", unit="我方分"),
        ),
        tables=(_table(lines, ours == booked),),
        remarks=(
            "会员换出记负，换入记正，冲回记相反；对方积分与我方积分同号。",
            "账本合计直接取自会员积分流水，应与逐笔的我方积分加手续费相等。",
        ),
        signatures=("制表", "合作商家确认"),
    )


def _table(lines: Sequence[StatementLine], agrees: bool) -> ReportTable:
    names = ("单号", "对方单号", "会员号", "事由")
    figures = ("对方积分", "我方积分", "手续费", "账本")
    sums = [
        sum(getattr(one, name) for one in lines) for name in ("theirs", "points", "fee", "booked")
    ]
    return ReportTable(
        "逐笔",
        (
            Column("日期", kind="date"),
            *(Column(name) for name in names),
            *(Column(name, kind="count") for name in figures),
            Column("核对"),
        ),
        rows=[_line(one) for one in lines],
        totals=["合计", *[""] * len(names), *sums, "相符" if agrees else "不符"],
        empty="这个期间没有积分互换。",
    )


def _line(one: StatementLine) -> list[Value | Linked]:
    way = "换出" if one.order.way == "OUT" else "换入"
    href = reverse("members:exchange", args=[one.order.number])
    return [
        one.day,
        Linked(one.order.number, href),
        one.order.partner_no,
        one.order.member.number,
        f"冲回{way}" if one.reversal else way,
        one.theirs,
        one.points,
        one.fee,
        one.booked,
        "相符" if one.agrees else Linked("不符", href, "bad"),
    ]


def _found(request: StaffRequest, code: str) -> ExchangePartner:
    return get_object_or_404(partners_of(request.stations), code=code)


def _program(request: StaffRequest, pk: int) -> PartnerProgram:
    rows = PartnerProgram.objects.select_related("partner__station", "partner__key")
    return get_object_or_404(rows, pk=pk, partner__station__in=list(request.stations))


def _order(request: StaffRequest, number: str) -> ExchangeOrder:
    return get_object_or_404(orders_of(request.stations), number=number)


def _acted(
    request: StaffRequest, found: ExchangePartner, act: Callable[[], None], words: str
) -> HttpResponse:
    try:
        act()
    except Refusal as refusal:
        return _page(request, found, refusal=str(refusal))
    messages.success(request, words)
    return redirect("members:partner", found.code)


def _order_page(request: StaffRequest, found: ExchangeOrder, refusal: str = "") -> HttpResponse:
    content = {
        "order": found,
        "tone": TONES[found.state],
        "refusal": refusal,
        "may_reverse": found.state == "DONE" and may_do(request.role, "members.partners.reverse"),
        "history": history_of(found.number),
    }
    return render(request, "members/exchange.html", content, status=422 if refusal else 200)


def _page(
    request: StaffRequest, found: ExchangePartner, *, refusal: str = "", secret: str = ""
) -> HttpResponse:
    today = localtime(now()).date()
    current = program_on(partner=found, day=today)
    rows = found.programs.select_related("planned_by", "approved_by").order_by("-version")
    approving = may_do(request.role, APPROVE)
    content = {
        "partner": found,
        "secret": secret,
        "refusal": refusal,
        "door": reverse("members:exchange_door", args=[found.code]),
        "programs": [
            (
                row,
                words_of(row),
                row == current,
                approving and row.approved_at is None and row.planned_by_id != request.user.pk,
            )
            for row in rows
        ],
        "months": months_of(partner=found, today=today),
        "may_plan": may_do(request.role, PLAN),
        "may_approve": approving,
        "history": history_of(f"partner:{found.code}"),
    }
    return render(request, "members/partner.html", content, status=422 if refusal else 200)
