"""加油站日报, and every report over a range."""

from __future__ import annotations

from datetime import date, timedelta

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.timezone import localdate, now
from django.views.decorators.http import require_GET

from finance.forms.days import DayForm, RangeForm
from finance.queries.attributing import remarks_of_day
from finance.queries.figures import day_figures
from finance.queries.owner import month_permille
from finance.queries.ranges import Grain
from finance.queries.reports.comparing import comparison
from finance.queries.reports.daily import daily_report
from finance.queries.reports.kinds import KINDS
from station.access import StaffRequest, may
from station.models import BusinessDay
from station.views.listing import filters_of
from station.views.reporting import head_of, report_response

LONGEST = timedelta(days=366 * 12)


@require_GET
@may("finance.reports")
def daily(request: StaffRequest) -> HttpResponseBase:
    wanted = request.GET.get("day", "")
    days = BusinessDay.objects.filter(station=request.station).select_related(
        "station", "close__closed_by"
    )
    try:
        chosen = date.fromisoformat(wanted) if wanted else None
    except ValueError:
        raise Http404(wanted) from None
    if chosen:
        day = days.filter(date=chosen).first()
    else:
        day = days.order_by("-date").first()
    if day is None:
        return render(
            request, "finance/no_day.html", {"wanted": chosen, "form": DayForm(request.GET)}
        )
    form = DayForm({"day": day.date})
    form.is_valid()
    closed = day.status == BusinessDay.Status.CLOSED
    figures = day_figures(day=day)
    report = daily_report(
        figures=figures,
        against=comparison(station=request.station, day=day.date),
        head=head_of(request, at=now(), approved_by=day.close.closed_by.name if closed else ""),
        month_permille=month_permille(day, figures),
        remarks=(
            *remarks_of_day(day, figures),
            *(() if closed else (f"本营业日{day.get_status_display()}，数字为实时值。",)),
        ),
    )
    return report_response(
        request,
        report,
        filters=form,
        template="finance/daily.html",
        context={
            "day": day,
            "before": days.filter(date__lt=day.date).order_by("-date").first(),
            "after": days.filter(date__gt=day.date).order_by("date").first(),
        },
    )


@require_GET
@may("finance.reports")
def reports(request: StaffRequest) -> HttpResponse:
    return render(request, "finance/reports.html", {"kinds": KINDS.values()})


@require_GET
@may("finance.reports")
def report(request: StaffRequest, kind: str) -> HttpResponseBase:
    if kind not in KINDS:
        raise Http404(kind)
    chosen = KINDS[kind]
    today = localdate()
    form = filters_of(
        request, RangeForm, initial={"since": today.replace(day=1), "until": today, "grain": "day"}
    )
    if not chosen.grains:
        del form.fields["grain"]
    cleaned = form.cleaned_data
    since = cleaned.get("since") or today.replace(day=1)
    until = cleaned.get("until") or today
    if until < since or until - since > LONGEST:
        since, until = today.replace(day=1), today
    made = chosen.make(
        station=request.station,
        since=since,
        until=until,
        grain=Grain(cleaned.get("grain") or Grain.DAY),
        head=head_of(request, at=now()),
    )
    return report_response(
        request,
        made,
        filters=form,
        template="finance/report.html",
        context={"kind": chosen, "shortcuts": _shortcuts(today)},
    )


def _shortcuts(today: date) -> list[tuple[str, date, date, str]]:
    """Ranges that people ask for, with the grain that suits them."""
    first = today.replace(day=1)
    last = first - timedelta(days=1)
    monday = today - timedelta(days=today.weekday())
    return [
        ("今天", today, today, "day"),
        ("昨天", today - timedelta(days=1), today - timedelta(days=1), "day"),
        ("本周", monday, today, "day"),
        ("本月", first, today, "day"),
        ("上月", last.replace(day=1), last, "day"),
        ("今年", today.replace(month=1, day=1), today, "month"),
        ("去年", date(today.year - 1, 1, 1), date(today.year - 1, 12, 31), "month"),
        ("近十年", date(today.year - 9, 1, 1), today, "year"),
    ]
