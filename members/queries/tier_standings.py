"""Where members stand by the rule: what counts for each, what it reaches, and what follows.

One statement answers for one member at the till and for a million at night, so that both come to
the same. Everything is read; `services.tiers` does what follows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from django.db import connection

from members.queries.tier_rules import Terms
from station.money import Litres, Yuan

Act = Literal["UP", "RENEW", "DOWN", "WARN"]


@dataclass(frozen=True)
class Whose:
    """Which members are asked about: some by id, or a range of ids."""

    ids: tuple[int, ...] | None = None
    first: int = 0
    last: int = 0

    def on(self, column: str) -> str:
        """The condition on a column that holds a member's id."""
        if self.ids is None:
            return f"{column} BETWEEN %(first)s AND %(last)s"
        return f"{column} = ANY(%(ids)s)"

    @property
    def values(self) -> dict[str, Any]:
        return {"ids": list(self.ids or ()), "first": self.first, "last": self.last}


@dataclass(frozen=True)
class Decision:
    """What the rule says of one member whose tier changes, holds on, or is about to be lost."""

    member_id: int
    row_id: int | None
    rank: int
    since: datetime | None
    holds_until: date | None
    act: Act
    reached: int
    spend: Yuan
    litres: Litres
    visits: int


# The tiers that the rule knows, with what each asks.
_LIMITS = """limits AS MATERIALIZED (
    SELECT * FROM UNNEST(%(tiers)s::bigint[], %(ranks)s::int[], %(spends)s::numeric[],
        %(litres)s::numeric[], %(visits)s::numeric[], %(points)s::numeric[])
        AS asked (tier_id, rank, spend, litres, visits, points))"""
_SUMS = """SUM({d}.spend) AS spend, SUM({d}.litres) AS litres,
        SUM(LEAST({d}.visits, %(visits_a_day)s)) AS visits"""
# The highest rank that sums reach; any figure of a limit is enough.
_REACHED = """(SELECT MAX(limits.rank) FROM limits WHERE {s}.spend >= limits.spend
        OR {s}.litres >= limits.litres OR {s}.visits >= limits.visits
        OR {s}.spend * %(per_yuan)s + {s}.litres * %(per_litre)s + {s}.visits * %(per_visit)s
            >= limits.points)"""
# The first date of the period that ends on the last day a tier is held.
_KEEP_FROM = """CASE WHEN %(is_year)s THEN DATE_TRUNC('year', {h}.holds_until)::date
        ELSE {h}.holds_until - %(days)s + 1 END"""
# The last date that counts for keeping it: the end of the grace, or of a notice that came late.
_KEEP_TO = """LEAST(%(today)s, GREATEST({h}.holds_until + %(grace)s,
        COALESCE({h}.warned_on, %(today)s) + %(notice)s - 1))"""


def decisions(*, terms: Terms, today: date, whose: Whose) -> list[Decision]:
    """Members for whom something follows on a local date; nobody else is returned. One statement.

    Locked and closed members are left out. UP: more is reached than is held. RENEW: the period is
    over and was enough. DOWN: period, grace and notice are over and it was not. WARN: it will be
    DOWN in `notice_days` unless more is bought. A tier that the rule does not name is not lost.
    """
    with connection.cursor() as cursor:
        cursor.execute(_decide(whose), {**_values(terms, today), **whose.values})
        return [Decision(*row) for row in cursor.fetchall()]


