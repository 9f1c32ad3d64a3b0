"""URLs of `members`: a flat list."""

from django.urls import URLPattern, path

from members.views import companies, member_points, members, points, redemptions, rewards
from station.views.crud import urls

app_name = "members"
urlpatterns: list[URLPattern] = [
    path("", members.index, name="members"),
    path("new/", members.join, name="join"),
    path("companies/", companies.index, name="companies"),
    path("companies/new/", companies.company_new, name="company_new"),
    path("companies/<str:number>/", companies.company, name="company"),
    path("companies/<str:number>/change/", companies.company_change, name="company_change"),
    path("companies/<str:number>/unmask/", companies.company_unmask, name="company_unmask"),
    path(
        "companies/<str:number>/vehicles/",
        companies.company_vehicle_new,
        name="company_vehicle_new",
    ),
    path(
        "companies/<str:number>/vehicles/<int:pk>/remove/",
        companies.company_vehicle_remove,
        name="company_vehicle_remove",
    ),
    path("points/", points.rules, name="points_rules"),
    path("points/rules/new/", points.rule_new, name="points_rule_new"),
    path("points/rules/<str:code>/", points.rule, name="points_rule"),
    path("points/programme/", points.program, name="points_program"),
    path("points/report/", points.report, name="points_report"),
    path("points/adjustments/", member_points.adjustments, name="points_adjustments"),
    path("<str:number>/points/", member_points.ledger, name="points_ledger"),
    path("<str:number>/points/adjust/", member_points.adjust, name="points_adjust"),
    path("<str:number>/points/holder/", member_points.holder, name="points_holder"),
    path("rewards/", rewards.index, name="rewards"),
    path("rewards/new/", rewards.reward_new, name="reward_new"),
    path("rewards/report/", rewards.report, name="reward_report"),
    path("rewards/<int:pk>/", rewards.reward, name="reward"),
    path("rewards/<int:pk>/change/", rewards.reward_change, name="reward_change"),
    *urls(rewards.CATEGORIES, "rewards/categories"),
    path("orders/", redemptions.index, name="redemptions"),
    path("orders/<str:number>/", redemptions.redemption, name="redemption"),
    path("orders/<str:number>/fulfil/", redemptions.fulfil, name="redemption_fulfil"),
    path("orders/<str:number>/answer/", redemptions.answer, name="redemption_answer"),
    path("orders/<str:number>/cancel/", redemptions.cancel, name="redemption_cancel"),
    path("<str:number>/", members.member, name="member"),
    path("<str:number>/change/", members.change, name="change"),
    path("<str:number>/unmask/", members.unmask, name="unmask"),
    path("<str:number>/consent/", members.consent, name="consent"),
    path("<str:number>/forget/", members.forget, name="forget"),
    path("<str:number>/vehicles/", members.vehicle_new, name="vehicle_new"),
    path("<str:number>/vehicles/<int:pk>/remove/", members.vehicle_remove, name="vehicle_remove"),
]
