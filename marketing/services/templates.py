"""券模板: planned and changed by another version; coupons keep the version they were issued under."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.timezone import localtime

from marketing.models import CouponTemplate
from marketing.models.terms import COUPONS
from marketing.queries import tenders
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
    for a time that is neither two dates nor a number of days, or over already, and for a way of
    paying that the till does not know; all of them are no limit.
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
    values = {**values, **_limit(values.get("tenders") or [])}
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


def _limit(codes: Sequence[str]) -> dict[str, Any]:
    """The ways of paying that a coupon is limited to, with the words for who pays."""
    if not codes:
        return {"tenders": [], "paid_by": ""}
    known = tenders.known()
    if unknown := [one for one in codes if one not in known]:
        raise OfferRefused(f"没有保存券：没有付款方式 {'、'.join(unknown)}，或已停用。请重新勾选。")
    chosen = [code for code in known if code in codes]
    if len(chosen) == len(known):
        return {"tenders": [], "paid_by": ""}
    words = tenders.limit_words([known[code] for code in chosen])
    if len(words) > 80:
        raise OfferRefused("没有保存券：限定的付款方式太多。请少选几种，或不限。")
    return {"tenders": chosen, "paid_by": words}
