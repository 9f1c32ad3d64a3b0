"""URLs of `members` for the staff: a flat list."""

from django.urls import URLPattern, path

from members.views import companies, members, pwa

app_name = "members"
urlpatterns: list[URLPattern] = [
    path("", members.index, name="members"),
    path("new/", members.join, name="join"),
    path("poster/", pwa.poster, name="poster"),
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
    path("<str:number>/", members.member, name="member"),
    path("<str:number>/change/", members.change, name="change"),
    path("<str:number>/unmask/", members.unmask, name="unmask"),
    path("<str:number>/consent/", members.consent, name="consent"),
    path("<str:number>/forget/", members.forget, name="forget"),
    path("<str:number>/vehicles/", members.vehicle_new, name="vehicle_new"),
    path("<str:number>/vehicles/<int:pk>/remove/", members.vehicle_remove, name="vehicle_remove"),
]
