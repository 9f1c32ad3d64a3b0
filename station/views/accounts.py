"""One's own account: password, PIN, second factor."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from station.access import StaffRequest, may, while_signing_in
from station.errors import Refusal
from station.forms.accounts import PasswordForm, PinForm
from station.models.people import Role
from station.queries.people import needs_second_factor
from station.services import accounts, second_factor
from station.views.sign_in import next_page


@require_GET
@may("station.account")
def account(request: StaffRequest) -> HttpResponse:
    assignments = list(request.user.assignments.select_related("station"))
    content = {
        "person": request.user,
        "roles": [
            (one.station.name if one.station else "全部油站", Role(one.role).label)
            for one in assignments
        ],
        "phone": second_factor.phone_of(request.user),
        "codes_left": second_factor.recovery_codes_left(request.user),
        "needs_phone": needs_second_factor(one.role for one in assignments),
    }
    return render(request, "station/account.html", content)


@never_cache
@require_http_methods(["GET", "POST"])
@while_signing_in("password")
@may("station.account")
@sensitive_post_parameters()
def password(request: StaffRequest) -> HttpResponse:
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            accounts.change_password(
                user=request.user,
                old=form.cleaned_data["old"],
                new=form.cleaned_data["new"],
                at=now(),
            )
            update_session_auth_hash(request, request.user)
            messages.success(request, "密码已修改，其他地方的登录已全部退出。")
            wanted = next_page(request)
            return redirect(wanted if wanted != "/" else "station:home")
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {
        "form": form,
        "forced": request.user.must_change_password,
        "back_href": "" if request.user.must_change_password else reverse("station:account"),
    }
    status = 422 if form.errors else 200
    return render(request, "station/password.html", content, status=status)


@never_cache
@require_http_methods(["GET", "POST"])
@may("station.account")
@sensitive_post_parameters()
def pin(request: StaffRequest) -> HttpResponse:
    form = PinForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            accounts.check_secret(user=request.user, secret=form.cleaned_data["password"], at=now())
            accounts.set_pin(
                user=request.user, pin=form.cleaned_data["pin"], at=now(), actor=request.user
            )
            messages.success(request, "口令已设好，换班、解锁和签字时使用。")
            return redirect("station:account")
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {"form": form, "back_href": reverse("station:account")}
    return render(request, "station/pin.html", content, status=422 if form.errors else 200)


@never_cache
@require_POST
@may("station.account")
@sensitive_post_parameters()
def recovery_codes(request: StaffRequest) -> HttpResponse:
    codes = second_factor.renew_recovery_codes(user=request.user, at=now())
    content = {"codes": codes, "next": reverse("station:account")}
    return render(request, "station/recovery_codes.html", content)
