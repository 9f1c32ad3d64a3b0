"""Shop stock under two racing tills: five hot items, each sale of two of them in dice's order.

Compared with the bare statements (balance and move of each item and a commit), in turns in one run;
then every balance is proved against its ledger. BENCH_STOCK for fewer sales.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import statistics
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bench._database import own_servers

SALES = int(os.environ.get("BENCH_STOCK", "20000"))  # of the service, all tills and rounds together
TILLS, HOT, ROUNDS = 2, 5, 4
MOST = 4.0
NOW = datetime(2026, 1, 10, tzinfo=UTC)

BALANCE = """UPDATE inventory_stockbalance SET quantity = quantity - 1
 WHERE place_id = %(place)s AND item_id = %(item)s RETURNING quantity"""
MOVE = """INSERT INTO inventory_stockmove (station_id, place_id, item_id, day_id, kind, quantity,
 balance_after, unit_cost, document, line, occurred_at, reason) VALUES (%(station)s, %(place)s, %(item)s,
 %(day)s, 'SALE', -1, %(balance)s, 1, %(number)s, %(line)s, now(), '')"""


def main() -> bool:
    """Print the figures; whether each reached its bar."""
    with own_servers():
        shop = _shop()
        each = SALES // (ROUNDS * TILLS)
        took: dict[str, list[float]] = {"bare": [], "service": []}
        for turn in range(ROUNDS):
            for way in took:
                took[way].append(_tills(shop, way, turn, each))
        from inventory.queries.proof import unequal

        wrong = unequal()
        service, bare = (statistics.median(took[way]) for way in ("service", "bare"))
        count = TILLS * each
        print(
            f"   两台收银机、{HOT} 种热销品，每笔两种：{count / service:.0f} 笔/秒，裸语句 {count / bare:.0f} 笔/秒，"
            f"比 {service / bare:.2f}（不超过 {MOST}）；{count * ROUNDS:,} 笔后结存与流水不符 {len(wrong)} 个",
            flush=True,
        )
        return not wrong and service <= MOST * bare


def _shop() -> dict[str, Any]:
    from inventory.models import Category, Item
    from inventory.queries.places import selling_place
    from inventory.services import stock
    from inventory.services.stock import StockLine
    from station.models import BusinessDay, Station, User

    station = Station.objects.create(code="B01", name="测")
    day = BusinessDay.objects.create(station=station, date=NOW.date(), opened_at=NOW)
    user = User.objects.create(username="bench", name="测")
    category = Category.objects.create(name="饮料")
    items = [
        Item.objects.create(code=f"H{number}", name=f"热销 {number}", category=category, price=2)
        for number in range(HOT)
    ]
    stock.receive(
        station=station,
        day=day,
        document="OPEN",
        lines=[
            StockLine(n, item.pk, Decimal(SALES * 4), Decimal(1)) for n, item in enumerate(items, 1)
        ],
        at=NOW,
        actor=user,
        opening=True,
    )
    return {
        "station": station,
        "day": day,
        "user": user,
        "items": [item.pk for item in items],
        "place": selling_place(station).pk,
    }


def _tills(shop: dict[str, Any], way: str, turn: int, each: int) -> float:
    """Seconds that the tills took for their sales, side by side."""
    from django.db import connections

    connections.close_all()
    fork = multiprocessing.get_context("fork")
    gate = fork.Barrier(TILLS + 1)

    def till(number: int) -> None:
        act = _service if way == "service" else _bare
        dice = random.Random(f"{turn}:{number}")
        act(shop, dice.sample(shop["items"], 2), f"warm:{way}:{turn}:{number}")
        gate.wait()
        for step in range(each):
            act(shop, dice.sample(shop["items"], 2), f"{way}:{turn}:{number}:{step}")

    running = [fork.Process(target=till, args=(number,)) for number in range(TILLS)]
    for one in running:
        one.start()
    gate.wait()
    began = time.perf_counter()
    for one in running:
        one.join()
        if one.exitcode:
            raise SystemExit(one.exitcode)
    return time.perf_counter() - began


def _service(shop: dict[str, Any], items: list[int], number: str) -> None:
    from inventory.services import stock
    from inventory.services.stock import StockLine

    stock.sell(
        station=shop["station"],
        day=shop["day"],
        document=number,
        lines=[StockLine(n, item, Decimal(1), Decimal(1)) for n, item in enumerate(items, 1)],
        at=NOW,
        actor=shop["user"],
    )


def _bare(shop: dict[str, Any], items: list[int], number: str) -> None:
    from django.db import connection, transaction

    told = {
        "station": shop["station"].pk,
        "place": shop["place"],
        "day": shop["day"].pk,
        "number": number,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        for line, item in enumerate(sorted(items), 1):
            cursor.execute(BALANCE, {**told, "item": item})
            (balance,) = cursor.fetchone()
            cursor.execute(MOVE, {**told, "item": item, "line": line, "balance": balance})
