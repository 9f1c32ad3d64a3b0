"""URLs of a member's coupons on his phone, under `/m/`: there his cookie goes."""

from django.urls import URLPattern, path

from marketing.views import own

app_name = "my_coupons"
urlpatterns: list[URLPattern] = [
    path("", own.coupons, name="coupons"),
    path("claim/", own.claim, name="claim"),
    path("<int:pk>/", own.coupon, name="coupon"),
]
