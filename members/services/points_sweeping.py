"""Points expire and mature: set-based, in ranges of accounts, accounts locked before their lots.

The same two statements sweep one account when it is touched and all of them at night. A lot
expires once and matures once, so its id in the key makes a second run change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.timezone import localtime

RANGE = 5_000  # account ids: its locks are held well below a second, beside busy tills too
DUE_EXPIRY = "remaining > 0 AND expires_at <= %(at)s"
DUE_START = "pending AND active_from <= %(at)s"

LOCK = """
SELECT id FROM members_pointsaccount WHERE id IN (
  SELECT account_id FROM members_pointslot WHERE {due} AND account_id BETWEEN %(low)s AND %(high)s
) ORDER BY id FOR NO KEY UPDATE
"""
TXN = """INSERT INTO members_pointstxn (account_id, kind, delta, amount, debt_delta, forgiven,
   balance_after, idem, document, reason, date, occurred_at)"""
EXPIRE = f"""
WITH due AS (
  SELECT id, account_id, remaining, pending FROM members_pointslot
  WHERE {DUE_EXPIRY} AND account_id BETWEEN %(low)s AND %(high)s ORDER BY account_id, id FOR UPDATE
), per AS (
  SELECT account_id, MIN(id) AS first, SUM(remaining) AS whole,
   COALESCE(SUM(remaining) FILTER (WHERE pending), 0) AS waiting FROM due GROUP BY account_id
), a AS (
  UPDATE members_pointsaccount SET balance = balance - (per.whole - per.waiting),
   pending = pending - per.waiting, version = version + 1
  FROM per WHERE members_pointsaccount.id = per.account_id
  RETURNING members_pointsaccount.id, balance
), t AS (
  {TXN}
  SELECT per.account_id, 'EXPIRE', -per.whole, per.whole, 0, 0, a.balance,
   'expire:' || per.account_id || ':' || per.first, '', '', %(date)s, %(at)s
  FROM per JOIN a ON a.id = per.account_id RETURNING id, account_id
), al AS (
  INSERT INTO members_pointsalloc (txn_id, lot_id, qty)
  SELECT t.id, due.id, -due.remaining FROM due JOIN t USING (account_id)
), l AS (
  UPDATE members_pointslot SET expired = expired + due.remaining, remaining = 0, pending = FALSE
  FROM due WHERE members_pointslot.id = due.id
)
SELECT COUNT(*) FROM t
"""
MATURE = f"""
WITH due AS (
  SELECT id, account_id, remaining FROM members_pointslot
  WHERE {DUE_START} AND account_id BETWEEN %(low)s AND %(high)s ORDER BY account_id, id FOR UPDATE
), per AS (
  SELECT account_id, MIN(id) AS first, SUM(remaining) AS whole FROM due GROUP BY account_id
), a AS (
  UPDATE members_pointsaccount SET balance = balance + per.whole, pending = pending - per.whole,
   version = version + 1
  FROM per WHERE members_pointsaccount.id = per.account_id
  RETURNING members_pointsaccount.id, balance
), t AS (
  {TXN}
  SELECT per.account_id, 'MATURE', 0, per.whole, 0, 0, a.balance,
   'mature:' || per.account_id || ':' || per.first, '', '', %(date)s, %(at)s
  FROM per JOIN a ON a.id = per.account_id WHERE per.whole > 0 RETURNING id
), l AS (
  UPDATE members_pointslot SET pending = FALSE FROM due WHERE members_pointslot.id = due.id
)
SELECT COUNT(*) FROM t
"""
DUE = f"""
SELECT EXISTS (SELECT 1 FROM members_pointslot WHERE account_id = %(low)s AND {DUE_EXPIRY}),
 EXISTS (SELECT 1 FROM members_pointslot WHERE account_id = %(low)s AND {DUE_START})
"""

KNOWN = f"{DUE}, (SELECT MIN(id) FROM members_pointstxn WHERE idem = ANY(%(keys)s))"


def known_or_due(*, account_id: int, keys: Sequence[str], at: datetime) -> tuple[int | None, bool]:
    """The first row that these keys made before, and whether anything is due of the account.

    One statement.
    """
    told: dict[str, Any] = {"low": account_id, "at": at, "keys": list(keys)}
    with connection.cursor() as cursor:
        cursor.execute(KNOWN, told)
        expiring, starting, twin = cursor.fetchone()
    return twin, bool(expiring or starting)


def sweep_one(*, account_id: int, at: datetime) -> bool:
    """Expire and mature what is due of an account that the caller has locked; whether anything was."""
    told: dict[str, Any] = {
        "low": account_id,
        "high": account_id,
        "at": at,
        "date": localtime(at).date(),
    }
    with connection.cursor() as cursor:
        cursor.execute(DUE, told)
        expiring, starting = cursor.fetchone()
        if expiring:
            cursor.execute(EXPIRE, told)
        if starting:
            cursor.execute(MATURE, told)
    return bool(expiring or starting)


def expire_all(*, at: datetime, step: int = RANGE) -> int:
    """Take everything that is due by an instant out of all accounts; how many accounts it was.

    One short transaction per range of accounts: it may be cut off anywhere and run again.
    """
    return _in_ranges(EXPIRE, DUE_EXPIRY, at, step)


def mature_all(*, at: datetime, step: int = RANGE) -> int:
    """Make usable what has waited long enough; how many accounts it was."""
    return _in_ranges(MATURE, DUE_START, at, step)


def _in_ranges(act: str, due: str, at: datetime, step: int) -> int:
    done, low = 0, 0
    told: dict[str, Any] = {"at": at, "date": localtime(at).date()}
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                f"SELECT MIN(account_id) FROM members_pointslot WHERE {due} AND account_id >= %(low)s",
                {**told, "low": low},
            )
            (first,) = cursor.fetchone()
            if first is None:
                return done
            bounds = {**told, "low": first, "high": first + step - 1}
            cursor.execute(LOCK.format(due=due), bounds)
            cursor.execute(act, bounds)
            done += cursor.fetchone()[0]
        low = first + step
