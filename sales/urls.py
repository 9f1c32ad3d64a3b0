"""URLs of `sales`: a flat list."""

from django.urls import URLPattern, path

from sales.views import (
    cash,
    ceilings,
    fills,
    prices,
    service_times,
    sessions,
    shift_close,
    shifts,
    wall,
)

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
    # shifts
    path("shift/", shifts.shift, name="shift"),
    path("shift/open/", shifts.shift_open, name="shift_open"),
    path("shift/crew/", shifts.shift_crew, name="shift_crew"),
    path("shift/hand-over/", shifts.hand_over, name="hand_over"),
    path("shifts/", shifts.shifts, name="shifts"),
    path("shifts/<int:pk>/", shifts.shift_report, name="shift_report"),
    path("shifts/<int:pk>/form/<slug:paper>/", shifts.shift_report, name="shift_paper"),
    path("shifts/<int:pk>/close/", shift_close.shift_close, name="shift_close"),
    path("shifts/<int:pk>/explain/", shift_close.shift_explain, name="shift_explain"),
    path("shifts/<int:pk>/dip/<int:tank_pk>/", shift_close.shift_dip, name="shift_dip"),
    path("shifts/<int:pk>/sign/", shift_close.shift_sign, name="shift_sign"),
    path("shifts/<int:pk>/correct/", shift_close.shift_correct, name="shift_correct"),
    # till sessions and cash
    path("sessions/", sessions.session_list, name="sessions"),
    path("sessions/open/", sessions.session_open, name="session_open"),
    path("sessions/<int:pk>/", sessions.session, name="session"),
    path("sessions/<int:pk>/x/", sessions.session_spot_check, name="session_spot_check"),
    path("sessions/<int:pk>/end/", sessions.session_end, name="session_end"),
    path("sessions/<int:pk>/count/", sessions.session_count, name="session_count"),
    path("sessions/<int:pk>/accept/", sessions.session_accept, name="session_accept"),
    path("sessions/<int:pk>/cash/", sessions.session_cash, name="session_cash"),
    path("custody/", cash.custody, name="custody"),
    path("deposits/", cash.deposits, name="deposits"),
    path("deposits/new/", cash.deposit, name="deposit"),
    path("over-short/", cash.my_over_short, name="my_over_short"),
    path("over-short/<int:user_id>/", cash.over_short_of, name="over_short_of"),
]
