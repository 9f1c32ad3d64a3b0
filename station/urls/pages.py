"""Pages of the ground floor."""

from django.urls import URLPattern, path

from station.urls import frame, patterns, people, records, site
from station.views import health

app_name = "station"
urlpatterns: list[URLPattern] = [
    *frame.urlpatterns,
    *people.urlpatterns,
    *records.urlpatterns,
    *site.urlpatterns,
    *patterns.urlpatterns,
    path("healthz", health.healthz, name="healthz"),
    path("health/", health.health, name="health"),
]
