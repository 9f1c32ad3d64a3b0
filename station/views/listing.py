"""The list kind: a described list becomes a page, a refreshed part, or a file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.forms import BaseForm, ChoiceField, Form
from django.http import FileResponse, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.utils.timezone import localtime

from station.access import StaffRequest, may_do
from station.errors import Refusal
from station.queries.columns import written
from station.queries.listing import ListPage, read_page
from station.queries.papers import Paper, paper_of_list
from station.services import audit, exporting

FormT = TypeVar("FormT", bound=Form)
_PAGING = {"before", "after", "export"}


def filters_of(request: StaffRequest, form: type[FormT], **extra: Any) -> FormT:
    """The filter form, bound: what the address says over the form's own initial values.

    So a list opens on its usual range and its fields show it. `cleaned_data` holds what is valid.
    """
    fresh = form(**extra)
    data = request.GET.copy()
    for name, field in fresh.fields.items():
        initial = fresh.get_initial_for_field(field, name)
        if name not in data and initial is not None:
            data[name] = initial.isoformat() if isinstance(initial, date) else str(initial)
    bound = form(data, **extra)
    bound.is_valid()
    return bound


def list_response(
    request: StaffRequest,
    listing: ListPage,
    *,
    template: str = "base/list.html",
    context: Mapping[str, Any] | None = None,
) -> HttpResponseBase:
    """The page of a list; with ?export= the file of everything filtered; for htmx the table alone."""
    wanted = request.GET.get("export", "")
    if wanted in exporting.FILES:
        at = localtime()
        paper = paper_of_list(
            listing,
            station=request.station.name if request.station else "全部油站",
            by=request.user.name,
            at=at,
            conditions=conditions_of(listing.filters),
        )
        return exported(request, paper, wanted)
    page = read_page(
        listing,
        before=request.GET.get("before", ""),
        after=request.GET.get("after", ""),
        filtered=any(value for key, value in request.GET.items() if key not in _PAGING),
    )
    content = {"list": listing, "page": page, **(context or {})}
    if request.headers.get("HX-Target") == listing.element:
        template = "station/_list.html"
    return render(request, template, content)


def exported(request: StaffRequest, paper: Paper, wanted: str) -> HttpResponseBase:
    """The file, for a role that may export; who took what under which conditions is audited."""
    if not may_do(request.role, "station.export"):
        raise PermissionDenied("station.export")
    kind, make = exporting.FILES[wanted]
    try:
        content = make(paper)
    except Refusal as refusal:
        return render(request, "station/export_refused.html", {"refusal": refusal}, status=422)
    audit.record(
        at=localtime(),
        actor=request.user,
        action="export",
        station=request.station,
        document=paper.title[:60],
        after={"format": wanted, **dict(paper.facts)},
    )
    name = f"{paper.name}.{wanted}".replace("/", "-")
    if wanted == "xlsx":
        return FileResponse(content, as_attachment=True, filename=name, content_type=kind)
    answer = StreamingHttpResponse if wanted == "csv" else HttpResponse
    headers = {"Content-Disposition": content_disposition_header(True, name) or "attachment"}
    return answer(content, content_type=kind, headers=headers)


def conditions_of(form: BaseForm | None) -> str:
    """The filters in words, for the head of what is printed: 起 2026-04-01 周三；油品 92#."""
    if form is None or not form.is_bound:
        return ""
    form.is_valid()
    said = []
    for name, field in form.fields.items():
        value = form.cleaned_data.get(name)
        if value in (None, "", False, []):
            continue
        if isinstance(field, ChoiceField):
            value = dict(field.choices).get(value, value)  # type: ignore[arg-type]
        text = written(value, "date" if isinstance(value, date) else "text")
        said.append(f"{field.label or name} {text}")
    return "；".join(said)
