"""收银班 pages: list, open, end, count blind, accept, spot check, cash in and out."""

from __future__ import annotations

from datetime import date
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from sales.forms.sessions import AcceptForm, CashForm, CountForm, OpenSessionForm, RecountForm
from sales.models import CashMovement, Tender
from sales.queries import crew as crews
from sales.queries import sessions as queries
from sales.queries.shifts import SessionReport, session_report
from sales.services import cash, sessions
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.forms.controls import DayField
from station.models import Till, TillSession, User
from station.queries.columns import Action, Column, Empty, Tone
from station.queries.listing import ListPage
from station.services.accounts import check_secret
from station.services.approval import check_approver
from station.views.listing import filters_of, list_response

Status = TillSession.Status
TONES: dict[str, Tone] = {
    Status.OPEN: "info",
    Status.ENDED: "wait",
    Status.COUNTED: "wait",
    Status.CLOSED: "good",
}


def session_for(request: StaffRequest, pk: int) -> TillSession:
    """A session of the station in view; a cashier gets only his own, others 404."""
    rows = TillSession.objects.select_related(
        "station", "till", "cashier", "shift__day", "shift__leader"
    ).filter(station=request.station)
    if not may_do(request.role, "sales.custody"):
        rows = rows.filter(cashier=request.user)
    return get_object_or_404(rows, pk=pk)


class SessionFilter(forms.Form):
    """Which sessions."""

    since = DayField(label="起", required=False)
    until = DayField(label="止", required=False)
    status = forms.ChoiceField(
        label="状态", choices=[("", "全部"), *Status.choices], required=False
    )


_COLUMNS: tuple[Column, ...] = (
    Column("班次", lambda row: str(row.shift)),
    Column("收银台", "till.name"),
    Column("收银员", "cashier.name"),
    Column("开始时间", "opened_at", "moment"),
    Column("结束收银时间", "ended_at", "moment"),
    Column("备用金", "float_amount", "yuan"),
    Column(
        "实点现金",
        lambda row: row.count.cash_counted if hasattr(row, "count") else None,
        "yuan",
    ),
    Column(
        "接收人",
        lambda row: str(row.count.accepted_by or "") if hasattr(row, "count") else "",
    ),
    Column(
        "状态",
        lambda row: row.get_status_display(),
        "state",
        tone=lambda row: TONES[row.status],
    ),
)


@require_GET
@may("sales.session")
def session_list(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, SessionFilter)
    rows = TillSession.objects.filter(station=request.station).select_related(
        "till", "cashier", "shift__day", "count__accepted_by"
    )
    if not may_do(request.role, "sales.custody"):
        rows = rows.filter(cashier=request.user)
    since: date | None = filters.cleaned_data.get("since")
    until: date | None = filters.cleaned_data.get("until")
    if since:
        rows = rows.filter(shift__day__date__gte=since)
    if until:
        rows = rows.filter(shift__day__date__lte=until)
    if filters.cleaned_data.get("status"):
        rows = rows.filter(status=filters.cleaned_data["status"])
    return list_response(
        request,
        ListPage(
            title="收银班",
            columns=_COLUMNS,
            rows=rows,
            order=("-opened_at",),
            filters=filters,
            opens=lambda row: reverse("sales:session", args=[row.pk]),
            primary=Action("开收银班", reverse("sales:session_open"), "plus"),
            empty=Empty(
                "还没有收银班",
                "收银员领备用金开班后会出现在这里。",
                "开收银班",
                reverse("sales:session_open"),
            ),
        ),
    )


@require_http_methods(["GET", "POST"])
@may("sales.session")
def session_open(request: StaffRequest) -> HttpResponse:
    tills = list(Till.objects.filter(station=request.station, active=True).order_by("number"))
    cashiers = crews.people(station=request.station, right="sales.session")
    initial = {
        "cashier": request.user.username,
        "float_amount": queries.suggested_float(
            station=request.station, till_id=tills[0].pk if tills else 0
        ),
    }
    form = OpenSessionForm(request.POST or None, tills=tills, cashiers=cashiers, initial=initial)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        cashier = next(one for one in cashiers if one.username == said["cashier"])
        try:
            check_secret(user=cashier, secret=said["secret"], at=timezone.now())
            opened = sessions.open_session(
                till=next(one for one in tills if str(one.pk) == said["till"]),
                cashier=cashier,
                float_amount=said["float_amount"],
                at=timezone.now(),
                actor=request.user,
            )
            messages.success(request, f"{opened.till} 已开班，备用金 {opened.float_amount} 元。")
            if cashier == request.user:  # who opens for himself opens to sell
                return redirect("sales:till")
            return redirect("sales:session", opened.pk)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    context = {"form": form, "back_href": reverse("sales:sessions")}
    return render(request, "sales/session_open.html", context, status=422 if form.errors else 200)


@require_GET
@may("sales.session")
def session(request: StaffRequest, pk: int) -> HttpResponse:
    held = session_for(request, pk)
    return render(request, "sales/session.html", _detail(request, held))


def _detail(
    request: StaffRequest, held: TillSession, *, spot_check: bool = False
) -> dict[str, object]:
    """The page of a session: what should be there is shown only once it was counted."""
    told: SessionReport = session_report(held)
    movements = (
        CashMovement.objects.filter(session=held)
        .select_related("actor", "witness")
        .order_by("occurred_at", "pk")
    )
    return {
        "session": held,
        "report": told,
        "count": getattr(held, "count", None),
        "shows_due": told.counted or spot_check,
        "spot_check": spot_check,
        "movements": movements,
        "tone": TONES[Status(held.status)],
        "may_spot_check": may_do(request.role, "sales.session.spot_check"),
        "document": f"收银班 {held.pk}",
    }


