"""打印队列: what waits, failed or came out; trying again, and a test print per printer."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from devices.models import Printer
from sales.forms.receipts import CopyForm, ReceiptFilter
from sales.models import Receipt
from sales.queries.printing import printer_rows, receipts_of
from sales.services import slips
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.queries.columns import Column, Empty, Tone
from station.queries.listing import ListPage
from station.views.listing import filters_of, list_response

TONES: dict[str, Tone] = {"WAITING": "wait", "PRINTED": "good", "FAILED": "bad"}
SHOWN = 20


@require_GET
@may("sales.receipts")
def receipts(request: StaffRequest) -> HttpResponseBase:
    return _page(request)


def _page(request: StaffRequest, refusal: str = "") -> HttpResponseBase:
    filters = filters_of(request, ReceiptFilter)
    rows = receipts_of(station=request.station, **filters.cleaned_data)
    failed = receipts_of(station=request.station, status=Receipt.Status.FAILED)
    answer = list_response(
        request,
        _listing(rows, filters),
        template="sales/receipts.html",
        context={
            "printers": printer_rows(station=request.station, at=now()),
            "failed": failed.order_by("-pk")[:SHOWN],
            "failed_count": failed.count(),
            "may_wire": may_do(request.role, "devices.wiring.view"),
            "refusal": refusal,
        },
    )
    answer.status_code = 422 if refusal else answer.status_code
    return answer


def _listing(rows: QuerySet[Receipt], filters: ReceiptFilter) -> ListPage:
    return ListPage(
        title="打印队列",
        columns=(
            Column("时间", "asked_at", "moment"),
            Column("类别", lambda one: one.get_kind_display()),
            Column("单据", "document", "code", href=_href),
            Column("第几份", "copy", "count", minor=True),
            Column("打印机", lambda one: one.printer.name if one.printer else "本台打印机"),
            Column("状态", lambda one: one.get_status_display(), "state", tone=_tone),
            Column("试了几次", "attempts", "count"),
            Column("打到一半", lambda one: one.interrupted or None, "count", minor=True),
            Column("最后的错误", "last_error"),
            Column("打印时间", "printed_at", "moment", minor=True),
            Column("谁要的", lambda one: str(one.asked_by or ""), minor=True),
        ),
        rows=rows,
        order=("-id",),  # newest first, along the key: the table only grows
        filters=filters,
        empty=Empty("还没有打印过", "收款的小票、补打、班结单和试打会排在这里。"),
    )


def _tone(one: Receipt) -> Tone:
    return TONES[one.status]


def _href(one: Receipt) -> str:
    """The page of what is on the paper."""
    if one.kind in (Receipt.Kind.TRIAL, Receipt.Kind.DRAWER):
        return ""
    if one.kind == Receipt.Kind.SHIFT:
        return f"{reverse('station:search')}?{urlencode({'q': one.document})}"
    return reverse("sales:sale", args=[one.document])


@require_POST
@may("sales.receipts")
def retry(request: StaffRequest, pk: int) -> HttpResponseBase:
    receipt = get_object_or_404(
        Receipt.objects.select_related("station"), pk=pk, station=request.station
    )
    try:
        slips.retry(receipt=receipt, actor=request.user, at=now())
    except Refusal as refusal:
        return _page(request, str(refusal))
    messages.success(request, f"{receipt.document} 已重新排队，稍后刷新看结果。")
    return redirect("sales:receipts")


@require_POST
@may("sales.receipts")
def try_printer(request: StaffRequest, pk: int) -> HttpResponseBase:
    printer = get_object_or_404(Printer, pk=pk, station=request.station)
    form = CopyForm(request.POST)
    if not form.is_valid():
        return _page(request, "没有试打：页面过期，请刷新后再按一次。")
    try:
        slips.print_trial(
            printer=printer, copy=form.cleaned_data["copy"], actor=request.user, at=now()
        )
    except Refusal as refusal:
        return _page(request, str(refusal))
    messages.success(request, f"试打页已送 {printer.name}，没有出纸请看下面的错误。")
    return redirect("sales:receipts")
