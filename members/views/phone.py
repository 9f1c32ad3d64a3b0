"""What a member sees on his phone: first page with his code, purchases, prices, stations, messages."""

from __future__ import annotations

from typing import Any

import segno
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_GET, require_POST

from members.models import Member
from members.queries import phone
from members.queries.present_codes import LIFE, code_for
from members.services import notices
from members.views.guard import MemberRequest, is_key, key_asked, member_only, member_page, part
from station.models import Station


@require_GET
@member_only
def home(request: MemberRequest) -> HttpResponse:
    found = phone.facts(member=request.member, at=request.at)
    content = {
        "facts": found,
        "mark": phone.mark(*found),
        "tiles": phone.tiles(),
        "frozen": request.member.status == Member.Status.FROZEN,
    }
    return member_page(request, "members/phone/home.html", content)


@require_GET
@member_only
def facts(request: MemberRequest) -> HttpResponse:
    found = phone.facts(member=request.member, at=request.at)
    content: dict[str, Any] = {"facts": found, "mark": phone.mark(*found)}
    return part(request, "members/phone/_facts.html", content)


@require_GET
@member_only
def code(request: MemberRequest) -> HttpResponse:
    """The code as a picture; drawn here, so that no script has to be trusted with it."""
    text = code_for(member_id=request.member.pk, at=request.at)
    drawn = segno.make(text, error="m", boost_error=False).svg_inline(
        omitsize=True, border=3, dark="#000", light="#fff"
    )
    content = {"picture": mark_safe(drawn), "code": text, "seconds": int(LIFE.total_seconds())}
    return render(request, "members/phone/_code.html", content)


@require_GET
@member_only
def purchases(request: MemberRequest) -> HttpResponse:
    rows = phone.purchases(member=request.member, before=key_asked(request, "before"))
    more = len(rows) > phone.PAGE
    rows = rows[: phone.PAGE]
    content: dict[str, Any] = {
        "rows": rows,
        "older": rows[-1].key if more else 0,
        "mark": phone.mark(*(row.key for row in rows)),
        "newest": not request.GET.get("before"),
    }
    if request.headers.get("HX-Request"):
        return part(request, "members/phone/_purchases.html", content)
    return member_page(request, "members/phone/purchases.html", content)


@require_GET
@member_only
def prices(request: MemberRequest) -> HttpResponse:
    stations = list(Station.objects.filter(active=True).order_by("code"))
    asked = request.GET.get("station", "")
    home_code = request.member.home_station.code
    chosen = sorted(stations, key=lambda one: (one.code != asked, one.code != home_code))
    rows = phone.prices(station=chosen[0], at=request.at) if chosen else []
    content: dict[str, Any] = {
        "stations": stations if len(stations) > 1 else [],
        "station": chosen[0] if chosen else None,
        "rows": rows,
        "mark": phone.mark(chosen[0].pk if chosen else 0, *rows),
        "at": request.at,
    }
    if request.headers.get("HX-Request"):
        return part(request, "members/phone/_prices.html", content)
    return member_page(request, "members/phone/prices.html", content)


@require_GET
@member_only
def stations(request: MemberRequest) -> HttpResponse:
    places = phone.places(home=request.member.home_station)
    return member_page(request, "members/phone/stations.html", {"places": places})


@require_GET
@member_only
def inbox(request: MemberRequest) -> HttpResponse:
    rows = phone.inbox(member=request.member)
    content = {
        "rows": rows,
        "newest": rows[0].pk if rows else 0,
        "some_unread": any(row.read_at is None for row in rows),
        "mark": phone.mark(*((row.pk, row.read_at) for row in rows)),
    }
    if request.headers.get("HX-Request"):
        return part(request, "members/phone/_inbox.html", content)
    return member_page(request, "members/phone/inbox.html", content)


@require_POST
@member_only
def inbox_read(request: MemberRequest) -> HttpResponse:
    upto = request.POST.get("newest", "")
    seen = int(upto) if is_key(upto) else 0
    notices.mark_all_read(member=request.member, upto=seen, at=request.at)
    return redirect("phone:inbox")


@require_GET
@member_only
def bell(request: MemberRequest) -> HttpResponse:
    unread = phone.unread(member=request.member)
    return part(request, "members/phone/_bell.html", {"unread": unread, "mark": str(unread)})
