"""检定与自校: who is due, one nozzle's errors over time, every test, and new ones."""

from __future__ import annotations

from datetime import date, timedelta

from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.timezone import localdate, localtime, now
from django.views.decorators.http import require_GET

from devices.forms.meter_tests import NozzleDueFilter, RecordFilter
from devices.models import MeterTest
from devices.queries import meter_tests as asked
from devices.queries.meter_tests import NEVER, MeterError, SelfTest
from devices.queries.standing import Standing, standing_of, standings, with_standing
from station.access import StaffRequest, may, may_do
from station.models import Nozzle
from station.queries import settings
from station.queries.columns import Action, Column, Empty, Sheet, Tone, line
from station.queries.listing import ListPage
from station.views.listing import filters_of, list_response

RECORD = "devices.tests"
RESULTS: dict[str, Tone] = {"PASS": "good", "FAIL": "bad"}
SOON = timedelta(days=30)
LONG_AGO = date(2000, 1, 1)


def result_tone(test: MeterTest) -> Tone:
    return "off" if test.voided_at else RESULTS[test.result]


def result_word(test: MeterTest) -> str:
    return "已作废" if test.voided_at else test.get_result_display()


@require_GET
@may("devices.equipment")
def tests(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, NozzleDueFilter)
    station, today = request.station, localdate()
    held = {row.pk: now_ for row, now_ in standings(station=station, at=now())}
    nozzles = Nozzle.objects.filter(station=station, active=True).select_related("tank__grade")
    own = asked.self_tests(station=station)
    errors = asked.errors_of(nozzles=list(nozzles), since=LONG_AGO, until=today)
    rows = _due(nozzles, filters.cleaned_data.get("due", ""), held, own, today)
    new = Action("登记自校", reverse("devices:test_own"), "ruler-measure")
    primary = new if may_do(request.role, RECORD) else None
    listing = ListPage(
        title="检定与自校",
        columns=_columns(held, own, errors, today),
        rows=rows,
        order=("number",),
        per_page=0,
        filters=filters,
        opens=lambda row: reverse("devices:nozzle_tests", args=[row.pk]),
        primary=primary,
        note=(
            f"允许误差 ±{settings.number('devices.meter_error_limit', station)}%，"
            "示值大于标准值写“多计”，小于写“少计”。"
        ),
        empty=Empty("还没有油枪", "在油站设置里登记加油机和油枪。", icon="gas-station"),
    )
    may_record = {"may_record": may_do(request.role, RECORD)}
    return list_response(request, listing, template="devices/tests.html", context=may_record)


def _columns(
    held: dict[int, Standing],
    own: dict[int, SelfTest],
    errors: dict[int, MeterError],
    today: date,
) -> tuple[Column, ...]:
    def error_tone(row: Nozzle) -> Tone:
        found = errors.get(row.pk)
        return "" if found is None else "good" if found.passed else "bad"

    return (
        Column("油枪", str),
        Column("油品", "tank.grade.code", "grade"),
        Column(
            "检定",
            lambda row: held[row.pk].word,
            "state",
            tone=lambda row: held[row.pk].tone,
        ),
        Column(
            "检定有效期至",
            lambda row: held[row.pk].until,
            "date",
            tone=lambda row: "wait" if _ends_soon(held[row.pk], today) else "",
        ),
        Column(
            "最近误差",
            lambda row: errors[row.pk].percent if row.pk in errors else None,
            "meter_error",
            tone=error_tone,
        ),
        Column(
            "最近自校",
            lambda row: _day_of(own.get(row.pk, NEVER).last),
            "date",
            minor=True,
        ),
        Column(
            "自校到期",
            lambda row: own.get(row.pk, NEVER).due_on,
            "date",
            tone=lambda row: "bad" if own.get(row.pk, NEVER).is_due(today) else "",
        ),
    )


def _day_of(test: MeterTest | None) -> date | None:
    return localtime(test.tested_at).date() if test else None


def _ends_soon(now_: Standing, today: date) -> bool:
    return now_.until is not None and now_.until <= today + SOON


def _due(
    rows: QuerySet[Nozzle],
    due: str,
    held: dict[int, Standing],
    own: dict[int, SelfTest],
    today: date,
) -> QuerySet[Nozzle]:
    if due == "OWN":
        return rows.filter(pk__in=[pk for pk in held if own.get(pk, NEVER).is_due(today)])
    if due == "STATUTORY":
        late = [pk for pk, one in held.items() if one.tone != "good" or _ends_soon(one, today)]
        return rows.filter(pk__in=late)
    return rows


@require_GET
@may("devices.equipment")
def test_records(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, RecordFilter, station=request.station)
    listing = ListPage(
        title="检定与自校记录",
        columns=_record_columns(with_nozzle=True),
        rows=asked.records(station=request.station, **filters.cleaned_data),
        order=("-tested_at",),
        filters=filters,
        opens=lambda row: reverse("devices:test", args=[row.number]),
        empty=Empty("还没有检定和自校", "登记以后出现在这里。", icon="ruler-measure"),
    )
    return list_response(request, listing)


def _record_columns(*, with_nozzle: bool) -> tuple[Column, ...]:
    named = (Column("油枪", lambda row: str(row.nozzle)),) if with_nozzle else ()
    return (
        Column("时间", "tested_at", "moment"),
        *named,
        Column("类别", lambda row: row.get_kind_display()),
        Column("最大误差", "worst_percent", "meter_error"),
        Column("结果", result_word, "state", tone=result_tone),
        Column("自校人或机构", lambda row: row.tester.name if row.tester else row.institute),
        Column("见证人", "witness.name", minor=True),
        Column("单号", "number", "code", minor=True),
        Column("备注", "note", minor=True),
    )


@require_GET
@may("devices.equipment")
def nozzle_tests(request: StaffRequest, pk: int) -> HttpResponse:
    rows = with_standing(Nozzle.objects.select_related("tank__grade", "dispenser", "station"))
    nozzle = get_object_or_404(rows, pk=pk, station=request.station)
    found = asked.history(nozzle=nozzle)
    limit = settings.number("devices.meter_error_limit", request.station)
    opened = nozzle.__dict__["opened_at"]
    columns = _record_columns(with_nozzle=False)
    own = asked.self_tests(station=request.station).get(nozzle.pk, NEVER)
    content = {
        "nozzle": nozzle,
        "standing": standing_of(nozzle, at=now()),
        "own": own,
        "own_is_due": own.is_due(localdate()),
        "last": next((one for one in found if one.voided_at is None), None),
        "trend": asked.trend(tests=found, limit=limit, opened_at=opened),
        "fewest": asked.FEWEST_FOR_A_TREND,
        "limit": limit,
        "chart": asked.curve(nozzle=nozzle, tests=found, limit=limit),
        "sheet": Sheet(
            columns,
            tuple(line(columns, one, reverse("devices:test", args=[one.number])) for one in found),
            title="检定与自校记录",
        ),
        "may_record": may_do(request.role, RECORD),
    }
    return render(request, "devices/nozzle_tests.html", content)
