"""P1–P6 and P8 asked of the database: what must hold of every account at every instant."""

from __future__ import annotations

from django.db import connection

CHECKS = {
    "P1 balance is what its lots hold": """
        SELECT a.id FROM members_pointsaccount a LEFT JOIN members_pointslot l ON l.account_id = a.id
        GROUP BY a.id HAVING a.balance <> COALESCE(SUM(l.remaining) FILTER (WHERE NOT l.pending), 0)
            OR a.pending <> COALESCE(SUM(l.remaining) FILTER (WHERE l.pending), 0)""",
    "P2 nothing is negative": """
        SELECT id FROM members_pointsaccount WHERE balance < 0 OR pending < 0 OR debt < 0""",
    "P3 a lot holds between nothing and all": """
        SELECT id FROM members_pointslot WHERE remaining < 0 OR remaining > issued""",
    "P4 the ledger adds up": """
        SELECT a.id FROM members_pointsaccount a LEFT JOIN members_pointstxn t ON t.account_id = a.id
        GROUP BY a.id HAVING COALESCE(SUM(t.delta), 0) <> a.balance + a.pending - a.debt
            OR COALESCE(SUM(t.debt_delta), 0) <> a.debt""",
    "P5 a lot is what was taken of it": """
        SELECT l.id FROM members_pointslot l LEFT JOIN members_pointsalloc o ON o.lot_id = l.id
        GROUP BY l.id HAVING l.remaining <> l.issued + COALESCE(SUM(o.qty), 0)""",
    "P6 who owes has nothing to spend": """
        SELECT a.id FROM members_pointsaccount a JOIN members_pointslot l ON l.account_id = a.id
        WHERE a.debt > 0 AND l.remaining > 0""",
    "P8 no more is taken or given back than was": """
        SELECT t.id FROM members_pointstxn t JOIN members_pointstxn r ON r.reverses_id = t.id
        GROUP BY t.id HAVING SUM(r.amount) > t.amount""",
    "a row's lots are its points": """
        SELECT t.id FROM members_pointstxn t LEFT JOIN members_pointsalloc o ON o.txn_id = t.id
        WHERE t.kind IN ('REDEEM', 'EXPIRE')
            OR (t.kind = 'EXOUT' AND t.reverses_id IS NULL) GROUP BY t.id
        HAVING COALESCE(SUM(o.qty), 0) <> -t.amount""",
}


def violations() -> list[str]:
    """The invariants that do not hold, by name. One statement."""
    asked = " UNION ALL ".join(f"SELECT %s WHERE EXISTS ({sql})" for sql in CHECKS.values())
    with connection.cursor() as cursor:
        cursor.execute(asked, list(CHECKS))
        return [name for (name,) in cursor.fetchall()]
