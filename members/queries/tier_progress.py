"""再消费多少到下一级: what is missing to the next tier and to keep this one, by when.

The figures are differences of the engine's own sums (`tier_standings`): who buys exactly what is
missing, by the date that is named, is raised by the engine; who buys less is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.utils.timezone import localdate

from members.queries.tier_benefits import benefit_words
from members.queries.tier_rules import Limit, Terms, terms_at
from members.queries.tier_standings import Standing, standings
from station.money import ZERO
from station.queries import wording

SOON = timedelta(days=60)  # how long before its end a tier's keeping is spoken of at the till


@dataclass(frozen=True)
class Gap:
    """What is missing of one figure that a tier asks; any one of them is enough."""

    figure: str  # spend, litres, visits or points
    amount: Decimal

    @property
    def words(self) -> str:
        """The figure as a customer reads it."""
        if self.figure == "spend":
            return f"消费 {wording.yuan(self.amount)}"
        if self.figure == "litres":
            return f"加油 {wording.litres(self.amount)} 升"
        if self.figure == "visits":
            return f"{self.amount:f} 次"
        return f"{wording.count(self.amount)} 等级分"


@dataclass(frozen=True)
class Progress:
    """Where a member stands: `gaps` to `next_tier` by `by`; `keeping` what is missing to keep his."""

    tier: str
    rank: int
    holds_until: date | None
    locked_until: date | None
    next_tier: str = ""
    gaps: tuple[Gap, ...] = ()
    by: date | None = None
    keeping: tuple[Gap, ...] = ()  # empty: kept already, or nothing to keep
    keep_by: date | None = None
    warned: bool = False
    benefits: tuple[str, ...] = field(default=())

    @property
    def next_words(self) -> str:
        """再消费 ¥350.00 或 2 次到金卡，截止 2026-12-31."""
        if not self.gaps:
            return ""
        if any(not one.amount for one in self.gaps):  # the rule was just eased
            return f"已达到{self.next_tier}，今晚评定"
        return f"再{' 或 '.join(one.words for one in self.gaps)}到{self.next_tier}，截止 {self.by}"

    @property
    def keep_words(self) -> str:
        """What keeps the tier, or until when it is held."""
        if self.locked_until:
            return f"{self.tier}锁定到 {self.locked_until}"
        if not self.holds_until:
            return ""
        if self.keeping:
            missing = " 或 ".join(one.words for one in self.keeping)
            return f"{self.tier}保级到 {self.holds_until}，再{missing}续期，最迟 {self.keep_by}"
        return f"{self.tier}保级到 {self.holds_until}"

    @property
    def lines(self) -> list[str]:
        """What the till and the receipt say: the next tier, and what is about to be lost."""
        return [one for one in (self.next_words, self.keep_words if self.warned else "") if one]


def progress_of(*, member_ids: Sequence[int], at: datetime) -> Mapping[int, Progress]:
    """Where members stand on a local date, by member; empty without a rule. Three statements."""
    if not member_ids:
        return {}
    today = localdate(at)
    terms = terms_at(today)
    if terms is None:
        return {}
    gives = benefit_words(at=at)
    rows = standings(terms=terms, today=today, member_ids=member_ids)
    return {key: _progress(terms, row, today, gives) for key, row in rows.items()}


def tier_words(*, member_id: int, at: datetime) -> list[str]:
    """The lines of a member's receipt: his tier, and what is missing to the next."""
    progress = progress_of(member_ids=[member_id], at=at).get(member_id)
    return [f"会员等级 {progress.tier}", *progress.lines] if progress and progress.tier else []


def _progress(
    terms: Terms, row: Standing, today: date, gives: Mapping[str, tuple[str, ...]]
) -> Progress:
    locked = row.locked_until if row.locked_until and row.locked_until >= today else None
    above = None if locked else terms.next_above(row.rank)
    held = terms.limit_of(row.tier_id) if row.rank and row.holds_until and not locked else None
    missing = _to_keep(terms, held, row) if held else ()
    last = _last_day(terms, row, today) if missing else None
    return Progress(
        tier=row.tier,
        rank=row.rank,
        holds_until=row.holds_until,
        locked_until=locked,
        next_tier=above.name if above else "",
        gaps=_gaps(above, row.spend, row.litres, row.visits, row.points) if above else (),
        by=_counts_until(terms, row, today) if above else None,
        keeping=missing,
        keep_by=last,
        warned=bool(last and last - SOON <= today),
        benefits=gives.get(row.tier, ()),
    )


def _counts_until(terms: Terms, row: Standing, today: date) -> date:
    """The last day on which everything that counts now still counts."""
    return terms.period_end(today if terms.is_year else row.oldest or today)


def _to_keep(terms: Terms, held: Limit, row: Standing) -> tuple[Gap, ...]:
    sums = (row.kept_spend, row.kept_litres, row.kept_visits, row.kept_points)
    if any(_is_reached(one, *sums) for one in terms.limits if one.rank >= held.rank):
        return ()
    return _gaps(held, *sums)


def _last_day(terms: Terms, row: Standing, today: date) -> date:
    """The last date on which buying still keeps the tier, as the engine counts it."""
    assert row.holds_until is not None
    notice = (row.warned_on or today) + timedelta(days=terms.notice_days - 1)
    return max(row.holds_until + timedelta(days=terms.grace_days), notice)


def _is_reached(one: Limit, *sums: Decimal | int) -> bool:
    return any(
        limit is not None and have >= limit for limit, have in zip(_asked(one), sums, strict=True)
    )


def _gaps(one: Limit, *sums: Decimal | int) -> tuple[Gap, ...]:
    asked = zip(("spend", "litres", "visits", "points"), _asked(one), sums, strict=True)
    return tuple(
        Gap(figure, max(Decimal(limit) - have, ZERO))
        for figure, limit, have in asked
        if limit is not None
    )


def _asked(one: Limit) -> tuple[Decimal | int | None, ...]:
    return (one.spend, one.litres, one.visits, one.points)
