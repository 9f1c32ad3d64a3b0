"""What a tier gives at an instant: for prices, points and the till."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db.models import FilteredRelation, Q, Subquery

from members.models import Member, Tier, TierBenefit
from members.queries.tiers import held_or_lowest
from station.money import Yuan

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
_FIELDS = ("pk", "code", "name", "rank")
_GIVEN = ("pk", "kind", "amount", "name", "monthly", "words")


def held_at(*, member_id: int | None, at: datetime) -> Held:
    """A member's tier at an instant with its benefits. One statement; none without a member."""
    if member_id is None:
        return NOBODY
    mine = Tier.objects.filter(held_or_lowest(member_id=member_id, at=at)).order_by("-rank")
    status = Subquery(Member.objects.filter(pk=member_id).values("status"))
    rows = list(
        Tier.objects.filter(pk=mine.values("pk")[:1])
        .annotate(given=FilteredRelation("benefits", condition=_in_force(at, "benefits__")))
        .order_by("given__pk")
        .values_list(*_FIELDS, status, *(f"given__{name}" for name in _GIVEN))
    )
    if not rows:
        return NOBODY
    pk, code, name, rank, standing = rows[0][: len(_FIELDS) + 1]
    given = [dict(zip(_GIVEN, row[len(_FIELDS) + 1 :], strict=True)) for row in rows]
    return Held(
        tier_id=pk,
        code=code,
        name=name,
        rank=rank,
        active=standing == Member.Status.ACTIVE,
        benefits=gathered([TierBenefit(**one) for one in given if one["pk"] is not None]),
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


def _in_force(at: datetime, of: str = "") -> Q:
    return Q(**{f"{of}since__lte": at}) & (Q(**{f"{of}until": None}) | Q(**{f"{of}until__gt": at}))


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
