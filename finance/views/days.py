"""Business days: the list, and the wizard that closes one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from django.contrib import messages
from django.db.models import Sum
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from finance.forms.days import AcceptForm, CloseForm, DaysForm
from finance.models import ReportArchive
from finance.queries.attributing import told_of_day
from finance.queries.closing import Readiness, readiness
from finance.queries.figures import (
    Figures,
    day_figures,
    differences_of,
    figures_of_facts,
    frozen_figures,
)
from finance.queries.steps import steps_of
from finance.services.closing import DayAlreadyClosed, accept_difference, close_day
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.models import BusinessDay
from station.queries.columns import Column, Empty, Tone, Value
from station.queries.listing import ListPage
from station.queries.wording import local
from station.views.listing import filters_of, list_response

TONES: dict[str, Tone] = {"OPEN": "info", "CUT": "wait", "CLOSED": "good"}


def day_of(request: StaffRequest, written: str) -> BusinessDay:
    """The business day of the station in view, by its date; 404 for any other."""
    try:
        wanted = date.fromisoformat(written)
    except ValueError:
        raise Http404(written) from None
    days = BusinessDay.objects.select_related("station", "close__closed_by")
    return get_object_or_404(days, station=request.station, date=wanted)


@require_GET
@may("finance.day.view")
def days(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, DaysForm)
    rows = BusinessDay.objects.filter(station=request.station).select_related(
        "figures", "close__closed_by"
    )
    since, until = filters.cleaned_data.get("since"), filters.cleaned_data.get("until")
    if since:
        rows = rows.filter(date__gte=since)
    if until:
        rows = rows.filter(date__lte=until)
    return list_response(
        request,
        ListPage(
            title="日结",
            columns=(
                Column("营业日", "date", "date", href=_href),
                Column(
                    "状态",
                    lambda day: day.get_status_display(),
                    "state",
                    tone=lambda day: TONES[day.status],
                ),
                Column("油品升数(L)", _frozen("fuel_litres"), "litres", sum="litres"),
                Column("油品实收", _frozen("fuel_net"), "yuan", sum="fuel"),
                Column("非油实收", _frozen("shop_net"), "yuan", sum="shop"),
                Column("长短款", _frozen("over_short"), "over_short", sum="over_short"),
                Column("损溢", _frozen("variance_l"), "gain_loss", minor=True),
                Column("日结人", _closer, minor=True),
                Column("日结时间", "closed_at", "moment", minor=True),
            ),
            rows=rows,
            order=("-date",),
            filters=filters,
            opens=_href,
            sums={
                "litres": Sum("figures__fuel_litres"),
                "fuel": Sum("figures__fuel_net"),
                "shop": Sum("figures__shop_net"),
                "over_short": Sum("figures__over_short"),
            },
            empty=Empty(
                "还没有营业日", "油站上线后，每个营业日会列在这里。", icon="calendar-event"
            ),
        ),
    )


def _href(day: BusinessDay) -> str:
    return reverse("finance:day", args=[day.date])


def _frozen(name: str) -> Callable[[BusinessDay], Value]:
    """A column of the frozen figures; nothing while the day is not closed."""

    def value(day: BusinessDay) -> Value:
        figures: Value = getattr(getattr(day, "figures", None), name, None)
        return figures

    return value


def _closer(day: BusinessDay) -> str | None:
    return day.close.closed_by.name if hasattr(day, "close") else None


@require_GET
@may("finance.day.view")
def day(request: StaffRequest, date: str) -> HttpResponse:
    return _page(request, day_of(request, date))


@require_POST
@may("finance.day.accept")
def accept(request: StaffRequest, date: str) -> HttpResponse:
    found = day_of(request, date)
    form = AcceptForm(request.POST)
    if not form.is_valid():
        return _page(request, found, refusal="认可没有提交：请重新打开本页再试。", status=422)
    try:
        accept_difference(
            day=found,
            kind=form.cleaned_data["kind"],
            subject=form.cleaned_data["subject"],
            reason=form.cleaned_data["reason"],
            at=now(),
            actor=request.user,
        )
    except Refusal as refusal:
        return _page(request, found, refusal=str(refusal), status=422)
    return redirect("finance:day", found.date)


@require_POST
@may("finance.day.close")
def close(request: StaffRequest, date: str) -> HttpResponse:
    found = day_of(request, date)
    form = CloseForm(request.POST)
    if form.is_valid():
        try:
            close_day(day=found, at=now(), actor=request.user, remarks=form.cleaned_data["remarks"])
        except DayAlreadyClosed:
            return redirect("finance:day", found.date)  # the second click of the same hand
        except Refusal as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"{local(found.date)} 已日结并冻结，报表正在归档。")
            return redirect("finance:day", found.date)
    return _page(request, found, form=form, status=422)


@require_POST
@may("finance.day.view")
def recheck(request: StaffRequest, date: str) -> HttpResponse:
    found = day_of(request, date)
    frozen = frozen_figures(found)
    if frozen is None:
        return _page(request, found, refusal="没有复核：这一天还没有日结。", status=422)
    differing = differences_of(frozen, figures_of_facts(day=found))
    return _page(request, found, rechecked=True, differing=differing)


@require_GET
@may("finance.day.view")
def archived(request: StaffRequest, archive_id: int) -> HttpResponse:
    archive = get_object_or_404(
        ReportArchive.objects.exclude(pdf=None), pk=archive_id, station=request.station
    )
    response = HttpResponse(bytes(archive.pdf or b""), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="report-{archive.pk}.pdf"'
    return response


def _page(
    request: StaffRequest,
    found: BusinessDay,
    *,
    form: CloseForm | None = None,
    refusal: str = "",
    status: int = 200,
    **extra: object,
) -> HttpResponse:
    figures = day_figures(day=found)
    ready = _readiness(found, figures)
    closed = found.status == BusinessDay.Status.CLOSED
    content = {
        "day": found,
        "closed": closed,
        "tone": TONES[found.status],
        "figures": figures,
        "ready": ready,
        "variances": told_of_day(found, figures),
        "steps": steps_of(ready),
        "form": form or CloseForm(),
        "refusal": refusal,
        "may_accept": may_do(request.role, "finance.day.accept"),
        "may_close": may_do(request.role, "finance.day.close"),
        "decisions": found.differences.select_related("decided_by").order_by("pk"),
        "archives": found.reports.order_by("pk").defer("body", "pdf") if closed else (),
        **extra,
    }
    return render(request, "finance/day.html", content, status=status)


def _readiness(found: BusinessDay, figures: Figures) -> Readiness:
    """A closed day has nothing open: what was open then is in its decisions."""
    if found.status == BusinessDay.Status.CLOSED:
        return Readiness(found, (), ())
    return readiness(day=found, figures=figures)
