"""员工手机: the money he holds is a session of his own, opened, ended and counted blind."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from sales.forms.attending import OpenForm
from sales.forms.sessions import AcceptForm, CountForm
from sales.models import Sale, Tender
from sales.queries import attending as asked
from sales.queries import crew as crews
from sales.queries import sessions as queries
from sales.queries.shifts import session_report
from sales.services import sessions
from station.access import StaffRequest, may
from station.errors import Refusal
from station.models import Till, TillSession, User
from station.services.accounts import check_secret
from station.services.approval import check_approver

Status = TillSession.Status


@require_GET
@never_cache
@may("sales.attend")
def session(request: StaffRequest) -> HttpResponse:
    """Where his money stands: to be opened, open, to be counted, to be handed over."""
    return _page(request, asked.session_of(user=request.user, station=request.station))


def _page(
    request: StaffRequest, held: TillSession | None, form: forms.Form | None = None
) -> HttpResponse:
    content: dict[str, object] = {"session": held}
    if held is None:
        content["form"] = form or _open_form(request)
    elif held.status == Status.OPEN:
        content["sales"] = Sale.objects.filter(session=held).count()
    elif held.status == Status.ENDED:
        content["form"] = form or _count_form(request)
    else:
        content |= {"form": form or _accept_form(request, held), "report": session_report(held)}
    status = 422 if form is not None and form.errors else 200
    return render(request, "sales/attendant_session.html", content, status=status)


def _tills(request: StaffRequest) -> list[Till]:
    """Tills at which nobody sits; those without a printer, a phone's, first."""
    busy = TillSession.objects.filter(status=Status.OPEN).values("till")
    rows = Till.objects.filter(station=request.station, active=True).exclude(pk__in=busy)
    free = list(rows.prefetch_related("printers").order_by("number"))
    return sorted(free, key=lambda one: bool(one.printers.all()))


def _open_form(request: StaffRequest) -> OpenForm:
    tills = _tills(request)
    first = tills[0].pk if tills else 0
    float_amount = queries.suggested_float(station=request.station, till_id=first)
    return OpenForm(request.POST or None, tills=tills, initial={"float_amount": float_amount})


def _count_form(request: StaffRequest) -> CountForm:
    tenders = Tender.objects.filter(active=True).order_by("position", "code")
    return CountForm(request.POST or None, tenders=list(tenders))


def _others(request: StaffRequest, held: TillSession, right: str) -> list[User]:
    people = crews.people(station=request.station, right=right)
    return [one for one in people if one.pk not in (held.cashier_id, held.count.counted_by_id)]


def _accept_form(request: StaffRequest, held: TillSession) -> AcceptForm:
    told = session_report(held)
    return AcceptForm(
        request.POST or None,
        dues=told.dues,
        over_limit=sessions.needs_reason(list(told.dues), held.station),
        receivers=_others(request, held, "sales.session"),
        approvers=_others(request, held, "sales.approve"),
    )


@require_POST
@may("sales.attend")
def open_session(request: StaffRequest) -> HttpResponse:
    held = asked.session_of(user=request.user, station=request.station)
    if held is not None:
        return redirect("sales:attendant_session")
    form = _open_form(request)
    if form.is_valid():
        said = form.cleaned_data
        try:
            check_secret(user=request.user, secret=said["secret"], at=now())
            opened = sessions.open_session(
                till=next(one for one in _tills(request) if str(one.pk) == said["till"]),
                cashier=request.user,
                float_amount=said["float_amount"],
                at=now(),
                actor=request.user,
            )
            messages.success(request, f"已开班：{opened.till}，备用金 {opened.float_amount} 元。")
            return redirect("sales:attendant")
        except Refusal as refusal:
            form.add_error(None, str(refusal))
        except StopIteration:
            form.add_error(None, "这个收银台刚刚有人用了。请换一个。")
    return _page(request, None, form)


def _own(request: StaffRequest, *statuses: str) -> TillSession | None:
    held = asked.session_of(user=request.user, station=request.station)
    return held if held is not None and held.status in statuses else None


@require_POST
@may("sales.attend")
def end_session(request: StaffRequest) -> HttpResponse:
    held = _own(request, Status.OPEN)
    if held is not None:
        try:
            sessions.end_session(session=held, at=now(), actor=request.user)
        except Refusal as refusal:
            messages.error(request, str(refusal))
    return redirect("sales:attendant_session")


@require_POST
@may("sales.attend")
def count_session(request: StaffRequest) -> HttpResponse:
    """盲点: what should be there is not shown before this."""
    held = _own(request, Status.ENDED)
    if held is None:
        return redirect("sales:attendant_session")
    form = _count_form(request)
    if form.is_valid():
        try:
            sessions.count_session(
                session=held,
                denominations=form.denominations,
                slips=form.slips,
                at=now(),
                actor=request.user,
            )
            return redirect("sales:attendant_session")
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return _page(request, held, form)


@require_POST
@may("sales.attend")
def hand_over(request: StaffRequest) -> HttpResponse:
    """交接: a cashier or the leader takes the money on this phone, with his own PIN."""
    held = _own(request, Status.COUNTED)
    if held is None:
        return redirect("sales:attendant_session")
    form = _accept_form(request, held)
    if form.is_valid():
        said = form.cleaned_data
        try:
            receiver = _signed(
                request, held, said["receiver"], said["receiver_secret"], "sales.session"
            )
            approver = None
            if said.get("approver"):
                approver = _signed(
                    request, held, said["approver"], said["approver_secret"], "sales.approve"
                )
            sessions.accept_count(
                session=held,
                receiver=receiver,
                reasons=form.reasons,
                approver=approver,
                deposit_slip=said["deposit_slip"],
                at=now(),
                actor=request.user,
            )
            messages.success(request, f"{receiver} 已接收现金，交接完成。")
            return redirect("sales:attendant")
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return _page(request, held, form)


def _signed(request: StaffRequest, held: TillSession, name: str, secret: str, right: str) -> User:
    return check_approver(
        username=name,
        secret=secret,
        right=right,
        station=request.station,
        not_user=held.cashier,
        at=now(),
    )
