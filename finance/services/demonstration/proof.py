"""Whether the books of the demo tie out: asked of the whole range, and of some days in full.

Each statement counts what does not agree between rows; all of them answer 0. What has to agree
within one row, the constraints of its table say already.
"""

from __future__ import annotations

from django.db import connection

from finance.queries.figures import day_figures, figures_of_facts
from station.models import BusinessDay, Station

DAYS_IN_FULL = 12

QUESTIONS = {
    "泵码走字 = 加油记录": """
        SELECT COUNT(*) FROM (
            SELECT nozzle_id, SUM(litres) AS litres, MAX(totalizer_after) AS last
            FROM devices_fill GROUP BY nozzle_id) filled
        JOIN devices_totalizerreading opening USING (nozzle_id)
        JOIN devices_nozzlestate state USING (nozzle_id)
        WHERE opening.kind = 'OPENING'
            AND (opening.litres + filled.litres, filled.last) <> (filled.last, state.totalizer)""",
    "班次泵码首尾相接，走字 = 当班加油记录": """
        SELECT COUNT(*) FROM (
            SELECT *, LAG(closing) OVER (PARTITION BY nozzle_id ORDER BY shift_id) AS before
            FROM sales_shiftnozzle) run
        LEFT JOIN (
            SELECT shift_id, nozzle_id, SUM(litres) AS litres FROM devices_fill
            GROUP BY shift_id, nozzle_id) filled USING (shift_id, nozzle_id)
        WHERE run.opening <> COALESCE(run.before, run.opening)
            OR run.run <> COALESCE(filled.litres, 0)""",
    "每笔加油有归属（当班待付款除外）": """
        SELECT COUNT(*) FROM devices_fill fill JOIN station_shift shift ON shift.id = fill.shift_id
        WHERE shift.status <> 'OPEN' AND NOT EXISTS (
            SELECT 1 FROM sales_fillclaim claim
            WHERE claim.fill_id = fill.id AND claim.released_at IS NULL)""",
    "油品明细 = 其加油记录": """
        SELECT COUNT(*) FROM sales_saleline line LEFT JOIN devices_fill fill ON fill.id = line.fill_id
        WHERE line.kind = 'FUEL' AND (fill.litres, fill.amount, fill.day_id, fill.shift_id)
            IS DISTINCT FROM (line.quantity, line.list_amount, line.day_id, line.shift_id)""",
    "应收 = 明细 = 收款 = 会员底账，逐日": """
        SELECT COUNT(*) FROM (
            SELECT day_id, SUM(due) AS total FROM sales_sale GROUP BY day_id) due
        FULL JOIN (SELECT day_id, SUM(net) AS total FROM sales_saleline GROUP BY day_id) line
            USING (day_id)
        FULL JOIN (SELECT day_id, SUM(amount) AS total FROM sales_payment
            WHERE sale_id IS NOT NULL GROUP BY day_id) paid USING (day_id)
        FULL JOIN (SELECT day_id, SUM(net) AS total FROM members_purchase GROUP BY day_id) bought
            USING (day_id)
        WHERE (due.total, due.total, due.total)
            IS DISTINCT FROM (line.total, paid.total, bought.total)""",
    "会员底账的会员 = 销售单的会员": """
        SELECT COUNT(*) FROM members_purchase bought JOIN sales_sale sale ON sale.number = bought.document
        WHERE sale.member_id IS DISTINCT FROM bought.member_id""",
    "会员底账的积分 = 得分流水，逐单": """
        SELECT COUNT(*) FROM (
            SELECT document, SUM(points) AS points FROM members_purchase
            WHERE points <> 0 AND original = '' GROUP BY document) bought
        FULL JOIN (
            SELECT document, SUM(amount) AS points FROM members_pointstxn
            WHERE kind = 'EARN' GROUP BY document) earned USING (document)
        WHERE bought.points IS DISTINCT FROM earned.points""",
    "积分账户 = 流水 = 各批剩余": """
        SELECT COUNT(*) FROM members_pointsaccount account
        LEFT JOIN (
            SELECT account_id, SUM(delta) AS delta, SUM(debt_delta) AS debt FROM members_pointstxn
            GROUP BY account_id) moved ON moved.account_id = account.id
        LEFT JOIN (
            SELECT account_id, COALESCE(SUM(remaining) FILTER (WHERE NOT pending), 0) AS usable,
                COALESCE(SUM(remaining) FILTER (WHERE pending), 0) AS waiting
            FROM members_pointslot GROUP BY account_id) lot ON lot.account_id = account.id
        WHERE (account.balance, account.pending, account.debt)
            IS DISTINCT FROM (COALESCE(lot.usable, 0), COALESCE(lot.waiting, 0), COALESCE(moved.debt, 0))
            OR account.balance + account.pending - account.debt <> COALESCE(moved.delta, 0)""",
    "每批积分剩余 = 发放 − 用掉和过期的": """
        SELECT COUNT(*) FROM members_pointslot lot LEFT JOIN (
            SELECT lot_id, SUM(qty) AS quantity FROM members_pointsalloc GROUP BY lot_id) taken
            ON taken.lot_id = lot.id
        WHERE lot.remaining <> lot.issued + COALESCE(taken.quantity, 0)""",
    "储值收款与充值 = 储值流水，逐单": """
        SELECT COUNT(*) FROM (
            SELECT document, SUM(CASE WHEN kind IN ('TOPUP', 'REFUND') THEN principal
                ELSE -(principal + bonus) END) AS total
            FROM members_valuetxn WHERE kind IN ('TOPUP', 'REFUND', 'SPEND', 'SPEND_CANCEL')
            GROUP BY document) moved
        FULL JOIN (
            SELECT document, SUM(payment.amount) AS total FROM sales_payment payment
            JOIN sales_tender tender ON tender.id = payment.tender_id
            WHERE tender.kind = 'VALUE' OR payment.document IN (SELECT number FROM sales_topup)
            GROUP BY document) paid USING (document)
        WHERE moved.total IS DISTINCT FROM paid.total""",
    "储值账户 = 流水": """
        SELECT COUNT(*) FROM members_valueaccount account LEFT JOIN (
            SELECT account_id, SUM(principal) AS principal, SUM(bonus) AS bonus
            FROM members_valuetxn GROUP BY account_id) moved ON moved.account_id = account.id
        WHERE (account.principal, account.bonus)
            <> (COALESCE(moved.principal, 0), COALESCE(moved.bonus, 0))""",
    "收银班应有 = 收款 + 备用金": """
        SELECT COUNT(*) FROM sales_sessiontender counted
        JOIN station_tillsession session ON session.id = counted.session_id
        JOIN sales_tender tender ON tender.id = counted.tender_id
        LEFT JOIN (
            SELECT session_id, tender_id, SUM(amount) AS total FROM sales_payment
            GROUP BY session_id, tender_id) paid USING (session_id, tender_id)
        WHERE counted.expected <> COALESCE(paid.total, 0)
            + CASE tender.kind WHEN 'CASH' THEN session.float_amount ELSE 0 END""",
    "存行 = 清点 − 备用金": """
        SELECT COUNT(*) FROM sales_depositline line
        JOIN sales_sessioncount counted USING (session_id)
        JOIN station_tillsession session ON session.id = line.session_id
        WHERE line.amount <> counted.cash_counted - session.float_amount""",
    "油罐账首尾相接，出罐 = 加油记录，进罐 = 卸油": """
        SELECT COUNT(*) FROM (
            SELECT *, LAG(physical_l) OVER (PARTITION BY tank_id ORDER BY shift_id) AS before
            FROM inventory_tankbook WHERE shift_id IS NOT NULL) book
        LEFT JOIN (
            SELECT shift_id, tank_id, SUM(litres) AS litres FROM devices_fill
            GROUP BY shift_id, tank_id) filled USING (shift_id, tank_id)
        LEFT JOIN (
            SELECT shift_id, tank_id, SUM(litres) AS litres FROM inventory_tankmovement
            WHERE kind = 'DELIVERY' GROUP BY shift_id, tank_id) moved USING (shift_id, tank_id)
        WHERE book.opening_l <> COALESCE(book.before, book.opening_l)
            OR book.pumped_l <> COALESCE(filled.litres, 0)
            OR book.received_l <> COALESCE(moved.litres, 0)""",
    "货架结存 = 流水": """
        SELECT COUNT(*) FROM inventory_stockbalance balance LEFT JOIN (
            SELECT place_id, item_id, SUM(quantity) AS quantity FROM inventory_stockmove
            GROUP BY place_id, item_id) moved USING (place_id, item_id)
        WHERE balance.quantity <> COALESCE(moved.quantity, 0)""",
    "日结数字 = 当日明细，逐日": """
        SELECT COUNT(*) FROM station_businessday day
        LEFT JOIN finance_dayfigures frozen ON frozen.day_id = day.id
        LEFT JOIN (
            SELECT day_id, SUM(net) AS due, SUM(tax) AS tax, SUM(cost) AS cost,
                SUM(quantity) FILTER (WHERE kind = 'FUEL') AS litres, COUNT(DISTINCT sale_id) AS sales
            FROM sales_saleline GROUP BY day_id) line ON line.day_id = day.id
        LEFT JOIN (
            SELECT day_id, SUM(net) AS due FROM finance_dayproduct GROUP BY day_id) product
            ON product.day_id = day.id
        LEFT JOIN (
            SELECT day_id, SUM(net - advance) AS due FROM finance_daytender GROUP BY day_id) tender
            ON tender.day_id = day.id
        WHERE day.status <> 'OPEN' AND (day.status, frozen.due, frozen.due, frozen.due,
                frozen.fuel_litres, frozen.tax, frozen.cost, frozen.sales_count)
            IS DISTINCT FROM ('CLOSED', line.due, product.due, tender.due,
                line.litres, line.tax, line.cost, line.sales)""",
}


def unproved(station: Station) -> list[str]:
    """What does not tie out, in words; nothing where everything does.

    The statements are asked of all rows: the demo is the only station of its database.
    """
    found = []
    with connection.cursor() as cursor:
        for title, question in QUESTIONS.items():
            cursor.execute(question)
            (offending,) = cursor.fetchone()
            if offending:
                found.append(f"{title}：{offending} 处不符")
    found += [
        f"{day.date} 冻结的数字与重新计算的不符"
        for day in some_days(station)
        if day_figures(day=day) != figures_of_facts(day=day)
    ]
    return found


def some_days(station: Station) -> list[BusinessDay]:
    """Closed days spread over the whole range, the first and the last among them."""
    days = list(
        BusinessDay.objects.filter(station=station, status=BusinessDay.Status.CLOSED)
        .select_related("station")
        .order_by("date")
    )
    last = len(days) - 1
    places = {last * step // (DAYS_IN_FULL - 1) for step in range(DAYS_IN_FULL)} if days else set()
    return [days[place] for place in sorted(places)]
