"""URLs of the member's phone, all under `/m/`: there its cookie goes and its worker works."""

from django.urls import URLPattern, path

from members.views import family, own, phone, pwa, signing_in

app_name = "phone"
urlpatterns: list[URLPattern] = [
    path("", phone.home, name="home"),
    path("facts/", phone.facts, name="facts"),
    path("code/", phone.code, name="my_code"),
    path("purchases/", phone.purchases, name="purchases"),
    path("prices/", phone.prices, name="prices"),
    path("stations/", phone.stations, name="stations"),
    path("inbox/", phone.inbox, name="inbox"),
    path("inbox/read/", phone.inbox_read, name="inbox_read"),
    path("bell/", phone.bell, name="bell"),
    path("me/", own.me, name="me"),
    path("me/profile/", own.profile, name="profile"),
    path("me/phone/", own.new_phone, name="new_phone"),
    path("me/phone/code/", own.new_phone_code, name="new_phone_code"),
    path("me/vehicles/", own.vehicles, name="vehicles"),
    path("me/vehicles/<int:pk>/remove/", own.vehicle_remove, name="vehicle_remove"),
    path("me/consents/", own.consents, name="consents"),
    path("me/devices/", own.devices, name="devices"),
    path("me/devices/<int:pk>/end/", own.device_end, name="device_end"),
    path("family/", family.page, name="family"),
    path("family/open/", family.open_pool, name="family_open"),
    path("family/invite/", family.invite, name="family_invite"),
    path("family/leave/", family.leave, name="family_leave"),
    path("family/dissolve/", family.dissolve, name="family_dissolve"),
    path("family/<int:pk>/accept/", family.accept, name="family_accept"),
    path("family/<int:pk>/decline/", family.decline, name="family_decline"),
    path("family/<int:pk>/terms/", family.terms, name="family_terms"),
    path("family/<int:pk>/remove/", family.remove, name="family_remove"),
    path("sign-in/", signing_in.sign_in, name="sign_in"),
    path("sign-in/code/", signing_in.code, name="code"),
    path("sign-in/join/", signing_in.join, name="join"),
    path("sign-out/", signing_in.sign_out, name="sign_out"),
    path("privacy/", signing_in.privacy, name="privacy"),
    path("texts/", signing_in.counterpart, name="texts"),
    path("manifest.webmanifest", pwa.manifest, name="manifest"),
    path("worker.js", pwa.worker, name="worker"),
    path("offline/", pwa.offline, name="offline"),
]
