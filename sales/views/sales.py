"""销售单: the list, one sale with its rows and history, its receipt on screen, and its tenders."""

from __future__ import annotations

import segno
from django.contrib import messages
from django.db.models import Sum
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from sales.forms.receipts import CopyForm
from sales.forms.sales import SalesFilter
from sales.forms.till import RetenderForm, checked
from sales.models import Payment, Receipt, Sale
from sales.queries.offers import Reduction, reductions_of
from sales.queries.printing import reprints
from sales.queries.receipts import paper_of
from sales.queries.sales import sale_of, sales_of
from sales.services import printing, tenders
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.queries.audit import history_of
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
        "reductions": _reductions(found),
        "corrections": corrections,
        "reversed": reversed_,
        **_money_back(request, may_refund=open_, may_reverse=open_ and not corrections),
        "may_reprint": may_do(request.role, "sales.reprint"),
        "next_copy": reprints([found.number]).get(found.number, 0) + 1,
        "may_retender": open_ and may_do(request.role, "sales.tender_change"),
        "receipts": Receipt.objects.filter(document=found.number).order_by("pk"),
        "history": history_of(found.number),
        "refusal": refusal,
    }
    return render(request, "sales/sale.html", context, status=422 if refusal else 200)


def _reductions(found: Sale) -> list[tuple[str, Reduction]]:
    """Each discount with the name of its line."""
    names = {line.position: line.name for line in found.lines.all()}
    rows = sorted(reductions_of(found).items())
    return [(names.get(position, ""), one) for position, some in rows for one in some]


def _money_back(request: StaffRequest, **ways: bool) -> dict[str, str]:
    """What the page offers for each way: to do it, to ask for it, or nothing."""
    rights = {"may_refund": "sales.refund", "may_reverse": "sales.reverse"}
    asks = may_do(request.role, "sales.refund.ask")
    return {
        name: "do" if may_do(request.role, rights[name]) else "ask" if asks else ""
        for name, is_open in ways.items()
        if is_open
    }


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
