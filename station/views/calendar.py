"""节假日历: a year at a glance, a day added, changed or struck out, filled from the library."""

from __future__ import annotations

from datetime import date

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.forms.calendar import CalendarChangeForm, CalendarDayForm
from station.models import CalendarDay
from station.queries.audit import history_of
from station.queries.holidays import ends_on, ends_soon, year_of
from station.services import calendar as services

CHANGE = "station.calendar.change"


@require_GET
@may("station.site.view")
def year(request: StaffRequest) -> HttpResponse:
    today, end = timezone.localdate(), ends_on()
    asked = request.GET.get("year", "")
    content = {
        "year": year_of(int(asked) if asked.isdecimal() and len(asked) == 4 else None, today),
        "end": end,
        "ends_soon": ends_soon(end, today),
        "today": today,
        "may_change": may_do(request.role, CHANGE),
    }
    return render(request, "station/calendar.html", content)


@require_http_methods(["GET", "POST"])
@may(CHANGE)
def day_new(request: StaffRequest) -> HttpResponse:
    form = CalendarDayForm(request.POST or None, initial={"date": _asked(request)})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            kept = services.save_day(
                day=given["date"],
                kind=given["kind"],
                name=given["name"],
                reason=given["reason"],
                station=request.station,
                at=timezone.now(),
                actor=request.user,
            )
            messages.success(request, f"{kept.date} 已记为{kept.get_kind_display()}。")
            return redirect(_year(kept.date))
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {"form": form, "back_href": reverse("station:calendar")}
    return render(request, "station/calendar_day.html", content, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@may(CHANGE)
def day(request: StaffRequest, pk: int) -> HttpResponse:
    entry = get_object_or_404(CalendarDay, pk=pk)
    form = CalendarChangeForm(
        request.POST or None, initial={"kind": entry.kind, "name": entry.name}
    )
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            services.save_day(
                entry=entry,
                day=entry.date,
                kind=given["kind"],
                name=given["name"],
                reason=given["reason"],
                station=request.station,
                at=timezone.now(),
                actor=request.user,
            )
            messages.success(request, f"{entry.date} 已保存。")
            return redirect(_year(entry.date))
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return _day(request, entry, form)


@require_POST
@may(CHANGE)
def day_remove(request: StaffRequest, pk: int) -> HttpResponse:
    entry = get_object_or_404(CalendarDay, pk=pk)
    try:
        gone = services.remove_day(
            entry=entry,
            reason=request.POST.get("reason", ""),
            station=request.station,
            at=timezone.now(),
            actor=request.user,
        )
    except Refusal as refusal:
        form = CalendarChangeForm(initial={"kind": entry.kind, "name": entry.name})
        return _day(request, entry, form, refusal=str(refusal))
    said = "已删去" if gone else "已改为按平日，日历库不会再加回来"
    messages.success(request, f"{entry.date} {said}。")
    return redirect(_year(entry.date))


@require_POST
@may(CHANGE)
def refill(request: StaffRequest) -> HttpResponse:
    added = services.refill(station=request.station, at=timezone.now(), actor=request.user)
    said = f"从日历库补了 {added} 天。" if added else "日历库里没有新的日子，手工改过的都保持不变。"
    messages.success(request, said)
    return redirect("station:calendar")


def _day(
    request: StaffRequest, entry: CalendarDay, form: CalendarChangeForm, refusal: str = ""
) -> HttpResponse:
    content = {
        "form": form,
        "entry": entry,
        "refusal": refusal,
        "back_href": _year(entry.date),
        "history": history_of(f"calendar:{entry.date}"),
    }
    status = 422 if refusal or form.errors else 200
    return render(request, "station/calendar_day.html", content, status=status)


def _year(day: date) -> str:
    return reverse("station:calendar", query={"year": f"{day.year:04}"})


def _asked(request: StaffRequest) -> date | None:
    try:
        return date.fromisoformat(request.GET.get("date", ""))
    except ValueError:
        return None
