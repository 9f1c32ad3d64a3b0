"""Signing in: password, second factor, binding a phone; and signing out."""

from __future__ import annotations

import segno
from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST
from django_otp import login as vouch

from station import idle
from station.access import StaffRequest, address_of, may, open_to_all, while_signing_in
from station.errors import Refusal
from station.forms.accounts import CodeForm, RecoveryForm, SignInForm
from station.models import User
from station.services import accounts, second_factor
from station.views.practice import door


@never_cache
@require_http_methods(["GET", "POST"])
@open_to_all
@sensitive_post_parameters("password")
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.method == "GET" and request.user.is_authenticated:
        return redirect(next_page(request))
    if settings.PRACTICE:
        return door(request, status=403 if request.method == "POST" else 200)
    form = SignInForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = authenticate(request, **form.cleaned_data)
        if isinstance(user, User):
            login(request, user)
            idle.wake(request.session)
            accounts.note_sign_in(user=user, how="密码", at=now(), address=address_of(request))
            return redirect(next_page(request))
        form.add_error(None, _why_not(request, form.cleaned_data["username"]))
    return render(
        request,
        "station/sign_in.html",
        {"form": form, "next": request.GET.get("next", ""), "demo": settings.DEMO},
        status=422 if form.errors else 200,
    )


def locked_out(
    request: HttpRequest, response: HttpResponse, credentials: object = None
) -> HttpResponse:
    """What axes asks for when an account is locked: the sign-in page says it already."""
    return response


@require_POST
@open_to_all
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("station:sign_in")


@never_cache
@require_http_methods(["GET", "POST"])
@while_signing_in("second_factor", "password")
@may("station.account")
@sensitive_post_parameters("code")
def verify(request: StaffRequest) -> HttpResponse:
    device = second_factor.phone_of(request.user)
    if device is None:
        return redirect(f"{reverse('station:bind_phone')}?{request.GET.urlencode()}")
    by_paper = "paper" in request.GET
    form = (RecoveryForm if by_paper else CodeForm)(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            code = form.cleaned_data["code"]
            _vouched(request, second_factor.verify(user=request.user, code=code))
            return redirect(next_page(request))
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {
        "form": form,
        "by_paper": by_paper,
        "demo_code": second_factor.code_now(device) if settings.DEMO else "",
    }
    status = 422 if form.errors else 200
    return render(request, "station/second_factor.html", content, status=status)


@never_cache
@require_http_methods(["GET", "POST"])
@while_signing_in("second_factor", "password")
@may("station.account")
@sensitive_post_parameters("code")
def bind_phone(request: StaffRequest) -> HttpResponse:
    device = second_factor.begin(user=request.user)
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            bound, codes = second_factor.confirm(
                user=request.user, code=form.cleaned_data["code"], at=now()
            )
            _vouched(request, bound)
            shown = {"codes": codes, "next": next_page(request)}
            return render(request, "station/recovery_codes.html", shown)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {
        "form": form,
        "picture": segno.make(device.config_url, error="m").svg_data_uri(scale=5, border=2),
        "seed": second_factor.seed_of(device),
    }
    return render(request, "station/bind_phone.html", content, status=422 if form.errors else 200)


def next_page(request: HttpRequest) -> str:
    """Where the person wanted to go, if it is a page of ours; else the first page."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    # A word without a slash would be taken for the name of a view.
    safe = wanted.startswith("/") and url_has_allowed_host_and_scheme(
        wanted, {request.get_host()}, request.is_secure()
    )
    return wanted if safe else "/"


def _why_not(request: HttpRequest, username: str) -> str:
    """The words for a sign-in that failed; the one that locks the account is audited."""
    if not getattr(request, "axes_locked_out", False):
        return "账号或密码不对，请重新输入。"
    if getattr(request, "axes_failures_since_start", None) == settings.AXES_FAILURE_LIMIT:
        accounts.note_lock(username=username, at=now(), address=address_of(request))
    return "密码连续输错 5 次，账号已锁定 15 分钟。请稍后再试，或请站长在「人员与权限」里解锁。"


def _vouched(request: HttpRequest, device: object) -> None:
    vouch(request, device)
    request.session.cycle_key()  # what was known before the second factor is worth nothing after
    idle.wake(request.session)
