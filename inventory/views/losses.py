"""损耗定额 and 损耗剔温: what may be lost, and what was lost when the temperature is taken off."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.views.decorators.http import require_GET, require_http_methods

from devices.views.equipment import key_of
from inventory.forms.losses import AllowanceForm, RangeForm
from inventory.queries import standard_report
from inventory.queries.allowances import allowances as in_force
from inventory.queries.allowances import of_station, seasons_of
from inventory.queries.losses import tank_days
from inventory.services.allowances import lay_down
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.queries import settings
from station.queries.columns import Action, Column, Empty
from station.queries.listing import ListPage
from station.views.listing import filters_of, list_response
from station.views.reporting import head_of, report_response


@require_GET
@may("inventory.losses")
def allowances(request: StaffRequest) -> HttpResponseBase:
    used = seasons_of(in_force(request.station), localdate())
    new = Action("新立定额", reverse("inventory:allowance-new"), "plus")
    primary = new if may_do(request.role, "inventory.allowances.change") else None
    listing = ListPage(
        title="损耗定额",
        columns=(
            Column("油品种类", lambda row: row.get_kind_display()),
            Column("环节", lambda row: row.get_stage_display()),
            Column("地区类别", lambda row: row.get_region_display() or "不分地区"),
            Column("季节", lambda row: row.get_season_display() or "不分季节"),
            Column("定额(%)", "percent", "count"),
            Column(
                "本站",
                lambda row: "在用" if row.pk in used else "未用",
                "state",
                tone=lambda row: "good" if row.pk in used else "off",
            ),
            Column("依据", "source"),
            Column("自何日起", "valid_from", "date"),
            Column("登记人", lambda row: row.made_by.name if row.made_by else "默认", minor=True),
        ),
        rows=of_station(request.station).select_related("made_by"),
        order=("kind", "stage", "region", "season", "-valid_from"),
        primary=primary,
        per_page=0,
        empty=Empty("还没有损耗定额", "立一条零售定额，盘点损溢就会显示是否超定额。").leading(
            primary
        ),
    )
    return list_response(request, listing)


@require_http_methods(["GET", "POST"])
@may("inventory.allowances.change")
def allowance_new(request: StaffRequest) -> HttpResponse:
    form = AllowanceForm(request.POST or None, initial={"valid_from": localdate().replace(day=1)})
    key = key_of(request)
    if request.method == "POST" and form.is_valid():
        try:
            row = lay_down(
                station=request.station,
                figure=form.figure(),
                key=key,
                at=now(),
                actor=request.user,
            )
            messages.success(request, f"已立定额：{row}，自 {row.valid_from} 起。")
            return redirect("inventory:allowances")
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {"form": form, "key": key, "back_href": reverse("inventory:allowances")}
    return render(request, "inventory/allowance.html", content, status=422 if form.errors else 200)


@require_GET
@may("inventory.losses")
def standard(request: StaffRequest) -> HttpResponseBase:
    form, since, until = month_of(request)
    report = standard_report.report(
        tanks=tank_days(station=request.station, since=since, until=until),
        period=f"{since} 至 {until}",
        k=settings.number("inventory.loss_band_k", request.station),
        head=head_of(request, at=now()),
    )
    return report_response(request, report, filters=form, template="inventory/reconciliation.html")


def month_of(request: StaffRequest) -> tuple[RangeForm, date, date]:
    """The range asked for; this month where none, or nonsense, was asked for."""
    today = localdate()
    month: dict[str, Any] = {"since": today.replace(day=1), "until": today}
    form = filters_of(request, RangeForm, initial=month)
    values = form.cleaned_data if form.is_valid() else month
    return form, values["since"], values["until"]
