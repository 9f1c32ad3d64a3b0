"""The rule of a day as one value: which window counts, what each tier asks, how it is lost.

Pure arithmetic of dates; the sums over members are in `queries.tier_standings`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Prefetch

from members.models import Tier, TierBenefit, TierRule, TierThreshold
from station.money import Litres, Yuan
from station.queries.written import Part, Written


@dataclass(frozen=True)
class Limit:
    """What a tier asks for; any figure that is reached is enough, None is not asked."""

    tier_id: int
    rank: int
    name: str
    spend: Yuan | None = None
    litres: Litres | None = None
    visits: int | None = None
    points: Decimal | None = None


@dataclass(frozen=True)
class Terms:
    """One version of the rule. `limits` are those of active tiers, lowest first."""

    window: str
    days: int
    grace_days: int
    notice_days: int
    visits_a_day: int
    points_per_yuan: Decimal
    points_per_litre: Decimal
    points_per_visit: Decimal
    limits: tuple[Limit, ...]

    @property
    def is_year(self) -> bool:
        """The calendar year counts; else the last `days`."""
        return self.window == TierRule.Window.YEAR

    def counted_from(self, day: date) -> date:
        """The first date that counts on a day: 1 January, or `days` ago with the day itself."""
        if self.is_year:
            return day.replace(month=1, day=1)
        return day - timedelta(days=self.days - 1)

    def period_end(self, first: date) -> date:
        """The last day of a period that begins on a date: 31 December, or `days` long."""
        if self.is_year:
            return first.replace(month=12, day=31)
        return first + timedelta(days=self.days - 1)

    def earned_until(self, day: date) -> date:
        """How long what is earned on a day is held: its year, or the `days` that follow it.

        What earned it does not keep it too, but where the calendar year counts: it is judged on
        the year it was earned in, and so is held to the end of the next.
        """
        return self.period_end(day) if self.is_year else day + timedelta(days=self.days)

    def renewed_until(self, held: date, today: date) -> date:
        """The end of the period that follows one that ended on `held`; never before today."""
        return max(self.period_end(held + timedelta(days=1)), today)

    def limit_of(self, tier_id: int | None) -> Limit | None:
        """What a tier asks for; None where the rule says nothing of it."""
        return next((one for one in self.limits if one.tier_id == tier_id), None)

    def next_above(self, rank: int) -> Limit | None:
        """The lowest tier above a rank that can be reached by buying."""
        return next((one for one in self.limits if one.rank > rank), None)

    @property
    def words(self) -> str:
        """How the window is called."""
        return "自然年内" if self.is_year else f"近 {self.days} 天"


def terms_of(rule: TierRule, thresholds: Sequence[TierThreshold]) -> Terms:
    """A version of the rule with what it asks of active tiers, as a value."""
    limits = [
        Limit(
            one.tier_id, one.tier.rank, one.tier.name, one.spend, one.litres, one.visits, one.points
        )
        for one in thresholds
        if one.tier.active
    ]
    return Terms(
        window=rule.window,
        days=rule.days,
        grace_days=rule.grace_days,
        notice_days=rule.notice_days,
        visits_a_day=rule.visits_a_day,
        points_per_yuan=rule.points_per_yuan,
        points_per_litre=rule.points_per_litre,
        points_per_visit=rule.points_per_visit,
        limits=tuple(sorted(limits, key=lambda one: one.rank)),
    )


def terms_at(day: date) -> Terms | None:
    """The rule of a local date; None before the first one. One statement."""
    rows = []
    for (asked, rule, tier), _ in _OF_A_DAY.rows({"day": day}):
        asked.rule, asked.tier = rule, tier
        rows.append(asked)
    return terms_of(rows[0].rule, rows) if rows else None


_OF_A_DAY = Written(
    """
SELECT {columns} FROM members_tierthreshold h
JOIN members_tierrule r ON r.id = h.rule_id JOIN members_tier t ON t.id = h.tier_id
WHERE r.id = (SELECT id FROM members_tierrule WHERE valid_from <= %(day)s
 ORDER BY valid_from DESC, id DESC LIMIT 1)
""",
    Part(TierThreshold, "h"),
    Part(TierRule, "r"),
    Part(Tier, "t"),
)


def rules() -> list[TierRule]:
    """Every version, the newest first, with thresholds and who made it. Two statements."""
    asked = TierThreshold.objects.select_related("tier").order_by("tier__rank")
    rows = TierRule.objects.select_related("made_by", "approved_by")
    return list(rows.prefetch_related(Prefetch("thresholds", asked)).order_by("-valid_from", "-pk"))


def tiers_with_benefits() -> list[Tier]:
    """Every tier, lowest first, with what it gives now. Two statements."""
    living = TierBenefit.objects.filter(until=None).order_by("pk")
    return list(Tier.objects.order_by("rank").prefetch_related(Prefetch("benefits", living)))


def takes_away(*, before: Terms | None, after: Terms) -> list[str]:
    """What a new rule asks more of members than the one before, in words; empty: nothing.

    It is what a second person must approve.
    """
    if before is None:
        return []
    found = []
    if before.window != after.window:
        found.append("统计期换了算法")
    elif not after.is_year and after.days < before.days:
        found.append(f"统计天数 {before.days} → {after.days}")
    for label, old, new in (
        ("宽限天数", before.grace_days, after.grace_days),
        ("提醒天数", before.notice_days, after.notice_days),
        ("一天最多计几次", before.visits_a_day, after.visits_a_day),
        ("每元等级分", before.points_per_yuan, after.points_per_yuan),
        ("每升等级分", before.points_per_litre, after.points_per_litre),
        ("每次等级分", before.points_per_visit, after.points_per_visit),
    ):
        if new < old:
            found.append(f"{label} {old} → {new}")
    for old_limit in before.limits:
        found += _harder(old_limit, after.limit_of(old_limit.tier_id))
    return found


LABELS = (
    ("spend", "消费", "元"),
    ("litres", "加油", "升"),
    ("visits", "", "次"),
    ("points", "等级分", "分"),
)


def _harder(old: Limit, new: Limit | None) -> list[str]:
    found = []
    for name, label, unit in LABELS:
        asked = getattr(old, name)
        asks = getattr(new, name) if new else None
        if asked is not None and (asks is None or asks > asked):
            after = "不再算" if asks is None else f"{asks} {unit}"
            found.append(f"{old.name}门槛 {label}{asked} {unit} → {after}")
    return found
