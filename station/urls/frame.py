"""The frame's own addresses: first page, search, look, station, the phone's manifest."""

from django.conf import settings
from django.urls import URLPattern, path

from station.views import home

urlpatterns: list[URLPattern] = [
    path("", home.home, name="home"),
    path("search/", home.search, name="search"),
    path("look/", home.theme, name="theme"),
    path("station/", home.switch, name="switch"),
    path("manifest.webmanifest", home.manifest, name="manifest"),
]
if settings.DEBUG:
    from station.views import ui

    urlpatterns += [
        path("ui/", ui.index, name="ui"),
        path("ui/<slug:kind>/", ui.sample, name="ui_sample"),
    ]
