"""What a tier gives at an instant: for prices, points and the till."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db.models import Q

from members.models import Member, Tier, TierBenefit
from station.money import Yuan
from station.queries.written import Part, Written

ONCE = Decimal(1)
Kind = TierBenefit.Kind


@dataclass(frozen=True)
class Benefits:
    """What a tier gives: `litre_cut` yuan off a litre, points times `multiplier`, and the rest.

    `services` are free services with how often a month; `words` has one line per benefit.
    """

    litre_cut: Yuan | None = None
    litre_cut_id: int | None = None  # the row that it comes from
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


@dataclass(frozen=True)
class Held:
    """The tier that a member held at an instant, and what it gave him then.

    `active` says whether he is a member in good standing now.
    """

    tier_id: int | None = None
    code: str = ""
    name: str = ""
    rank: int = 0
    active: bool = False
    benefits: Benefits = NOTHING


NOBODY = Held()
# The tier that he held then, else the lowest, with a line for each of its benefits.
_HELD_AT = Written(
    """
SELECT {columns}, m.status FROM members_member m
LEFT JOIN LATERAL (SELECT * FROM members_tier one WHERE rank = 0 OR EXISTS (
  SELECT 1 FROM members_membertier own WHERE own.tier_id = one.id AND own.member_id = m.id
   AND own.since <= %(at)s AND (own.until IS NULL OR own.until > %(at)s))
 ORDER BY rank DESC LIMIT 1) t ON TRUE
LEFT JOIN members_tierbenefit b ON b.tier_id = t.id
 AND b.since <= %(at)s AND (b.until IS NULL OR b.until > %(at)s)
WHERE m.id = %(member)s ORDER BY b.id
""",
    Part(Tier, "t", "id code name rank"),
    Part(TierBenefit, "b", "id kind amount name monthly words"),
)


def held_at(*, member_id: int | None, at: datetime) -> Held:
    """A member's tier at an instant with its benefits. One statement; none without a member."""
    if member_id is None:
        return NOBODY
    rows = _HELD_AT.rows({"member": member_id, "at": at})
    if not rows:
        return NOBODY
    (tier, _), (standing,) = rows[0]
    active = standing == Member.Status.ACTIVE
    if tier is None:
        return Held(active=active)
    return Held(
        tier_id=tier.pk,
        code=tier.code,
        name=tier.name,
        rank=tier.rank,
        active=active,
        benefits=gathered([given for (_, given), _ in rows if given is not None]),
    )


def member_benefits(*, member_id: int | None, at: datetime) -> Benefits:
    """What a member's tier gives him at an instant. One statement; none without a member."""
    return held_at(member_id=member_id, at=at).benefits


def benefit_words(*, at: datetime) -> Mapping[str, tuple[str, ...]]:
    """What each tier gives at an instant, in words, by the tier's name. One statement."""
    found: dict[str, tuple[str, ...]] = {}
    for row in TierBenefit.objects.filter(_in_force(at)).select_related("tier").order_by("pk"):
        found[row.tier.name] = (*found.get(row.tier.name, ()), row.words)
    return found


def factors() -> list[tuple[str, datetime, datetime | None, Decimal]]:
    """Every factor of points that a tier has or had: its code, since, until. One statement."""
    rows = TierBenefit.objects.filter(kind=Kind.MULTIPLIER).select_related("tier")
    return [
        (one.tier.code, one.since, one.until, one.amount or ONCE)
        for one in rows.order_by("since", "pk")
    ]


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
        litre_cut_id=cut.pk if cut else None,
        multiplier=(factor.amount if factor else None) or ONCE,
        birthday=pack.name if pack else "",
        priority=Kind.PRIORITY in by_kind,
        services={row.name: row.monthly or 0 for row in living if row.kind == Kind.SERVICE},
        words=tuple(row.words for row in living),
    )
