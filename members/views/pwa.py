"""What makes the pages an app of the phone: manifest, worker, the page without network; the poster."""

from __future__ import annotations

import segno
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_GET

from station.access import StaffRequest, may, open_to_all


@require_GET
@open_to_all
@cache_control(max_age=24 * 3600)
def manifest(request: HttpRequest) -> HttpResponse:
    icons = [
        {"src": static("station/icon.svg"), "sizes": "any", "type": "image/svg+xml"},
        {"src": static("station/icon-192.png"), "sizes": "192x192", "type": "image/png"},
        {"src": static("station/icon-512.png"), "sizes": "512x512", "type": "image/png"},
    ]
    home = reverse("phone:home")
    return JsonResponse(
        {
            "id": home,
            "name": "加油会员",
            "short_name": "加油会员",
            "description": "会员码、消费记录、油价和油站",
            "lang": "zh-CN",
            "start_url": home,
            "scope": home,
            "display": "standalone",
            "orientation": "portrait",
            "background_color": "#f4f6f7",
            "theme_color": "#0b5f73",
            "icons": icons,
        },
        content_type="application/manifest+json",
        json_dumps_params={"ensure_ascii": False},
    )


@require_GET
@never_cache
@open_to_all
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker, served beside the pages it works for: its scope is their folder."""
    path = finders.find("members/worker.js")
    with open(str(path), encoding="utf-8") as file:
        return HttpResponse(file.read(), content_type="text/javascript; charset=utf-8")


@require_GET
@open_to_all
def offline(request: HttpRequest) -> HttpResponse:
    """What is shown without network where nothing of one's own is kept."""
    return render(request, "members/phone/offline.html")


@require_GET
@may("members.create")
def poster(request: StaffRequest) -> HttpResponse:
    """入会二维码: to be printed and put on the counter."""
    query = f"?station={request.station.code}"
    address = request.build_absolute_uri(reverse("phone:sign_in") + query)
    drawn = segno.make(address, error="q").svg_inline(omitsize=True, border=2, light="#fff")
    content = {"picture": mark_safe(drawn), "address": address, "secure": request.is_secure()}
    return render(request, "members/poster.html", content)
