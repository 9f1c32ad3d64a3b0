"""The report kind: one description becomes a page, an A4 form, and a file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.forms import Form
from django.http import HttpResponseBase
from django.shortcuts import render

from station.access import StaffRequest
from station.queries.papers import paper_of_report
from station.queries.reporting import Head, Report
from station.services import exporting
from station.views.listing import exported


def head_of(request: StaffRequest, *, at: datetime, approved_by: str = "") -> Head:
    """The head of a report made now by the person at the screen, for the station in view."""
    return Head(request.station.name, request.user.name, at, approved_by)


def report_response(
    request: StaffRequest,
    report: Report,
    *,
    filters: Form | None = None,
    template: str = "base/report.html",
    context: Mapping[str, Any] | None = None,
) -> HttpResponseBase:
    """The report's page, or with ?export= its file."""
    wanted = request.GET.get("export", "")
    if wanted in exporting.FILES:
        return exported(request, paper_of_report(report), wanted)
    return render(
        request, template, {"report": report, "report_filters": filters, **(context or {})}
    )
