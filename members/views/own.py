"""我的: a member's own data, cars, consents and phones."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from members.forms.phone import ChoicesForm, CodeForm, OwnVehicleForm, PhoneForm, ProfileForm
from members.models import MemberSession, SignInCode, Vehicle
from members.queries import phone as pages
from members.queries.cards import card_of
from members.queries.consents import OPEN, standings
from members.queries.merged import one_person
from members.queries.notices import choices_of
from members.queries.signins import read_ticket, sessions_of
from members.services import notices, phone, sessions, signins
from members.views.guard import TABS, MemberRequest, member_only, member_page
from station.access import address_of
from station.channels import texts
from station.errors import Refusal

PURPOSE = SignInCode.Purpose.PHONE


@require_GET
@member_only
def me(request: MemberRequest) -> HttpResponse:
    tabs = {reverse(name) for _, _, name in TABS}
    tiles = [tile for tile in pages.tiles() if tile.href not in tabs]
    content = {"card": card_of(request.member), "tiles": tiles}
    return member_page(request, "members/phone/me.html", content)


@require_http_methods(["GET", "POST"])
@member_only
def profile(request: MemberRequest) -> HttpResponse:
    form = ProfileForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            phone.change_profile(member=request.member, at=request.at, **form.cleaned_data)
            return redirect("phone:me")
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {"form": form, "card": card_of(request.member)}
    return member_page(request, "members/phone/profile.html", content, 422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@member_only
def new_phone(request: MemberRequest) -> HttpResponse:
    form = PhoneForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            ticket = signins.send_code(
                phone=form.cleaned_data["phone"],
                purpose=PURPOSE,
                address=address_of(request) or "",
                at=request.at,
                member=request.member,
            )
            return _code_page(request, CodeForm(initial={"ticket": ticket}), 200)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {"form": form, "card": card_of(request.member)}
    status = 422 if form.errors else 200
    return member_page(request, "members/phone/new_phone.html", content, status)


@require_POST
@member_only
def new_phone_code(request: MemberRequest) -> HttpResponse:
    form = CodeForm(request.POST)
    if form.is_valid():
        told = form.cleaned_data
        try:
            ticket = signins.pass_code(
                ticket=told["ticket"],
                code=told["code"],
                purpose=PURPOSE,
                address=address_of(request) or "",
                at=request.at,
                member=request.member,
            )
            phone.change_phone(
                member=request.member,
                ticket=ticket,
                kept=request.session_of_member,
                at=request.at,
            )
            return redirect("phone:me")
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return _code_page(request, form, 422)


@require_http_methods(["GET", "POST"])
@member_only
def vehicles(request: MemberRequest) -> HttpResponse:
    form = OwnVehicleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            phone.add_vehicle(member=request.member, at=request.at, **form.cleaned_data)
            return redirect("phone:vehicles")
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {"form": form, "plates": card_of(request.member).plates}
    return member_page(request, "members/phone/vehicles.html", content, 422 if form.errors else 200)


@require_POST
@member_only
def vehicle_remove(request: MemberRequest, pk: int) -> HttpResponse:
    vehicle = get_object_or_404(Vehicle, pk=pk, member=request.member, active=True)
    phone.remove_vehicle(member=request.member, vehicle=vehicle, at=request.at)
    return redirect("phone:vehicles")


@require_http_methods(["GET", "POST"])
@member_only
def consents(request: MemberRequest) -> HttpResponse:
    refused = ""
    if request.method == "POST":
        given, purpose = request.POST.get("given") == "1", request.POST.get("purpose", "")
        try:
            phone.set_consent(member=request.member, purpose=purpose, given=given, at=request.at)
            return redirect("phone:consents")
        except Refusal as refusal:
            refused = str(refusal)
    content = {"rows": standings(request.member), "open": OPEN, "refused": refused}
    return member_page(request, "members/phone/consents.html", content, 422 if refused else 200)


@require_http_methods(["GET", "POST"])
@member_only
def choices(request: MemberRequest) -> HttpResponse:
    """How he wants his messages."""
    rows = choices_of(request.member)
    form = ChoicesForm(request.POST or None, rows=rows)
    if request.method == "POST" and form.is_valid():
        try:
            notices.choose(member=request.member, ways=form.cleaned_data, at=request.at)
            return redirect("phone:me")
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {"form": form, "has_phone": bool(request.member.phone_sealed)}
    return member_page(request, "members/phone/choices.html", content, 422 if form.errors else 200)


@require_GET
@member_only
def devices(request: MemberRequest) -> HttpResponse:
    rows = sessions_of(member=request.member, at=request.at)
    content = {"rows": rows, "this": request.session_of_member.pk}
    return member_page(request, "members/phone/devices.html", content)


@require_POST
@member_only
def device_end(request: MemberRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(MemberSession, pk=pk, member__in=one_person(request.member))
    sessions.end(session=found, at=request.at)
    return redirect("phone:devices")


def _code_page(request: MemberRequest, form: CodeForm, status: int) -> HttpResponse:
    ticket = read_ticket(str(form["ticket"].value() or ""))
    content = {
        "form": form,
        "phone": ticket.phone if ticket else "",
        "local": texts.is_local(),
    }
    return member_page(request, "members/phone/new_phone_code.html", content, status)
