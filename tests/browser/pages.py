"""The project's URLs with the samples of every page kind, and with pages that answer oddly."""

import json

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_GET, require_POST

from station.access import may
from station.errors import Refusal
from station.urls.root import handler400, handler403, handler404, handler500  # noqa: F401
from station.urls.root import urlpatterns as root
from station.views import ui

posted = []


@require_GET
@may("station.home")
def odd(request):
    return render(request, "browser/odd.html")


@require_POST
@may("station.home")
def answer(request, what):
    posted.append(what)
    if what == "refused":
        raise Refusal("没有授权：3 号枪正在加油。请等它挂枪后再试。")
    if what == "wrong":
        words = '<div id="part"><input aria-invalid="true" aria-label="枪号"> 枪号没有这一把</div>'
        return HttpResponse(words, status=422)
    # A bare page names no icon, and then Chromium asks for one that is not there.
    icon = '<link rel="icon" href="data:,">' if what == "twice" else ""
    response = HttpResponse(f'{icon}<div id="part">已授权</div>')
    response["HX-Trigger"] = json.dumps({"toast": {"level": "success", "text": "已授权 3 号枪"}})
    return response


urlpatterns = [
    *root,
    path("ui/", ui.index),
    path("ui/<slug:kind>/", ui.sample),
    path("odd/", odd),
    path("odd/<slug:what>/", answer),
]