def _decide(whose: Whose) -> str:
    return f"""WITH {_LIMITS},
    held AS (
        SELECT member.id AS member_id, own.id AS row_id, own.tier_id,
            COALESCE(tier.rank, 0) AS rank, own.since, own.holds_until, own.warned_on
        FROM members_member member
        LEFT JOIN members_membertier own ON own.member_id = member.id AND own.until IS NULL
        LEFT JOIN members_tier tier ON tier.id = own.tier_id
        WHERE {whose.on("member.id")} AND member.status <> 'CLOSED'
            AND (own.locked_until IS NULL OR own.locked_until < %(today)s)),
    sums AS (
        SELECT day.member_id, {_SUMS.format(d="day")}
        FROM members_tiermeasuredaily day
        WHERE {whose.on("day.member_id")} AND day.date BETWEEN %(start)s AND %(today)s
        GROUP BY day.member_id),
    kept AS (
        SELECT due.member_id, {_SUMS.format(d="day")}
        FROM held due JOIN limits ON limits.tier_id = due.tier_id
        LEFT JOIN members_tiermeasuredaily day ON day.member_id = due.member_id
            AND day.date BETWEEN {_KEEP_FROM.format(h="due")} AND {_KEEP_TO.format(h="due")}
        WHERE due.rank > 0
            AND LEAST(due.holds_until, due.holds_until + %(grace)s - %(notice)s) < %(today)s
        GROUP BY due.member_id),
    found AS (
        SELECT held.*, COALESCE({_REACHED.format(s="sums")}, 0) AS reached,
            kept.member_id IS NOT NULL AS due,
            COALESCE({_REACHED.format(s="kept")}, 0) >= held.rank AS enough,
            COALESCE(sums.spend, 0) AS spend, COALESCE(sums.litres, 0) AS litres,
            COALESCE(sums.visits, 0) AS visits
        FROM held LEFT JOIN sums USING (member_id) LEFT JOIN kept USING (member_id)),
    judged AS (
        SELECT found.*, CASE
            WHEN reached > rank THEN 'UP'
            WHEN due AND enough AND holds_until < %(today)s THEN 'RENEW'
            WHEN due AND NOT enough AND warned_on IS NULL
                AND holds_until + %(grace)s - %(notice)s < %(today)s THEN 'WARN'
            WHEN due AND NOT enough AND holds_until + %(grace)s < %(today)s
                AND warned_on + %(notice)s <= %(today)s THEN 'DOWN' END AS act
        FROM found)
    SELECT member_id, row_id, rank, since, holds_until, act, reached, spend, litres, visits
    FROM judged WHERE act IS NOT NULL ORDER BY member_id"""


def _values(terms: Terms, today: date) -> dict[str, Any]:
    limits = terms.limits
    return {
        "today": today,
        "start": terms.counted_from(today),
        "is_year": terms.is_year,
        "days": terms.days,
        "grace": terms.grace_days,
        "notice": terms.notice_days,
        "visits_a_day": terms.visits_a_day,
        "per_yuan": terms.points_per_yuan,
        "per_litre": terms.points_per_litre,
        "per_visit": terms.points_per_visit,
        "tiers": [one.tier_id for one in limits],
        "ranks": [one.rank for one in limits],
        "spends": [one.spend for one in limits],
        "litres": [one.litres for one in limits],
        "visits": [one.visits for one in limits],
        "points": [one.points for one in limits],
    }


def reached_between(*, terms: Terms, member_id: int, first: date, last: date) -> int:
    """The rank that a member's purchases between two dates reach; 0 for none. One statement."""
    sql = f"""WITH {_LIMITS}, sums AS (
        SELECT {_SUMS.format(d="day")} FROM members_tiermeasuredaily day
        WHERE day.member_id = %(member)s AND day.date BETWEEN %(first)s AND %(last)s)
    SELECT COALESCE({_REACHED.format(s="sums")}, 0) FROM sums"""
    known = {**_values(terms, last), "member": member_id, "first": first, "last": last}
    with connection.cursor() as cursor:
        cursor.execute(sql, known)
        (reached,) = cursor.fetchone()
    return int(reached)


@dataclass(frozen=True)
class Standing:
    """What counts for a member: for reaching more (the window), and for keeping what he holds."""

    member_id: int
    tier_id: int | None
    tier: str  # its name; that of rank 0 for who has none of his own
    rank: int
    holds_until: date | None
    warned_on: date | None
    locked_until: date | None
    spend: Yuan
    litres: Litres
    visits: int
    points: Decimal
    oldest: date | None  # the first date of the window that counts with something
    kept_spend: Yuan
    kept_litres: Litres
    kept_visits: int
    kept_points: Decimal


def standings(*, terms: Terms, today: date, member_ids: Sequence[int]) -> Mapping[int, Standing]:
    """What the engine sums for members on a local date, by member. One statement."""
    whose = Whose(ids=tuple(member_ids))
    with connection.cursor() as cursor:
        cursor.execute(_stand(whose), {**_values(terms, today), **whose.values})
        rows = [Standing(*row) for row in cursor.fetchall()]
    return {row.member_id: row for row in rows}


