"""The frame's own pages: first page, search, look, station, the phone's manifest."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET, require_POST

from station.access import StaffRequest, may, open_to_all, own_station, stations_of
from station.context import home_of, menu_of
from station.queries.search import search as found
from station.views.sign_in import next_page

A_YEAR = 365 * 24 * 3600


@require_GET
@may("station.home")
def home(request: StaffRequest) -> HttpResponse:
    first = home_of(request.role)
    if not first and (sections := menu_of(request.role)):
        first = sections[0].href
    if first and first != request.path:
        return redirect(first)
    return render(request, "station/home.html", {"title": "首页"})


@require_GET
@may("station.search")
def search(request: StaffRequest) -> HttpResponse:
    query = request.GET.get("q", "").strip()[:64]
    hits = found(query=query, user=request.user, stations=stations_of(request.user))
    if len(hits) == 1:
        return redirect(hits[0].href)
    return render(request, "station/search.html", {"query": query, "hits": hits})


@require_POST
@open_to_all
def theme(request: HttpRequest) -> HttpResponse:
    chosen = request.POST.get("theme", "")
    response = redirect(next_page(request))
    if chosen in {"light", "dark"}:
        response.set_cookie("theme", chosen, max_age=A_YEAR, httponly=True, samesite="Lax")
    else:
        response.delete_cookie("theme", samesite="Lax")
    return response


@require_POST
@may("station.home")
def switch(request: StaffRequest) -> HttpResponse:
    wanted = request.POST.get("station", "")
    station = own_station(request, int(wanted) if wanted.isdecimal() else 0)
    request.session["station"] = station.pk
    return redirect("station:home")


@require_GET
@open_to_all
@cache_control(max_age=24 * 3600)
def manifest(request: HttpRequest) -> HttpResponse:
    icons = [
        {"src": static("station/icon.svg"), "sizes": "any", "type": "image/svg+xml"},
        {"src": static("station/icon-192.png"), "sizes": "192x192", "type": "image/png"},
        {"src": static("station/icon-512.png"), "sizes": "512x512", "type": "image/png"},
    ]
    return JsonResponse(
        {
            "name": "油站管家",
            "short_name": "油站管家",
            "lang": "zh-CN",
            "start_url": "/",
            "scope": "/",
            "display": "standalone",
            "background_color": "#f4f6f7",
            "theme_color": "#0b5f73",
            "icons": icons,
        },
        content_type="application/manifest+json",
        json_dumps_params={"ensure_ascii": False},
    )
