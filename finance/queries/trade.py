"""What was sold on some days: products, counts, hours, discounts, corrections. By day id.

Everything is asked of rows by their own `day`, for all days asked in one statement each.
"""

from __future__ import annotations

from collections.abc import Sequence

from finance.queries.ask import ask, by_day
from finance.queries.parts import Correction, Head, Hour, PersonDiscount, Product

Days = Sequence[int]


def products(days: Days) -> dict[int, tuple[Product, ...]]:
    """Every product sold, fuel first, by net. Refunds are taken off where they happened."""
    rows = ask(
        """
        SELECT line.day_id, line.kind, COALESCE(grade.code, item.code) AS code,
            COALESCE(grade.id, item.id) AS id,
            COALESCE(grade.name, item.name) AS name, COALESCE(category.name, '') AS category,
            SUM(line.quantity) AS quantity, SUM(line.list_amount) AS list_amount,
            SUM(line.discount) AS discount, SUM(line.net) AS net, SUM(line.tax) AS tax,
            SUM(line.cost) AS cost, COUNT(*) FILTER (WHERE line.original_id IS NULL) AS count,
            COALESCE(-SUM(line.net) FILTER (WHERE line.original_id IS NOT NULL), 0.00) AS refunded
        FROM sales_saleline line
        LEFT JOIN station_grade grade ON grade.id = line.grade_id
        LEFT JOIN inventory_item item ON item.id = line.item_id
        LEFT JOIN inventory_category category ON category.id = item.category_id
        WHERE line.day_id = ANY(%(days)s)
        GROUP BY line.day_id, line.kind, grade.id, item.id, category.id
        ORDER BY line.kind <> 'FUEL', grade.position, SUM(line.net) DESC, code
        """,
        days=list(days),
    )
    return {day: tuple(Product(**row) for row in found) for day, found in by_day(rows).items()}


def heads(days: Days) -> dict[int, Head]:
    """Counts of sales, and what of them held fuel, goods or both."""
    rows = ask(
        """
        WITH held AS (
            SELECT sale_id, COUNT(*) FILTER (WHERE kind = 'FUEL') AS fuel,
                COUNT(*) FILTER (WHERE kind <> 'FUEL') AS shop
            FROM sales_saleline WHERE day_id = ANY(%(days)s) GROUP BY sale_id)
        SELECT sale.day_id,
            COUNT(*) FILTER (WHERE sale.kind = 'SALE') AS sales,
            COALESCE(SUM(held.fuel) FILTER (WHERE sale.kind = 'SALE'), 0)::int AS fuel_lines,
            COUNT(*) FILTER (WHERE sale.kind = 'SALE' AND held.fuel > 0) AS fuel_sales,
            COUNT(*) FILTER (WHERE sale.kind = 'SALE' AND held.shop > 0) AS shop_sales,
            COUNT(*) FILTER (WHERE sale.kind = 'SALE' AND held.fuel > 0 AND held.shop > 0)
                AS both_sales,
            COUNT(*) FILTER (WHERE sale.kind <> 'SALE') AS corrections,
            SUM(sale.due) AS due, SUM(sale.rounding) AS rounding, SUM(sale.discount) AS discount,
            SUM(sale.tax) AS tax
        FROM sales_sale sale LEFT JOIN held ON held.sale_id = sale.id
        WHERE sale.day_id = ANY(%(days)s) GROUP BY sale.day_id
        """,
        days=list(days),
    )
    return {row.pop("day_id"): Head(**row) for row in rows}


def hours(days: Days) -> dict[int, tuple[Hour, ...]]:
    """The 24 hours: fuel by when the nozzle was hung up, goods by when they were sold."""
    rows = ask(
        """
        SELECT line.day_id,
            EXTRACT(HOUR FROM COALESCE(fill.occurred_at, sale.occurred_at)
                AT TIME ZONE %(zone)s)::int AS hour,
            COUNT(*) FILTER (WHERE line.kind = 'FUEL' AND line.original_id IS NULL) AS count,
            COALESCE(SUM(line.quantity) FILTER (WHERE line.kind = 'FUEL'), 0.000) AS litres,
            SUM(line.net) AS net
        FROM sales_saleline line
        JOIN sales_sale sale ON sale.id = line.sale_id
        LEFT JOIN devices_fill fill ON fill.id = line.fill_id
        WHERE line.day_id = ANY(%(days)s)
        GROUP BY 1, 2 ORDER BY 1, 2
        """,
        days=list(days),
    )
    return {day: tuple(Hour(**row) for row in found) for day, found in by_day(rows).items()}


def discounts(days: Days) -> dict[int, tuple[PersonDiscount, ...]]:
    """Discounts by the cashier who gave them and the reason he named, largest first."""
    rows = ask(
        """
        SELECT line.day_id, cashier.name AS person, line.discount_reason AS reason,
            COUNT(*) AS count, SUM(line.discount) AS amount
        FROM sales_saleline line
        JOIN sales_sale sale ON sale.id = line.sale_id
        JOIN station_user cashier ON cashier.id = sale.cashier_id
        WHERE line.day_id = ANY(%(days)s) AND line.discount <> 0
        GROUP BY line.day_id, cashier.name, line.discount_reason
        ORDER BY SUM(line.discount) DESC, cashier.name, line.discount_reason
        """,
        days=list(days),
    )
    return {
        day: tuple(PersonDiscount(**row) for row in found) for day, found in by_day(rows).items()
    }


def corrections(days: Days) -> dict[int, tuple[Correction, ...]]:
    """Refunds and reversals in the order they were made."""
    rows = ask(
        """
        SELECT sale.day_id, sale.number AS document, sale.kind, first.number AS original,
            sale.due AS amount, cashier.name AS person, COALESCE(approver.name, '') AS approver,
            sale.reason
        FROM sales_sale sale
        JOIN sales_sale first ON first.id = sale.original_id
        JOIN station_user cashier ON cashier.id = sale.cashier_id
        LEFT JOIN station_user approver ON approver.id = sale.approved_by_id
        WHERE sale.day_id = ANY(%(days)s) ORDER BY sale.id
        """,
        days=list(days),
    )
    return {day: tuple(Correction(**row) for row in found) for day, found in by_day(rows).items()}


def new_members(days: Days) -> dict[int, int]:
    """Members who joined at the station while each day was open."""
    rows = ask(
        """
        SELECT day.id AS day_id, COUNT(*) AS joined
        FROM station_businessday day
        JOIN members_member member ON member.home_station_id = day.station_id
            AND member.joined_at >= day.opened_at
            AND (day.cut_at IS NULL OR member.joined_at < day.cut_at)
        WHERE day.id = ANY(%(days)s) GROUP BY day.id
        """,
        days=list(days),
    )
    return {row["day_id"]: row["joined"] for row in rows}
