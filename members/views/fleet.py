"""车队: two stages at the pump, drivers, tags and cards of a company."""

from __future__ import annotations

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_http_methods, require_POST

from devices.models import Card
from devices.queries.swipes import unknown_cards
from devices.services import cards as plastic
from members.forms.fleet import DriverForm, FleetCardForm, PairForm
from members.models import Company, Driver, Vehicle
from members.queries.cards import companies_of
from members.queries.fleet import cards_of_company, fleet_of
from members.services import fleet
from station.access import StaffRequest, may
from station.errors import Refusal

MOVES = ("LOST", "ACTIVE", "CANCELLED")


@require_http_methods(["GET", "POST"])
@may("members.companies.change")
def pair(request: StaffRequest, number: str) -> HttpResponse:
    found = _found(request, number)
    form = PairForm(request.POST or None, initial={"seconds": found.pair_seconds})
    if request.method == "POST" and form.is_valid():
        try:
            seconds = form.cleaned_data["seconds"]
            fleet.require_pair(company=found, seconds=seconds, at=now(), actor=request.user)
            messages.success(request, "已保存。")
            return redirect("members:company", number)
        except Refusal as refusal:
            form.add_error("seconds", str(refusal))
    return _form(request, found, form, "双重识别", "保存")


@require_http_methods(["GET", "POST"])
@may("members.companies.change")
def driver_new(request: StaffRequest, number: str) -> HttpResponse:
    found = _found(request, number)
    cars, _ = fleet_of(found)
    form = DriverForm(request.POST or None, cars=cars)
    if request.method == "POST" and form.is_valid():
        chosen = form.cleaned_data["vehicle"]
        try:
            fleet.add_driver(
                company=found,
                name=form.cleaned_data["name"],
                vehicle=Vehicle.objects.get(pk=chosen[1:]) if chosen else None,
                at=now(),
                actor=request.user,
            )
            messages.success(request, "已登记司机，请给他发卡。")
            return redirect("members:company", number)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return _form(request, found, form, "登记司机", "登记")


@require_POST
@may("members.companies.change")
def driver_remove(request: StaffRequest, number: str, pk: int) -> HttpResponse:
    found = _found(request, number)
    drivers = Driver.objects.select_related("company__key", "company__station")
    driver = get_object_or_404(drivers, pk=pk, company=found)
    fleet.remove_driver(driver=driver, at=now(), actor=request.user)
    messages.success(request, "已移除司机，他的卡已注销。")
    return redirect("members:company", number)


@require_http_methods(["GET", "POST"])
@may("members.companies.change")
def card_new(request: StaffRequest, number: str) -> HttpResponse:
    found = _found(request, number)
    cars, drivers = fleet_of(found)
    form = FleetCardForm(request.POST or None, cars=cars, drivers=drivers)
    if request.method == "POST" and form.is_valid():
        try:
            card = fleet.issue_card(
                owner=_owner(found, form.cleaned_data["owner"]),
                number=form.cleaned_data["number"],
                station=request.station,
                at=now(),
                actor=request.user,
            )
            messages.success(request, f"已发卡 {card.number}。")
            return redirect("members:company", number)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    unknown = unknown_cards(station=request.station)
    return _form(request, found, form, "给车辆或司机发卡", "发卡", unknown=unknown)


@require_POST
@may("members.companies.change")
def card_move(request: StaffRequest, number: str, pk: int, to: str) -> HttpResponse:
    found = _found(request, number)
    card = next((one for one in cards_of_company(found) if one.pk == pk), None)
    if card is None or to not in MOVES:
        raise Http404
    try:
        plastic.move(card=card, to=Card.Status(to), actor=request.user, at=now())
        messages.success(request, f"卡 {card.number} 已{plastic.MOVES[Card.Status(to)][1]}。")
    except Refusal as refusal:
        messages.error(request, str(refusal))
    return redirect("members:company", number)


def _owner(company: Company, key: str) -> Vehicle | Driver:
    kind = Vehicle if key.startswith("V") else Driver
    return kind.objects.select_related("company").get(pk=key[1:], company=company)


def _form(
    request: StaffRequest,
    company: Company,
    form: Form,
    title: str,
    submit: str,
    **more: object,
) -> HttpResponse:
    content = {
        "form": form,
        "company": company,
        "title": title,
        "submit": submit,
        "back_href": reverse("members:company", args=[company.number]),
        **more,
    }
    return render(request, "members/fleet_form.html", content, status=422 if form.errors else 200)


def _found(request: StaffRequest, number: str) -> Company:
    return get_object_or_404(companies_of(request.stations), number=number)
