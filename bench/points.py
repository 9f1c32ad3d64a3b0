"""Points of a million accounts with three million lots: redeeming, expiring, checking.

Redeeming is compared with the bare statement under a lock (two statements and a commit), expiring
with one statement over everything; each pair in turns, in one run. BENCH_POINTS for fewer accounts.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import statistics
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from bench._database import own_servers

ACCOUNTS = int(os.environ.get("BENCH_POINTS", "1000000"))
TILLS = 4  # processes that redeem at once
ROUNDS, EACH = 3, 250  # redemptions of one till in a round, each way
LEAST_RATE = 1 / 3  # of the bare statement's
MOST_SPREAD = 5  # p99 against p50
MOST_EXPIRY = 1.5
MOST_LOCK = 1.0  # seconds, the longest transaction of the expiry
MOST_CHECK = 15.0
HOT, THREADS = 5, 16

NOW = datetime(2026, 1, 10, tzinfo=UTC)
FIRST, SECOND = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)

# Three lots each: two that live on; of every fourth account the third dies at FIRST, of every
# fourth at SECOND, and some of both have a fourth that dies along.
FILL = """
INSERT INTO members_pointsaccount (holder, balance, pending, debt, frozen, version)
 SELECT 'bench:' || n, 300, 0, 0, FALSE, 0 FROM generate_series(1, %(n)s) n;
INSERT INTO members_pointstxn (account_id, kind, delta, amount, debt_delta, forgiven, balance_after,
 idem, document, reason, date, occurred_at)
 SELECT a.id, 'EARN', 100, 100, 0, 0, 100 * k, 'bench:' || a.id || ':' || k, '', '', '2026-01-01', '2026-01-01'
 FROM members_pointsaccount a, generate_series(1, 3) k;
INSERT INTO members_pointslot (account_id, txn_id, root_id, issued, remaining, expired, pending, active_from, expires_at)
 SELECT account_id, id, id, amount, amount, 0, FALSE, '2026-01-01',
  CASE WHEN balance_after = 100 THEN NULL WHEN balance_after = 200 THEN '2027-01-01'::timestamptz
       WHEN account_id %% 4 = 0 THEN '2026-02-01' WHEN account_id %% 4 = 1 THEN '2026-03-01'
       ELSE '2027-06-01' END
 FROM members_pointstxn;
"""
MORE = """
UPDATE members_pointsaccount SET balance = balance + 15 WHERE id %% 4 < 2 AND id %% 28 < 4;
INSERT INTO members_pointstxn (account_id, kind, delta, amount, debt_delta, forgiven, balance_after,
 idem, document, reason, date, occurred_at)
 SELECT id, 'EARN', 15, 15, 0, 0, 315, 'more:' || id, '', '', '2026-01-01', '2026-01-01'
 FROM members_pointsaccount WHERE balance = 315;
INSERT INTO members_pointslot (account_id, txn_id, root_id, issued, remaining, expired, pending, active_from, expires_at)
 SELECT account_id, id, id, 15, 15, 0, FALSE, '2026-01-01',
  CASE WHEN account_id %% 4 = 0 THEN '2026-01-20'::timestamptz ELSE '2026-02-20' END
 FROM members_pointstxn WHERE idem LIKE 'more:%%';
