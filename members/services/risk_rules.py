"""风控规则: a limit is changed by a new version, which holds from the next act on."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from members.models import Action, Metric, RiskRule
from members.queries.risk import ACTIONS, SHARES, TIMELESS, UNITS, span_of
from station.errors import Refusal
from station.models import Station, User
from station.services import audit


class LimitRefused(Refusal):
    """A limit that cannot be as it was typed."""


@transaction.atomic
def save(
    *,
    metric: str,
    active: bool,
    window: int | None,
    limit: int,
    least: int,
    action: str,
    station: Station,
    actor: User,
    at: datetime,
) -> RiskRule:
    """Save a new version of a limit; what was met before keeps its own. Refuses LimitRefused."""
    if action not in ACTIONS.get(metric, tuple(Action.values)):
        raise LimitRefused(
            f"没有保存：「{Metric(metric).label}」不能用「{Action(action).label}」。"
        )
    if metric in SHARES and (window is None or not 1 <= limit <= 100):
        raise LimitRefused("没有保存：占比按几天算、限百分之几（1 到 100）都要填。")
    before = RiskRule.objects.filter(metric=metric).order_by("-version").first()
    rule = RiskRule(
        metric=metric,
        version=before.version + 1 if before else 1,
        active=active,
        window=None if metric in TIMELESS else window,
        limit=limit,
        least=least,
        action=action,
        saved_by=actor,
        saved_at=at,
    )
    try:
        with transaction.atomic():
            rule.save(force_insert=True)
    except IntegrityError as error:
        raise LimitRefused("没有保存：刚有人改过这一条。请刷新后看他改了什么再改。") from error
    audit.record(
        at=at,
        actor=actor,
        station=station,
        action="members.risk.rule_saved",
        document=f"risk-rule:{metric}",
        before={"规则": words_of(before)} if before else None,
        after={"规则": words_of(rule), "版本": rule.version},
    )
    return rule


def words_of(rule: RiskRule) -> str:
    """What a version says, in one line."""
    if rule.metric == Metric.STAFF:
        told = "当班时"
    elif rule.metric == Metric.PHONE_CHANGED:
        told = span_of(rule.window)
    elif rule.metric == Metric.NEW_COUPON:
        told = f"每个最多 {rule.limit} 张"
    else:
        told = f"{span_of(rule.window)}超过 {rule.limit} {UNITS[rule.metric]}"
    least = f"，至少 {rule.least} 笔" if rule.least else ""
    return f"{told}{least}：{rule.get_action_display()}{'' if rule.active else '（停用）'}"
