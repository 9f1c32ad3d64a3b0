"""The URLs of the whole project: each app under its own name."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("station.urls.pages")),
    path("devices/", include("devices.urls")),
    path("inventory/", include("inventory.urls")),
    path("members/", include("members.urls.pages")),
    path("m/coupons/", include("marketing.urls.phone")),
    path("m/", include("members.urls.phone")),
    path("marketing/", include("marketing.urls.pages")),
    path("sales/", include("sales.urls.pages")),
    path("kiosk/", include("sales.urls.kiosk")),
    path("finance/", include("finance.urls")),
]

handler400 = "station.views.errors.bad_request"
handler403 = "station.views.errors.forbidden"
handler404 = "station.views.errors.not_found"
handler500 = "station.views.errors.server_error"
