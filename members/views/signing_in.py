"""Signing in on a phone: number, code, and for who is no member yet joining by himself."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from members.forms.phone import CodeForm, JoinForm, PhoneForm
from members.models import SignInCode
from members.queries.signins import Ticket, read_ticket, session_of
from members.services import phone, sessions, signins
from members.views.guard import (
    COOKIE,
    device_of,
    own_page,
    remembered,
    secret_of,
    signed_in,
    signed_out,
)
from station.access import address_of, open_to_all
from station.channels import texts
from station.errors import Refusal
from station.models import Station
from station.queries import settings

PURPOSE = SignInCode.Purpose.SIGN_IN


@never_cache
@require_http_methods(["GET", "POST"])
@open_to_all
def sign_in(request: HttpRequest) -> HttpResponse:
    form = PhoneForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            ticket = signins.send_code(
                phone=form.cleaned_data["phone"],
                purpose=PURPOSE,
                address=address_of(request) or "",
                at=now(),
            )
            return _code_page(request, CodeForm(initial={"ticket": ticket}), 200)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return _page(request, "sign_in", form, forget=True)


@never_cache
@require_POST
@open_to_all
def code(request: HttpRequest) -> HttpResponse:
    form = CodeForm(request.POST)
    if form.is_valid():
        at, told = now(), form.cleaned_data
        try:
            ticket = signins.pass_code(
                ticket=told["ticket"],
                code=told["code"],
                purpose=PURPOSE,
                address=address_of(request) or "",
                at=at,
            )
            opened = sessions.sign_in(ticket=ticket, device=device_of(request), at=at)
            if opened:
                return signed_in(redirect(own_page(request.POST.get("next", ""))), opened, at)
            return _join_page(request, JoinForm(initial={"ticket": told["ticket"]}), ticket)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return _code_page(request, form, 422)


@never_cache
@require_POST
@open_to_all
def join(request: HttpRequest) -> HttpResponse:
    form = JoinForm(request.POST)
    ticket = read_ticket(request.POST.get("ticket", ""))
    if ticket is None:
        return redirect("phone:sign_in")
    if form.is_valid():
        at = now()
        told = {name: value for name, value in form.cleaned_data.items() if name != "ticket"}
        try:
            secret = secret_of(request)
            opened = phone.join(
                ticket=ticket,
                station=_station(request),
                device=device_of(request),
                at=at,
                secret=secret,
                **told,
            )
            return remembered(signed_in(redirect("phone:home"), opened, at), secret)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return _join_page(request, form, ticket)


@never_cache
@require_POST
@open_to_all
def sign_out(request: HttpRequest) -> HttpResponse:
    at = now()
    mine = session_of(token=request.COOKIES.get(COOKIE, ""), at=at)
    if mine:
        sessions.end(session=mine, at=at)
    return signed_out(redirect("phone:sign_in"))


@require_GET
@open_to_all
def privacy(request: HttpRequest) -> HttpResponse:
    station = _station(request)
    content = {"station": station, "version": settings.text("members.policy_version", station)}
    return render(request, "members/phone/privacy.html", content)


@never_cache
@require_GET
@open_to_all
def counterpart(request: HttpRequest) -> HttpResponse:
    """The demo's telephone: the texts that did not leave the machine."""
    if not texts.is_local():
        raise Http404("no texts are kept here")
    return render(request, "members/phone/texts.html", {"texts": texts.lately()})


def _code_page(request: HttpRequest, form: CodeForm, status: int) -> HttpResponse:
    ticket = read_ticket(str(form["ticket"].value() or ""))
    shown = {"phone": ticket.phone if ticket else "", "local": texts.is_local()}
    return _page(request, "code", form, status, **shown)


def _join_page(request: HttpRequest, form: JoinForm, ticket: Ticket) -> HttpResponse:
    where = _station(request)
    shown = {"phone": ticket.phone, "station_name": where.name}
    return _page(request, "join", form, 422 if form.errors else 200, **shown)


def _page(request: HttpRequest, name: str, form: Any, status: int = 0, **more: Any) -> HttpResponse:
    asked = request.POST if request.method == "POST" else request.GET
    content = {
        "form": form,
        "next": own_page(asked.get("next", "")),
        "station_code": asked.get("station", "")[:6],
        "to_code": reverse("phone:code"),
        **more,
    }
    answered = status or (422 if form.errors else 200)
    return render(request, f"members/phone/{name}.html", content, status=answered)


def _station(request: HttpRequest) -> Station:
    """The station of the code that was scanned, else the first."""
    wanted = request.POST.get("station") or request.GET.get("station") or ""
    rows = Station.objects.filter(active=True).order_by("code")
    found = rows.filter(code=wanted[:6]).first() or rows.first()
    if found is None:
        raise Http404("no station is at work")
    return found
