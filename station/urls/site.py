"""Set-up pages."""

from django.urls import URLPattern, path

from station.views import calendar, site
from station.views.crud import urls

urlpatterns: list[URLPattern] = [
    path("setup/", site.setup, name="site"),
    *urls(site.STATIONS, "setup/stations"),
    *urls(site.GRADES, "setup/grades"),
    *urls(site.ISLANDS, "setup/islands"),
    *urls(site.TANKS, "setup/tanks"),
    *urls(site.DISPENSERS, "setup/dispensers"),
    *urls(site.NOZZLES, "setup/nozzles"),
    *urls(site.TILLS, "setup/tills"),
    path("setup/tanks/<int:pk>/strapping/", site.strapping_table, name="strapping"),
    path("go-live/", site.go_live, name="go_live"),
    path("calendar/", calendar.year, name="calendar"),
    path("calendar/new/", calendar.day_new, name="calendar_new"),
    path("calendar/refill/", calendar.refill, name="calendar_refill"),
    path("calendar/<int:pk>/", calendar.day, name="calendar_day"),
    path("calendar/<int:pk>/remove/", calendar.day_remove, name="calendar_remove"),
]
