"""URLs of the kiosk, all under `/kiosk/`: there its cookies go, and no account opens them."""

from django.urls import URLPattern, path

from sales.views import kiosk, kiosk_member

app_name = "kiosk"
urlpatterns: list[URLPattern] = [
    path("", kiosk.start, name="start"),
    path("pairing/", kiosk.pairing, name="pairing"),
    path("paired/", kiosk.paired, name="paired"),
    path("ping/", kiosk.ping, name="ping"),
    path("again/", kiosk.again, name="again"),
    path("scan/", kiosk.scan, name="scan"),
    path("read/", kiosk.read, name="read"),
    path("phone/", kiosk.phone, name="phone"),
    path("code/", kiosk.code, name="code"),
    path("join/", kiosk.join, name="join"),
    path("home/", kiosk_member.home, name="home"),
    path("stay/", kiosk_member.stay, name="stay"),
    path("end/", kiosk.end, name="end"),
    path("mall/", kiosk_member.mall, name="mall"),
    path("reward/", kiosk_member.reward, name="reward"),
    path("prove/text/", kiosk_member.prove_send, name="prove_send"),
    path("prove/code/", kiosk_member.prove_code, name="prove_code"),
    path("prove/pin/", kiosk_member.prove_pin, name="prove_pin"),
    path("redeem/", kiosk_member.redeem, name="redeem"),
    path("plans/", kiosk_member.plans, name="plans"),
    path("order/", kiosk_member.order, name="order"),
    path("cancel/", kiosk_member.cancel, name="cancel"),
]
