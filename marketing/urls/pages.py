"""URLs of `marketing`: a flat list."""

from django.urls import URLPattern, path

from marketing.views import (
    batches,
    benefits,
    costs,
    coupons,
    gifts,
    locks,
    promotions,
    templates,
)

app_name = "marketing"
urlpatterns: list[URLPattern] = [
    path("promotions/", promotions.promotions, name="promotions"),
    path("promotions/new/", promotions.promotion_new, name="promotion_new"),
    path("promotions/<int:pk>/", promotions.promotion, name="promotion"),
    path("promotions/<int:pk>/change/", promotions.promotion_change, name="promotion_change"),
    path("promotions/<int:pk>/approve/", promotions.promotion_approve, name="promotion_approve"),
    path("promotions/<int:pk>/reject/", promotions.promotion_reject, name="promotion_reject"),
    path("promotions/<int:pk>/stop/", promotions.promotion_stop, name="promotion_stop"),
    path("coupons/templates/", templates.templates, name="templates"),
    path("coupons/templates/new/", templates.template_new, name="template_new"),
    path("coupons/templates/<int:pk>/", templates.template, name="template"),
    path("coupons/templates/<int:pk>/change/", templates.template_change, name="template_change"),
    path(
        "coupons/templates/<int:pk>/approve/", templates.template_approve, name="template_approve"
    ),
    path("coupons/templates/<int:pk>/reject/", templates.template_reject, name="template_reject"),
    path("coupons/templates/<int:pk>/stop/", templates.template_stop, name="template_stop"),
    path("coupons/batches/", batches.batches, name="batches"),
    path("coupons/batches/new/", batches.batch_new, name="batch_new"),
    path("coupons/batches/<str:number>/", batches.batch, name="batch"),
    path("coupons/batches/<str:number>/give/", batches.batch_give, name="batch_give"),
    path("coupons/batches/<str:number>/print/", batches.batch_print, name="batch_print"),
    path("coupons/batches/<str:number>/close/", batches.batch_close, name="batch_close"),
    path("coupons/claim/", batches.claim, name="claim"),
    path("coupons/", coupons.coupons, name="coupons"),
    path("coupons/<int:pk>/", coupons.coupon, name="coupon"),
    path("coupons/<int:pk>/void/", coupons.coupon_void, name="coupon_void"),
    path("locks/", locks.locks, name="locks"),
    path("locks/new/", locks.lock_new, name="lock_new"),
    path("locks/<int:pk>/", locks.lock, name="lock"),
    path("locks/<int:pk>/approve/", locks.lock_approve, name="lock_approve"),
    path("locks/<int:pk>/reject/", locks.lock_reject, name="lock_reject"),
    path("locks/<int:pk>/stop/", locks.lock_stop, name="lock_stop"),
    path("gifts/", gifts.index, name="gifts"),
    path("gifts/<int:pk>/", gifts.gift, name="gift"),
    path("benefits/", benefits.benefits, name="benefits"),
    path("costs/", costs.costs, name="costs"),
]
