"""Points: redemptions a second against the bare statement, expiry of many accounts against bare SQL.

BENCH_POINTS=250000 accounts is the acceptance; fewer show the same ratios sooner.
"""

from __future__ import annotations

import os
import statistics
import time
from typing import Any

from bench._database import own_servers

ACCOUNTS = int(os.environ.get("BENCH_POINTS", "250000"))
REDEMPTIONS = 400
MOST_REDEEM_RATIO = 10  # a service against the one statement in a transaction of its own
MOST_EXPIRY_RATIO = 2
MOST_EXPIRY = 60.0  # seconds for 250 000 accounts
MOST_BATCH = 1.0
MOST_CHECK = 15.0

FILL = """
INSERT INTO members_pointsaccount (holder, balance, pending, debt, frozen, version)
 SELECT 'bench:' || n, 100 + CASE WHEN n %% 7 = 0 THEN 15 ELSE 0 END, 0, 0, FALSE, 0 FROM generate_series(1, %(n)s) n;
INSERT INTO members_pointstxn (account_id, kind, delta, amount, debt_delta, forgiven, balance_after,
 idem, document, reason, date, occurred_at)
 SELECT id, 'EARN', balance, balance, 0, 0, balance, 'bench:' || id, '', '', '2026-01-01', '2026-01-01' FROM members_pointsaccount;
INSERT INTO members_pointslot (account_id, txn_id, root_id, issued, remaining, expired, pending, active_from, expires_at)
 SELECT a.id, t.id, t.id, 100, 100, 0, FALSE, '2026-01-01', '2026-02-01'
 FROM members_pointsaccount a JOIN members_pointstxn t ON t.account_id = a.id;
INSERT INTO members_pointslot (account_id, txn_id, root_id, issued, remaining, expired, pending, active_from, expires_at)
 SELECT a.id, t.id, t.id, 15, 15, 0, FALSE, '2026-01-01', '2026-01-20'
 FROM members_pointsaccount a JOIN members_pointstxn t ON t.account_id = a.id WHERE a.balance = 115;
ANALYZE members_pointsaccount; ANALYZE members_pointslot; ANALYZE members_pointstxn;
"""


def main() -> bool:
    with own_servers():
        return _measure()


def _measure() -> bool:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(FILL, {"n": ACCOUNTS})
        cursor.execute("SELECT MIN(id) FROM members_pointsaccount WHERE balance = 100")
        (first,) = cursor.fetchone()
    redeem = _redeem(first)
    print(f"   抵扣：服务 / 单条语句 = {redeem:.1f}（不超过 {MOST_REDEEM_RATIO}）")
    ratio, whole, longest, again = _expire()
    print(f"   过期 {ACCOUNTS} 户：{whole:.1f} s，最长一批 {longest:.2f} s（不超过 {MOST_BATCH}）")
    print(f"   过期：服务 / 裸语句 = {ratio:.2f}（不超过 {MOST_EXPIRY_RATIO}），再跑 {again} 户")
    check = _check()
    print(f"   P1 全查 {check:.1f} s（不超过 {MOST_CHECK}）")
    return (
        redeem <= MOST_REDEEM_RATIO
        and ratio <= MOST_EXPIRY_RATIO
        and whole <= MOST_EXPIRY
        and longest <= MOST_BATCH
        and again == 0
        and check <= MOST_CHECK
    )


def _redeem(first: int) -> float:
    """Medians of the service and of its statement alone, taken in turns."""
    from datetime import UTC, date, datetime

    from django.db import connection, transaction

    from members.services import points
    from members.services.points import Cause

    at = datetime(2026, 1, 10, tzinfo=UTC)
    service, bare = [], []
    for turn in range(REDEMPTIONS):
        cause = Cause(key=f"redeem:{turn}", at=at, date=date(2026, 1, 10))
        began = time.perf_counter()
        with transaction.atomic():
            points.redeem(
                account=points.locked(account_id=first + turn % 500), points=1, cause=cause
            )
        service.append(time.perf_counter() - began)
        told: dict[str, Any] = {
            "account": first + turn % 500, "points": 1, "kind": "REDEEM", "key": f"bare:{turn}",
            "document": "", "station": None, "actor": None, "approver": None, "reason": "",
            "breakdown": None, "date": cause.date, "at": at,
        }  # fmt: skip
        began = time.perf_counter()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(points.REDEEM, told)
        bare.append(time.perf_counter() - began)
    return statistics.median(service) / statistics.median(bare)


def _expire() -> tuple[float, float, float, int]:
    """The job's time against its statement without ranges, the longest batch, and a second run."""
    from datetime import UTC, datetime

    from django.db import connection, transaction

    from members.services import points_sweeping

    at = datetime(2026, 3, 1, tzinfo=UTC)
    with connection.cursor() as cursor:
        cursor.execute("SELECT MIN(id), MAX(id) FROM members_pointsaccount")
        low, high = cursor.fetchone()
    told = {"at": at, "date": at.date(), "low": low, "high": high}
    bare = 0.0
    with transaction.atomic(), connection.cursor() as cursor:
        began = time.perf_counter()
        cursor.execute(points_sweeping.EXPIRE, told)
        bare = time.perf_counter() - began
        transaction.set_rollback(True)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM members_pointslot, members_pointsaccount, members_pointstxn")
    batches: list[float] = []

    def timed(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        started = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            batches.append(time.perf_counter() - started)

    began = time.perf_counter()
    with connection.execute_wrapper(timed):
        points_sweeping.expire_all(at=at, step=points_sweeping.RANGE)
    whole = time.perf_counter() - began
    again = points_sweeping.expire_all(at=at)
    return whole / bare, whole, max(batches), again


def _check() -> float:
    from tests.members.points import violations

    began = time.perf_counter()
    found = violations()
    assert not found, found
    return time.perf_counter() - began
