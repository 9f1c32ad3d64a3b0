"""积分规则与方案: a rule is changed by a new version from an instant on; past sales keep theirs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from members.models import EarnRule, PointsProgram
from members.queries.earn_rules import active_program, versions_of
from station.errors import Refusal
from station.models import Station, User
from station.services import audit

FIELDS = (
    "name",
    "kind",
    "active",
    "priority",
    "measure",
    "points",
    "per",
    "whole",
    "factor",
    "min_spend",
    "scope",
    "cap_sale",
    "cap_day",
    "cap_month",
    "valid_from",
    "valid_until",
)
TERMS = (
    "name",
    "basis",
    "stacking",
    "cap_sale",
    "cap_day",
    "cap_month",
    "hold_days",
    "expiry",
    "expiry_n",
    "grace_days",
    "clawback",
    "yuan_per_100",
    "min_redeem",
    "max_redeem_pct",
)


class RuleRefused(Refusal):
    """A rule or programme that cannot be as it was typed."""


def draft(*, code: str, values: Mapping[str, Any], at: datetime) -> EarnRule:
    """The next version of a rule as it would be saved; not saved. Refuses RuleRefused."""
    program = active_program()
    if program is None:
        raise RuleRefused("没有保存：还没有积分方案。")
    told = {name: values[name] for name in FIELDS}
    begins = told["valid_from"] or at
    if begins < at:
        raise RuleRefused("没有保存：生效时间已过。新规则只从现在或以后起，已有的销售不重算。")
    if told["valid_until"] and told["valid_until"] <= begins:
        raise RuleRefused("没有保存：截止时间应晚于生效时间。")
    before = versions_of(code)
    if before and before[0].kind != told["kind"]:
        raise RuleRefused("没有保存：规则的类别不能改。请停用它，另建一条。")
    rule = EarnRule(
        **{**told, "valid_from": begins},
        program=program,
        code=code,
        version=before[0].version + 1 if before else 1,
    )
    if rule.kind in (EarnRule.Kind.BASE, EarnRule.Kind.BONUS) and not rule.points:
        raise RuleRefused("没有保存：请填多少分。")
    return rule


@transaction.atomic
def save_rule(
    *, code: str, values: Mapping[str, Any], station: Station, at: datetime, actor: User
) -> EarnRule:
    """Save a new version of a rule, or a new rule. Refuses RuleRefused."""
    rule = draft(code=code, values=values, at=at)
    rule.saved_by, rule.saved_at = actor, at
    before = versions_of(code)
    try:
        with transaction.atomic():
            rule.save(force_insert=True)
    except IntegrityError as error:
        raise RuleRefused("没有保存：刚有人改过这条规则。请刷新后看他改了什么再改。") from error
    audit.record(
        at=at,
        actor=actor,
        station=station,
        action="members.points.rule_saved",
        document=f"points-rule:{code}",
        before={"规则": words_of(before[0])} if before else None,
        after={"规则": words_of(rule), "版本": rule.version},
    )
    return rule


def words_of(rule: EarnRule) -> str:
    """What a version says, in one line for the audit."""
    gives = {
        EarnRule.Kind.BASE: f"每 {rule.per} {rule.get_measure_display()} {rule.points} 分",
        EarnRule.Kind.BONUS: f"加 {rule.points} 分",
        EarnRule.Kind.EXCLUDE: "不积分",
    }.get(EarnRule.Kind(rule.kind), f"{rule.factor.normalize():f} 倍")
    return f"{rule.name}：{gives}{'' if rule.active else '（停用）'}"


@transaction.atomic
def save_program(
    *, values: Mapping[str, Any], station: Station, at: datetime, actor: User
) -> PointsProgram:
    """Change the programme; points that are there keep their expiry. Refuses RuleRefused."""
    program = PointsProgram.objects.select_for_update().filter(active=True).first()
    if program is None:
        raise RuleRefused("没有保存：还没有积分方案。")
    if values["expiry"] in ("DAYS", "MONTH_END") and not values["expiry_n"]:
        raise RuleRefused("没有保存：请填有效期是多少天、多少个月。")
    changed = {name: values[name] for name in TERMS if getattr(program, name) != values[name]}
    before = {_label(name): str(getattr(program, name)) for name in changed}
    for name, value in changed.items():
        setattr(program, name, value)
    if changed:
        program.save(update_fields=list(changed))
        audit.record(
            at=at,
            actor=actor,
            station=station,
            action="members.points.program_saved",
            document=f"points-program:{program.code}",
            before=before,
            after={_label(name): str(value) for name, value in changed.items()},
        )
    return program


def _label(name: str) -> str:
    return str(PointsProgram._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
