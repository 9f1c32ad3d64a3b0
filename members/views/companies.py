"""单位客户: companies, their plates and their bank account."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from members.forms.people import CompanyFilter, CompanyForm, VehicleForm
from members.models import Company, Vehicle
from members.queries.cards import Card, card_of_company, companies_of
from members.queries.fleet import fleet_of
from members.services import companies, unmasking, vehicles
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.queries.audit import history_of
from station.queries.columns import Action, Column, Empty
from station.queries.listing import ListPage
from station.views.listing import filters_of, list_response


@require_GET
@may("members.companies")
def index(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, CompanyFilter)
    rows = companies_of(request.stations)
    if text := filters.cleaned_data.get("text"):
        rows = rows.filter(Q(name__icontains=text) | Q(number__iexact=text))
    changing = may_do(request.role, "members.companies.change")
    new = Action("登记单位", reverse("members:company_new"))
    return list_response(
        request,
        ListPage(
            title="单位客户",
            columns=(
                Column("编号", "number", "code"),
                Column("单位名称", "name"),
                Column("联系人", lambda row: card_of_company(row).name),
                Column("电话", lambda row: card_of_company(row).phone, "code"),
                Column("车辆", lambda row: len(row.vehicles.all()), "count", minor=True),
                Column("开户油站", "station.name", minor=True),
            ),
            rows=rows,
            order=("-id",),
            filters=filters,
            opens=lambda row: reverse("members:company", args=[row.number]),
            primary=new if changing else None,
            empty=Empty(
                "还没有单位客户",
                "车队和挂账单位登记在这里，车牌归单位名下。",
                new.label if changing else "",
                new.href if changing else "",
            ),
        ),
    )


@require_GET
@may("members.companies")
def company(request: StaffRequest, number: str) -> HttpResponse:
    found = _found(request, number)
    return _page(request, found, card_of_company(found))


@never_cache
@require_POST
@may("members.companies.change")
def company_unmask(request: StaffRequest, number: str) -> HttpResponse:
    found = _found(request, number)
    try:
        card = unmasking.unmask(
            subject=found, reason=request.POST.get("reason", ""), at=now(), actor=request.user
        )
    except Refusal as refusal:
        return _page(request, found, card_of_company(found), refusal=str(refusal))
    return _page(request, found, card)


@require_http_methods(["GET", "POST"])
@may("members.companies.change")
def company_new(request: StaffRequest) -> HttpResponse:
    form = CompanyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = companies.add_company(
                station=request.station, at=now(), actor=request.user, **form.cleaned_data
            )
            messages.success(request, f"已登记 {made.name}。")
            return redirect("members:company", made.number)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {"form": form, "back_href": reverse("members:companies")}
    return render(request, "members/company_form.html", content, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@may("members.companies.change")
def company_change(request: StaffRequest, number: str) -> HttpResponse:
    found = _found(request, number)
    initial = {"name": found.name, "tax_no": found.tax_no}
    form = CompanyForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            companies.change_company(
                company=found, at=now(), actor=request.user, **form.cleaned_data
            )
            messages.success(request, "已保存。")
            return redirect("members:company", number)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    back = reverse("members:company", args=[number])
    content = {"form": form, "company": found, "back_href": back}
    return render(request, "members/company_form.html", content, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@may("members.companies.change")
def company_vehicle_new(request: StaffRequest, number: str) -> HttpResponse:
    found = _found(request, number)
    form = VehicleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            vehicles.add_vehicle(owner=found, at=now(), actor=request.user, **form.cleaned_data)
            return redirect("members:company", number)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    back = reverse("members:company", args=[number])
    content = {"form": form, "owner": found.name, "back_href": back}
    return render(request, "members/vehicle.html", content, status=422 if form.errors else 200)


@require_POST
@may("members.companies.change")
def company_vehicle_remove(request: StaffRequest, number: str, pk: int) -> HttpResponse:
    found = _found(request, number)
    vehicle = get_object_or_404(Vehicle, pk=pk, company=found)
    masked = next((one.plate for one in card_of_company(found).plates if one.pk == pk), "*")
    vehicles.remove_vehicle(vehicle=vehicle, plate=masked, at=now(), actor=request.user)
    return redirect("members:company", number)


def _found(request: StaffRequest, number: str) -> Company:
    return get_object_or_404(companies_of(request.stations), number=number)


def _page(request: StaffRequest, found: Company, card: Card, refusal: str = "") -> HttpResponse:
    cars, drivers = fleet_of(found)
    content = {
        "company": found,
        "card": card,
        "fleet": ((cars, "还没有车辆。", False), (drivers, "还没有司机。", True)),
        "may_change": may_do(request.role, "members.companies.change"),
        "pool": found.pools.filter(closed_at=None).select_related("account").first(),
        "may_pool": may_do(request.role, "members.pools.change"),
        "refusal": refusal,
        "history": history_of(found.number),
    }
    return render(request, "members/company.html", content, status=422 if refusal else 200)
