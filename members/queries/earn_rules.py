"""The programme and its rules as they are, or were in force at an instant; and what caps have used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from members.models import EarnRule, PointsProgram, PointsTxn
from members.queries.earning import Used
from station.queries.written import Part, Written


def active_program() -> PointsProgram | None:
    """The programme that is in use. One statement."""
    found = _PROGRAM.one({})
    return None if found is None else found[0][0]


_PROGRAM = Written(
    "SELECT {columns} FROM members_pointsprogram p WHERE p.active ORDER BY p.id LIMIT 1",
    Part(PointsProgram, "p"),
)


def rules_at(at: datetime) -> list[EarnRule]:
    """The rules in force at an instant, each with the active programme. One statement."""
    found = []
    for (rule, program), _ in _BEGUN.rows({"at": at}):
        rule.program = program
        found.append(rule)
    return [one for one in found if in_force(one, at)]


_BEGUN = Written(
    """
SELECT DISTINCT ON (r.code) {columns} FROM members_earnrule r
JOIN members_pointsprogram p ON p.id = r.program_id
WHERE p.active AND r.valid_from <= %(at)s ORDER BY r.code, r.version DESC
""",
    Part(EarnRule, "r"),
    Part(PointsProgram, "p"),
)


def in_force(rule: EarnRule, at: datetime) -> bool:
    """Whether the newest version that has begun still says something at an instant."""
    return rule.active and (rule.valid_until is None or rule.valid_until > at)


def newest_rules() -> list[EarnRule]:
    """The newest version of every rule, whether it has begun or was stopped. One statement."""
    rows = EarnRule.objects.filter(program__active=True).select_related("program", "saved_by")
    return list(rows.order_by("code", "-version").distinct("code"))


def versions_of(code: str) -> list[EarnRule]:
    """Every version of a rule, newest first. One statement."""
    rows = EarnRule.objects.filter(code=code).select_related("program", "saved_by")
    return list(rows.order_by("-version"))


def capped(program: PointsProgram, rules: Sequence[EarnRule]) -> bool:
    """Whether what was earned before can matter."""
    caps = [program.cap_day, program.cap_month]
    caps += [cap for one in rules for cap in (one.cap_day, one.cap_month)]
    return any(cap is not None for cap in caps)


def used_of(*, account_id: int, day: date) -> Used:
    """What an account earned in a day and in its month. One statement; lock the account first."""
    rows = PointsTxn.objects.filter(
        account=account_id,
        kind=PointsTxn.Kind.EARN,
        date__year=day.year,
        date__month=day.month,
    ).values_list("date", "amount", "breakdown")
    days = months = 0
    rule_day: dict[str, Decimal] = defaultdict(Decimal)
    rule_month: dict[str, Decimal] = defaultdict(Decimal)
    for when, amount, breakdown in rows:
        months += amount
        days += amount if when == day else 0
        for one in (breakdown or {}).get("rules", []):
            rule_month[one["code"]] += Decimal(one["points"])
            if when == day:
                rule_day[one["code"]] += Decimal(one["points"])
    return Used(days, months, rule_day, rule_month)