"""


def main() -> bool:
    """Print the figures; whether each reached its bar."""
    with own_servers():
        return _measure()


def _measure() -> bool:
    from django.db import connection

    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(FILL, {"n": ACCOUNTS})
        cursor.execute(MORE, {})
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("SET synchronous_commit = on")
        for table in ("account", "lot", "txn", "alloc"):
            cursor.execute(f"VACUUM ANALYZE members_points{table}")
        cursor.execute("SELECT COUNT(*) FROM members_pointslot")
        (lots,) = cursor.fetchone()
        cursor.execute("SELECT MIN(id) FROM members_pointsaccount")
        (first,) = cursor.fetchone()
    print(f"   {ACCOUNTS:,} 户、{lots:,} 批，写入 {time.perf_counter() - began:.0f} 秒", flush=True)
    return all([_redeeming(first), _hot(first), _expiring(), _beside_tills(first), _checking()])


def _redeeming(first: int) -> bool:
    """The service and the bare statement, by so many tills at once, in turns."""
    rates: dict[str, list[float]] = {"bare": [], "service": []}
    took: list[float] = []
    for turn in range(ROUNDS):
        for way in rates:
            each, whole = _tills(first, way, turn)
            rates[way].append(TILLS * EACH / whole)
            took += each if way == "service" else []
    service, bare = (statistics.median(rates[way]) for way in ("service", "bare"))
    p50, p99 = statistics.median(took), statistics.quantiles(took, n=100)[98]
    print(
        f"   抵扣：{service:.0f} 次/秒，裸语句 {bare:.0f} 次/秒，比 {service / bare:.2f}（不低于 {LEAST_RATE:.2f}）；"
        f"p50 {p50 * 1000:.1f} ms，p99 {p99 * 1000:.1f} ms，比 {p99 / p50:.1f}（不超过 {MOST_SPREAD}）",
        flush=True,
    )
    return service / bare >= LEAST_RATE and p99 <= MOST_SPREAD * p50


def _tills(first: int, way: str, turn: int) -> tuple[list[float], float]:
    """How long each redemption took, and all of them together."""
    from django.db import connections

    connections.close_all()
    fork = multiprocessing.get_context("fork")
    results, gate = fork.Queue(), fork.Barrier(TILLS + 1)

    def till(number: int) -> None:
        act = _service if way == "service" else _bare
        dice = random.Random(f"{way}:{turn}:{number}")
        act(first + dice.randrange(ACCOUNTS), f"warm:{way}:{turn}:{number}")
        gate.wait()
        each = []
        for step in range(EACH):
            began = time.perf_counter()
            act(first + dice.randrange(ACCOUNTS), f"{way}:{turn}:{number}:{step}")
            each.append(time.perf_counter() - began)
        results.put(each)

    running = [fork.Process(target=till, args=(number,)) for number in range(TILLS)]
    for one in running:
        one.start()
    gate.wait()
    began = time.perf_counter()
    each = [took for _ in running for took in results.get(timeout=300)]
    whole = time.perf_counter() - began
    for one in running:
        one.join()
    return each, whole


def _service(account: int, key: str, points: int = 1, at: datetime = NOW) -> None:
    from django.db import transaction

    from members.services import points as ledger
    from members.services.points import Cause

    with transaction.atomic():
        held = ledger.locked(account_id=account)
        ledger.redeem(account=held, points=points, cause=Cause(key=key, at=at, date=at.date()))


def _bare(account: int, key: str) -> None:
    from django.db import connection, transaction

    from members.services import points as ledger

    told: dict[str, Any] = {
        "account": account, "points": 1, "kind": "REDEEM", "key": key, "document": "",
        "station": None, "actor": None, "approver": None, "reason": "", "breakdown": None,
        "date": date(2026, 1, 10), "at": NOW,
    }  # fmt: skip
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT balance FROM members_pointsaccount WHERE id = %s FOR UPDATE", [account]
        )
        cursor.execute(ledger.REDEEM, told)


def _hot(first: int) -> bool:
    """Sixteen threads at five accounts until they are empty: nobody gets what is not there."""
    from django.db import connection, connections

    from members.services.points import NotEnoughPoints

    accounts = range(first + ACCOUNTS - HOT, first + ACCOUNTS)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT SUM(balance) FROM members_pointsaccount WHERE id = ANY(%s)", [list(accounts)]
        )
        (whole,) = cursor.fetchone()
    spent, refused = [0] * THREADS, [0] * THREADS

    def thread(number: int) -> None:
        try:
            for step in range(12):
                for account in accounts:
                    try:
                        _service(account, f"hot:{number}:{step}:{account}", points=7)
                        spent[number] += 7
                    except NotEnoughPoints:
                        refused[number] += 1
        finally:
            connections.close_all()

    _all([threading.Thread(target=thread, args=(number,)) for number in range(THREADS)])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT SUM(balance), MIN(balance) FROM members_pointsaccount WHERE id = ANY(%s)",
            [list(accounts)],
        )
        left, least = cursor.fetchone()
    print(
        f"   {THREADS} 个线程抢 {HOT} 户：有 {whole} 分，抵扣 {sum(spent)}，剩 {left}，拒绝 {sum(refused)} 次",
        flush=True,
    )
    return bool(whole - sum(spent) == left and least >= 0 and sum(refused) > 0)


def _all(threads: list[threading.Thread]) -> None:
    for one in threads:
        one.start()
    for one in threads:
        one.join()


def _expiring() -> bool:
    """The job's time against its statement over everything at once, its longest range, a second run."""
    from django.db import connection, transaction

    from members.services import points_sweeping

    with connection.cursor() as cursor:
        cursor.execute("SELECT MIN(id), MAX(id) FROM members_pointsaccount")
        low, high = cursor.fetchone()
    told = {"at": FIRST, "date": FIRST.date(), "low": low, "high": high}
    with transaction.atomic(), connection.cursor() as cursor:
        began = time.perf_counter()
        cursor.execute(points_sweeping.EXPIRE, told)
        bare = time.perf_counter() - began
        transaction.set_rollback(True)
    with connection.cursor() as cursor:
        for table in ("account", "lot", "txn", "alloc"):
            cursor.execute(f"VACUUM ANALYZE members_points{table}")
        cursor.execute("CHECKPOINT")
    done, whole, longest = _timed(lambda: points_sweeping.expire_all(at=FIRST))
    again = points_sweeping.expire_all(at=FIRST)
    print(
        f"   过期 {done:,} 户：{whole:.1f} 秒，一条语句 {bare:.1f} 秒，比 {whole / bare:.2f}（不超过 {MOST_EXPIRY}）；"
        f"最长一批 {longest:.2f} 秒（不超过 {MOST_LOCK:.0f}）；再跑 {again} 户",
        flush=True,
    )
    return whole / bare <= MOST_EXPIRY and longest <= MOST_LOCK and again == 0 and done > 0


