"""Settling a sale (one fill, one item, one payment) through the whole HTTP request, against a
hand-written psycopg2 transaction that writes the same rows on the same server, fsync on.
"""

from __future__ import annotations

import json
import multiprocessing
import statistics
import time
from collections.abc import Iterator
from decimal import Decimal
from itertools import count
from typing import Any

from bench._database import own_servers

ROUNDS = 5
SALES = 60  # in a round, each way
PAIR = 150  # sales of each of two tills at once
MOST_RATIO = 8
MOST_STATEMENTS = 22
MOST_SPREAD = 2
_serial = count(1)


def main() -> bool:
    with own_servers() as address:
        from django.conf import settings
        from django.test.utils import override_settings

        with override_settings(ALLOWED_HOSTS=[*settings.ALLOWED_HOSTS, "testserver"]):
            return _measure(address)


def _measure(address: str) -> bool:
    from tests import make

    here, there, water = _station()
    fills = _fills(here.station, ROUNDS * SALES * 2 + PAIR * 2 + 20)
    client = make.signed_in(here.cashier)
    statements = _statements(client, next(fills), water)
    by_hand = ByHand(address, here, water)
    for _ in range(10):  # warm both
        _ask(client, next(fills), water)
    orm, sql = [], []
    for _ in range(ROUNDS):  # taken in turns, so that a busy machine is busy for both
        orm.append(_median(lambda: _ask(client, next(fills), water)))
        sql.append(_median(lambda: by_hand.settle(next(fills))))
    ratio = statistics.median(orm) / statistics.median(sql)
    took = _two_tills([here, there], [[next(fills) for _ in range(PAIR)] for _ in range(2)], water)
    p50 = statistics.median(took)
    p95 = statistics.quantiles(took, n=20)[18]
    print(
        f"   请求 {statistics.median(orm) * 1000:.2f} ms，手写事务 {statistics.median(sql) * 1000:.2f} ms"
    )
    print(f"   比值 {ratio:.1f}（不超过 {MOST_RATIO}）")
    print(f"   语句 {statements}（不超过 {MOST_STATEMENTS}）")
    print(
        f"   两台同时：p50 {p50 * 1000:.2f} ms，p95 {p95 * 1000:.2f} ms，比 {p95 / p50:.2f}（不超过 {MOST_SPREAD}）"
    )
    return ratio <= MOST_RATIO and statements <= MOST_STATEMENTS and p95 <= MOST_SPREAD * p50


def _station() -> tuple[Any, Any, Any]:
    from tests import make

    here = make.session()
    there = make.session(here.station, till=make.till(here.station, 2))
    make.tenders()
    for session in (here, there):
        make.printer(session.till)
    make.fuel_cost(here.station)
    return here, there, make.item("矿泉水", "2.00", on_hand="100000")


def _fills(station: Any, number: int) -> Iterator[Any]:
    from devices.models import Fill
    from tests import make

    first = make.fill_at(station, "25.00", "8.00")
    kept = {one.attname: getattr(first, one.attname) for one in Fill._meta.concrete_fields}
    del kept["id"]
    rows = [
        Fill(**{**kept, "totalizer_after": first.totalizer_after + 25 * (step + 1)})
        for step in range(number)
    ]
    return iter(Fill.objects.bulk_create(rows, batch_size=500))


def _basket(fill: Any, water: Any) -> dict[str, Any]:
    return {
        "key": f"bench-{multiprocessing.current_process().name}-{next(_serial)}",
        "lines": [
            {"kind": "FUEL", "fill": fill.pk},
            {"kind": "GOODS", "item": water.pk, "quantity": "1"},
        ],
        "tenders": [{"tender": "CASH", "amount": "202.00"}],
        "due": "202.00",
    }


def _ask(client: Any, fill: Any, water: Any) -> None:
    from django.urls import reverse

    answer = client.post(
        reverse("sales:settle"), json.dumps(_basket(fill, water)), content_type="application/json"
    )
    assert answer.status_code == 200, answer.content


def _statements(client: Any, fill: Any, water: Any) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        _ask(client, fill, water)
    return len(captured)


def _median(act: Any) -> float:
    took = []
    for _ in range(SALES):
        began = time.perf_counter()
        act()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def _till(session: Any, fills: list[Any], water: Any, results: Any) -> None:
    from tests import make

    client = make.signed_in(session.cashier)
    _ask(client, fills[0], water)
    took = []
    for fill in fills[1:]:
        began = time.perf_counter()
        _ask(client, fill, water)
        took.append(time.perf_counter() - began)
    results.put(took)


def _two_tills(sessions: list[Any], fills: list[list[Any]], water: Any) -> list[float]:
    """Two processes, as two web workers would be, each at a till of its own."""
    from django.db import connections

    connections.close_all()
    fork = multiprocessing.get_context("fork")
    results = fork.Queue()
    tills = [
        fork.Process(target=_till, args=(session, part, water, results))
        for session, part in zip(sessions, fills, strict=True)
    ]
    for till in tills:
        till.start()
    took = [one for _ in tills for one in results.get(timeout=120)]
    for till in tills:
        till.join()
    return took


