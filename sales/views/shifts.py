"""班次: the one on duty, the first opened, each handed over; the list and the reports."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from sales.forms.receipts import CopyForm
from sales.forms.shifts import CrewForm, HandoverForm, OpenForm
from sales.queries import crew as crews
from sales.queries import shifts as queries
from sales.queries.runs import nozzle_runs, unclaimed
from sales.queries.sessions import sessions_of
from sales.queries.shift_egs import egs_report
from sales.queries.shift_papers import full_report, paper_report
from sales.queries.tickets import read_id
from sales.services import shifts as services
from sales.services import slips
from sales.services.shifts import Member, document_of
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.forms.controls import DayField
from station.models import Shift
from station.queries import patterns
from station.queries.calendar import open_shift
from station.queries.columns import Action, Column, Empty, Tone
from station.queries.listing import ListPage
from station.queries.reporting import Head
from station.views.listing import filters_of, list_response
from station.views.reporting import head_of, report_response

PAPERS = {"full": full_report, "paper": paper_report, "egs": egs_report}
TONES: dict[str, Tone] = {
    Shift.Status.OPEN: "info",
    Shift.Status.HANDED_OVER: "wait",
    Shift.Status.CLOSED: "good",
}
BLIND_ROLES = {"CASHIER", "ATTENDANT"}


def shift_for(request: StaffRequest, pk: int) -> Shift:
    """A shift of the station in view; 404 for any other."""
    shifts = Shift.objects.select_related("day", "station", "leader", "receiver")
    return get_object_or_404(shifts, pk=pk, station=request.station)


@require_GET
@may("sales.shift.view")
def shift(request: StaffRequest) -> HttpResponse:
    current = open_shift(request.station)
    context: dict[str, object] = {
        "shift": current,
        "waiting": queries.waiting_for_close(request.station),
    }
    if current is not None:
        current.station = request.station
        runs = nozzle_runs(current)
        context |= {
            "crew": crews.crew_of(current),
            "sessions": sessions_of(current),
            "grades": queries.litres_to_explain(current, runs=runs),
            "unpaid": unclaimed(current)[:20],
            "litres": sum((run.sold for run in runs), 0),
        }
    return render(request, "sales/shift.html", context)


@require_http_methods(["GET", "POST"])
@may("sales.shift.open")
def shift_open(request: StaffRequest) -> HttpResponse:
    station = request.station
    form = OpenForm(
        request.POST or None,
        people=crews.people(station=station),
        islands=crews.islands(station),
        names=_names(request),
    )
    if request.method == "POST" and form.is_valid():
        try:
            services.open_shift(
                station=station,
                leader=form.chosen_leader,
                crew=_members(form),
                at=timezone.now(),
                actor=request.user,
                name=form.cleaned_data["name"],
            )
            messages.success(request, "首班已开班，请开收银班。")
            return redirect("sales:shift")
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return _crew_page(request, form, title="首次开班", submit="开班")


@require_http_methods(["GET", "POST"])
@may("sales.shift.close")
def hand_over(request: StaffRequest) -> HttpResponse:
    current = open_shift(request.station)
    if current is None:
        return redirect("sales:shift")
    likely = _likely(request, current)
    form = _handover_form(request, current, likely)
    if request.method == "POST" and form.is_valid():
        try:
            services.hand_over(
                shift=_meant(request, current),
                receiver=form.chosen_leader,
                crew=_members(form),
                at=timezone.now(),
                actor=request.user,
                name=form.cleaned_data["name"],
                ends_day=form.cleaned_data["ends_day"],
            )
            messages.success(request, "已交班，下一班开始营业；请点款、量罐，完成班结。")
            return redirect("sales:shift_close", current.pk)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    current.station = request.station
    context: dict[str, object] = {
        "shift": current,
        "sessions": sessions_of(current),
        "unpaid": unclaimed(current),
        "likely": likely,
        "state": "交班读取各枪最后一次确认的泵码；加油中和未付款的整笔转下班。",
    }
    return _crew_page(request, form, title="交班", submit="交班", extra=context)


def _meant(request: StaffRequest, current: Shift) -> Shift:
    """The shift that the page showed, which another may have handed over since."""
    try:
        return shift_for(request, read_id(request.POST.get("shift") or current.pk))
    except ValueError as error:
        raise Http404 from error


def _likely(request: StaffRequest, current: Shift) -> Shift | None:
    """The last shift of the name that comes next, whose crew the page proposes."""
    name = patterns.next_name(station=request.station, after=current.name)
    return crews.last_named(station=request.station, name=name, before=current)


def _handover_form(request: StaffRequest, current: Shift, likely: Shift | None) -> HandoverForm:
    station = request.station
    initial = {
        "name": patterns.next_name(station=station, after=current.name),
        "ends_day": patterns.ends_the_day(station=station, name=current.name),
    }
    if likely is not None and likely.leader_id != current.leader_id:
        initial["leader"] = likely.leader.username
    return HandoverForm(
        request.POST or None,
        people=crews.people(station=station),
        islands=crews.islands(station),
        crew=crews.crew_of(likely) if likely is not None else (),
        names=_names(request),
        leader_label="接班人（下一班班长）",
        initial=initial,
    )


@require_http_methods(["GET", "POST"])
@may("sales.shift.open")
def shift_crew(request: StaffRequest) -> HttpResponse:
    current = open_shift(request.station)
    if current is None:
        return redirect("sales:shift")
    form = CrewForm(
        request.POST or None,
        people=crews.people(station=request.station),
        islands=crews.islands(request.station),
        crew=crews.crew_of(current),
        initial={"leader": current.leader.username},
    )
    if request.method == "POST" and form.is_valid():
        try:
            services.change_crew(
                station=request.station,
                leader=form.chosen_leader,
                crew=_members(form),
                at=timezone.now(),
                actor=request.user,
            )
            messages.success(request, "当班人员已更新。")
            return redirect("sales:shift")
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return _crew_page(request, form, title="当班人员", submit="保存")


def _members(form: CrewForm) -> list[Member]:
    return [Member(place.user, place.post, place.island) for place in form.places]


def _names(request: StaffRequest) -> list[str]:
    names = [slot.name for slot in patterns.slots(request.station)]
    return names or [patterns.next_name(station=request.station, after="")]


def _crew_page(
    request: StaffRequest,
    form: CrewForm,
    *,
    title: str,
    submit: str,
    extra: dict[str, object] | None = None,
) -> HttpResponse:
    context = {"form": form, "title": title, "submit": submit, **(extra or {})}
    return render(request, "sales/crew.html", context, status=422 if form.errors else 200)


class ShiftFilter(forms.Form):
    """Which shifts."""

    since = DayField(label="起", required=False)
    until = DayField(label="止", required=False)
    status = forms.ChoiceField(
        label="状态", choices=[("", "全部"), *Shift.Status.choices], required=False
    )


@require_GET
@may("sales.shift.view")
def shifts(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, ShiftFilter)
    rows = queries.shifts_of(request.station)
    since: date | None = filters.cleaned_data.get("since")
    until: date | None = filters.cleaned_data.get("until")
    if since:
        rows = rows.filter(day__date__gte=since)
    if until:
        rows = rows.filter(day__date__lte=until)
    if filters.cleaned_data.get("status"):
        rows = rows.filter(status=filters.cleaned_data["status"])
    return list_response(
        request,
        ListPage(
            title="班次",
            columns=(
                Column("班次号", "number", "code"),
                Column("班名", "name"),
                Column("营业日", "day.date", "date"),
                Column("接班时间", "opened_at", "moment"),
                Column("交班时间", "handed_over_at", "moment"),
                Column("班长", "leader.name"),
                Column("接班人", "receiver.name"),
                Column(
                    "状态",
                    lambda row: row.get_status_display(),
                    "state",
                    tone=lambda row: TONES[row.status],
                ),
            ),
            rows=rows,
            order=("-opened_at",),
            filters=filters,
            opens=lambda row: reverse("sales:shift_report", args=[row.pk]),
            primary=Action("当前班次", reverse("sales:shift"), "clock"),
            empty=Empty("还没有班次", "开第一个班后会出现在这里。", "开班", reverse("sales:shift")),
        ),
    )


@require_GET
@may("sales.shift.view")
def shift_report(request: StaffRequest, pk: int, paper: str = "full") -> HttpResponseBase:
    return _report_page(request, shift_for(request, pk), paper)


def _report_page(
    request: StaffRequest, shift: Shift, paper: str = "full", refusal: str = ""
) -> HttpResponseBase:
    told = queries.shift_report(shift)
    if request.role in BLIND_ROLES and not told.all_counted:
        told = replace(told, blind=True)
    make = PAPERS.get(paper, full_report)
    context = {
        "shift": shift,
        "paper": paper,
        "papers": [("full", "班报"), ("paper", "班报表"), ("egs", "班次数据")],
        "may_close": may_do(request.role, "sales.shift.close"),
        "may_correct": may_do(request.role, "sales.shift.correct"),
        "may_print": told.frozen and may_do(request.role, "sales.reprint"),
        "copy": slips.next_slip(shift),
        "document": document_of(shift),
        "refusal": refusal,
    }
    answer = report_response(
        request,
        make(told, _head(request, told)),
        template="sales/shift_report.html",
        context=context,
    )
    answer.status_code = 422 if refusal else answer.status_code
    return answer


@require_POST
@may("sales.reprint")
def shift_print(request: StaffRequest, pk: int) -> HttpResponseBase:
    """打印班结单; a copy after the first is a 补打."""
    shift = shift_for(request, pk)
    form = CopyForm(request.POST)
    if not form.is_valid():
        return _report_page(request, shift, refusal="没有打印：页面过期，请刷新后再按一次。")
    try:
        receipt = slips.print_shift(
            shift=shift, actor=request.user, at=timezone.now(), copy=form.cleaned_data["copy"]
        )
    except Refusal as refusal:
        return _report_page(request, shift, refusal=str(refusal))
    marked = "，上面标有“补打”" if receipt.copy > 1 else ""
    messages.success(request, f"班结单已送 {receipt.printer}{marked}。")
    return redirect("sales:shift_report", pk)


def _head(request: StaffRequest, told: queries.ShiftReport) -> Head:
    signed = {row.role: row.user.name for row in told.signatures}
    approved = signed.get("APPROVER") or signed.get("RECEIVER") or ""
    return head_of(request, at=timezone.now(), approved_by=approved)
