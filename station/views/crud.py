"""Plain reference tables: list, add, change, in one description and no class tree.

Writing stays with a service: `save` is called with the row (None for a new one), the form's clean
values, the time and the actor, and may refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from django.contrib import messages
from django.db.models import Model, QuerySet
from django.forms import Form
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_http_methods

from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.models import User
from station.queries.columns import Action, Column, Empty
from station.queries.listing import ListPage
from station.views.listing import filters_of, list_response


class Save(Protocol):
    """The service that adds (row None) or changes a row; refuses with a Refusal."""

    def __call__(
        self, *, row: Any, values: Mapping[str, Any], at: Any, actor: User, station: Any
    ) -> Model: ...


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A reference table: its words, columns, form, rows, service and rights.

    `name` is the URL name of the list within `app`; `name-new` and `name-edit` follow from it.
    `rows` gives what this person may see; `narrowed` applies the
    clean filters to them.
    """

    app: str
    name: str
    noun: str
    columns: tuple[Column, ...]
    form: type[Form]
    rows: Callable[[StaffRequest], QuerySet[Any]]
    save: Save
    initial: Callable[[Any], Mapping[str, Any]]
    view_right: str
    change_right: str
    order: tuple[str, ...] = ()
    filters: type[Form] | None = None
    narrowed: Callable[[QuerySet[Any], Mapping[str, Any]], QuerySet[Any]] | None = None
    empty_text: str = ""
    # What the form needs to know beside the data, such as the station whose tills it offers.
    form_knows: Callable[[StaffRequest], Mapping[str, Any]] | None = None

    def href(self, suffix: str = "", *args: Any) -> str:
        return reverse(f"{self.app}:{self.name}{suffix}", args=args)


def urls(reference: Reference, prefix: str) -> list[URLPattern]:
    """The three addresses of a reference table, to be added to the app's flat list."""
    return [
        path(f"{prefix}/", _list_view(reference), name=reference.name),
        path(f"{prefix}/new/", _form_view(reference), name=f"{reference.name}-new"),
        path(f"{prefix}/<int:pk>/", _form_view(reference), name=f"{reference.name}-edit"),
    ]


def _list_view(reference: Reference) -> Callable[..., HttpResponseBase]:
    @require_GET
    @may(reference.view_right)
    def show(request: StaffRequest) -> HttpResponseBase:
        rows = reference.rows(request)
        filters = filters_of(request, reference.filters) if reference.filters else None
        if filters is not None and reference.narrowed:
            rows = reference.narrowed(rows, filters.cleaned_data)
        changing = may_do(request.role, reference.change_right)
        new = Action(f"新增{reference.noun}", reference.href("-new")) if changing else None
        listing = ListPage(
            title=reference.noun,
            columns=reference.columns,
            rows=rows,
            order=reference.order,
            filters=filters,
            opens=(lambda row: reference.href("-edit", row.pk)) if changing else None,
            primary=new,
            empty=Empty(f"还没有{reference.noun}", reference.empty_text).leading(new),
        )
        return list_response(request, listing)

    return show


def _form_view(reference: Reference) -> Callable[..., HttpResponseBase]:
    @require_http_methods(["GET", "POST"])
    @may(reference.change_right)
    def edit(request: StaffRequest, pk: int | None = None) -> HttpResponse:
        row = get_object_or_404(reference.rows(request), pk=pk) if pk else None
        form = _bound(reference, request, row)
        if request.method == "POST" and form.is_valid():
            try:
                saved = reference.save(
                    row=row,
                    values=form.cleaned_data,
                    at=now(),
                    actor=request.user,
                    station=request.station,
                )
                messages.success(request, f"已保存{reference.noun}「{saved}」。")
                return redirect(reference.href())
            except Refusal as refusal:
                form.add_error(None, str(refusal))
        content = {
            "form": form,
            "title": f"{'修改' if row else '新增'}{reference.noun}",
            "row": row,
            "back_href": reference.href(),
        }
        status = 422 if form.errors else 200
        return render(request, "base/reference.html", content, status=status)

    return edit


def _bound(reference: Reference, request: StaffRequest, row: Any) -> Form:
    known = reference.form_knows(request) if reference.form_knows else {}
    if request.method == "POST":
        return reference.form(request.POST, **known)
    held = dict(reference.initial(row)) if row else {}
    # What the address says fills the form: another page proposes, and nothing is saved by that.
    said = {name: request.GET[name] for name in reference.form.base_fields if name in request.GET}
    return reference.form(initial={**held, **said}, **known)
