"""The nightly evaluation of a million members with eight million days of purchases behind them.

The first run raises who has earned it, the second must change nothing; and one member at the till.
"""

from __future__ import annotations

import os
import statistics
import time
from datetime import timedelta
from typing import Any

from bench._database import own_servers

MEMBERS, DAYS_EACH = int(os.environ.get("BENCH_MEMBERS", "1000000")), 8
MOST_SECONDS, MOST_LOCKED_SECONDS, MOST_AT_TILL = 120, 10, 0.02


def main() -> bool:
    """Print the times; whether all stayed below their bars and the second run changed nothing."""
    with own_servers():
        from django.utils.timezone import now

        from members.queries.tier_rules import terms_at
        from members.services import tiers

        at = now()
        _site(at)
        began = time.monotonic()
        _fill(at)
        print(
            f"   {MEMBERS:,} 名会员、{MEMBERS * DAYS_EACH:,} 条日计，写入 {_since(began):.0f} 秒",
            flush=True,
        )
        first, longest = _timed(at)
        print(
            f"   第一次：{first[0]}，{first[1]:.1f} 秒（不超过 {MOST_SECONDS}），最长一批 {longest:.1f} 秒",
            flush=True,
        )
        again, _ = _timed(at)
        print(f"   第二次：{again[0]}，{again[1]:.1f} 秒")
        later, batch = _timed(at + timedelta(days=372))
        print(f"   一年后：{later[0]}，{later[1]:.1f} 秒，最长一批 {batch:.1f} 秒")
        terms = terms_at(at.date())
        till = _one(terms, at)
        print(f"   收银时一名会员：{till * 1000:.1f} ms（不超过 {MOST_AT_TILL * 1000:.0f}）")
        effect = _what_if(terms, at)
        print(f"   试算一条规则：{effect:.1f} 秒")
        return (
            max(first[1], again[1], later[1]) <= MOST_SECONDS
            and max(longest, batch) <= MOST_LOCKED_SECONDS
            and again[0].total == 0
            and first[0].up > 0
            and later[0].warned > 0
            and till <= MOST_AT_TILL
            and tiers.evaluate_all(at=at + timedelta(days=372)).total == 0
        )


def _since(began: float) -> float:
    return time.monotonic() - began


def _site(at: Any) -> None:
    from members.services.tier_rules import found_tiers
    from tests import make

    found_tiers(station=None, at=at - timedelta(days=1), actor=None)
    make.member()


def _fill(at: Any) -> None:
    """Members like the one that is there, and purchases of the last year: 50 to 5 000 yuan each."""
    from django.db import connection

    with connection.cursor() as cursor:
        # The foreign keys of eight million made-up rows need no looking after.
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SET synchronous_commit = off")
        cursor.execute(
            # Whatever columns there are: everybody is the one that is there, under another number.
            "INSERT INTO members_member SELECT made.* FROM members_member one,"
            " GENERATE_SERIES(2, %s) AS serial, LATERAL JSONB_POPULATE_RECORD(one,"
            "  JSONB_BUILD_OBJECT('id', one.id + serial, 'number', 'B' || serial,"
            "  'phone_index', '', 'phone_tail_index', '')) AS made",
            [MEMBERS],
        )
        cursor.execute(
            "INSERT INTO members_tiermeasuredaily (member_id, date, spend, litres, visits)"
            " SELECT id, %s::date - (serial * 40 + id %% 40)::int, 50 + (id * 7919 %% 100) * serial * 3,"
            " 20 + id %% 40, 1 FROM members_member, GENERATE_SERIES(0, %s) AS serial",
            [at.date(), DAYS_EACH - 1],
        )
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("VACUUM ANALYZE members_member, members_tiermeasuredaily")


def _timed(at: Any) -> tuple[tuple[Any, float], float]:
    """One evaluation of everybody: what moved, how long it took, and its longest range."""
    from members.services import tiers

    took: list[float] = []
    whole = tiers.evaluate

    def one(**known: Any) -> Any:
        began = time.monotonic()
        moved = whole(**known)
        took.append(_since(began))
        return moved

    tiers.evaluate = one
    try:
        began = time.monotonic()
        moved = tiers.evaluate_all(at=at)
        return (moved, _since(began)), max(took)
    finally:
        tiers.evaluate = whole


def _one(terms: Any, at: Any) -> float:
    from members.queries.tier_standings import Whose
    from members.services import tiers

    took = []
    for member in range(1000, 1200):
        began = time.perf_counter()
        tiers.evaluate(terms=terms, whose=Whose(ids=(member,)), at=at)
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def _what_if(terms: Any, at: Any) -> float:
    from members.queries.tier_standings import effects

    began = time.monotonic()
    effects(terms=terms, today=at.date())
    return _since(began)
