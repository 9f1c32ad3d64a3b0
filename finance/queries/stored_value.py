"""储值 of a day: what was owed, how it moved, and whether the money and the ledger agree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from finance.queries.ask import ask
from finance.queries.parts import Check
from members.queries.value_liability import COLUMNS, Liability, Side
from station.money import ZERO, Yuan

MONEY, TENDER = "~money", "~tender"

Rows = dict[str, tuple[Yuan, Yuan]]


def movements(window: Sequence[int]) -> dict[int, Rows]:
    """Principal and bonus by kind of row, with the money of top-ups and of the tender. By day id.

    One statement.
    """
    rows = ask(
        """
        SELECT day_id, kind, SUM(principal)::numeric(14,2) AS principal,
            SUM(bonus)::numeric(14,2) AS bonus
        FROM members_valuetxn WHERE day_id = ANY(%(days)s) GROUP BY day_id, kind
        UNION ALL
        SELECT paid.day_id, '~money', SUM(paid.amount)::numeric(14,2), 0.00
        FROM sales_payment paid JOIN sales_topup top ON top.number = paid.document
        WHERE paid.day_id = ANY(%(days)s) AND paid.sale_id IS NULL
            AND paid.status NOT IN ('FAILED', 'CLOSED', 'REVERSED') GROUP BY paid.day_id
        UNION ALL
        SELECT paid.day_id, '~tender', SUM(paid.amount)::numeric(14,2), 0.00
        FROM sales_payment paid JOIN sales_tender tender ON tender.id = paid.tender_id
        WHERE paid.day_id = ANY(%(days)s) AND tender.kind = 'VALUE'
            AND paid.status NOT IN ('FAILED', 'CLOSED', 'REVERSED') GROUP BY paid.day_id
        """,
        days=list(window),
    )
    found: dict[int, Rows] = defaultdict(dict)
    for row in rows:
        found[row["day_id"]][row["kind"]] = (row["principal"], row["bonus"])
    return found


def owed(*, day: int, carried: Liability | None, moved: dict[int, Rows]) -> Liability:
    """What was owed over a day: carried on from the last frozen one, with the days since. By day id."""
    before = carried or Liability()
    sides = []
    for index, side in enumerate((before.principal, before.bonus)):
        opening = side.closing + sum(
            (amounts[index] for other, rows in moved.items() if other != day
             for kind, amounts in rows.items() if kind in COLUMNS),
            ZERO,
        )  # fmt: skip
        columns: dict[str, Yuan] = defaultdict(lambda: ZERO)
        for kind, amounts in moved.get(day, {}).items():
            if kind in COLUMNS:
                columns[COLUMNS[kind]] += amounts[index]
        sides.append(Side(opening=opening, **columns))
    return Liability(principal=sides[0], bonus=sides[1])


def checks(*, value: Liability, rows: Rows) -> tuple[Check, ...]:
    """Money of top-ups against principal, and the tender against what was spent; none if none moved."""
    if not rows:
        return ()
    principal, bonus = value.principal, value.bonus
    return (
        Check(
            "充值收款 − 储值退款 = 储值本金充值 − 退款",
            rows.get(MONEY, (ZERO, ZERO))[0],
            principal.topped_up + principal.refunded,
        ),
        Check(
            "会员储值收款 = 储值消费",
            rows.get(TENDER, (ZERO, ZERO))[0],
            -(principal.spent + bonus.spent),
        ),
    )
