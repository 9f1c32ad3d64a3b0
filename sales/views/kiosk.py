"""自助终端: the start page, pairing, and how a customer becomes known."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from devices.models import ReadRule
from devices.queries.kiosks import kiosk_of, last_swipe, pairing_of, read_at
from devices.services import kiosks
from members.models import KioskVisit
from members.queries.signins import read_ticket
from members.services import kiosk as visits
from members.services.kiosk import End, Opened
from sales.forms.kiosk import CodeForm, JoinForm, PhoneForm
from sales.queries.tickets import plain, read_id
from sales.views.kiosk_guard import (
    TERMINAL,
    KioskRequest,
    forgotten,
    kiosk_only,
    known,
    screen,
    started,
    terminal,
    to_start,
    uncached,
    visit_at,
)
from sales.views.kiosk_member import home_screen, reward_screen
from station.access import open_to_all
from station.channels import texts
from station.errors import Refusal
from station.queries import settings
from station.queries.masking import mask_phone


@require_GET
@open_to_all
def start(request: HttpRequest) -> HttpResponse:
    """The terminal's only page: whoever stood there is gone when it is loaded."""
    token, at = request.COOKIES.get(TERMINAL, ""), now()
    found = kiosk_of(token=token)
    if found is None:
        asking = pairing_of(token=token, at=at)
        waiting = {"code": asking.code if asking else ""}
        return uncached(render(request, "sales/kiosk/pair.html", waiting))
    visits.end_all(kiosk=found, at=at, why=End.NEXT)
    kiosks.seen(kiosk=found, at=at)
    content = {
        "kiosk": found,
        "after": last_swipe(kiosk=found),
        "local_texts": texts.is_local(),
    }
    return forgotten(uncached(render(request, "sales/kiosk/start.html", content)))


@require_POST
@open_to_all
def pairing(request: HttpRequest) -> HttpResponse:
    """A screen asks to be a terminal: it gets a token that opens nothing until it is paired."""
    if kiosk_of(token=request.COOKIES.get(TERMINAL, "")) is not None:
        return uncached(to_start(request))
    try:
        asking = kiosks.ask(at=now())
    except Refusal as refusal:
        content = {"words": str(refusal)}
        return uncached(render(request, "sales/kiosk/_pairing.html", content, status=422))
    answer = render(request, "sales/kiosk/_pairing.html", {"code": asking.code})
    return uncached(terminal(answer, asking.token))


@require_GET
@open_to_all
def paired(request: HttpRequest) -> HttpResponse:
    """Asked every few seconds by a screen that shows its code."""
    token, at = request.COOKIES.get(TERMINAL, ""), now()
    if kiosk_of(token=token) is not None:
        return uncached(to_start(request))
    if pairing_of(token=token, at=at) is None:
        return uncached(render(request, "sales/kiosk/_pairing.html", {"code": ""}))
    return uncached(HttpResponse(status=204))


@require_GET
@open_to_all
def ping(request: HttpRequest) -> HttpResponse:
    """Whether the station's server is there."""
    return uncached(HttpResponse(status=204))


@require_POST
@kiosk_only
def again(request: KioskRequest) -> HttpResponse:
    """To the start screen: whoever stood there is gone."""
    visits.end_all(kiosk=request.kiosk, at=request.at, why=End.NEXT)
    return started(request)


@require_POST
@kiosk_only
def end(request: KioskRequest) -> HttpResponse:
    """The member is done, or nobody touched the screen for a minute."""
    why = End.IDLE if request.POST.get("why") == "idle" else End.BUTTON
    visits.end_all(kiosk=request.kiosk, at=request.at, why=why)
    answer = forgotten(HttpResponse(status=204))
    answer["Clear-Site-Data"] = '"storage"'
    return answer


@require_POST
@kiosk_only
def scan(request: KioskRequest) -> HttpResponse:
    """The code of a phone, read by a scanner that types: known by it, or there himself."""
    return _read_code(request, plain(request.POST.get("code", ""))[:60])