class ByHand:
    """The same rows in one transaction, written as tersely as psycopg2 lets one."""

    def __init__(self, address: str, session: Any, water: Any) -> None:
        import psycopg2
        from django.db import connection

        parameters = connection.get_connection_params()
        parameters.pop("cursor_factory", None)
        parameters.pop("context", None)
        self.connection = psycopg2.connect(
            **{name: value for name, value in parameters.items() if name in PLACES}
        )
        self.session, self.water = session, water
        self.shift, self.station = session.shift, session.station
        from inventory.queries.places import selling_place
        from sales.models import Tender

        self.place = selling_place(self.station).pk
        self.cash = Tender.objects.get(code="CASH").pk

    def settle(self, fill: Any) -> None:
        serial = next(_serial)
        number = f"S-hand-{serial:06d}"
        known = {
            "station": self.station.pk,
            "session": self.session.pk,
            "till": self.session.till_id,
            "cashier": self.session.cashier_id,
            "day": self.shift.day_id,
            "shift": self.shift.pk,
            "number": number,
            "key": f"hand-{serial}",
            "fill": fill.pk,
            "grade": fill.grade_id,
            "item": self.water.pk,
            "place": self.place,
            "cash": self.cash,
            "prefix": f"S{self.station.code}-9-",
            "net": Decimal("202.00"),
        }
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute(LOCK, known)
            cursor.execute(NUMBER, known)
            cursor.execute(SALE, known)
            known["sale"] = cursor.fetchone()[0]
            for statement in (LINES, PAYMENT, PURCHASES, CLAIM, BALANCE):
                cursor.execute(statement, known)
            known["balance"] = cursor.fetchone()[0]
            cursor.execute(MOVE, known)
            cursor.execute(RECEIPT, known)


PLACES = {"dbname", "user", "password", "host", "port"}
LOCK = "SELECT id FROM station_tillsession WHERE id = %(session)s AND status = 'OPEN' FOR NO KEY UPDATE"
NUMBER = (
    "INSERT INTO station_numberseries (prefix, last) VALUES (%(prefix)s, 1) ON CONFLICT (prefix)"
    " DO UPDATE SET last = station_numberseries.last + 1 RETURNING last"
)
SALE = """INSERT INTO sales_sale (station_id, number, kind, source, day_id, shift_id, session_id,
 till_id, cashier_id, client_key, list_amount, discount, rounding, due, tax, reason, occurred_at)
 VALUES (%(station)s, %(number)s, 'SALE', 'TILL', %(day)s, %(shift)s, %(session)s, %(till)s,
 %(cashier)s, %(key)s, %(net)s, 0, 0, %(net)s, 23.24, '', now()) RETURNING id"""
LINES = """INSERT INTO sales_saleline (sale_id, position, station_id, day_id, shift_id, kind,
 fill_id, grade_id, item_id, name, quantity, unit_price, list_amount, discount, net,
 discount_reason, tax_rate, tax, cost) VALUES
 (%(sale)s, 1, %(station)s, %(day)s, %(shift)s, 'FUEL', %(fill)s, %(grade)s, NULL, '92# 1 号枪',
  25, 8, 200, 0, 200, '', 0.13, 23.01, 162.50),
 (%(sale)s, 2, %(station)s, %(day)s, %(shift)s, 'GOODS', NULL, NULL, %(item)s, '矿泉水',
  1, 2, 2, 0, 2, '', 0.13, 0.23, 1)"""
PAYMENT = """INSERT INTO sales_payment (station_id, number, document, sale_id, kind, tender_id,
 amount, status, reference, session_id, day_id, shift_id, occurred_at) VALUES (%(station)s,
 %(number)s || '-P1', %(number)s, %(sale)s, 'PAYMENT', %(cash)s, %(net)s, 'SUCCESS', '',
 %(session)s, %(day)s, %(shift)s, now())"""
PURCHASES = """INSERT INTO members_purchase (station_id, day_id, document, line, original, occurred_at,
 kind, product, category, quantity, net, points, tenders, cashier_id, plate_index) VALUES
 (%(station)s, %(day)s, %(number)s, 1, '', now(), 'FUEL', '92#', '汽油', 25, 200, 0, '["CASH"]',
  %(cashier)s, ''),
 (%(station)s, %(day)s, %(number)s, 2, '', now(), 'GOODS', 'I1', '饮料', 1, 2, 0, '["CASH"]',
  %(cashier)s, '')"""
CLAIM = """INSERT INTO sales_fillclaim (station_id, fill_id, kind, document, day_id, claimed_at,
 released_by_document) VALUES (%(station)s, %(fill)s, 'SALE', %(number)s, %(day)s, now(), '')"""
BALANCE = """UPDATE inventory_stockbalance SET quantity = quantity - 1
 WHERE station_id = %(station)s AND item_id = %(item)s RETURNING quantity"""
MOVE = """INSERT INTO inventory_stockmove (station_id, place_id, item_id, day_id, kind, quantity,
 balance_after, unit_cost, document, line, occurred_at, reason) VALUES (%(station)s, %(place)s, %(item)s,
 %(day)s, 'SALE', -1, %(balance)s, 1, %(number)s, 2, now(), '')"""
RECEIPT = """INSERT INTO sales_receipt (station_id, kind, document, copy, opens_drawer, status,
 asked_by_id, asked_at, attempts, last_error) VALUES (%(station)s, 'ORIGINAL', %(number)s, 1, TRUE,
 'WAITING', %(cashier)s, now(), 0, '')"""
