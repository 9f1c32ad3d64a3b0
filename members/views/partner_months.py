"""对账: a month with a partner beside what he says of it, his bill, and closing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.views.decorators.http import require_GET, require_POST

from members.forms.exchanges import BillForm, ReasonForm
from members.models import ExchangePartner, Move
from members.queries.exchanges import partners_of
from members.queries.partner_months import Month, MonthLine, last_of, month_of
from members.services import partner_months
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.queries.columns import Column, Value
from station.queries.reporting import Figure, Linked, Report, ReportTable
from station.queries.wording import local
from station.views.reporting import head_of, report_response

CLOSE = "members.partners.close"


@require_GET
@may("members.partners")
def month(request: StaffRequest, code: str, month: str) -> HttpResponseBase:
    return _page(request, _found(request, code), _month(month))


@require_POST
@may(CLOSE)
def bill(request: StaffRequest, code: str, month: str) -> HttpResponseBase:
    """What the partner says of the month: his file, or three figures."""
    found, first = _found(request, code), _month(month)
    form = BillForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, found, first, form=form)
    told, file = form.cleaned_data, form.cleaned_data["file"]

    def act() -> str:
        noted: dict[str, Any] = {"month": first, "at": now(), "actor": request.user}
        if file:
            noted |= {"name": file.name or "", "content": file.read()}
            partner_months.tell_file(partner=found, **noted)
        else:
            noted |= {name: told[name] for name in ("exchanges", "out", "into")}
            partner_months.tell_figures(partner=found, **noted)
        return "已登记对方账单。"

    return _done(request, found, first, act)


@require_POST
@may(CLOSE)
def close(request: StaffRequest, code: str, month: str) -> HttpResponseBase:
    found, first = _found(request, code), _month(month)
    form = ReasonForm(request.POST)
    words = form.cleaned_data["reason"] if form.is_valid() else ""

    def act() -> str:
        partner_months.close(partner=found, month=first, words=words, at=now(), actor=request.user)
        return f"{first:%Y-%m} 已结账。"

    return _done(request, found, first, act)


def _found(request: StaffRequest, code: str) -> ExchangePartner:
    return get_object_or_404(partners_of(request.stations), code=code)


def _month(text: str) -> date:
    """The first day of a month like 2026-04; nothing else is a page."""
    try:
        first = datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007  (a month, no instant)
    except ValueError as error:
        raise Http404 from error
    if text != f"{first:%Y-%m}" or not 2000 <= first.year < 2200:
        raise Http404
    return first


def _done(
    request: StaffRequest, found: ExchangePartner, first: date, act: Callable[[], str]
) -> HttpResponseBase:
    try:
        messages.success(request, act())
    except Refusal as refusal:
        return _page(request, found, first, refusal=str(refusal))
    return redirect("members:partner_month", found.code, f"{first:%Y-%m}")


def _page(
    request: StaffRequest,
    found: ExchangePartner,
    first: date,
    *,
    refusal: str = "",
    form: BillForm | None = None,
) -> HttpResponseBase:
    told, today = month_of(partner=found, month=first), localdate()
    changing = told.closed is None and may_do(request.role, CLOSE)
    context = {
        "partner": found,
        "month": f"{first:%Y-%m}",
        "told": told,
        "refusal": refusal,
        "form": form or BillForm(),
        "may_tell": changing and first <= today,
        "may_close": changing and last_of(first) < today,
        "needs_words": told.bill is None or told.differences > 0,
    }
    answer = report_response(
        request, _report(request, told), template="members/partner_month.html", context=context
    )
    if (refusal or form is not None) and isinstance(answer, HttpResponse):
        answer.status_code = 422
    return answer


def _report(request: StaffRequest, told: Month) -> Report:
    return Report(
        title=f"与{told.partner.name}的 {told.month:%Y-%m} 对账单",
        period=f"{local(told.month)} 至 {local(last_of(told.month))}",
        head=head_of(
            request, at=now(), approved_by=told.closed.closed_by.name if told.closed else ""
        ),
        figures=(
            Figure("换出", told.points_out, "count", unit="我方分"),
            Figure("手续费", told.fee, "count", unit="我方分"),
            Figure("换入", told.points_in, "count", unit="我方分"),
            Figure("账本合计", told.booked, "count", unit="我方分"),
            Figure("与对方不同", told.differences if told.bill else None, "count", unit="处"),
        ),
        tables=(_sums(told), _lines(told)),
        remarks=(
            "会员换出记负，换入记正，冲回记相反；对方积分不带正负号，看事由。",
            "账本合计直接取自会员积分流水。结账后的月份数字不再变，以后的冲回记在冲回那个月。",
        ),
        signatures=("制表", "合作商家确认"),
    )


def _sums(told: Month) -> ReportTable:
    return ReportTable(
        "合计核对",
        (
            Column("项目"),
            Column("我方", kind="count"),
            Column("对方", kind="count"),
            Column("差额", kind="count"),
        ),
        [
            (
                name,
                ours,
                his,
                None if his is None else Linked(ours - his, "", "bad" if ours != his else ""),
            )
            for name, ours, his in told.sums
        ],
    )


def _lines(told: Month) -> ReportTable:
    return ReportTable(
        "逐笔",
        (
            Column("日期", kind="date"),
            *(Column(name) for name in ("单号", "对方单号", "会员号", "事由")),
            *(
                Column(name, kind="count")
                for name in ("对方积分", "对方账单", "我方积分", "手续费", "账本")
            ),
            Column("核对"),
        ),
        rows=[_line(one) for one in told.lines],
        empty="这个月没有积分互换。",
    )


def _line(one: MonthLine) -> list[Value | Linked]:
    href = reverse("members:exchange", args=[one.order]) if one.order else ""
    fine = one.agrees and one.is_booked
    return [
        one.day,
        Linked(one.order, href),
        one.partner_no,
        one.member,
        Move(one.move).label,
        one.theirs,
        one.told,
        one.points,
        one.fee,
        one.booked,
        one.words if fine else Linked(one.words, href, "bad"),
    ]
