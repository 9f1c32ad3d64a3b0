"""URLs of `marketing`: a flat list."""

from django.urls import URLPattern, path

from marketing.views import promotions

app_name = "marketing"
urlpatterns: list[URLPattern] = [
    path("promotions/", promotions.promotions, name="promotions"),
    path("promotions/new/", promotions.promotion_new, name="promotion_new"),
    path("promotions/<int:pk>/", promotions.promotion, name="promotion"),
    path("promotions/<int:pk>/change/", promotions.promotion_change, name="promotion_change"),
    path("promotions/<int:pk>/approve/", promotions.promotion_approve, name="promotion_approve"),
    path("promotions/<int:pk>/reject/", promotions.promotion_reject, name="promotion_reject"),
    path("promotions/<int:pk>/stop/", promotions.promotion_stop, name="promotion_stop"),
]
