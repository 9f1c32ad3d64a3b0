"""券模板: planned and changed by another version; coupons keep the version they were issued under."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.timezone import localtime

from marketing.models import CouponTemplate
from marketing.models.terms import COUPONS
from marketing.services import terms
from marketing.services.terms import OfferRefused
from station.models import Station, User
from station.services.numbering import next_number

NOUN = "券"


@transaction.atomic
def plan(
    *, station: Station, values: Mapping[str, Any], actor: User, at: datetime, code: str = ""
) -> CouponTemplate:
    """Plan a template, or with the `code` of one its next version; it may be issued once approved.

    `values` are columns of CouponTemplate. Refuses OfferRefused for terms that are no offer, and
    for a time that is neither two dates nor a number of days, or over already.
    """
    terms.check(values, allowed=COUPONS, noun=NOUN)
    until, days = values.get("valid_until"), values.get("valid_days")
    terms.check_times(values.get("valid_from"), until, undone="没有保存券")
    if days:
        values = {**values, "valid_from": None, "valid_until": None}
    elif until is None or values.get("valid_from") is None:
        raise OfferRefused("没有保存券：请填发放后几天有效，或填可用的开始和结束时间。")
    elif until <= max(values["valid_from"], at):
        raise OfferRefused("没有保存券：结束时间须在开始之后，并且还没有过。")
    number = code or next_number(station=station, kind="QM", day=localtime(at).date())
    made = CouponTemplate.objects.create(
        **{**values, "campaign": values.get("campaign") or number},
        station=station,
        code=number,
        version=terms.version_after(CouponTemplate, station=station, code=number) if code else 1,
        planned_by=actor,
        planned_at=at,
    )
    terms.planned(made, at=at, actor=actor)
    return made
