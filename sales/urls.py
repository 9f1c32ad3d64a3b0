"""URLs of `sales`: a flat list."""

from django.urls import URLPattern

app_name = "sales"
urlpatterns: list[URLPattern] = []
