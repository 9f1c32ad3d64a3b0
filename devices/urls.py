"""URLs of `devices`: a flat list."""

from django.urls import URLPattern

app_name = "devices"
urlpatterns: list[URLPattern] = []
