"""URLs of `sales`: a flat list."""

from django.urls import URLPattern, path

from sales.views import wall

app_name = "sales"
urlpatterns: list[URLPattern] = [
    path("wall/", wall.wall, name="wall"),
    path("wall/tiles/", wall.tiles, name="wall_tiles"),
]
