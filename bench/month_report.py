"""The owner's month report with ten years behind it, against the same with one month behind it.

Two databases on one server hold the same month; one holds ten years more, of frozen days and of
the sales, lines, payments and fills that they were made of. The whole HTTP request is timed, turn
about, and its statements are counted.
"""

from __future__ import annotations

import statistics
import time
from datetime import date, timedelta
from typing import Any

from bench._database import own_servers

RATIO, STATEMENTS = 1.2, 40
ROUNDS, REPEATS = 7, 5
YEARS = 10
SALES_A_DAY = 150
BIG = "station_ten_years"


def main() -> bool:
    """Print the two medians, their ratio and the statements; whether both bars were reached."""
    with own_servers():
        from django.db import connection

        small = connection.settings_dict["NAME"]
        today = _today_is()
        station, user = _site()
        _fill(station, today - timedelta(days=62), today - timedelta(days=1))
        _today(station)
        _copy_database(small, BIG)
        _use(BIG)
        began = time.monotonic()
        _fill(station, today - timedelta(days=365 * YEARS), today - timedelta(days=63))
        print(f"   十年数据 {_rows()} 行，用时 {time.monotonic() - began:.0f} 秒")
        for name in (BIG, small):
            _settle(name)
        times: dict[str, list[float]] = {small: [], BIG: []}
        statements = 0
        for _ in range(ROUNDS):
            for name, taken in times.items():
                _use(name)
                client = _browser(user)
                _ask(client)  # the caches of a fresh connection are not what is measured
                taken.extend(_timed(client) for _ in range(REPEATS))
                statements = max(statements, _counted(client))
        before, behind = statistics.median(times[small]), statistics.median(times[BIG])
        ratio = behind / before
        print(f"   一个月数据 {before * 1000:.1f} ms，十年数据 {behind * 1000:.1f} ms")
        print(f"   比值 {ratio:.2f}（不超过 {RATIO}）；语句 {statements} 条（不超过 {STATEMENTS}）")
        return ratio <= RATIO and statements <= STATEMENTS


def _today_is() -> date:
    from django.utils.timezone import localdate

    return localdate()


def _site() -> tuple[int, int]:
    """A station with four tanks, its owner, and an open day."""
    from tests import make

    station = make.station()
    for code in ("92#", "95#", "98#", "0#"):
        make.nozzle(station, make.grade(code), tank=make.tank(station, make.grade(code)))
    make.tenders()
    return station.pk, make.owner(station).pk


def _today(station: int) -> None:
    """An open day with sales in it, made as the till makes them."""
    from django.utils.timezone import localdate, now

    from station.models import BusinessDay, Station
    from tests import make

    where = Station.objects.get(pk=station)
    BusinessDay.objects.create(station=where, date=localdate(), opened_at=now())
    session = make.session(where)
    for nozzle in where.nozzles.all():
        for _ in range(5):
            make.sale(session, [make.fill(nozzle, at=now())], at=now())


def _browser(user: int) -> Any:
    from station.models import User
    from tests import make

    return make.signed_in(User.objects.get(pk=user))


def _ask(client: Any) -> None:
    today = _today_is()
    answer = client.get(
        "/finance/reports/operating/",
        {"since": today - timedelta(days=30), "until": today, "grain": "day"},
        headers={"host": "localhost"},
    )
    if answer.status_code != 200:
        raise SystemExit(f"the report answered {answer.status_code}")


def _timed(client: Any) -> float:
    began = time.perf_counter()
    _ask(client)
    return time.perf_counter() - began


def _counted(client: Any) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as asked:
        _ask(client)
    return len(asked)


def _use(name: str) -> None:
    """Point the one connection at a database."""
    from django.db import connection

    connection.close()
    connection.settings_dict["NAME"] = name


def _copy_database(small: str, big: str) -> None:
    from django.db import connection

    _use("postgres")
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{big}" TEMPLATE "{small}"')
    _use(small)


def _settle(name: str) -> None:
    """Let the server finish what the filling left behind, so that it is not measured."""
    from django.db import connection

    _use(name)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")


