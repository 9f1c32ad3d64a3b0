"""What a tier gives at an instant: for prices, points and the till."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db.models import Q

from members.models import TierBenefit
from members.queries.tiers import tier_at
from station.money import Yuan

ONCE = Decimal(1)
Kind = TierBenefit.Kind


@dataclass(frozen=True)
class Benefits:
    """What a tier gives: `litre_cut` yuan off a litre, points times `multiplier`, and the rest.

    `services` are free services with how often a month; `words` has one line per benefit.
    """

    litre_cut: Yuan | None = None
    multiplier: Decimal = ONCE
    birthday: str = ""
    priority: bool = False
    services: Mapping[str, int] = field(default_factory=dict)
    words: tuple[str, ...] = ()


NOTHING = Benefits()


def benefits_of(*, tier_id: int | None, at: datetime) -> Benefits:
    """What a tier gives at an instant; nothing for None. One statement."""
    if tier_id is None:
        return NOTHING
    rows = TierBenefit.objects.filter(_in_force(at), tier=tier_id).order_by("pk")
    return gathered(rows)


def member_benefits(*, member_id: int | None, at: datetime) -> Benefits:
    """What a member's tier gives him at an instant. Two statements; none without a member."""
    if member_id is None:
        return NOTHING
    tier = tier_at(member_id=member_id, at=at)
    return benefits_of(tier_id=tier.pk, at=at) if tier else NOTHING


def benefit_words(*, at: datetime) -> Mapping[str, tuple[str, ...]]:
    """What each tier gives at an instant, in words, by the tier's name. One statement."""
    found: dict[str, tuple[str, ...]] = {}
    for row in TierBenefit.objects.filter(_in_force(at)).select_related("tier").order_by("pk"):
        found[row.tier.name] = (*found.get(row.tier.name, ()), row.words)
    return found


def _in_force(at: datetime) -> Q:
    return Q(since__lte=at) & (Q(until=None) | Q(until__gt=at))


def gathered(rows: Iterable[TierBenefit]) -> Benefits:
    """The rows of one tier as one value."""
    living = list(rows)
    by_kind = {row.kind: row for row in living}
    cut, factor = by_kind.get(Kind.LITRE_CUT), by_kind.get(Kind.MULTIPLIER)
    pack = by_kind.get(Kind.BIRTHDAY)
    return Benefits(
        litre_cut=cut.amount if cut else None,
        multiplier=(factor.amount if factor else None) or ONCE,
        birthday=pack.name if pack else "",
        priority=Kind.PRIORITY in by_kind,
        services={row.name: row.monthly or 0 for row in living if row.kind == Kind.SERVICE},
        words=tuple(row.words for row in living),
    )