def _points(name: str) -> str:
    return (
        f"COALESCE({name}.spend * %(per_yuan)s + {name}.litres * %(per_litre)s"
        f" + {name}.visits * %(per_visit)s, 0)"
    )


def _stand(whose: Whose) -> str:
    zeros = "COALESCE({0}.spend, 0), COALESCE({0}.litres, 0), COALESCE({0}.visits, 0)"
    return f"""SELECT member.id, own.tier_id,
        COALESCE(tier.name, (SELECT name FROM members_tier WHERE rank = 0), ''),
        COALESCE(tier.rank, 0), own.holds_until,
        own.warned_on, own.locked_until, {zeros.format("sums")}, {_points("sums")}, sums.oldest,
        {zeros.format("kept")}, {_points("kept")}
    FROM members_member member
    LEFT JOIN members_membertier own ON own.member_id = member.id AND own.until IS NULL
    LEFT JOIN members_tier tier ON tier.id = own.tier_id
    LEFT JOIN LATERAL (
        SELECT {_SUMS.format(d="day")}, MIN(day.date) FILTER (
            WHERE day.spend > 0 OR day.litres > 0 OR day.visits > 0) AS oldest
        FROM members_tiermeasuredaily day
        WHERE day.member_id = member.id AND day.date BETWEEN %(start)s AND %(today)s) sums ON TRUE
    LEFT JOIN LATERAL (
        SELECT {_SUMS.format(d="day")} FROM members_tiermeasuredaily day
        WHERE day.member_id = member.id
            AND day.date BETWEEN {_KEEP_FROM.format(h="own")} AND {_KEEP_TO.format(h="own")}
        ) kept ON TRUE
    WHERE {whose.on("member.id")}"""


@dataclass(frozen=True)
class Effect:
    """How many members of a held tier a rule would move, and to what rank it brings them."""

    held: int
    reached: int
    members: int
    sample: tuple[int, ...]


def effects(*, terms: Terms, today: date) -> list[Effect]:
    """What a rule would do to everybody on a local date: by rank held and rank reached.

    Reached above held is an upgrade at once; below, a tier that falls at its period's end unless
    more is bought. A few members of each are named. One statement over all members.
    """
    sql = f"""WITH {_LIMITS},
    sums AS (
        SELECT day.member_id, {_SUMS.format(d="day")} FROM members_tiermeasuredaily day
        WHERE day.date BETWEEN %(start)s AND %(today)s GROUP BY day.member_id),
    found AS (
        SELECT member.id, COALESCE(tier.rank, 0) AS held, CASE
            WHEN own.locked_until >= %(today)s THEN COALESCE(tier.rank, 0)
            WHEN own.tier_id IN (SELECT tier_id FROM limits)
                THEN COALESCE({_REACHED.format(s="sums")}, 0)
            ELSE GREATEST(COALESCE({_REACHED.format(s="sums")}, 0), tier.rank) END AS reached
        FROM members_member member
        LEFT JOIN members_membertier own ON own.member_id = member.id AND own.until IS NULL
        LEFT JOIN members_tier tier ON tier.id = own.tier_id
        LEFT JOIN sums ON sums.member_id = member.id
        WHERE member.status <> 'CLOSED')
    SELECT held, reached, COUNT(*), (ARRAY_AGG(id ORDER BY id DESC))[1:3]
    FROM found GROUP BY held, reached ORDER BY held, reached"""
    with connection.cursor() as cursor:
        cursor.execute(sql, _values(terms, today))
        return [
            Effect(held, reached, members, tuple(sample))
            for held, reached, members, sample in cursor.fetchall()
        ]


def holders() -> Mapping[int, int]:
    """How many members hold each tier now, by tier; without rank 0, which who has no row holds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT own.tier_id, COUNT(*) FROM members_membertier own"
            " JOIN members_member member ON member.id = own.member_id"
            " WHERE own.until IS NULL AND member.status <> 'CLOSED' GROUP BY own.tier_id"
        )
        return dict(cursor.fetchall())