@require_GET
@may("sales.session.spot_check")
def session_spot_check(request: StaffRequest, pk: int) -> HttpResponse:
    held = session_for(request, pk)
    return render(request, "sales/session.html", _detail(request, held, spot_check=True))


@require_POST
@may("sales.session")
def session_end(request: StaffRequest, pk: int) -> HttpResponse:
    held = session_for(request, pk)
    try:
        sessions.end_session(session=held, at=timezone.now(), actor=request.user)
    except Refusal as refusal:
        messages.error(request, str(refusal))
        return redirect("sales:session", held.pk)
    return redirect("sales:session_count", held.pk)


@require_http_methods(["GET", "POST"])
@may("sales.session")
def session_count(request: StaffRequest, pk: int) -> HttpResponse:
    held = session_for(request, pk)
    if held.status in (Status.OPEN, Status.CLOSED):
        return redirect("sales:session", held.pk)
    form = _count_form(request, held)
    if request.method == "POST" and form.is_valid():
        try:
            sessions.count_session(
                session=held,
                denominations=form.denominations,
                slips=form.slips,
                at=timezone.now(),
                actor=request.user,
                approver=_approver(request, held, form),
            )
            return redirect("sales:session_accept", held.pk)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    context = {"form": form, "session": held, "again": held.status == Status.COUNTED}
    return render(request, "sales/count.html", context, status=422 if form.errors else 200)


def _count_form(request: StaffRequest, held: TillSession) -> CountForm:
    tenders = list(Tender.objects.filter(active=True).order_by("position", "code"))
    if held.status == Status.COUNTED:
        approvers = crews.people(station=request.station, right="sales.approve")
        return RecountForm(request.POST or None, tenders=tenders, approvers=approvers)
    return CountForm(request.POST or None, tenders=tenders)


def _approver(request: StaffRequest, held: TillSession, form: forms.Form) -> User | None:
    if not form.cleaned_data.get("approver"):
        return None
    return check_approver(
        username=form.cleaned_data["approver"],
        secret=form.cleaned_data["approver_secret"],
        right="sales.approve",
        station=request.station,
        not_user=held.cashier,
        at=timezone.now(),
    )


@require_http_methods(["GET", "POST"])
@may("sales.session")
def session_accept(request: StaffRequest, pk: int) -> HttpResponse:
    held = session_for(request, pk)
    if held.status != Status.COUNTED:
        return redirect("sales:session", held.pk)
    told = session_report(held)
    over = sessions.needs_reason(list(told.dues), held.station)
    form = AcceptForm(
        request.POST or None,
        dues=told.dues,
        over_limit=over,
        receivers=[
            one
            for one in _others(request, held, "sales.session")
            if one.pk != held.count.counted_by_id
        ],
        approvers=_others(request, held, "sales.approve"),
    )
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            receiver = check_approver(
                username=said["receiver"],
                secret=said["receiver_secret"],
                right="sales.session",
                station=request.station,
                not_user=held.cashier,
                at=timezone.now(),
            )
            sessions.accept_count(
                session=held,
                receiver=receiver,
                reasons=form.reasons,
                approver=_approver(request, held, form),
                deposit_slip=said["deposit_slip"],
                at=timezone.now(),
                actor=request.user,
            )
            messages.success(request, f"{receiver} 已接收 {held.till} 的现金，收银班交接完成。")
            return redirect("sales:session", held.pk)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    context = {
        "form": form,
        "session": held,
        "report": told,
        "over": {due.tender.pk for due in over},
    }
    return render(request, "sales/accept.html", context, status=422 if form.errors else 200)


def _others(request: StaffRequest, held: TillSession, right: str) -> list[User]:
    people = crews.people(station=request.station, right=right)
    return [one for one in people if one.pk != held.cashier_id]


@require_http_methods(["GET", "POST"])
@may("sales.cash")
def session_cash(request: StaffRequest, pk: int) -> HttpResponse:
    held = session_for(request, pk)
    form = CashForm(
        request.POST or None,
        witnesses=_others(request, held, "sales.session"),
        initial={"kind": request.GET.get("kind", CashMovement.Kind.DROP)},
    )
    if request.method == "POST" and form.is_valid():
        try:
            moved = _move(request, held, form)
            messages.success(request, f"{moved.number} 已登记：{moved.get_kind_display()}。")
            return redirect("sales:session", held.pk)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    context = {
        "form": form,
        "session": held,
        "key": request.POST.get("key") or uuid4().hex,
        "back_href": reverse("sales:session", args=[held.pk]),
    }
    return render(request, "sales/session_cash.html", context, status=422 if form.errors else 200)


def _move(request: StaffRequest, held: TillSession, form: CashForm) -> CashMovement:
    said = form.cleaned_data
    at = timezone.now()
    witness = None
    if said["witness"]:
        witness = check_approver(
            username=said["witness"],
            secret=said["witness_secret"],
            right="sales.session",
            station=request.station,
            not_user=request.user,
            at=at,
        )
    key = request.POST.get("key", "")
    return cash.move(
        session=held,
        kind=said["kind"],
        amount=said["amount"],
        reason=said["reason"],
        witness=witness,
        at=at,
        actor=request.user,
        client_key=key and f"cash:{held.pk}:{key}",
    )
