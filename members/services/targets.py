"""会员目标: set, changed and struck out by the lead. Audited."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from members.models import MemberTarget
from members.queries.targets import MOST_DAYS
from station.errors import Refusal
from station.models import Station, User
from station.services import audit


class TargetRefused(Refusal):
    """A target that cannot be so."""


@transaction.atomic
def save(
    *,
    row: MemberTarget | None,
    values: Mapping[str, Any],
    station: Station,
    actor: User,
    at: datetime,
) -> MemberTarget:
    """Set a target, or another goal for one. Refuses TargetRefused."""
    if values["until"] < values["since"]:
        raise TargetRefused("没有保存：结束日期早于开始日期。")
    if (values["until"] - values["since"]).days >= MOST_DAYS:
        raise TargetRefused("没有保存：一个目标最多管一年。请分开设。")
    if values["measure"] == MemberTarget.Measure.CONVERSION and values["goal"] > 100:
        raise TargetRefused("没有保存：消费率最多 100%。")
    target = MemberTarget(station=station) if row is None else row
    before = None if row is None else {"目标": str(row), "从": str(row.since), "到": str(row.until)}
    for name in ("measure", "since", "until", "goal"):
        setattr(target, name, values[name])
    target.set_by, target.set_at = actor, at
    try:
        with transaction.atomic():
            target.save()
    except IntegrityError as error:
        raise TargetRefused("没有保存：这个指标这段时间已有目标，请在那一条上修改。") from error
    audit.record(
        at=at,
        actor=actor,
        station=station,
        action="members.target.saved",
        document=f"target:{target.pk}",
        before=before,
        after={"目标": str(target), "从": str(target.since), "到": str(target.until)},
    )
    return target


@transaction.atomic
def strike_out(*, row: MemberTarget, actor: User, at: datetime) -> None:
    """Take a target away; the audit keeps it."""
    audit.record(
        at=at,
        actor=actor,
        station=row.station,
        action="members.target.struck",
        document=f"target:{row.pk}",
        before={"目标": str(row), "从": str(row.since), "到": str(row.until)},
    )
    row.delete()
