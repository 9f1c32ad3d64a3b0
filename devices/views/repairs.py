"""维修: what is open, one repair from report to acceptance, and what machines cost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import localdate, localtime, now
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from devices.forms.equipment import ReasonForm
from devices.forms.repairs import (
    AcceptForm,
    FinishForm,
    RepairFilter,
    ReportForm,
    TakeForm,
    YearFilter,
)
from devices.models import Alarm, MeterTest, Repair
from devices.queries import repairs as asked
from devices.queries.equipment import STANDS
from devices.services import repairs as services
from devices.services.meter_tests import machine_of
from devices.services.repairs import Fault, Work
from devices.views.equipment import key_of
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.models import Attachment
from station.money import ZERO
from station.queries.audit import history_of
from station.queries.charts import Chart, Series
from station.queries.columns import Action, Column, Empty, Tone
from station.queries.listing import ListPage
from station.queries.reporting import Figure, Linked, Report, ReportTable
from station.views.listing import filters_of, list_response
from station.views.reporting import head_of, report_response

Status = Repair.Status
TONES: dict[str, Tone] = {
    "REPORTED": "bad",
    "TAKEN": "wait",
    "DONE": "info",
    "ACCEPTED": "good",
    "WITHDRAWN": "off",
}


@require_GET
@may("devices.equipment")
def repairs(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, RepairFilter)
    at = now()
    new = Action("报修", reverse("devices:repair_new"), "tool")
    primary = new if may_do(request.role, "devices.repairs.report") else None
    listing = ListPage(
        title="维修",
        columns=(
            Column("设备", lambda row: str(row.equipment)),
            Column(
                "状态",
                lambda row: row.get_status_display(),
                "state",
                tone=lambda row: TONES[row.status],
            ),
            Column("故障现象", "symptom"),
            Column("报修时间", "reported_at", "moment"),
            Column("报修人", "reported_by.name", minor=True),
            Column("维修单位或人", "repairer"),
            Column(
                "停机",
                lambda row: int(asked.downtime(row, at=at).total_seconds()),
                "duration",
                minor=True,
            ),
            Column("费用", "cost", "yuan", minor=True),
            Column("单号", "number", "code", minor=True),
        ),
        rows=asked.repairs(station=request.station, **filters.cleaned_data),
        order=("-reported_at",),
        filters=filters,
        opens=lambda row: reverse("devices:repair", args=[row.number]),
        primary=primary,
        empty=Empty("没有未完的维修", "设备有故障时在这里报修。", icon="tool").leading(primary),
    )
    more = {"may_see_costs": may_do(request.role, "devices.repairs.costs")}
    return list_response(request, listing, template="devices/repairs.html", context=more)


@require_http_methods(["GET", "POST"])
@may("devices.repairs.report")
def repair_new(request: StaffRequest) -> HttpResponse:
    form = ReportForm(request.POST or None, station=request.station, initial=_initial(request))
    key = key_of(request)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        alarm, test = _cause(request, values["alarm"], values["test"])
        nozzle = (test.nozzle if test else None) or (alarm.nozzle if alarm else None)
        try:
            made = services.report(
                equipment=values["equipment"],
                fault=Fault(values["symptom"], nozzle, alarm, test),
                stop=values["stop"],
                key=key,
                at=now(),
                actor=request.user,
            )
            messages.success(request, f"已报修，{made.number}。")
            return redirect("devices:repair", made.number)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {"form": form, "key": key, "back_href": reverse("devices:repairs")}
    return render(request, "devices/repair_new.html", content, status=422 if form.errors else 200)


def _cause(
    request: StaffRequest, alarm: int | None, test: str
) -> tuple[Alarm | None, MeterTest | None]:
    """The alarm and the test of this station that a repair is for."""
    small = alarm if alarm is not None and 0 < alarm < 2**63 else 0
    alarms = Alarm.objects.filter(station=request.station).select_related("nozzle", "line")
    tests = MeterTest.objects.filter(station=request.station).select_related("nozzle__dispenser")
    return alarms.filter(pk=small).first(), tests.filter(number=test).first() if test else None


def _initial(request: StaffRequest) -> dict[str, object]:
    """What a link from a machine, an alarm or a test fills in."""
    wanted = request.GET.get("alarm", "")
    number = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 18 else None
    named = request.GET.get("test", "").replace("\x00", "")
    alarm, test = _cause(request, number, named)
    nozzle = (test.nozzle if test else None) or (alarm.nozzle if alarm else None)
    machine = machine_of(nozzle) if nozzle else None
    if machine is None and alarm and alarm.line:
        machine = alarm.line.equipment.order_by("state", "pk").first()
    symptom = alarm.text if alarm else ""
    if test and test.worst_percent is not None:
        symptom = f"{test.nozzle} {test.get_kind_display()}不合格，误差 {test.worst_percent:+.2f}%"
    return {
        "equipment": machine.number if machine else request.GET.get("machine", ""),
        "symptom": symptom[:200],
        "alarm": alarm.pk if alarm else None,
        "test": test.number if test else "",
        "stop": test is not None,
    }


@require_GET
@may("devices.equipment")
def repair(request: StaffRequest, number: str) -> HttpResponse:
    return _page(request, _repair(request, number))


@require_POST
@may("devices.repairs")
def repair_take(request: StaffRequest, number: str) -> HttpResponse:
    return _act(request, number, TakeForm(request.POST), "take", "已接单。", lambda row, values: (
        services.take(repair=row, repairer=values["repairer"], at=now(), actor=request.user)
    ))  # fmt: skip


@require_POST
@may("devices.repairs")
def repair_done(request: StaffRequest, number: str) -> HttpResponse:
    found = _repair(request, number)
    form = FinishForm(request.POST, equipment=found.equipment)
    return _act(request, number, form, "finish", "完工已登记，等另一人验收。", lambda row, values: (
        services.finish(
            repair=row,
            work=Work(values["work"], values["parts"], values["cost"], values["meter_opened"],
                      values["nozzle"]),
            done_at=values["done_at"],
            at=now(),
            actor=request.user,
        )
    ))  # fmt: skip


@require_POST
@may("devices.repairs.accept")
def repair_accept(request: StaffRequest, number: str) -> HttpResponse:
    return _act(request, number, AcceptForm(request.POST), "accept", "已验收。", lambda row, values: (
        services.accept(repair=row, word=values["word"], at=now(), actor=request.user)
    ))  # fmt: skip


@require_POST
@may("devices.repairs.accept")
def repair_return(request: StaffRequest, number: str) -> HttpResponse:
    form = AcceptForm(request.POST)
    return _act(request, number, form, "accept", "已退回返修。", lambda row, values: (
        services.send_back(repair=row, reason=values["word"], at=now(), actor=request.user)
    ))  # fmt: skip


@require_POST
@may("devices.repairs")
def repair_withdraw(request: StaffRequest, number: str) -> HttpResponse:
    return _act(request, number, ReasonForm(request.POST), "withdraw", "已撤销。", lambda row, values: (
        services.withdraw(repair=row, reason=values["reason"], at=now(), actor=request.user)
    ))  # fmt: skip


def _act(
    request: StaffRequest,
    number: str,
    form: Form,
    name: str,
    words: str,
    act: Callable[[Repair, dict[str, Any]], None],
) -> HttpResponse:
    found = _repair(request, number)
    if form.is_valid():
        try:
            act(found, form.cleaned_data)
            messages.success(request, words)
            return redirect("devices:repair", number)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return _page(request, found, {name: form}, status=422)


def _repair(request: StaffRequest, number: str) -> Repair:
    rows = Repair.objects.select_related(
        "station", "nozzle", "alarm", "meter_test", "reported_by", "taken_by", "done_by",
        "ended_by", "equipment__station", *(f"equipment__{one}" for one in STANDS),
    )  # fmt: skip
    return get_object_or_404(rows, number=number, station=request.station)


def _page(
    request: StaffRequest, found: Repair, forms: dict[str, Form] | None = None, status: int = 200
) -> HttpResponse:
    forms, at = forms or {}, now()
    may_work = may_do(request.role, "devices.repairs")
    minute = localtime(at).replace(second=0, microsecond=0)
    content = {
        "repair": found,
        "tone": TONES[found.status],
        "down": _minutes(asked.downtime(found, at=at)),
        "lacks": asked.lacks_after_opening(found) if found.status == Status.DONE else [],
        "take": forms.get("take") or TakeForm(),
        "finish": forms.get("finish")
        or FinishForm(
            equipment=found.equipment, initial={"done_at": minute, "nozzle": found.nozzle}
        ),
        "accept": forms.get("accept") or AcceptForm(),
        "withdraw": forms.get("withdraw") or ReasonForm(),
        "may_take": may_work and found.status == Status.REPORTED,
        "may_finish": may_work and found.status == Status.TAKEN,
        "may_withdraw": may_work
        and found.status in {Status.REPORTED, Status.TAKEN}
        and not found.meter_opened,
        "may_accept": may_do(request.role, "devices.repairs.accept")
        and found.status == Status.DONE,
        "is_own": found.done_by == request.user,
        "attachments": Attachment.objects.filter(station=request.station, document=found.number),
        "history": history_of(found.number),
    }
    return render(request, "devices/repair.html", content, status=status)


def _minutes(span: timedelta) -> timedelta:
    return timedelta(minutes=int(span.total_seconds() // 60))


@require_GET
@may("devices.repairs.costs")
def repair_costs(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, YearFilter)
    year = filters.cleaned_data.get("year")
    report = _costs_report(request, year, now())
    return report_response(request, report, filters=filters)


def _costs_report(request: StaffRequest, year: int | None, at: datetime) -> Report:
    rows = asked.costs(station=request.station, year=year)
    years = asked.by_year(station=request.station)
    this = localdate().year
    chart = Chart(
        "各年维修费用",
        tuple(f"{one} 年" for one in years),
        (Series("费用", tuple(cost for _, cost in years.values())),),
        "bar",
        "yuan",
        "元",
        "年度",
    )
    total = sum((row.cost for row in rows), ZERO)
    down = sum((row.down for row in rows), timedelta(0))
    count = sum(row.repairs for row in rows)
    return Report(
        title="维修费用",
        period=f"{year} 年" if year else "全部年度",
        head=head_of(request, at=at),
        figures=(
            Figure("维修费用", total, "yuan"),
            Figure("维修次数", count, "count", "次"),
            Figure("停机", int(down.total_seconds()), "duration"),
            Figure("今年费用", years.get(this, (0, ZERO))[1], "yuan"),
        ),
        charts=(chart,) if years else (),
        tables=(_costs_table(rows),),
    )


def _costs_table(rows: list[asked.YearCost]) -> ReportTable:
    columns = (
        Column("年度", kind="code"),
        Column("设备"),
        Column("设备编号", kind="code"),
        Column("次数", kind="count"),
        Column("停机", kind="duration"),
        Column("费用", kind="yuan"),
    )
    lines = [
        (
            str(row.year),
            str(row.equipment),
            Linked(row.equipment.number, reverse("devices:machine", args=[row.equipment.number])),
            row.repairs,
            int(row.down.total_seconds()),
            row.cost,
        )
        for row in rows
    ]
    down = sum((row.down for row in rows), timedelta(0))
    total = sum((row.cost for row in rows), ZERO)
    count = sum(row.repairs for row in rows)
    return ReportTable(
        "按设备和年度",
        columns,
        lines,
        ("合计", "", "", count, int(down.total_seconds()), total),
        empty="这个年度没有维修。",
    )
