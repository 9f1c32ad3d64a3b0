"""A test of a meter: written down, looked at, made void."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import localdate, localtime, now
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from devices.forms.equipment import ReasonForm
from devices.forms.meter_tests import RUNS, OwnTestForm, StatutoryForm
from devices.models import Fill, MeterTest
from devices.queries.meter_tests import fills_to_test, months_after
from devices.services import meter_tests as services
from devices.services.meter_tests import Paper
from devices.services.proving import Prover
from devices.views.equipment import key_of
from devices.views.meter_tests import result_tone, result_word
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.models import Attachment, Nozzle
from station.queries import settings
from station.queries.audit import history_of
from station.services import attachments

RECORD = "devices.tests"


@require_http_methods(["GET", "POST"])
@may(RECORD)
def test_own(request: StaffRequest) -> HttpResponse:
    at = now()
    nozzle, fill = _asked_for(request)
    fills = _fills(request, at, nozzle, fill)
    initial = {
        "nozzle": nozzle,
        "tested_at": _minute(fill.occurred_at) if fill else _minute(at),
        "tester": request.user,
        "fill_1": str(fill.pk) if fill else "",
    }
    form = OwnTestForm(request.POST or None, station=request.station, fills=fills, initial=initial)
    key = key_of(request)
    if request.method == "POST" and form.is_valid():
        try:
            made = _record_own(request, form, key, at)
            words = f"{made.nozzle} 的自校已登记：{made.get_result_display()}。"
            (messages.success if made.passed else messages.warning)(request, words)
            return redirect("devices:test", made.number)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {
        "form": form,
        "key": key,
        "limit": settings.number("devices.meter_error_limit", request.station),
        "corrects": settings.whole("devices.test_temperature", request.station) == 1,
        "back_href": reverse("devices:tests"),
    }
    return render(request, "devices/test_own.html", content, status=422 if form.errors else 200)


def _record_own(request: StaffRequest, form: OwnTestForm, key: str, at: datetime) -> MeterTest:
    values = form.cleaned_data
    return services.record_own(
        nozzle=_nozzles(request).get(pk=values["nozzle"].pk),
        prover=Prover(values["prover_l"], values["oil_temp_c"], values["prover_temp_c"]),
        runs=form.runs,
        tested_at=values["tested_at"],
        tester=values["tester"],
        witness=values["witness"],
        note=values["note"],
        key=key,
        at=at,
        actor=request.user,
    )


def _fills(
    request: StaffRequest, at: datetime, nozzle: Nozzle | None, fill: Fill | None
) -> list[Fill]:
    """The fills to choose from; those that were sent, though others came or one is used by now."""
    if request.method == "POST":
        sent = [request.POST.get(f"fill_{run}", "") for run in RUNS]
        rows = Fill.objects.filter(station=request.station).select_related("nozzle")
        return list(rows.filter(pk__in=[int(text) for text in sent if _is_id(text)]))
    offered = fills_to_test(station=request.station, at=at, nozzle=nozzle)
    return offered if fill is None or fill in offered else [fill, *offered]


def _asked_for(request: StaffRequest) -> tuple[Nozzle | None, Fill | None]:
    """The nozzle or the fill that the link names; what cannot be read is none."""
    wanted = {name: request.GET.get(name, "") for name in ("nozzle", "fill")}
    ids = {name: int(text) for name, text in wanted.items() if _is_id(text)}
    fills = Fill.objects.filter(station=request.station).select_related("nozzle")
    fill = fills.filter(pk=ids.get("fill", 0)).first()
    pk = fill.nozzle_id if fill else ids.get("nozzle", 0)
    return _nozzles(request).filter(pk=pk).first(), fill


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 18


def _nozzles(request: StaffRequest) -> QuerySet[Nozzle]:
    return Nozzle.objects.filter(station=request.station).select_related(
        "station", "tank__grade", "dispenser"
    )


@require_http_methods(["GET", "POST"])
@may(RECORD)
def test_statutory(request: StaffRequest) -> HttpResponse:
    at, today = now(), localdate()
    nozzle, _ = _asked_for(request)
    months = settings.whole("devices.verification_months", request.station)
    initial = {
        "nozzles": [nozzle.pk] if nozzle else [],
        "tested_at": _minute(at),
        "issued_on": today,
        "valid_until": months_after(today, months),
        "witness": request.user,
    }
    form = StatutoryForm(
        request.POST or None, request.FILES or None, station=request.station, initial=initial
    )
    key = key_of(request)
    if request.method == "POST" and form.is_valid():
        try:
            made = _record_statutory(request, form, key, at)
            names = "、".join(str(one.nozzle.number) for one in made)
            messages.success(request, f"{names} 号枪的检定已登记：{made[0].get_result_display()}。")
            return redirect("devices:test", made[0].number)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {"form": form, "key": key, "months": months, "back_href": reverse("devices:tests")}
    return render(
        request, "devices/test_statutory.html", content, status=422 if form.errors else 200
    )


def _record_statutory(
    request: StaffRequest, form: StatutoryForm, key: str, at: datetime
) -> list[MeterTest]:
    values = form.cleaned_data
    paper = Paper(
        values["institute"], values["certificate_no"], values["issued_on"], values["valid_until"]
    )
    with transaction.atomic():  # the scan belongs to the certificate or neither is kept
        made = services.record_statutory(
            nozzles=list(_nozzles(request).filter(pk__in=values["nozzles"])),
            passed=values["passed"],
            paper=paper,
            tested_at=values["tested_at"],
            witness=values["witness"],
            error_percent=values["error_percent"],
            note=values["note"],
            key=key,
            at=at,
            actor=request.user,
        )
        if values["file"]:
            for document in sorted(
                {one.certificate.document if one.certificate else one.number for one in made}
            ):
                values["file"].seek(0)
                attachments.add(
                    station=request.station,
                    document=document,
                    upload=values["file"],
                    at=at,
                    actor=request.user,
                )
    return made


@require_GET
@may("devices.equipment")
def test(request: StaffRequest, number: str) -> HttpResponse:
    return _page(request, _test(request, number))


@require_POST
@may(RECORD)
def test_void(request: StaffRequest, number: str) -> HttpResponse:
    found = _test(request, number)
    form = ReasonForm(request.POST)
    if form.is_valid():
        try:
            services.void(
                test=found, reason=form.cleaned_data["reason"], at=now(), actor=request.user
            )
            messages.success(request, f"{found.number} 已作废。")
            return redirect("devices:nozzle_tests", found.nozzle_id)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return _page(request, found, form, status=422)


def _test(request: StaffRequest, number: str) -> MeterTest:
    rows = MeterTest.objects.select_related(
        "station", "nozzle__tank__grade", "nozzle__dispenser", "equipment", "tester", "witness",
        "certificate__equipment", "actor", "voided_by",
    )  # fmt: skip
    return get_object_or_404(rows, number=number, station=request.station)


def _page(
    request: StaffRequest, found: MeterTest, form: ReasonForm | None = None, status: int = 200
) -> HttpResponse:
    runs = found.runs.select_related("fill").order_by("ordinal")
    content = {
        "test": found,
        "word": result_word(found),
        "tone": result_tone(found),
        "runs": runs,
        "fills": [run.fill for run in runs if run.fill],
        "millilitres": found.prover_l and found.prover_l * found.limit_percent * 10,
        "over": not found.passed and found.voided_at is None,
        "repair": found.repairs.order_by("-pk").first(),
        "attachments": Attachment.objects.filter(station=request.station, document=found.number),
        "history": history_of(found.number),
        "form": form or ReasonForm(),
        "may_void": may_do(request.role, RECORD) and found.voided_at is None,
        "may_report": may_do(request.role, "devices.repairs.report"),
        "may_stop": may_do(request.role, "station.site.change"),
    }
    return render(request, "devices/test.html", content, status=status)


def _minute(moment: datetime) -> datetime:
    return localtime(moment).replace(second=0, microsecond=0)
