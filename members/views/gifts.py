"""会员礼遇: what is given for joining, for birthdays, and to wake who has not come for long."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from members.forms.gifts import GiftPlanForm, plan_initial
from members.models import GiftPlan
from members.services.gifts import save_plan
from members.views.approving import points_approver
from station.models import Station, User
from station.queries.columns import Column
from station.views.crud import Reference


def _save(
    *, row: Any, values: Mapping[str, Any], at: datetime, actor: User, station: Station
) -> GiftPlan:
    approver = points_approver(typed=values, station=station, actor=actor, at=at)
    return save_plan(row=row, values=values, at=at, actor=actor, station=station, approver=approver)


PLANS = Reference(
    app="members",
    name="gift_plans",
    noun="会员礼遇",
    columns=(
        Column("礼遇", lambda row: row.get_occasion_display()),
        Column("会员等级", lambda row: row.tier.name if row.tier else "所有等级"),
        Column("券编号", "template", "code"),
        Column("券几天有效", lambda row: row.valid_days or "按券", minor=True),
        Column("积分", lambda row: row.points or None, "count"),
        Column("天数", lambda row: row.days or None, "count"),
        Column(
            "状态",
            lambda row: "在用" if row.active else "停用",
            "state",
            tone=lambda row: "good" if row.active else "off",
        ),
    ),
    form=GiftPlanForm,
    rows=lambda request: GiftPlan.objects.select_related("tier"),
    save=_save,
    initial=plan_initial,
    view_right="members.gifts",
    change_right="members.gifts.change",
    order=("occasion", "id"),
    empty_text="没有方案就什么都不送。先在「优惠券」里建券和留给礼遇的批次。",
)
