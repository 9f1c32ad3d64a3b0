"""Locks are taken in one order, so that the till, the handover and the close never wait in a ring."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction

from inventory.models import Item
from inventory.services import stock
from inventory.services.stock import StockLine
from sales.services import disposals, late_entries, shifts
from station.models import Shift, TillSession
from tests import make

pytestmark = pytest.mark.django_db(transaction=True)


class Elsewhere:
    """An act on a connection of its own: begun at once, its answer asked for later."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act = act
        self._said: object = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._said = self._act()
        finally:
            connection.close()

    def said(self) -> object:
        self._thread.join(20)
        assert not self._thread.is_alive()
        return self._said


def someone_waits() -> None:
    """Until a statement of ours waits for a lock."""
    for _ in range(200):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        time.sleep(0.05)
    raise AssertionError("nobody waited")


@pytest.mark.req("SAL-06")
def test_a_late_entry_that_waits_for_a_handover_does_not_hold_its_session() -> None:
    till = make.session()
    gun = make.nozzle(till.station)
    make.fill(gun, "20.00", "8.00")
    boss = make.manager(till.station)

    def enter() -> object:
        return late_entries.enter(
            nozzle=gun,
            litres=Decimal("20.00"),
            unit_price=Decimal("8.00"),
            amount=Decimal("160.00"),
            totalizer_after=Decimal("1040.00"),
            ended_at=make.NOW - timedelta(minutes=3),
            reason="停电时加的油",
            session=till,
            actor=till.cashier,
            approver=boss,
            at=make.NOW,
        )

    with transaction.atomic():
        Shift.objects.select_for_update(no_key=True).get(pk=till.shift_id)
        entry = Elsewhere(enter)
        someone_waits()
        TillSession.objects.select_for_update(no_key=True, nowait=True).get(pk=till.pk)
    assert entry.said() is not None


@pytest.mark.req("SAL-13")
def test_a_fill_used_while_its_shift_is_being_closed_counts_in_the_next_shift() -> None:
    till = make.session()
    gun = make.nozzle(till.station)
    make.reading(gun, "1000", make.at(7), kind="OPENING", document="OPEN")
    fill = make.fill(gun, "20.00", "8.00", totalizer_after="1020")
    before = till.shift
    receiver = make.cashier(till.station)
    after = shifts.hand_over(
        shift=before, receiver=receiver, crew=[], at=make.NOW, actor=before.leader, ends_day=False
    )
    session = make.session(till.station)
    assert session.shift == after
    boss = make.manager(till.station)

    def use() -> object:
        return disposals.use_fill(
            fill=fill,
            kind="OWN_USE",
            reason="发电机",
            session=session,
            actor=session.cashier,
            approver=boss,
            at=make.NOW,
        )

    with transaction.atomic():
        Shift.objects.filter(pk=before.pk).update(status=Shift.Status.CLOSED, closed_at=make.NOW)
        used = Elsewhere(use)
        someone_waits()
    assert getattr(used.said(), "shift") == after  # noqa: B009


@pytest.mark.req("INV-07")
def test_goods_received_do_not_keep_a_sale_of_them_from_ending() -> None:
    station = make.station()
    day, boss = make.day(station), make.manager(station)
    water = make.item(on_hand=10, at=station)
    line = StockLine(1, water.pk, Decimal(5), Decimal("1.00"))

    def look() -> object:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT id FROM inventory_item WHERE id = %s FOR KEY SHARE NOWAIT", [water.pk]
            )
            return cursor.fetchone()

    with transaction.atomic():
        stock.receive(
            station=station, day=day, document="ST1", lines=[line], at=make.NOW, actor=boss
        )
        assert Elsewhere(look).said() == (water.pk,)
    assert Item.objects.get().cost > 0