def _rows() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT SUM(n_live_tup) FROM pg_stat_user_tables"
            " WHERE relname LIKE 'finance_day%%' OR relname LIKE 'sales_%%' OR relname LIKE"
            " 'devices_fill'"
        )
        (rows,) = cursor.fetchone()
    return int(rows or 0)


def _fill(station: int, since: date, until: date) -> None:
    """Closed days with their frozen rows and the facts below them, by set-based inserts.

    The guards are off for this session: they would rightly refuse rows of closed days.
    """
    from django.db import connection, transaction

    values = {"station": station, "since": since, "until": until, "sales": SALES_A_DAY}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("SET LOCAL synchronous_commit = off")
        for statement in FILL:
            cursor.execute(statement, values)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


DAYS = """station_businessday day WHERE day.station_id = %(station)s
    AND day.date BETWEEN %(since)s AND %(until)s"""
HEAD = "%(station)s, day.id, day.date"
FILL = (
    """INSERT INTO station_businessday (station_id, date, status, opened_at, cut_at, closed_at)
    SELECT %(station)s, date, 'CLOSED', date, date + 1, date + 1
    FROM GENERATE_SERIES(%(since)s::date, %(until)s::date, '1 day') AS series (moment),
        LATERAL (SELECT moment::date AS date) AS dated""",
    """INSERT INTO station_shift (station_id, day_id, ordinal, name, status, opened_at,
        handed_over_at, closed_at, leader_id)
    SELECT %(station)s, day.id, 1, '全天', 'CLOSED', day.opened_at, day.cut_at, day.closed_at,
        (SELECT MIN(id) FROM station_user)
    FROM """
    + DAYS,
    """INSERT INTO station_tillsession (station_id, shift_id, till_id, cashier_id, float_amount,
        status, opened_at, closed_at)
    SELECT %(station)s, shift.id, 1, shift.leader_id, 500, 'CLOSED', shift.opened_at,
        shift.closed_at
    FROM station_shift shift JOIN """
    + DAYS.replace(" WHERE", " ON day.id = shift.day_id WHERE"),
    """INSERT INTO devices_fill (station_id, nozzle_id, tank_id, grade_id, day_id, shift_id, source,
        litres, unit_price, amount, meter_epoch, totalizer_after, transaction_id, occurred_at, flags,
        frames)
    SELECT %(station)s, nozzle.id, nozzle.tank_id, tank.grade_id, day.id, shift.id, 'PUMP', 30, 8,
        240, 0, day.id * 100000 + serial, '', day.opened_at + serial * INTERVAL '9 minutes',
        '[]', ''
    FROM station_shift shift JOIN """
    + DAYS.replace(" WHERE", " ON day.id = shift.day_id WHERE").replace(
        "station_businessday day",
        "GENERATE_SERIES(1, %(sales)s) AS serial ON TRUE"
        " JOIN LATERAL (SELECT * FROM station_nozzle WHERE station_id = %(station)s"
        " ORDER BY id OFFSET serial %% 4 LIMIT 1) nozzle ON TRUE"
        " JOIN station_tank tank ON tank.id = nozzle.tank_id JOIN station_businessday day",
    ),
    """INSERT INTO sales_sale (station_id, number, kind, source, day_id, shift_id, session_id,
        till_id, cashier_id, client_key, list_amount, discount, rounding, due, tax, reason,
        occurred_at)
    SELECT fill.station_id, 'B' || fill.id, 'SALE', 'TILL', fill.day_id, fill.shift_id,
        session.id, session.till_id, session.cashier_id, 'b' || fill.id, 240, 0, 0, 240, 27.61, '',
        fill.occurred_at
    FROM devices_fill fill JOIN station_tillsession session ON session.shift_id = fill.shift_id
    JOIN """
    + DAYS.replace(" WHERE", " ON day.id = fill.day_id WHERE"),
    """INSERT INTO sales_saleline (sale_id, position, station_id, day_id, shift_id, kind, fill_id,
        grade_id, name, quantity, unit_price, list_amount, discount, net, discount_reason, tax_rate,
        tax, cost)
    SELECT sale.id, 1, sale.station_id, sale.day_id, sale.shift_id, 'FUEL', fill.id, fill.grade_id,
        '92#', 30, 8, 240, 0, 240, '', 0.13, 27.61, 195
    FROM sales_sale sale JOIN devices_fill fill ON sale.number = 'B' || fill.id JOIN """
    + DAYS.replace(" WHERE", " ON day.id = sale.day_id WHERE"),
    """INSERT INTO sales_payment (station_id, number, document, sale_id, kind, tender_id, amount,
        status, reference, session_id, day_id, shift_id, occurred_at)
    SELECT sale.station_id, 'P' || sale.id, sale.number, sale.id, 'PAYMENT',
        (SELECT MIN(id) FROM sales_tender), 240, 'SUCCESS', '', sale.session_id, sale.day_id,
        sale.shift_id, sale.occurred_at
    FROM sales_sale sale JOIN """
    + DAYS.replace(" WHERE", " ON day.id = sale.day_id WHERE"),
    """INSERT INTO sales_fillclaim (station_id, fill_id, kind, document, day_id, claimed_at,
        released_by_document)
    SELECT line.station_id, line.fill_id, 'SALE', sale.number, line.day_id, sale.occurred_at, ''
    FROM sales_saleline line JOIN sales_sale sale ON sale.id = line.sale_id JOIN """
    + DAYS.replace(" WHERE", " ON day.id = line.day_id WHERE"),
    f"""INSERT INTO finance_dayfigures (station_id, day_id, date, fuel_litres, fuel_net, shop_net,
        discount, rounding, due, tax, fuel_tax, cost, fuel_cost, sales_count, fuel_count,
        fuel_sales_count, shop_count, both_count, corrections_count, over_short, variance_l,
        new_members, body, sha256, frozen_at, frozen_by_id)
    SELECT {HEAD}, 4500, 36000, 900, 0, 0, 36900, 4200, 4100, 30000, 29500, %(sales)s, %(sales)s,
        %(sales)s, 40, 30, 1, -5, -3, 2,
        JSONB_BUILD_OBJECT('text', REPEAT(MD5(day.id::text), 1000)), MD5(day.id::text), day.cut_at,
        (SELECT MIN(id) FROM station_user) FROM """
    + DAYS,
    f"""INSERT INTO finance_dayproduct (station_id, day_id, date, kind, code, name, category,
        quantity, list_amount, discount, net, tax, cost, count)
    SELECT {HEAD}, 'FUEL', grade.code, grade.name, '', 1125, 9000, 0, 9000, 1035, 7300, 38
    FROM station_grade grade CROSS JOIN """
    + DAYS,
    f"""INSERT INTO finance_dayproduct (station_id, day_id, date, kind, code, name, category,
        quantity, list_amount, discount, net, tax, cost, count)
    SELECT {HEAD}, 'GOODS', 'I' || serial, '商品 ' || serial, '饮料', 3, 15, 0, 15, 1.7, 8, 3
    FROM GENERATE_SERIES(1, 60) AS serial CROSS JOIN """
    + DAYS,
    f"""INSERT INTO finance_daytender (station_id, day_id, date, code, name, count, received,
        refunded, moved, fuel, shop, advance, litres, net, over_short)
    SELECT {HEAD}, tender.code, tender.name, 50, 12300, 0, 0, 12000, 300, 0, 1500, 12300, -1
    FROM sales_tender tender CROSS JOIN """
    + DAYS,
    f"""INSERT INTO finance_dayhour (station_id, day_id, date, hour, count, litres, net)
    SELECT {HEAD}, hour, 6, 187.5, 1500 FROM GENERATE_SERIES(0, 23) AS hour CROSS JOIN """
    + DAYS,
    f"""INSERT INTO finance_daytank (station_id, day_id, date, tank_number, grade_code, opening_l,
        received_l, pumped_l, returned_l, other_l, sold_l, book_l, physical_l, variance_l, price)
    SELECT {HEAD}, tank.number, grade.code, 15000, 1125, 1125, 0, 0, 1125, 15000, 14999, -1, 8
    FROM station_tank tank JOIN station_grade grade ON grade.id = tank.grade_id CROSS JOIN """
    + DAYS.replace("%(station)s", "tank.station_id"),
)