@require_POST
@kiosk_only
def read(request: KioskRequest) -> HttpResponse:
    """What the terminal's reader read since the screen was shown; asked every two seconds."""
    swipe = read_at(kiosk=request.kiosk, after=_after(request), at=request.at)
    if swipe is None:
        return HttpResponse(status=204)
    if swipe.meaning == ReadRule.Meaning.MEMBER_CODE:
        return _read_code(request, swipe.text)
    if visit_at(request) is not None:
        return HttpResponse(status=204)  # a card shows nobody to be there himself
    try:
        return _home(request, visits.by_card(swipe=swipe, kiosk=request.kiosk, at=request.at))
    except Refusal as refusal:
        return started(request, str(refusal), 422)


def _after(request: KioskRequest) -> int:
    try:
        return read_id(request.POST.get("after", ""))
    except (ValueError, OverflowError):
        return 0


def _read_code(request: KioskRequest, code: str) -> HttpResponse:
    visit = visit_at(request)
    if visit is not None:
        return _prove(request, visit, code)
    try:
        return _home(request, visits.by_code(code=code, kiosk=request.kiosk, at=request.at))
    except Refusal as refusal:
        return started(request, str(refusal), 422)


def _prove(request: KioskRequest, visit: KioskVisit, code: str) -> HttpResponse:
    request.visit, words = visit, ""
    try:
        visits.touched(visit=visit, at=request.at)
        visits.prove_by_code(visit=visit, code=code, at=request.at)
    except Refusal as refusal:
        words = str(refusal)
    if request.POST.get("reward"):
        return reward_screen(request, words=words)
    return home_screen(request, words=words)


@require_POST
@kiosk_only
def phone(request: KioskRequest) -> HttpResponse:
    """手机号: asked for first, then a code is sent to it; a member's and a stranger's alike."""
    words = ""
    if "phone" in request.POST:
        form = PhoneForm(request.POST)
        try:
            if form.is_valid():
                typed = form.cleaned_data["phone"]
                ticket = visits.send_code(phone=typed, kiosk=request.kiosk, at=request.at)
                return screen(request, "code", {"ticket": ticket, "phone": mask_phone(typed)})
            words = "请输入 11 位手机号。"
        except Refusal as refusal:
            words = str(refusal)
    joining = request.POST.get("joining") == "1"
    content = {"words": words, "joining": joining}
    return screen(request, "phone", content, 422 if words else 200)


@require_POST
@kiosk_only
def code(request: KioskRequest) -> HttpResponse:
    form = CodeForm(request.POST)
    ticket = read_ticket(request.POST.get("ticket", ""))
    words = "请输入六位验证码。"
    if ticket is None:
        return started(request, "等得太久，验证码已失效。请重新开始。", 422)
    if form.is_valid():
        try:
            opened = visits.by_text(kiosk=request.kiosk, at=request.at, **form.cleaned_data)
            if opened is None:
                return _join_screen(request)
            return _home(request, opened)
        except Refusal as refusal:
            words = str(refusal)
    content = {"ticket": request.POST["ticket"], "phone": mask_phone(ticket.phone)}
    return screen(request, "code", {**content, "words": words}, 422)


@require_POST
@kiosk_only
def join(request: KioskRequest) -> HttpResponse:
    form = JoinForm(request.POST)
    ticket = read_ticket(request.POST.get("ticket", ""))
    if ticket is None:
        return started(request, "等得太久，验证码已失效。请重新开始。", 422)
    if not form.is_valid():
        return _join_screen(request, str(next(iter(form.errors.values()))[0]))
    told = {name: value for name, value in form.cleaned_data.items() if name != "ticket"}
    try:
        opened = visits.join(ticket=ticket, kiosk=request.kiosk, at=request.at, **told)
        return _home(request, opened, "入会成功。姓名和车牌可以以后在手机会员页面补上。")
    except Refusal as refusal:
        return _join_screen(request, str(refusal))


def _join_screen(request: KioskRequest, words: str = "") -> HttpResponse:
    station = request.kiosk.station
    content = {
        "ticket": request.POST.get("ticket", ""),
        "born": request.POST.get("born", ""),
        "policy": request.POST.get("policy", ""),
        "consent": request.POST.get("consent", ""),
        "station": station,
        "version": settings.text("members.policy_version", station),
        "words": words,
    }
    return screen(request, "join", content, 422 if words else 200)


def _home(request: KioskRequest, opened: Opened, good: str = "") -> HttpResponse:
    request.visit = opened.visit
    return known(home_screen(request, good=good), opened)
