"""The doors of the kiosk: the terminal's own token, and the member who stands there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.timezone import now

from devices.models import Kiosk
from devices.queries.kiosks import kiosk_of, last_swipe
from members.models import KioskVisit
from members.queries.kiosk import LONGEST, visit_of
from members.services import kiosk as visits
from members.services.kiosk import Gone, Opened
from station.channels import texts

P = ParamSpec("P")
TERMINAL, VISIT, PATH = "zhongduan", "zhongduan_ren", "/kiosk/"
YEARS = 5 * 365 * 24 * 3600


class KioskRequest(HttpRequest):
    """A request of a registered terminal; who may be signed in as a user does not matter."""

    kiosk: Kiosk
    at: datetime
    visit: KioskVisit  # of a member who stands there


def kiosk_only(
    view: Callable[Concatenate[KioskRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Let the view run only on a terminal that was paired; else to its first page. Kept by no cache."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        found = kiosk_of(token=request.COOKIES.get(TERMINAL, ""))
        if found is None:
            return uncached(to_start(request))
        ours = cast(KioskRequest, request)
        ours.kiosk, ours.at = found, now()
        return uncached(view(ours, *args, **kwargs))

    guarded.right = None  # type: ignore[attr-defined]  # no right of the staff's matrix
    return cast(Callable[Concatenate[HttpRequest, P], HttpResponse], guarded)


def with_member(
    view: Callable[Concatenate[KioskRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Let the view run only while a member stands there; his minute begins anew with it."""

    def guarded(request: KioskRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        found = visit_at(request)
        try:
            if found is None:
                raise Gone("已超过一分钟没有操作，会员页面已关闭。请重新开始。")
            visits.touched(visit=found, at=request.at)
        except Gone as gone:
            return started(request, str(gone), 422)
        request.visit = found
        return view(request, *args, **kwargs)

    guarded.__name__ = view.__name__
    return kiosk_only(guarded)


def visit_at(request: KioskRequest) -> KioskVisit | None:
    """The member who stands at the terminal, if one does."""
    token = request.COOKIES.get(VISIT, "")
    return visit_of(token=token, kiosk=request.kiosk, at=request.at)


def uncached(answer: HttpResponse) -> HttpResponse:
    """Kept nowhere: not by a proxy, not by the browser, not for going back in the history."""
    patch_cache_control(answer, private=True, no_store=True)
    return answer


def to_start(request: HttpRequest) -> HttpResponse:
    """The terminal's first page; a part of a page is told to load it."""
    target = reverse("kiosk:start")
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": target})
    return redirect(target)


def screen(
    request: KioskRequest, name: str, content: dict[str, Any], status: int = 200
) -> HttpResponse:
    """One screen of the terminal: a part that takes the place of the one before, at no address."""
    told = {"kiosk": request.kiosk, "local_texts": texts.is_local(), **content}
    told["after"] = last_swipe(kiosk=request.kiosk)
    return render(request, f"sales/kiosk/_{name}.html", told, status=status)


def started(request: KioskRequest, words: str = "", status: int = 200) -> HttpResponse:
    """The start screen, with nobody before it."""
    return forgotten(screen(request, "start", {"words": words}, status))


def known(answer: HttpResponse, opened: Opened) -> HttpResponse:
    """Give the terminal the token of a visit: for no script to read, and for these pages alone."""
    return _kept(answer, VISIT, opened.token, int(LONGEST.total_seconds()))


def terminal(answer: HttpResponse, token: str) -> HttpResponse:
    """Give a screen the token that makes it the terminal once it is paired."""
    return _kept(answer, TERMINAL, token, YEARS)


def forgotten(answer: HttpResponse) -> HttpResponse:
    """Take the token of a visit away, and what a browser may have put aside."""
    answer.delete_cookie(VISIT, path=PATH, samesite="Strict")
    return answer


def _kept(answer: HttpResponse, name: str, token: str, seconds: int) -> HttpResponse:
    answer.set_cookie(
        name,
        token,
        max_age=seconds,
        path=PATH,
        httponly=True,
        secure=settings.HTTPS,
        samesite="Strict",
    )
    return answer
