"""Set-up pages."""

from django.urls import URLPattern, path

from station.views import site
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
]
