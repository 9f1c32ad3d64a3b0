"""促销: planned, changed by another version, and ended when their time is over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.timezone import localtime

from marketing.models import Promotion, Status
from marketing.models.terms import PROMOTIONS
from marketing.services import terms
from marketing.services.terms import OfferRefused
from station.models import Station, User
from station.services.numbering import next_number

NOUN = "促销"


@transaction.atomic
def plan(
    *, station: Station, values: Mapping[str, Any], actor: User, at: datetime, code: str = ""
) -> Promotion:
    """Plan a promotion, or with the `code` of one its next version; it holds once approved.

    `values` are columns of Promotion. Refuses OfferRefused for terms that are no offer, an end in
    the past, and a daily cap for anybody (who cannot be counted).
    """
    terms.check(values, allowed=PROMOTIONS, noun=NOUN)
    terms.check_times(values["valid_from"], values["valid_until"], undone="没有保存促销")
    if values["valid_until"] <= max(values["valid_from"], at):
        raise OfferRefused("没有保存促销：结束时间须在开始之后，并且还没有过。")
    if values.get("cap_litres_day") is not None and not values.get("members_only"):
        raise OfferRefused("没有保存促销：每天的升数上限只能给会员，请勾选“限会员”。")
    number = code or next_number(station=station, kind="HD", day=localtime(at).date())
    made = Promotion.objects.create(
        **{**values, "campaign": values.get("campaign") or number},
        station=station,
        code=number,
        version=terms.version_after(Promotion, station=station, code=number) if code else 1,
        planned_by=actor,
        planned_at=at,
    )
    terms.planned(made, at=at, actor=actor)
    return made


def end_over(*, at: datetime) -> int:
    """Mark promotions whose time is over, so that a till need not look for them; how many."""
    over = Promotion.objects.filter(status=Status.APPROVED, valid_until__lte=at)
    return over.update(status=Status.ENDED, ended_at=at)
