"""What a rule would have done: last month's sales again, under the rules as they are and as they would be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby

from members.models import EarnRule, MemberTier, PointsProgram, Purchase, Tier
from members.queries.earn_rules import in_force, newest_rules
from members.queries.earning import Basket, BasketLine, Used, earned
from station.models import Station
from station.money import ZERO, Yuan, round_yuan


@dataclass(frozen=True)
class Side:
    """What a set of rules gives for the sales of a month, and what that is worth."""

    points: int
    cost: Yuan
    sales: int  # that earn anything


@dataclass(frozen=True)
class WhatIf:
    """Last month under the rules as they are and as they would be."""

    since: date
    until: date
    sales: int
    members: int
    net: Yuan
    now: Side
    then: Side

    @property
    def more(self) -> int:
        """How many points more (negative: fewer)."""
        return self.then.points - self.now.points

    @property
    def more_cost(self) -> Yuan:
        """How much more they are worth."""
        return self.then.cost - self.now.cost


@dataclass
class _Tally:
    """Points so far under one set of rules, with what each member used of the caps."""

    program: PointsProgram
    rules: Sequence[EarnRule]
    points: int = 0
    sales: int = 0
    used: dict[tuple[int, object], int] = field(default_factory=lambda: defaultdict(int))
    by_rule: dict[tuple[int, object], dict[str, Decimal]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(Decimal))
    )

    def add(self, member: int, day: date, basket: Basket) -> None:
        """Count one sale."""
        daily, monthly = (member, day), (member, day.replace(day=1).isoformat())
        told = earned(
            basket,
            program=self.program,
            rules=self.rules,
            used=Used(
                self.used[daily], self.used[monthly], self.by_rule[daily], self.by_rule[monthly]
            ),
        )
        self.points += told.points
        self.sales += bool(told.points)
        for key in (daily, monthly):
            self.used[key] += told.points
            for code, points in told.by_rule.items():
                self.by_rule[key][code] += points

    def side(self) -> Side:
        """The sums."""
        return Side(
            self.points, round_yuan(self.points * self.program.yuan_per_100 / 100), self.sales
        )


def last_month(today: date) -> tuple[date, date]:
    """The first and last day of the month before."""
    last = today.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


def what_if(*, rule: EarnRule, stations: Iterable[Station], today: date, at: datetime) -> WhatIf:
    """Last month's sales to members at some stations, with a rule as it would be instead.

    Time-limits of rules are left out, since the month is another; returns are not counted.
    """
    since, until = last_month(today)
    current = [one for one in newest_rules() if in_force(one, at)]
    changed = [one for one in current if one.code != rule.code] + ([rule] if rule.active else [])
    now, then = _Tally(rule.program, current), _Tally(rule.program, changed)
    sales, net, members = 0, ZERO, set()
    for member, day, basket in _baskets(since, until, list(stations)):
        for tally in (now, then):
            tally.add(member, day, basket)
        sales += 1
        net += sum((one.net for one in basket.lines), ZERO)
        members.add(member)
    return WhatIf(since, until, sales, len(members), net, now.side(), then.side())


def _baskets(
    since: date, until: date, stations: list[Station]
) -> Iterator[tuple[int, date, Basket]]:
    rows = (
        Purchase.objects.filter(
            day__date__range=(since, until),
            station__in=stations,
            member__isnull=False,
            net__gt=0,
        )
        .select_related("day", "station")
        .order_by("document", "line")
    )
    held = _tiers()
    for _, group in groupby(rows.iterator(chunk_size=2000), key=lambda one: one.document):
        lines = list(group)
        first = lines[0]
        assert first.member_id is not None
        yield (
            first.member_id,
            first.day.date,
            Basket(
                lines=tuple(_line(one) for one in lines),
                at=first.occurred_at,
                station=first.station.code,
                tier=_tier_at(held, first.member_id, first.occurred_at),
            ),
        )


def _line(row: Purchase) -> BasketLine:
    return BasketLine(
        position=row.line,
        kind=row.kind,
        product=row.product,
        category=row.category,
        quantity=row.quantity,
        net=row.net,
        list_amount=row.net,
    )


@dataclass(frozen=True)
class _Tiers:
    lowest: str
    held: dict[int, list[tuple[datetime, datetime | None, str]]]


def _tiers() -> _Tiers:
    held: dict[int, list[tuple[datetime, datetime | None, str]]] = defaultdict(list)
    rows = MemberTier.objects.order_by("since")
    for member, since, until, code in rows.values_list("member", "since", "until", "tier__code"):
        held[member].append((since, until, code))
    lowest = Tier.objects.filter(rank=0).values_list("code", flat=True).first()
    return _Tiers(lowest or "", held)


def _tier_at(tiers: _Tiers, member: int, at: datetime) -> str:
    for since, until, code in reversed(tiers.held.get(member, [])):
        if since <= at and (until is None or until > at):
            return code
    return tiers.lowest
