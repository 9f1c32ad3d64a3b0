"""储值 at the till, and the documents that top-ups and their refunds leave."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import Q, Sum
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from members.models import Member, TopUpPlan, ValueAccount
from members.queries.finding import find, member_by_id
from members.queries.value import (
    account_by_number,
    account_of_member,
    plans_in_force,
    rule_of,
)
from members.services import value_accounts, value_codes
from members.services.value_keeping import ValueRefused, successor
from members.services.value_topping import limits_of
from sales.forms.till import checked
from sales.forms.topups import TopUpFilter, TopUpForm, TopUpRefundForm
from sales.models import Payment, Receipt, TopUp
from sales.queries.kiosk import order_of
from sales.queries.tickets import Ticket, plain, read_id
from sales.queries.topups import paper_of, terms_of, top_ups_of
from sales.services import topping
from sales.views import kiosk_orders
from sales.views.answers import answers_json, body_of, session_of, shown
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.models import TillSession
from station.queries import wording
from station.queries.audit import history_of
from station.queries.columns import Column, Empty, Tone
from station.queries.listing import ListPage
from station.views.listing import filters_of, list_response

TONES: dict[str, Tone] = {"TOPUP": "good", "REFUND": "wait"}


def proven(ticket: Ticket, body: dict[str, Any], *, at: datetime) -> Ticket:
    """The ticket with the accounts whose PIN came along and is right. Asks nothing where none came."""
    typed = body.get("secrets")
    if not isinstance(typed, dict):
        return ticket
    secrets = {plain(number)[:60]: plain(pin)[:20] for number, pin in list(typed.items())[:5]}
    return replace(ticket, proven=value_accounts.prove(secrets=secrets, at=at))


@require_http_methods(["GET", "POST"])
@may("sales.till")
@answers_json
def look_up(request: StaffRequest) -> dict[str, Any]:
    """A member's or a card's account with the plans it may be topped up by.

    A code that pays comes by POST, since it belongs into no address.
    """
    told = request.POST if request.method == "POST" else request.GET
    member_id, text = told.get("member", ""), told.get("text", "")
    order = None if member_id else order_of(text=plain(text), station=request.station)
    if order is not None:
        return kiosk_orders.told(order, at=now())
    member = None
    if member_id:
        try:
            member = member_by_id(read_id(member_id))
        except (ValueError, OverflowError):
            member = None
        account = account_of_member(member.member_id) if member else None
    else:
        is_code = value_codes.is_code(text)
        account = (
            value_codes.account_of(code=text, at=now())
            if is_code
            else account_by_number(plain(text))
        )
        if account is None:
            hits = [one for one in find(text=plain(text)) if one.exact]
            member = hits[0] if hits else None
            account = account_of_member(member.member_id) if member else None
        elif account.member_id:
            member = member_by_id(account.member_id)
    kind = account.kind if account else ("NAMED" if member else "BEARER")
    days = limits_of(request.station).refund_days
    return {
        "member": shown(member) if member else None,
        "account": _told(account) if account else None,
        "plans": [_plan(one, days) for one in plans_in_force(on=localdate(), kind=kind)],
    }


def _told(account: ValueAccount) -> dict[str, Any]:
    is_fine = account.status == ValueAccount.Status.ACTIVE
    over = account.is_over(localdate())
    return {
        "number": account.number,
        "kind": account.get_kind_display(),
        "balance": str(account.balance),
        "principal": str(account.principal),
        "bonus": str(account.bonus),
        "state": ("已过有效期，须先激活或换卡" if over else "")
        if is_fine
        else account.get_status_display(),
        "until": wording.local(account.expires_on) if account.expires_on else "",
        "pin": bool(account.pin_hash),
    }


def _plan(plan: TopUpPlan, days: int) -> dict[str, Any]:
    return {
        "id": plan.pk,
        "name": plan.name,
        "amount": str(plan.amount),
        "rule": rule_of(amount=plan.amount, bonus=plan.bonus, days=days),
    }


@require_POST
@may("sales.settle")
@answers_json
def top_up(request: StaffRequest) -> dict[str, Any]:
    typed = checked(TopUpForm(body_of(request)))
    session = session_of(request)
    at = now()
    top = topping.top_up(
        account=_account(request, typed, at),
        asked=topping.Asked(
            amount=typed["amount"],
            tender=typed["tender"],
            reference=typed["reference"],
            plan=typed["plan"],
            buyer=_buyer(typed["buyer"]),
        ),
        session=session,
        actor=request.user,
        at=at,
        key=typed["key"],
    )
    top.account.refresh_from_db(fields=["principal", "bonus"])
    return {
        "number": top.number,
        "amount": str(top.principal),
        "bonus": str(top.bonus),
        "balance": str(top.account.balance),
    }


def _account(request: StaffRequest, typed: dict[str, Any], at: datetime) -> ValueAccount:
    """Whom it is for: the member's account or the card's, opened where there is none yet."""
    if typed["member"]:
        member = Member.objects.filter(pk=typed["member"]).first()
        if member is None:
            raise ValueRefused("没有充值：找不到这个会员。请重新查找。")
        return value_accounts.open_named(
            member=member, station=request.station, at=at, actor=request.user
        )
    known = account_by_number(typed["card"])
    return known or value_accounts.open_bearer(
        card=typed["card"], station=request.station, at=at, actor=request.user
    )


def _buyer(number: str) -> Member | None:
    if not number.strip():
        return None
    buyer = Member.objects.filter(number__iexact=number.strip()).first()
    if buyer is None:
        raise ValueRefused(f"没有充值：没有会员 {number.strip()}。请核对购卡人的会员号。")
    return buyer


# ------------------------------------------------------------------------------ the documents


@require_GET
@may("sales.view")
def top_ups(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, TopUpFilter)
    wanted = filters.cleaned_data if filters.is_valid() else {}
    rows = top_ups_of([request.station])
    if wanted.get("since"):
        rows = rows.filter(day__date__gte=wanted["since"])
    if wanted.get("until"):
        rows = rows.filter(day__date__lte=wanted["until"])
    if wanted.get("kind"):
        rows = rows.filter(kind=wanted["kind"])
    if wanted.get("text"):
        sought = wanted["text"].strip().upper()
        rows = rows.filter(Q(number__iexact=sought) | Q(account__number=sought))
    return list_response(
        request,
        ListPage(
            title="充值单",
            columns=(
                Column("单号", "number", "code", href=_href),
                Column("时间", "occurred_at", "moment"),
                Column("类别", lambda one: one.get_kind_display(), "state", tone=_tone),
                Column("账户", "account.number", "code"),
                Column("金额", "principal", "yuan", sum="principal"),
                Column("赠金", "bonus", "yuan", sum="bonus"),
                Column("付款方式", "tender.name"),
                Column("收银员", "cashier.name", minor=True),
                Column("营业日", "day.date", "date", minor=True),
            ),
            rows=rows,
            order=("-occurred_at",),
            filters=filters,
            opens=_href,
            sums={
                "principal": Sum("principal", filter=Q(kind="TOPUP"), default=0)
                - Sum("principal", filter=Q(kind="REFUND"), default=0),
                "bonus": Sum("bonus", filter=Q(kind="TOPUP"), default=0)
                - Sum("bonus", filter=Q(kind="REFUND"), default=0),
            },
            empty=Empty("还没有充值", "在收银台点“充值”收款后会出现在这里。"),
            note="金额是收进或退出的钱；合计为充值减退款。",
        ),
    )


def _href(top: TopUp) -> str:
    return reverse("sales:top_up", args=[top.number])


def _tone(top: TopUp) -> Tone:
    return TONES[top.kind]


def _found(request: StaffRequest, number: str) -> TopUp:
    return get_object_or_404(top_ups_of([request.station]), number=number)


@require_GET
@may("sales.view")
def top_up_page(request: StaffRequest, number: str) -> HttpResponse:
    top = _found(request, number)
    is_open = top.kind == TopUp.Kind.TOPUP
    account = successor(top.account)
    context = {
        "top": top,
        "tone": TONES[top.kind],
        "paper": paper_of(top=top),
        "paid": Payment.objects.filter(document=top.number).order_by("pk").first(),
        "refunds": top.refunds.select_related("tender").order_by("pk"),
        "terms": terms_of(top=top, account=account, days=_days(request), at=now())
        if is_open
        else None,
        "may_refund": is_open and may_do(request.role, "sales.refund"),
        "receipts": Receipt.objects.filter(document=top.number).order_by("pk"),
        "history": history_of(top.number),
    }
    return render(request, "sales/top_up.html", context)


@require_http_methods(["GET", "POST"])
@may("sales.refund")
def refund(request: StaffRequest, number: str) -> HttpResponse:
    top = _found(request, number)
    terms = terms_of(top=top, account=successor(top.account), days=_days(request), at=now())
    sessions = TillSession.objects.filter(
        station=request.station, status=TillSession.Status.OPEN
    ).select_related("till", "cashier")
    form = TopUpRefundForm(
        request.POST or None,
        sessions=sessions.order_by("till__number"),
        initial={"amount": terms.most},
    )
    if request.method == "POST" and form.is_valid():
        try:
            made = topping.refund(
                top=top,
                amount=form.cleaned_data["amount"],
                reference=form.cleaned_data["reference"],
                reason=form.cleaned_data["reason"],
                session=form.cleaned_data["session"],
                actor=request.user,
                at=now(),
                key=str(request.POST.get("key", "")),
            )
            messages.success(request, f"已办理：{made.number}，退 {made.principal} 元。")
            return redirect("sales:top_up", made.number)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    context = {
        "top": top,
        "terms": terms,
        "whole": terms.of(terms.most),
        "form": form,
        "key": request.POST.get("key") or uuid.uuid4().hex,
        "back_href": reverse("sales:top_up", args=[number]),
    }
    return render(request, "sales/top_up_refund.html", context, status=422 if form.errors else 200)


def _days(request: StaffRequest) -> int:
    return limits_of(request.station).refund_days
