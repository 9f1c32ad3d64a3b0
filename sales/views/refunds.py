"""退款与冲红: by those who may, and asked for by a cashier while one of them signs at her screen."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_http_methods

from marketing.queries.coupons import void_by
from sales.forms.sales import AskedBackForm, MoneyBackForm
from sales.models import Sale, Tender
from sales.queries import crew
from sales.queries.refundable import LineLeft, lines_left, tenders_left
from sales.queries.sales import sale_of
from sales.services import refunds
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.models import TillSession, User
from station.services.approval import check_approver


@dataclass(frozen=True)
class Way:
    """One way to give money back: its page, its right, and where it is done."""

    name: str
    right: str
    template: str
    page: str


REFUND = Way("退款", "sales.refund", "sales/refund.html", "sales:refund")
REVERSAL = Way("冲红", "sales.reverse", "sales/reverse.html", "sales:reverse")


@require_http_methods(["GET", "POST"])
@may("sales.refund")
def refund(request: StaffRequest, number: str) -> HttpResponse:
    return _money_back(request, _sale(request, number), REFUND)


@require_http_methods(["GET", "POST"])
@may("sales.reverse")
def reverse_sale(request: StaffRequest, number: str) -> HttpResponse:
    return _money_back(request, _sale(request, number), REVERSAL)


@require_http_methods(["GET", "POST"])
@may("sales.refund.ask")
def ask_refund(request: StaffRequest, number: str) -> HttpResponse:
    return _asked(request, _sale(request, number), REFUND)


@require_http_methods(["GET", "POST"])
@may("sales.refund.ask")
def ask_reversal(request: StaffRequest, number: str) -> HttpResponse:
    return _asked(request, _sale(request, number), REVERSAL)


def _sale(request: StaffRequest, number: str) -> Sale:
    return get_object_or_404(sale_of(station=request.station, number=number))


def _asked(request: StaffRequest, found: Sale, way: Way) -> HttpResponse:
    if may_do(request.role, way.right):
        return redirect(way.page, found.number)  # who may do it asks nobody
    return _money_back(request, found, way, asking=True)


def _money_back(
    request: StaffRequest, found: Sale, way: Way, *, asking: bool = False
) -> HttpResponse:
    lines, brought = lines_left(sale=found), tenders_left(sale=found)
    form = _form(request, way, lines, list(brought), asking=asking)
    if request.method == "POST" and form.is_valid():
        try:
            done = _give(request, found, form, way)
        except (Refusal, forms.ValidationError) as refusal:
            form.add_error(
                None, refusal if isinstance(refusal, forms.ValidationError) else str(refusal)
            )
        else:
            messages.success(request, f"已办理：{done.number}，退 {-done.due} 元。")
            if void := void_by(document=done.number):
                messages.warning(request, f"会员已注销：退回的 {void} 张券作废，不能再用。")
            return redirect("sales:sale", done.number)
    context = {
        "sale": found,
        "form": form,
        "asking": asking,
        "lines": _typed(request, lines),
        "brought": brought,
        "key": request.POST.get("key") or uuid.uuid4().hex,
        "back_href": reverse("sales:sale", args=[found.number]),
    }
    return render(request, way.template, context, status=422 if request.method == "POST" else 200)


def _form(
    request: StaffRequest, way: Way, lines: list[LineLeft], tenders: list[Tender], *, asking: bool
) -> MoneyBackForm:
    """Any open drawer for those who may; the asker's own for a cashier, with who may sign."""
    open_ = TillSession.objects.filter(station=request.station, status=TillSession.Status.OPEN)
    if not asking:
        sessions = open_.order_by("till__number")
        return MoneyBackForm(request.POST or None, sessions=sessions, tenders=tenders, lines=lines)
    signers = crew.people(station=request.station, right=way.right)
    return AskedBackForm(
        request.POST or None,
        sessions=open_.filter(cashier=request.user),
        tenders=tenders,
        lines=lines,
        approvers=[one for one in signers if one.pk != request.user.pk],
    )


def _give(request: StaffRequest, found: Sale, form: MoneyBackForm, way: Way) -> Sale:
    said: dict[str, Any] = {
        "sale": found,
        "reason": form.cleaned_data["reason"],
        "session": form.cleaned_data["session"],
        "actor": request.user,
        "key": str(request.POST.get("key", "")),
        "references": form.references(),
    }
    if way is REFUND:
        lines = form.refund_lines()
        approver = _approver(request, form, way)
        return refunds.refund(lines=lines, approver=approver, at=now(), **said)
    return refunds.reverse(approver=_approver(request, form, way), at=now(), **said)


def _approver(request: StaffRequest, form: MoneyBackForm, way: Way) -> User | None:
    """The second person of an asked-for refund, by account and PIN; None where nobody need sign."""
    if not isinstance(form, AskedBackForm):
        return None
    return check_approver(
        username=form.cleaned_data["approver"],
        secret=form.cleaned_data["approver_secret"],
        right=way.right,
        station=request.station,
        not_user=request.user,
        at=now(),
    )


def _typed(request: HttpRequest, lines: list[LineLeft]) -> list[dict[str, object]]:
    """Each line with what was typed beside it, so that nothing typed is lost."""
    return [
        {
            "left": one,
            "quantity": request.POST.get(f"quantity_{one.line.position}", ""),
            "amount": request.POST.get(f"amount_{one.line.position}", ""),
        }
        for one in lines
    ]
