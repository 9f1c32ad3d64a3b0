"""A screen left alone: locked, opened again by its person, or taken over by a colleague."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from station import idle
from station.access import StaffRequest, address_of, may, may_do, while_signing_in
from station.errors import Refusal
from station.forms.accounts import ChangeInForm, UnlockForm
from station.models import User
from station.queries.people import at_the_till
from station.services import accounts
from station.views.sign_in import next_page

BACKEND = "django.contrib.auth.backends.ModelBackend"


class OneOnly(Refusal):
    """Nobody takes over a practice screen."""


@never_cache
@require_http_methods(["GET", "POST"])
@while_signing_in("lock", "second_factor", "password")
@may("station.account")
def lock(request: StaffRequest) -> HttpResponse:
    if request.method == "POST":
        idle.lock(request.session)
        if not request.accepts("text/html"):
            return HttpResponse(status=204)
    return _page(request, UnlockForm())


@never_cache
@require_POST
@while_signing_in("lock", "second_factor", "password")
@may("station.account")
@sensitive_post_parameters("secret")
def unlock(request: StaffRequest) -> HttpResponse:
    form = UnlockForm(request.POST)
    if form.is_valid():
        try:
            secret = form.cleaned_data["secret"]
            accounts.check_secret(user=request.user, secret=secret, at=now())
            idle.wake(request.session)
            return _answer(request, 204) or redirect(next_page(request))
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    words = "".join(str(error) for errors in form.errors.values() for error in errors)
    return _answer(request, 422, words) or _page(request, form, status=422)


@never_cache
@require_POST
@while_signing_in("lock", "second_factor", "password")
@may("sales.till")
@sensitive_post_parameters("pin")
def change_in(request: StaffRequest) -> HttpResponse:
    if settings.PRACTICE:  # what is passed is passed by who came with the ticket
        raise OneOnly("没有换人：练习站里各练各的。换人请从油站的「练习」进来。")
    form = _change_in(request, request.POST)
    if form.is_valid():
        try:
            station = request.station.pk
            colleague = User.objects.get(pk=form.cleaned_data["person"])
            accounts.check_pin(user=colleague, pin=form.cleaned_data["pin"], at=now())
            login(request, colleague, backend=BACKEND)  # a fresh session: nothing of the other's
            request.session["station"] = station
            idle.wake(request.session)
            accounts.note_sign_in(
                user=colleague, how="口令换班", at=now(), address=address_of(request)
            )
            return redirect(next_page(request))
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return _page(request, UnlockForm(), change_in=form, status=422)


def _answer(request: HttpRequest, status: int, words: str = "") -> HttpResponse | None:
    """For the lock over a page that stays; None where a whole page was asked for."""
    if request.accepts("text/html"):
        return None
    return JsonResponse({"text": words}, status=status) if words else HttpResponse(status=status)


def _page(
    request: StaffRequest,
    form: UnlockForm,
    *,
    change_in: ChangeInForm | None = None,
    status: int = 200,
) -> HttpResponse:
    if change_in is None and may_do(request.role, "sales.till"):
        change_in = _change_in(request)
    content = {
        "form": form,
        "change_in": change_in,
        "next": next_page(request),
        "locked": idle.is_locked(request),
    }
    return render(request, "station/lock.html", content, status=status)


def _change_in(request: StaffRequest, given: object = None) -> ChangeInForm:
    people = at_the_till(request.station, without=request.user)
    return ChangeInForm(given, people=[(one.pk, one.name) for one in people])
