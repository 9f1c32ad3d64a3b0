"""Tiers of the history: who rises when, by the rule that the till asks.

The station has had its tiers for a year at most, so that none of them ends in the history: what is
held is only gained here. `members.services.tiers.evaluate_all` finds nothing to do afterwards.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.utils.timezone import localdate

from members.models import MemberTier, Tier, TierNotice
from members.queries.tier_benefits import benefits_of
from members.queries.tier_rules import Limit, Terms, terms_at
from members.services import tier_rules, tiers
from members.services.tier_rules import STANDARD
from station.models import Station, User
from station.queries import wording

Kind = tier_rules.Kind
A_YEAR = timedelta(days=364)


@dataclass(frozen=True)
class Rank:
    """A tier as sales see it."""

    id: int
    code: str
    name: str
    factor: Decimal


@dataclass
class Bought:
    """What a member bought in the window: by date, and altogether (fen, centilitres, dates)."""

    days: deque[tuple[date, int, int]] = field(default_factory=deque)
    fen: int = 0
    centilitres: int = 0
    rank: int = 0


class Standings:
    """Counts what members buy and lets them rise, from the day the tiers were founded."""

    def __init__(self, station: Station, *, founded: datetime) -> None:
        # Points times so much from the first day on; the price by the litre begins with the open day.
        tier_rules.found_tiers(station=station, at=founded, actor=None, but=(Kind.LITRE_CUT,))
        terms = terms_at(localdate(founded))
        assert terms is not None  # just founded
        self.terms: Terms = terms
        self.founded = founded
        self.ranks = {
            one.rank: Rank(one.pk, one.code, one.name, benefits_of(tier_id=one.pk, at=founded).multiplier)
            for one in Tier.objects.order_by("rank")
        }  # fmt: skip
        self._bought: dict[int, Bought] = {}
        self._rows: list[MemberTier] = []
        self._before = Rank(0, "", "", Decimal(1))  # while there are no tiers

    def held(self, member: int, at: datetime) -> Rank:
        """The tier that a member holds, at an instant that nothing was sold after."""
        if at < self.founded:
            return self._before
        own = self._bought.get(member)
        return self.ranks[own.rank if own else 0]

    def bought(self, member: int, fen: int, centilitres: int, at: datetime) -> None:
        """A sale counts; the tier follows just after it."""
        own = self._bought.setdefault(member, Bought())
        today = localdate(at)
        if own.days and own.days[-1][0] == today:
            _, spent, litres = own.days.pop()
            own.days.append((today, spent + fen, litres + centilitres))
        else:
            own.days.append((today, fen, centilitres))
        own.fen += fen
        own.centilitres += centilitres
        if at >= self.founded:
            self._rise(member, own, at)

    def evaluate(self, at: datetime) -> None:
        """Everybody rises to what he reaches already: the night after the tiers were founded."""
        for member, own in self._bought.items():
            self._rise(member, own, at)

    def _rise(self, member: int, own: Bought, at: datetime) -> None:
        since = self.terms.counted_from(localdate(at))
        while own.days and own.days[0][0] < since:
            _, spent, litres = own.days.popleft()
            own.fen -= spent
            own.centilitres -= litres
        visits = len(own.days)
        reached = max(
            (one.rank for one in self.terms.limits if _reaches(one, own, visits)), default=0
        )
        if reached <= own.rank:
            return
        own.rank = reached
        today = localdate(at)
        counted = (
            f"消费 {wording.yuan(Decimal(own.fen) / 100)}、"
            f"加油 {wording.litres(Decimal(own.centilitres) / 100)} 升、{visits} 次"
        )
        self._rows.append(
            MemberTier(
                member_id=member,
                tier_id=self.ranks[reached].id,
                since=at + tiers.JUST_AFTER,
                reason=MemberTier.Reason.UPGRADE,
                words=f"{self.terms.words}{counted}，升为{self.ranks[reached].name}",
                holds_until=self.terms.earned_until(today),
                counted_from=self.terms.counted_from(today),
            )
        )

    def settle(self) -> None:
        """Write what was held, each until the next, with what the members were told then."""
        last: dict[int, MemberTier] = {}
        for row in self._rows:
            if row.member_id in last:
                last[row.member_id].until = row.since
            last[row.member_id] = row
        MemberTier.objects.bulk_create(self._rows, batch_size=2_000)
        TierNotice.objects.bulk_create(
            [
                TierNotice(
                    member_id=row.member_id,
                    key=f"TIER:{row.pk}",
                    kind=TierNotice.Kind.UPGRADE,
                    words=f"{row.words}，保级到 {row.holds_until:%Y-%m-%d}"[:200],
                    made_at=row.since,
                    told_at=row.since,
                )
                for row in self._rows
            ],
            batch_size=2_000,
        )


def _reaches(limit: Limit, own: Bought, visits: int) -> bool:
    return (
        (limit.spend is not None and own.fen >= limit.spend * 100)
        or (limit.litres is not None and own.centilitres >= limit.litres * 100)
        or (limit.visits is not None and visits >= limit.visits)
    )


def begin_prices(station: Station, *, at: datetime, owner: User) -> None:
    """What the tiers give by the litre begins: from now on the till takes it off."""
    for one in STANDARD:
        tier_rules.set_benefits(
            tier=Tier.objects.get(code=one["code"]), gifts=one["gives"], station=station, at=at, actor=owner
        )  # fmt: skip
