"""URLs of `devices`: a flat list."""

from django.urls import URLPattern, path

from devices.views import alarms, nozzles, status, stopping, wiring
from station.views.crud import urls

app_name = "devices"
urlpatterns: list[URLPattern] = [
    path("nozzles/<int:pk>/", nozzles.panel, name="nozzle"),
    path("nozzles/<int:pk>/authorise/", nozzles.authorise, name="authorise"),
    path("nozzles/<int:pk>/cancel/", nozzles.cancel, name="cancel"),
    path("nozzles/<int:pk>/stop/", nozzles.stop, name="stop"),
    path("nozzles/<int:pk>/suspend/", nozzles.suspend, name="suspend"),
    path("nozzles/<int:pk>/resume/", nozzles.resume, name="resume"),
    path("stop-all/", stopping.stop_all, name="stop_all"),
    path("release-all/", stopping.release_all, name="release_all"),
    path("status/", status.status, name="status"),
    path("alarms/", alarms.alarms, name="alarms"),
    path("alarms/<int:pk>/", alarms.alarm, name="alarm"),
    path("alarms/<int:pk>/see/", alarms.see, name="alarm_see"),
    path("alarms/<int:pk>/handle/", alarms.handle, name="alarm_handle"),
    *urls(wiring.LINES, "lines"),
    *urls(wiring.DISPENSERS, "dispensers"),
    *urls(wiring.READERS, "readers"),
    *urls(wiring.PRINTERS, "printers"),
]
