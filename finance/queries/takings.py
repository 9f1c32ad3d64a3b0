"""What was taken on some days: tenders, sessions and their counts. By day id.

A payment counts unless it failed, was closed unpaid or was reversed, as the guard of the sale
counts it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from finance.queries.ask import ask, by_day
from finance.queries.parts import SessionDay, TenderDay

Days = Sequence[int]

TENDERS = """
        WITH money AS (
            SELECT day_id, sale_id, tender_id, SUM(amount) AS net,
                COUNT(*) FILTER (WHERE kind IN ('PAYMENT', 'ADVANCE')) AS count,
                SUM(amount) FILTER (WHERE kind IN ('PAYMENT', 'ADVANCE', 'CHANGE')) AS received,
                -SUM(amount) FILTER (WHERE kind = 'REFUND') AS refunded,
                SUM(amount) FILTER (WHERE kind IN ('RETENDER', 'ADVANCE_USED')) AS moved
            FROM sales_payment
            WHERE day_id = ANY(%(days)s) AND status NOT IN ('FAILED', 'CLOSED', 'REVERSED')
            GROUP BY day_id, sale_id, tender_id),
        shape AS (
            SELECT sale.id, sale.due, SUM(line.net) AS lines,
                COALESCE(SUM(line.net) FILTER (WHERE line.kind = 'FUEL'), 0) AS fuel,
                COALESCE(SUM(line.quantity) FILTER (WHERE line.kind = 'FUEL'), 0) AS litres
            FROM sales_sale sale JOIN sales_saleline line ON line.sale_id = sale.id
            WHERE sale.id IN (SELECT sale_id FROM money WHERE sale_id IS NOT NULL)
            GROUP BY sale.id),
        spread AS (
            SELECT money.*,
                NULLIF(shape.due, 0) AS due, shape.litres AS all_litres,
                ROUND(shape.due * shape.fuel / NULLIF(shape.lines, 0), 2) AS fuel_due,
                SUM(money.net) OVER (PARTITION BY money.sale_id, money.day_id
                    ORDER BY money.tender_id) AS upto
            FROM money LEFT JOIN shape ON shape.id = money.sale_id),
        parts AS (
            SELECT day_id, tender_id, count, received, refunded, moved, net,
                CASE WHEN sale_id IS NULL THEN net ELSE 0 END AS advance,
                COALESCE(ROUND(upto * fuel_due / due, 2)
                    - ROUND((upto - net) * fuel_due / due, 2), 0) AS fuel,
                COALESCE(ROUND(upto * all_litres / due, 3)
                    - ROUND((upto - net) * all_litres / due, 3), 0) AS litres
            FROM spread),
        counted AS (
            SELECT day_id, tender_id, SUM(difference) AS over_short
            FROM sales_sessiontender WHERE day_id = ANY(%(days)s) GROUP BY day_id, tender_id),
        summed AS (
            SELECT day_id, tender_id, SUM(count)::int AS count, SUM(received) AS received,
                SUM(refunded) AS refunded, SUM(moved) AS moved, SUM(net) AS net,
                SUM(advance) AS advance, SUM(fuel) AS fuel, SUM(litres) AS litres
            FROM parts GROUP BY day_id, tender_id)
        SELECT day_id, tender.code, tender.name, COALESCE(count, 0) AS count,
            COALESCE(received, 0)::numeric(14,2) AS received,
            COALESCE(refunded, 0)::numeric(14,2) AS refunded,
            COALESCE(moved, 0)::numeric(14,2) AS moved, COALESCE(net, 0)::numeric(14,2) AS net,
            COALESCE(fuel, 0)::numeric(14,2) AS fuel,
            (COALESCE(net, 0) - COALESCE(fuel, 0) - COALESCE(advance, 0))::numeric(14,2) AS shop,
            COALESCE(advance, 0)::numeric(14,2) AS advance,
            COALESCE(litres, 0)::numeric(14,3) AS litres,
            COALESCE(over_short, 0)::numeric(14,2) AS over_short
        FROM summed FULL JOIN counted USING (day_id, tender_id)
        JOIN sales_tender tender ON tender.id = tender_id
        ORDER BY tender.position, tender.code
        """


def tenders(days: Days) -> dict[int, tuple[TenderDay, ...]]:
    """Every tender used or counted: received, refunded, split over fuel, shop and advances.

    A sale of both fuel and goods spreads each tender in the proportion of the lines' net, rounded
    on the running sum, so that the parts of a sale add up to what was due for it.
    """
    rows = ask(
        TENDERS,
        days=list(days),
    )
    return {day: tuple(TenderDay(**row) for row in found) for day, found in by_day(rows).items()}


def sessions(days: Days) -> dict[int, tuple[SessionDay, ...]]:
    """Every till session of the shifts of the days: its cash as expected, counted and different."""
    rows = ask(
        """
        SELECT shift.day_id, session.id, till.name AS till, cashier.name AS cashier,
            TO_CHAR(day.date, 'YYYYMMDD') || LPAD(shift.ordinal::text, 2, '0') AS shift,
            session.float_amount,
            COALESCE(money.received, 0)::numeric(14,2) AS received,
            COALESCE(-moved.dropped, 0)::numeric(14,2) AS dropped,
            cash.expected, cash.counted,
            COALESCE(counted.over_short, 0)::numeric(14,2) AS over_short,
            COALESCE(counted.reason, '') AS reason
        FROM station_tillsession session
        JOIN station_shift shift ON shift.id = session.shift_id
        JOIN station_businessday day ON day.id = shift.day_id
        JOIN station_till till ON till.id = session.till_id
        JOIN station_user cashier ON cashier.id = session.cashier_id
        LEFT JOIN LATERAL (
            SELECT SUM(amount) AS received FROM sales_payment payment
            WHERE payment.session_id = session.id
                AND payment.status NOT IN ('FAILED', 'CLOSED', 'REVERSED')) money ON TRUE
        LEFT JOIN LATERAL (
            SELECT SUM(amount) AS dropped FROM sales_cashmovement movement
            WHERE movement.session_id = session.id AND movement.kind = 'DROP') moved ON TRUE
        LEFT JOIN LATERAL (
            SELECT SUM(row.difference) AS over_short,
                STRING_AGG(NULLIF(row.reason, ''), '；' ORDER BY row.tender_id) AS reason
            FROM sales_sessiontender row WHERE row.session_id = session.id) counted ON TRUE
        LEFT JOIN LATERAL (
            SELECT SUM(row.expected) AS expected, SUM(row.counted) AS counted
            FROM sales_sessiontender row JOIN sales_tender tender ON tender.id = row.tender_id
            WHERE row.session_id = session.id AND tender.kind = 'CASH') cash ON TRUE
        WHERE shift.day_id = ANY(%(days)s) ORDER BY shift.ordinal, session.id
        """,
        days=list(days),
    )
    return {day: tuple(SessionDay(**row) for row in found) for day, found in by_day(rows).items()}


def movement_of_advances(days: Days) -> dict[str, Decimal]:
    """预收 by document over the days: taken positive, used or refunded negative.

    Stored value is not waiting for a fill: what is owed for it stands in `value`.
    """
    rows = ask(
        """
        SELECT document, SUM(amount) AS amount FROM sales_payment
        WHERE day_id = ANY(%(days)s) AND sale_id IS NULL
            AND status NOT IN ('FAILED', 'CLOSED', 'REVERSED')
            AND NOT EXISTS (SELECT 1 FROM sales_topup top WHERE top.number = document)
        GROUP BY document ORDER BY document
        """,
        days=list(days),
    )
    return {row["document"]: row["amount"] for row in rows}


def settled_prepays(documents: Sequence[str], until: datetime) -> set[str]:
    """Which of the prepays were settled or cancelled before an instant: what is left is due back."""
    rows = ask(
        """
        SELECT number FROM sales_prepay
        WHERE number = ANY(%(documents)s) AND settled_at < %(until)s
        """,
        documents=list(documents),
        until=until,
    )
    return {row["number"] for row in rows}
