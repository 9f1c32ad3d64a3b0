"""URLs of `devices`: a flat list."""

from django.urls import URLPattern, path

from devices.views import alarms, fills, kiosks, meters, nozzles, status, stopping, swipes, wiring
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
    path("fills/", fills.fills, name="fills"),
    path("fills/<int:pk>/", fills.fill, name="fill"),
    path("swipes/", swipes.swipes, name="swipes"),
    path("cards/", swipes.cards, name="cards"),
    path("cards/new/", swipes.card_new, name="card_new"),
    path("cards/<int:pk>/", swipes.card, name="card"),
    path("cards/<int:pk>/move/<str:to>/", swipes.card_move, name="card_move"),
    path("rules/test/", swipes.rule_test, name="rule_test"),
    *urls(swipes.RULES, "rules"),
    path("kiosks/", kiosks.kiosks, name="kiosks"),
    path("kiosks/new/", kiosks.kiosk_new, name="kiosk_new"),
    path("kiosks/<int:pk>/", kiosks.kiosk, name="kiosk"),
    path("kiosks/<int:pk>/revoke/", kiosks.kiosk_revoke, name="kiosk_revoke"),
    path("meters/", meters.meters, name="meters"),
    path("meters/new/", meters.meter_new, name="meter_new"),
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
