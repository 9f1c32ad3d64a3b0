"""URLs of `members`: a flat list."""

from django.urls import URLPattern, path

from members.views import cards, companies, consents, history, members, merging, vehicles

app_name = "members"
urlpatterns: list[URLPattern] = [
    path("", members.index, name="members"),
    path("new/", members.join, name="join"),
    path("pairs/", merging.pairs, name="pairs"),
    path("pairs/search/", merging.search, name="pairs_search"),
    path("pairs/<int:pk>/", merging.pair, name="pair"),
    path("pairs/<int:pk>/dismiss/", merging.pair_dismiss, name="pair_dismiss"),
    path("merges/", merging.merges, name="merges"),
    path("merges/<int:pk>/", merging.merge_undo, name="merge_undo"),
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
    path("<str:number>/confirm/", members.confirm, name="confirm"),
    path("<str:number>/forget/", members.forget, name="forget"),
    path("<str:number>/purchases/", history.purchases, name="purchases"),
    path("<str:number>/consents/", consents.log, name="consents"),
    path("<str:number>/consents/give/", consents.give, name="consent_give"),
    path("<str:number>/consents/withdraw/", consents.withdraw, name="consent_withdraw"),
    path("<str:number>/vehicles/", vehicles.vehicle_new, name="vehicle_new"),
    path("<str:number>/vehicles/<int:pk>/remove/", vehicles.vehicle_remove, name="vehicle_remove"),
    path("<str:number>/cards/", cards.card_new, name="card_new"),
    path("<str:number>/cards/<int:pk>/replace/", cards.card_replace, name="card_replace"),
    path("<str:number>/cards/<int:pk>/<str:to>/", cards.card_move, name="card_move"),
    path("<str:number>/merge/", merging.merge, name="merge"),
    path("<str:number>/freeze/", cards.freeze, name="freeze"),
    path("<str:number>/unfreeze/", cards.unfreeze, name="unfreeze"),
]
