"""The door of the member's pages: a session of his own, and never a user's."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.timezone import now

from members.models import Member, MemberSession
from members.queries import phone
from members.queries.signins import session_of
from members.services import sessions
from members.services.sessions import Opened

P = ParamSpec("P")
COOKIE, PATH = "huiyuan", "/m/"
DEVICE, SECRET, FIVE_YEARS = "shebei", re.compile(r"[\w-]{20,60}", re.ASCII), 5 * 366 * 86400
LONGEST = 18  # digits of a row's number
CODE = re.compile(r"[A-Za-z0-9]{1,20}", re.ASCII)  # of a poster
TABS = (
    ("首页", "outline/home", "phone:home"),
    ("消费", "outline/receipt", "phone:purchases"),
    ("油价", "outline/gas-station", "phone:prices"),
    ("油站", "outline/map-pin", "phone:stations"),
    ("我的", "outline/user", "phone:me"),
)


class MemberRequest(HttpRequest):
    """A request of a member who signed in on his phone; who the user is does not matter."""

    member: Member
    session_of_member: MemberSession
    at: datetime


def member_only(
    view: Callable[Concatenate[MemberRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Let the view run only for a member who is signed in; else to the phone's sign-in page.

    For staff the view is as closed as for strangers: no right opens it. What it shows is kept by
    no cache on the way.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        at = now()
        found = session_of(token=request.COOKIES.get(COOKIE, ""), at=at)
        if found is None:
            return _to_sign_in(request)
        sessions.seen(session=found, at=at)
        mine = cast(MemberRequest, request)
        mine.member = found.member.merged_into or found.member
        mine.session_of_member, mine.at = found, at
        answer = view(mine, *args, **kwargs)
        patch_cache_control(answer, private=True, no_store=True)
        return answer

    guarded.right = None  # type: ignore[attr-defined]  # no right of the staff's matrix
    guarded.members = True  # type: ignore[attr-defined]
    return cast(Callable[Concatenate[HttpRequest, P], HttpResponse], guarded)


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    target = reverse("phone:sign_in")
    if request.headers.get("HX-Request"):
        return HttpResponse(status=401, headers={"HX-Redirect": target})
    if request.method == "GET" and request.path != reverse("phone:home"):
        code = request.GET.get("code", "")  # of a poster that brought a stranger here
        asked = f"?code={code}" if CODE.fullmatch(code) else ""
        target += "?" + urlencode({"next": request.path + asked})
    return redirect(target)


def member_page(
    request: MemberRequest, template: str, content: dict[str, Any], status: int = 200
) -> HttpResponse:
    """A page of the phone with its tabs and the count of unread messages."""
    tabs = [
        {"label": label, "icon": icon, "href": reverse(name), "here": request.path == reverse(name)}
        for label, icon, name in TABS
    ]
    frame = {
        "member": request.member,
        "tabs": tabs,
        "unread": phone.unread(member=request.member),
    }
    return render(request, template, {**frame, **content}, status=status)


def part(request: MemberRequest, template: str, content: dict[str, Any]) -> HttpResponse:
    """A part that asks for itself every few seconds; 204 where it is what the phone has."""
    if request.GET.get("seen") == content["mark"]:
        return HttpResponse(status=204)
    return render(request, template, content)


def key_asked(request: MemberRequest, name: str) -> int:
    """A row's number out of the address; 0 for none and for what is no number."""
    told = request.GET.get(name, "")
    return int(told) if is_key(told) else 0


def is_key(text: str) -> bool:
    """Whether a text reads as a row's number."""
    return text.isascii() and text.isdigit() and len(text) <= LONGEST


def signed_in(answer: HttpResponse, opened: Opened, at: datetime) -> HttpResponse:
    """Give the phone its token: for no script to read, and sent to these pages alone."""
    answer.set_cookie(
        COOKIE,
        opened.token,
        max_age=int((opened.session.expires_at - at).total_seconds()),
        path=PATH,
        httponly=True,
        secure=settings.HTTPS,
        samesite="Lax",
    )
    return answer


def signed_out(answer: HttpResponse) -> HttpResponse:
    """Take the token away."""
    answer.delete_cookie(COOKIE, path=PATH, samesite="Lax")
    return answer


def own_page(text: str) -> str:
    """A path of the phone's own pages to go to after signing in; home for anything else."""
    own = r"/m/[a-z0-9/-]{0,80}(\?code=[A-Za-z0-9]{1,20})?"
    safe = re.fullmatch(own, text, re.ASCII) and "//" not in text
    return text if safe else reverse("phone:home")


def secret_of(request: HttpRequest) -> str:
    """What tells this device from others: its own secret, made where it has none yet."""
    known = request.COOKIES.get(DEVICE, "")
    return known if SECRET.fullmatch(known) else secrets.token_urlsafe(24)


def remembered(answer: HttpResponse, secret: str) -> HttpResponse:
    """The device keeps its secret, whoever signs in or out on it: who joins once more by it is no
    new member, and who claims once more by it is counted.
    """
    answer.set_cookie(
        DEVICE,
        secret,
        max_age=FIVE_YEARS,
        path=PATH,
        secure=settings.HTTPS,
        httponly=True,
        samesite="Lax",
    )
    return answer


def device_of(request: HttpRequest) -> str:
    """What the browser says it runs on, in a word that its owner knows."""
    agent = request.headers.get("User-Agent", "")
    kinds = (
        ("MicroMessenger", "微信"),
        ("HarmonyOS", "鸿蒙手机"),
        ("iPhone", "苹果手机"),
        ("iPad", "平板"),
        ("Android", "安卓手机"),
        ("Windows", "Windows 电脑"),
        ("Macintosh", "苹果电脑"),
    )
    return next((word for sign, word in kinds if sign in agent), "其他设备")
