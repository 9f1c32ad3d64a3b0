"""充值档位 as the station keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from members.models import TopUpPlan
from members.services.value_keeping import ValueRefused
from station.models import Station, User
from station.services import audit

FIELDS = ("name", "amount", "bonus", "audience", "since", "until", "active", "position")
WORDS = {
    "name": "名称",
    "amount": "充值金额",
    "bonus": "赠送金额",
    "audience": "适用",
    "since": "开始",
    "until": "结束",
    "active": "在用",
    "position": "排序",
}


@transaction.atomic
def save_plan(
    *,
    row: TopUpPlan | None,
    values: Mapping[str, Any],
    at: datetime,
    actor: User,
    station: Station | None,
) -> TopUpPlan:
    """Add or change a plan; top-ups made by it keep what they gave. Audited.

    Refuses more bonus than is paid, and an end before the start.
    """
    if values["bonus"] > values["amount"]:
        raise ValueRefused("没有保存：赠送不能超过充值金额。")
    if values["until"] and values["until"] < values["since"]:
        raise ValueRefused("没有保存：结束日期早于开始日期。")
    plan = TopUpPlan() if row is None else TopUpPlan.objects.select_for_update().get(pk=row.pk)
    before = None if row is None else _told(plan)
    for name in FIELDS:
        setattr(plan, name, values[name])
    plan.save()
    audit.record(
        at=at,
        actor=actor,
        station=station,
        action="members.value.plan_saved",
        document=f"plan:{plan.pk}",
        before=before,
        after=_told(plan),
    )
    return plan


def _told(plan: TopUpPlan) -> dict[str, str]:
    return {WORDS[name]: str(getattr(plan, name)) for name in FIELDS}
