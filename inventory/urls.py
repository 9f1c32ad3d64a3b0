"""URLs of `inventory`: a flat list."""

from django.urls import URLPattern, path

from inventory.views import (
    attributions,
    deliveries,
    items,
    losses,
    reconciliation,
    stock,
    tanks,
)
from station.views.crud import urls

app_name = "inventory"
urlpatterns: list[URLPattern] = [
    path("tanks/", tanks.tanks, name="tanks"),
    path("tanks/<int:pk>/", tanks.tank, name="tank"),
    path("tanks/<int:pk>/adjust/", tanks.tank_adjust, name="tank-adjust"),
    path("dips/", tanks.dips, name="dips"),
    path("dips/new/", tanks.dip, name="dip"),
    path("deliveries/", deliveries.deliveries, name="deliveries"),
    path("deliveries/plan/", deliveries.plan, name="delivery-plan"),
    path("gauge-deliveries/", deliveries.gauge_deliveries, name="gauge-deliveries"),
    path("deliveries/<str:number>/", deliveries.delivery, name="delivery"),
    path("deliveries/<str:number>/start/", deliveries.start, name="delivery-start"),
    path("deliveries/<str:number>/measure/", deliveries.measure, name="delivery-measure"),
    path("deliveries/<str:number>/approve/", deliveries.approve, name="delivery-approve"),
    path("deliveries/<str:number>/cancel/", deliveries.cancel, name="delivery-cancel"),
    path("reconciliation/", reconciliation.reconciliation, name="reconciliation"),
    path(
        "reconciliation/<int:pk>/<str:day>/",
        reconciliation.reconciliation_day,
        name="reconciliation-day",
    ),
    path("attributions/", attributions.attributions, name="attributions"),
    path("attributions/<int:number>/<str:day>/", attributions.attribution, name="attribution"),
    path(
        "attributions/<int:number>/<str:day>/propose/",
        attributions.propose,
        name="attribution-propose",
    ),
    path(
        "attributions/<int:number>/<str:day>/approve/",
        attributions.approve,
        name="attribution-approve",
    ),
    path(
        "attributions/<int:number>/<str:day>/send-back/",
        attributions.send_back,
        name="attribution-send-back",
    ),
    path("losses/standard/", losses.standard, name="standard-losses"),
    path("losses/allowances/", losses.allowances, name="allowances"),
    path("losses/allowances/new/", losses.allowance_new, name="allowance-new"),
    *urls(items.ITEMS, "items"),
    *urls(items.CATEGORIES, "categories"),
    *urls(items.SUPPLIERS, "suppliers"),
    *urls(items.PLACES, "places"),
    path("stock/", stock.stock_moves, name="stock_moves"),
    path("stock/receive/", stock.receive, name="receive"),
    path("stock/adjust/", stock.stock_adjust, name="stock-adjust"),
    path("stock/leave/", stock.stock_leave, name="stock-leave"),
]
