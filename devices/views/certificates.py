"""Certificates of the machines: the list by their last day, one, and a new one."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from devices.forms.equipment import CertificateFilter, CertificateForm, ReasonForm
from devices.models import Certificate, Equipment
from devices.queries import equipment as asked
from devices.services import certificates as services
from devices.views.equipment import machine_of
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.models import Attachment
from station.queries.columns import Column, Empty
from station.queries.listing import ListPage
from station.services import attachments
from station.views.listing import filters_of, list_response

CHANGE = "devices.equipment.change"
MEASURES = {Equipment.Kind.DISPENSER, Equipment.Kind.METER}


@require_GET
@may("devices.equipment")
def certificates(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, CertificateFilter)
    today = localdate()
    listing = ListPage(
        title="设备证书",
        columns=(
            Column("设备", lambda row: str(row.equipment)),
            Column(
                "状态",
                lambda row: asked.certificate_word(row, today),
                "state",
                tone=lambda row: asked.certificate_tone(row, today),
            ),
            Column("类别", lambda row: row.get_kind_display()),
            Column("证书编号", "number", "code"),
            Column("发证日期", "issued_on", "date", minor=True),
            Column("有效期至", "valid_until", "date"),
            Column("发证机构", "issuer", minor=True),
            Column("设备编号", "equipment.number", "code", minor=True),
        ),
        rows=asked.certificates(station=request.station, today=today, **filters.cleaned_data),
        order=("valid_until",),
        filters=filters,
        opens=lambda row: reverse("devices:certificate", args=[row.pk]),
        note="最先到期的在前。到期前 90、30、7 天和到期后各提醒一次。",
        empty=Empty(
            "还没有证书",
            "打开设备台账里的一台设备登记证书；加油机的检定在“检定与自校”里登记，证书会一起建立。",
            "去设备台账",
            reverse("devices:machines"),
            "certificate",
        ),
    )
    return list_response(request, listing)


@require_http_methods(["GET", "POST"])
@may(CHANGE)
def certificate_new(request: StaffRequest, number: str) -> HttpResponse:
    machine = machine_of(request, number)
    kinds = [
        (value, label)
        for value, label in Certificate.Kind.choices
        if value != Certificate.Kind.VERIFICATION or machine.kind not in MEASURES
    ]
    form = CertificateForm(request.POST or None, request.FILES or None, kinds=kinds)
    if request.method == "POST" and form.is_valid():
        try:
            made = _add(request, machine, form)
            messages.success(request, f"已登记{made}。")
            return redirect("devices:machine", number)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {
        "form": form,
        "machine": machine,
        "measures": machine.kind in MEASURES,
        "back_href": reverse("devices:machine", args=[number]),
    }
    return render(
        request, "devices/certificate_form.html", content, status=422 if form.errors else 200
    )


def _add(request: StaffRequest, machine: Equipment, form: CertificateForm) -> Certificate:
    values, at = dict(form.cleaned_data), now()
    file = values.pop("file")
    with transaction.atomic():  # the scan belongs to the certificate or neither is kept
        made = services.add(equipment=machine, at=at, actor=request.user, **values)
        if file:
            attachments.add(
                station=request.station,
                document=made.document,
                upload=file,
                at=at,
                actor=request.user,
            )
    return made


@require_GET
@may("devices.equipment")
def certificate(request: StaffRequest, pk: int) -> HttpResponse:
    return _page(request, _certificate(request, pk))


@require_POST
@may(CHANGE)
def certificate_void(request: StaffRequest, pk: int) -> HttpResponse:
    found = _certificate(request, pk)
    form = ReasonForm(request.POST)
    if form.is_valid():
        try:
            services.void(
                certificate=found,
                reason=form.cleaned_data["reason"],
                at=now(),
                actor=request.user,
            )
            messages.success(request, f"{found}已作废。")
            return redirect("devices:machine", found.equipment.number)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return _page(request, found, form, status=422)


def _certificate(request: StaffRequest, pk: int) -> Certificate:
    rows = Certificate.objects.select_related(
        "actor", "voided_by", "equipment__station", *(f"equipment__{one}" for one in asked.STANDS)
    )
    return get_object_or_404(rows, pk=pk, equipment__station=request.station)


def _page(
    request: StaffRequest, found: Certificate, form: ReasonForm | None = None, status: int = 200
) -> HttpResponse:
    today = localdate()
    content = {
        "certificate": found,
        "word": asked.certificate_word(found, today),
        "tone": asked.certificate_tone(found, today),
        "tests": found.meter_tests.select_related("nozzle").order_by("nozzle__number"),
        "attachments": Attachment.objects.filter(station=request.station, document=found.document),
        "form": form or ReasonForm(),
        "may_void": may_do(request.role, CHANGE) and found.voided_at is None,
    }
    return render(request, "devices/certificate.html", content, status=status)
