"""URLs of `inventory`: a flat list."""

from django.urls import URLPattern

app_name = "inventory"
urlpatterns: list[URLPattern] = []
