"""URLs of the member's phone, all under `/m/`: there its cookie goes and its worker works."""

from django.urls import URLPattern, path

from members.views import mall, own, own_events, phone, pwa, signing_in, wallet

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
    path("points/", wallet.points, name="points"),
    path("value/", wallet.value, name="value"),
    path("value/code/", wallet.value_code, name="value_code"),
    path("tier/", wallet.tier, name="tier"),
    path("mall/", mall.mall, name="mall"),
    path("mall/<int:pk>/", mall.reward, name="reward"),
    path("mall/<int:pk>/redeem/", mall.redeem, name="redeem"),
    path("orders/", mall.own_orders, name="orders"),
    path("orders/<int:pk>/", mall.order, name="order"),
    path("orders/<int:pk>/cancel/", mall.order_cancel, name="order_cancel"),
    path("me/", own.me, name="me"),
    path("me/messages/", own.choices, name="choices"),
    path("me/profile/", own.profile, name="profile"),
    path("me/phone/", own.new_phone, name="new_phone"),
    path("me/phone/code/", own.new_phone_code, name="new_phone_code"),
    path("me/vehicles/", own.vehicles, name="vehicles"),
    path("me/vehicles/<int:pk>/remove/", own.vehicle_remove, name="vehicle_remove"),
    path("me/consents/", own.consents, name="consents"),
    path("me/devices/", own.devices, name="devices"),
    path("me/devices/<int:pk>/end/", own.device_end, name="device_end"),
    path("events/", own_events.events, name="events"),
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
