"""销售单: the list, one sale with its rows and history, its receipt on screen, and giving back."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import segno
from django import forms
from django.contrib import messages
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from sales.forms.receipts import CopyForm
from sales.forms.sales import MoneyBackForm, SalesFilter
from sales.forms.till import RetenderForm, checked
from sales.models import Payment, Receipt, Sale
from sales.queries.printing import reprints
from sales.queries.receipts import paper_of
from sales.queries.refundable import LineLeft, lines_left, tenders_left
from sales.queries.sales import sale_of, sales_of
from sales.services import printing, refunds, tenders
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.models import AuditEntry, TillSession
from station.queries.columns import Column, Empty, Tone
from station.queries.listing import ListPage
from station.views.listing import filters_of, list_response

TONES: dict[str, Tone] = {"SALE": "good", "REFUND": "wait", "REVERSAL": "bad"}


@require_GET
@may("sales.view")
def sales(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, SalesFilter)
    wanted = filters.cleaned_data if filters.is_valid() else {}
    rows = sales_of(station=request.station, **wanted).select_related("till", "cashier", "day")
    return list_response(
        request,
        ListPage(
            title="销售单",
            columns=(
                Column("单号", "number", "code", href=_href),
                Column("时间", "occurred_at", "moment"),
                Column("营业日", "day.date", "date", minor=True),
                Column("类别", lambda one: one.get_kind_display(), "state", tone=_tone),
                Column("收银台", "till.name", minor=True),
                Column("收银员", "cashier.name", minor=True),
                Column("挂牌额", "list_amount", "yuan", sum="listed", minor=True),
                Column("优惠", "discount", "yuan", sum="discount"),
                Column("抹零", "rounding", "yuan", sum="rounding", minor=True),
                Column("实收", "due", "yuan", sum="due"),
                Column("来源", lambda one: one.get_source_display(), minor=True),
            ),
            rows=rows,
            order=("-occurred_at",),
            filters=filters,
            opens=_href,
            sums={
                "listed": Sum("list_amount"),
                "discount": Sum("discount"),
                "rounding": Sum("rounding"),
                "due": Sum("due"),
            },
            empty=Empty("还没有销售单", "收款后会出现在这里。", "去收银台", reverse("sales:till")),
        ),
    )


def _href(sale: Sale) -> str:
    return reverse("sales:sale", args=[sale.number])


def _tone(sale: Sale) -> Tone:
    return TONES[sale.kind]


def _sale(request: StaffRequest, number: str) -> Sale:
    return get_object_or_404(sale_of(station=request.station, number=number))


@require_GET
@may("sales.view")
def sale(request: StaffRequest, number: str) -> HttpResponse:
    found = _sale(request, number)
    return _detail(request, found)


def _detail(request: StaffRequest, found: Sale, refusal: str = "") -> HttpResponse:
    corrections = list(found.corrections.all())
    reversed_ = any(one.kind == Sale.Kind.REVERSAL for one in corrections)
    open_ = found.kind == Sale.Kind.SALE and not reversed_
    context = {
        "sale": found,
        "tone": TONES[found.kind],
        "lines": sorted(found.lines.all(), key=lambda one: one.position),
        "payments": sorted(found.payments.all(), key=lambda one: one.pk),
        "corrections": corrections,
        "reversed": reversed_,
        "may_refund": open_ and may_do(request.role, "sales.refund"),
        "may_reverse": open_ and not corrections and may_do(request.role, "sales.reverse"),
        "may_reprint": may_do(request.role, "sales.reprint"),
        "next_copy": reprints([found.number]).get(found.number, 0) + 1,
        "may_retender": open_ and may_do(request.role, "sales.tender_change"),
        "receipts": Receipt.objects.filter(document=found.number).order_by("pk"),
        "history": AuditEntry.objects.filter(document=found.number).order_by("-pk")[:50],
        "refusal": refusal,
    }
    return render(request, "sales/sale.html", context, status=422 if refusal else 200)


@require_GET
@may("sales.view")
def receipt(request: StaffRequest, number: str) -> HttpResponse:
    found = _sale(request, number)
    code = segno.make(found.number, error="m").svg_data_uri(scale=4, border=1)
    return render(
        request,
        "sales/receipt.html",
        {"sale": found, "paper": paper_of(sale=found), "code": code},
    )


@require_POST
@may("sales.reprint")
def reprint(request: StaffRequest, number: str) -> HttpResponse:
    found = _sale(request, number)
    try:
        form = CopyForm(request.POST)
        copy = form.cleaned_data["copy"] if form.is_valid() else None
        printing.reprint(sale=found, actor=request.user, at=now(), copy=copy)
    except Refusal as refusal:
        return _detail(request, found, str(refusal))
    messages.success(request, "已补打，小票上标有“补打”。")
    return redirect("sales:sale", number)


@require_http_methods(["GET", "POST"])
@may("sales.refund")
def refund(request: StaffRequest, number: str) -> HttpResponse:
    def give(found: Sale, form: MoneyBackForm) -> Sale:
        return refunds.refund(
            sale=found,
            lines=form.refund_lines(),
            reason=form.cleaned_data["reason"],
            session=form.cleaned_data["session"],
            actor=request.user,
            at=now(),
            key=str(request.POST.get("key", "")),
            references=form.references(),
        )

    return _money_back(request, number, "sales/refund.html", give)


@require_http_methods(["GET", "POST"])
@may("sales.reverse")
def reverse_sale(request: StaffRequest, number: str) -> HttpResponse:
    def take(found: Sale, form: MoneyBackForm) -> Sale:
        return refunds.reverse(
            sale=found,
            reason=form.cleaned_data["reason"],
            session=form.cleaned_data["session"],
            actor=request.user,
            at=now(),
            key=str(request.POST.get("key", "")),
            references=form.references(),
        )

    return _money_back(request, number, "sales/reverse.html", take)


def _money_back(
    request: StaffRequest,
    number: str,
    template: str,
    act: Callable[[Sale, MoneyBackForm], Sale],
) -> HttpResponse:
    found = _sale(request, number)
    lines, brought = lines_left(sale=found), tenders_left(sale=found)
    sessions = TillSession.objects.filter(
        station=request.station, status=TillSession.Status.OPEN
    ).order_by("till__number")
    form = MoneyBackForm(
        request.POST or None, sessions=list(sessions), tenders=list(brought), lines=lines
    )
    if request.method == "POST" and form.is_valid():
        try:
            done = act(found, form)
        except (Refusal, forms.ValidationError) as refusal:
            form.add_error(
                None, refusal if isinstance(refusal, forms.ValidationError) else str(refusal)
            )
        else:
            messages.success(request, f"已办理：{done.number}，退 {-done.due} 元。")
            return redirect("sales:sale", done.number)
    context = {
        "sale": found,
        "form": form,
        "lines": _typed(request, lines),
        "brought": brought,
        "key": request.POST.get("key") or uuid.uuid4().hex,
        "back_href": reverse("sales:sale", args=[number]),
    }
    return render(request, template, context, status=422 if request.method == "POST" else 200)


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


@require_http_methods(["GET", "POST"])
@may("sales.tender_change")
def retender(request: StaffRequest, number: str, pk: int) -> HttpResponse:
    found = _sale(request, number)
    payment = get_object_or_404(Payment.objects.select_related("tender"), pk=pk, sale=found)
    form = RetenderForm(request.POST or None)
    if request.method == "POST":
        try:
            typed = checked(form)
            tenders.change_tender(
                payment=payment,
                tender=typed["tender"],
                reference=typed["reference"],
                reason=typed["reason"],
                actor=request.user,
                at=now(),
            )
        except Refusal as refusal:
            if form.is_valid():
                form.add_error(None, str(refusal))
        else:
            messages.success(request, "付款方式已改。")
            return redirect("sales:sale", number)
    context = {
        "sale": found,
        "payment": payment,
        "form": form,
        "back_href": reverse("sales:sale", args=[number]),
    }
    return render(
        request, "sales/retender.html", context, status=422 if request.method == "POST" else 200
    )
