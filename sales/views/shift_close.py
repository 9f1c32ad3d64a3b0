"""班结 on one page: nozzles, tanks, tills, signatures; and corrections afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from inventory.models import Dip
from inventory.queries.books import Book, shift_books
from inventory.queries.gauges import initial, measured, source_of
from inventory.services.dips import record_dip
from sales.forms.shifts import CloseForm, CorrectForm, DipForm, ExplainForm
from sales.models import ShiftAdvance, ShiftExplanation
from sales.queries import crew as crews
from sales.queries import shifts as queries
from sales.queries.corrections import subjects
from sales.queries.runs import NozzleRun, nozzle_runs
from sales.queries.sessions import sessions_of
from sales.queries.shifts import GradeToExplain, tanks_over_limit
from sales.services import closing, corrections
from sales.services.sessions import NotTheSamePerson
from sales.views.shifts import shift_for
from station.access import StaffRequest, may
from station.errors import Refusal
from station.models import Shift, Tank, TillSession, User
from station.queries.columns import Step
from station.services.accounts import check_secret
from station.services.approval import check_approver


@dataclass(frozen=True)
class Desk:
    """What the page shows of a shift that is being closed."""

    shift: Shift
    runs: list[NozzleRun]
    books: list[Book]
    grades: list[GradeToExplain]
    sessions: list[TillSession]
    over: list[Book]

    @property
    def tanks_to_explain(self) -> list[tuple[int, str]]:
        """Tanks that need words: not measured, or over the limits."""
        silent = [(book, "未量罐的原因") for book in self.books if book.dip is None]
        return [
            (book.tank.pk, f"{book.tank} {text}")
            for book, text in [*silent, *((book, "损溢归因") for book in self.over)]
        ]

    @property
    def left(self) -> bool:
        return any(grade.left for grade in self.grades)

    @property
    def tills_done(self) -> bool:
        return all(row.status == TillSession.Status.CLOSED for row in self.sessions)

    @property
    def tanks_done(self) -> bool:
        return all(book.dip is not None for book in self.books)


def desk_of(shift: Shift) -> Desk:
    """Everything the close page asks, once."""
    runs, books = nozzle_runs(shift), shift_books(shift)
    return Desk(
        shift=shift,
        runs=runs,
        books=books,
        grades=queries.litres_to_explain(shift, runs=runs, books=books),
        sessions=list(sessions_of(shift)),
        over=tanks_over_limit(books, shift.station),
    )


@require_GET
@may("sales.shift.close")
def shift_close(request: StaffRequest, pk: int) -> HttpResponse:
    shift = shift_for(request, pk)
    if shift.status == Shift.Status.OPEN:
        return redirect("sales:hand_over")
    if shift.status == Shift.Status.CLOSED:
        return redirect("sales:shift_report", shift.pk)
    return _page(request, desk_of(shift))


@require_POST
@may("sales.shift.close")
def shift_explain(request: StaffRequest, pk: int) -> HttpResponse:
    shift = shift_for(request, pk)
    form = ExplainForm(request.POST)
    if form.is_valid():
        nozzle = get_object_or_404(shift.station.nozzles, pk=form.cleaned_data["nozzle"])
        try:
            closing.explain(
                shift=shift,
                nozzle=nozzle,
                reason=form.cleaned_data["reason"],
                note=form.cleaned_data["note"],
                at=timezone.now(),
                actor=request.user,
            )
            return redirect(f"{reverse('sales:shift_close', args=[pk])}#nozzles")
        except Refusal as refusal:
            return _page(request, desk_of(shift), refusal=str(refusal))
    return _page(request, desk_of(shift), refusal="请选择油枪和原因后再提交。")


@require_POST
@may("sales.shift.close")
def shift_dip(request: StaffRequest, pk: int, tank_pk: int) -> HttpResponse:
    shift = shift_for(request, pk)
    tank = get_object_or_404(shift.station.tanks.select_related("station", "grade"), pk=tank_pk)
    form = DipForm(request.POST)
    if shift.status != Shift.Status.HANDED_OVER:
        return _page(request, desk_of(shift), refusal="本班不在班结中，罐存请到“油罐”页面登记。")
    if form.is_valid():
        try:
            _record(request, shift, tank, form.cleaned_data)
            return redirect(f"{reverse('sales:shift_close', args=[pk])}#tanks")
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return _page(request, desk_of(shift), dips={tank.pk: form})


def _record(request: StaffRequest, shift: Shift, tank: Tank, said: Mapping[str, Any]) -> None:
    typed = {**said, "water_height_mm": said["water_height_mm"] or 0}
    record_dip(
        tank=tank,
        source=source_of(tank=tank, gauge=said["gauge"], typed=typed),
        purpose=Dip.Purpose.HANDOVER,
        total_height_mm=said["total_height_mm"],
        water_height_mm=said["water_height_mm"] or 0,
        temp_c=said["temp_c"],
        net_l=said["net_l"],
        shift=shift,
        day=shift.day,
        at=timezone.now(),
        actor=request.user,
    )


@require_POST
@may("sales.shift.close")
def shift_sign(request: StaffRequest, pk: int) -> HttpResponse:
    """Both sign, the shift is frozen."""
    shift = shift_for(request, pk)
    if shift.status == Shift.Status.CLOSED:
        return redirect("sales:shift_report", shift.pk)
    desk = desk_of(shift)
    form = _close_form(request, desk, request.POST)
    if form.is_valid():
        try:
            closing.close_shift(
                shift=shift,
                at=timezone.now(),
                actor=request.user,
                tank_reasons=form.tank_reasons,
                **_signers(request, shift, form.cleaned_data),
            )
            messages.success(request, "班结完成，班报已冻结；以后只能订正。")
            return redirect("sales:shift_report", shift.pk)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return _page(request, desk, close=form)


def _signers(request: StaffRequest, shift: Shift, said: Mapping[str, Any]) -> dict[str, User]:
    """Who signs, after their PINs are checked. The second leader may be the manager at the screen."""
    at = timezone.now()
    receiver = shift.receiver
    if receiver is None:
        raise NotTheSamePerson("本班没有接班人，请先交班。")
    check_secret(user=shift.leader, secret=said["giver_secret"], at=at)
    check_secret(user=receiver, secret=said["receiver_secret"], at=at)
    signers = {"giver": shift.leader, "receiver": receiver}
    if said.get("approver"):
        signers["approver"] = check_approver(
            username=said["approver"],
            secret=said["approver_secret"],
            right="sales.approve",
            station=request.station,
            not_user=shift.leader,
            at=at,
        )
    return signers


def _close_form(request: StaffRequest, desk: Desk, data: Any = None) -> CloseForm:
    shift = desk.shift
    return CloseForm(
        data,
        approvers=crews.people(station=request.station, right="sales.approve"),
        tanks=desk.tanks_to_explain,
        giver=shift.leader.name,
        receiver=shift.receiver.name if shift.receiver else "",
        needs_approver=closing.needs_approver(shift, desk.runs, desk.books),
    )


def _page(
    request: StaffRequest,
    desk: Desk,
    *,
    refusal: str = "",
    dips: Mapping[int, DipForm] | None = None,
    close: CloseForm | None = None,
) -> HttpResponse:
    shift = desk.shift
    forms = dips or {}
    said = measured(station=shift.station, at=shift.handed_over_at or timezone.now())
    context = {
        "shift": shift,
        "desk": desk,
        "refusal": refusal,
        "reasons": ShiftExplanation.Reason.choices,
        "tanks": [
            (
                book,
                forms.get(book.tank.pk) or DipForm(initial=initial(said.get(book.tank.pk))),
                said.get(book.tank.pk),
            )
            for book in desk.books
        ],
        "form": close or _close_form(request, desk),
        "advances": _advances(shift),
        "steps": _steps(desk),
    }
    bad = refusal or forms or (close is not None and close.errors)
    return render(request, "sales/shift_close.html", context, status=422 if bad else 200)


def _advances(shift: Shift) -> QuerySet[ShiftAdvance]:
    return (
        ShiftAdvance.objects.filter(from_shift=shift)
        .select_related("nozzle", "fill")
        .order_by("nozzle__number", "pk")
    )


def _steps(desk: Desk) -> list[Step]:
    shift = desk.shift
    unfinished = [
        row.cashier.name for row in desk.sessions if row.status != TillSession.Status.CLOSED
    ]
    ready = desk.tills_done and not desk.left and desk.tanks_done
    return [
        Step("交班", "done", note="泵码已读取"),
        Step("油枪", "open" if desk.left else "done", "#nozzles", shift.leader.name),
        Step("油罐", "done" if desk.tanks_done else "open", "#tanks", shift.leader.name),
        Step("点款交接", "done" if desk.tills_done else "open", "#tills", "、".join(unfinished)),
        Step("签字班结", "open" if ready else "blocked", "#sign", str(shift.receiver or "")),
    ]


@require_http_methods(["GET", "POST"])
@may("sales.shift.correct")
def shift_correct(request: StaffRequest, pk: int) -> HttpResponse:
    shift = shift_for(request, pk)
    form = CorrectForm(request.POST or None, subjects=subjects(shift))
    if request.method == "POST" and form.is_valid():
        try:
            corrections.correct(
                shift=shift,
                subject=form.cleaned_data["subject"],
                value=form.cleaned_data["value"],
                reason=form.cleaned_data["reason"],
                at=timezone.now(),
                actor=request.user,
            )
            messages.success(request, "已登记订正，班报原数字不变，订正另列。")
            return redirect("sales:shift_report", shift.pk)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    context = {
        "form": form,
        "shift": shift,
        "back_href": reverse("sales:shift_report", args=[shift.pk]),
    }
    return render(request, "sales/shift_correct.html", context, status=422 if form.errors else 200)
