"""URLs of `sales`: a flat list."""

from django.urls import URLPattern, path

from sales.views import ceilings, fills, prices, service_times, wall

app_name = "sales"
urlpatterns: list[URLPattern] = [
    path("prices/", prices.prices, name="prices"),
    path("prices/new/", prices.price_new, name="price_new"),
    path("prices/effects/", prices.price_effects, name="price_effects"),
    path("prices/ceilings/", ceilings.ceilings, name="ceilings"),
    path("prices/ceilings/new/", ceilings.ceiling_new, name="ceiling_new"),
    path("prices/ceilings/import/", ceilings.ceilings_import, name="ceilings_import"),
    path("prices/<str:number>/", prices.price_change, name="price_change"),
    path("prices/<str:number>/approve/", prices.price_approve, name="price_approve"),
    path("prices/<str:number>/reject/", prices.price_reject, name="price_reject"),
    path("prices/<str:number>/withdraw/", prices.price_withdraw, name="price_withdraw"),
    path("fills/<int:pk>/claims/", fills.fill_claims, name="fill_claims"),
    path("service-times/", service_times.times, name="service_times"),
    path("wall/", wall.wall, name="wall"),
    path("wall/tiles/", wall.tiles, name="wall_tiles"),
]