def _timed(act: Callable[[], int]) -> tuple[int, float, float]:
    """What it returned, how long it took, and how long its longest transaction held its locks."""
    from django.db import connection

    longest, locked = 0.0, 0.0

    def watched(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal longest, locked
        if locked and sql.startswith("SELECT MIN"):  # the next range: the one before is committed
            longest, locked = max(longest, time.perf_counter() - locked), 0.0
        if "FOR NO KEY UPDATE" in sql:
            locked = time.perf_counter()
        return execute(sql, params, many, context)

    began = time.perf_counter()
    with connection.execute_wrapper(watched):
        done = act()
    return done, time.perf_counter() - began, longest


def _beside_tills(first: int) -> bool:
    """The second night's expiry while tills redeem of the same accounts: no deadlock, none waits long."""
    from django.db import connections
    from django.db.utils import Error

    from members.services import points_sweeping

    stop = threading.Event()
    took: list[float] = []
    broken: list[str] = []

    def till(number: int) -> None:
        dice = random.Random(number)
        step = 0
        try:
            while not stop.is_set():
                # Where the job is: accounts whose lots are due, from the front on.
                account = first + dice.randrange(ACCOUNTS // 4) * 4 + (1 - first) % 4
                step += 1
                began = time.perf_counter()
                try:
                    _service(account, f"beside:{number}:{step}", at=SECOND)
                except Error as error:
                    broken.append(repr(error))
                took.append(time.perf_counter() - began)
        finally:
            connections.close_all()

    tills = [threading.Thread(target=till, args=(number,)) for number in range(2)]
    for one in tills:
        one.start()
    done, whole, longest = _timed(lambda: points_sweeping.expire_all(at=SECOND))
    stop.set()
    for one in tills:
        one.join()
    print(
        f"   过期时收银同时抵扣：{done:,} 户 {whole:.1f} 秒，最长一批 {longest:.2f} 秒；"
        f"抵扣 {len(took)} 次，最慢 {max(took):.2f} 秒，出错 {len(broken)} 次",
        flush=True,
    )
    return not broken and len(took) > 0


def _checking() -> bool:
    """P1 over all accounts, timed; then everything else that must hold of them."""
    from django.db import connection

    from tests.members.points import CHECKS, violations

    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(CHECKS["P1 balance is what its lots hold"])
        broken = cursor.fetchall()
    whole = time.perf_counter() - began
    found = violations()
    print(
        f"   P1 全查 {ACCOUNTS:,} 户：{whole:.1f} 秒（不超过 {MOST_CHECK:.0f}），不符 {len(broken)} 户；"
        f"P1–P8 不符：{'、'.join(found) or '无'}",
        flush=True,
    )
    return whole <= MOST_CHECK and not broken and not found
