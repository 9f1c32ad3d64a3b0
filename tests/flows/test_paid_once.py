"""A sale that is paid is paid once: races on real PostgreSQL, and a kill between any two statements."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import Sum

from inventory.models import StockBalance, StockMove
from members.models import Purchase
from sales.models import FillClaim, Payment, Receipt, Sale, SaleLine
from sales.queries.tickets import Ticket
from sales.services.refunds import RefundLine, RefundRefused, refund
from sales.services.settling import FillTaken, settle
from station.errors import Refusal
from station.models import NumberSeries, TillSession
from tests import make

pytestmark = pytest.mark.django_db(transaction=True)


def together(*acts: Callable[[], Any]) -> list[Any]:
    """Run all at once, each on a connection of its own; what each returned or refused with."""
    barrier = threading.Barrier(len(acts))
    results: list[Any] = [None] * len(acts)

    def run(place: int, act: Callable[[], Any]) -> None:
        try:
            barrier.wait()
            results[place] = act()
        except Refusal as refusal:
            results[place] = refusal
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def counted() -> dict[str, int]:
    """How many rows a sale left, in every table that it writes."""
    tables = (Sale, SaleLine, FillClaim, Payment, Purchase, Receipt)
    counts = {table.__name__: table.objects.count() for table in tables}
    return counts | {"StockMove": StockMove.objects.filter(kind="SALE").count()}


ONE_SALE = {
    "Sale": 1,
    "SaleLine": 2,
    "FillClaim": 1,
    "Payment": 2,
    "Purchase": 2,
    "Receipt": 1,
    "StockMove": 1,
}


def ticket_of_a_fill_and_a_bottle() -> tuple[TillSession, Ticket]:
    till = make.session()
    make.printer(till.till)
    fill = make.fill_at(till.station, "25.00", "8.00")
    water = make.item("矿泉水", price="2.00", on_hand="10")
    ticket = make.ticket(fills=[fill], items=[(water, 1)], tenders=[("CASH", "210.00")])
    return till, ticket


@pytest.mark.req("SAL-02")
def test_a_double_click_is_one_sale() -> None:
    till, ticket = ticket_of_a_fill_and_a_bottle()
    results = together(*[lambda: settle(ticket, session=till, actor=till.cashier, at=make.NOW)] * 5)
    assert {result.number for result in results} == {Sale.objects.get().number}
    assert counted() == ONE_SALE


@pytest.mark.req("SAL-02")
def test_two_tills_never_take_the_same_fill() -> None:
    here = make.session()
    tills = [here] + [
        make.session(here.station, till=make.till(here.station, number)) for number in (2, 3, 4)
    ]
    for _ in range(5):
        fill = make.fill_at(here.station)
        tickets = [make.ticket(fills=[fill]) for _ in tills]
        results = together(
            *[
                lambda till=till, ticket=ticket: settle(
                    ticket, session=till, actor=till.cashier, at=make.NOW
                )
                for till, ticket in zip(tills, tickets, strict=True)
            ]
        )
        assert sum(isinstance(result, Sale) for result in results) == 1
        assert sum(isinstance(result, FillTaken) for result in results) == 3
        assert FillClaim.objects.filter(fill=fill).count() == 1
        assert Payment.objects.filter(sale__lines__fill=fill).count() == 1


def test_two_tills_with_the_same_goods_never_wait_in_a_ring() -> None:
    here = make.session()
    there = make.session(here.station, till=make.till(here.station, 2))
    goods = [make.item(f"商品{n}", price="1.00", on_hand="100") for n in range(6)]
    acts = []
    for till, order in ((here, goods), (there, goods[::-1])):
        for _ in range(5):
            ticket = make.ticket(items=[(item, 1) for item in order])
            acts.append(
                lambda till=till, ticket=ticket: settle(
                    ticket, session=till, actor=till.cashier, at=make.NOW
                )
            )
    assert all(isinstance(result, Sale) for result in together(*acts))
    assert set(StockBalance.objects.values_list("quantity", flat=True)) == {Decimal(90)}


@pytest.mark.req("SAL-08")
def test_two_refunds_at_once_never_give_back_more_than_was_sold() -> None:
    till = make.session()
    there = make.session(till.station, till=make.till(till.station, 2))
    wash = make.item("洗车", price="50.00", kind="SERVICE")
    sale = make.sale(till, items=[(wash, 1)])

    def give(session: TillSession, key: str) -> Sale:
        return refund(
            sale=sale,
            lines=[RefundLine(1, amount=Decimal("30.00"))],
            reason="退",
            session=session,
            actor=session.cashier,
            at=make.NOW,
            key=key,
        )

    results = together(lambda: give(till, "r1"), lambda: give(there, "r2"))
    assert sum(isinstance(result, RefundRefused) for result in results) == 1
    assert Payment.objects.aggregate(s=Sum("amount"))["s"] == Decimal("20.00")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dies_at(statement: int | None, ticket: Ticket, till: TillSession) -> bool:
    """Settle in a process that kills itself before its n-th statement, or None: before the commit.

    True when it died, False when it was through before it came to that statement.
    """
    connections.close_all()
    child = os.fork()
    if child == 0:
        # Where Playwright keeps a loop running, `connections` meant others before the fork than it
        # does here: what was inherited is the parent's, and a kill would leave its transaction open.
        connections[DEFAULT_DB_ALIAS] = connection.copy()
        seen = 0

        def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            nonlocal seen
            seen += 1
            if seen == statement:
                die()
            return execute(sql, params, many, context)

        if statement is None:
            connection.ensure_connection()
            connection.commit = die
        try:
            with connection.execute_wrapper(count):
                settle(ticket, session=till, actor=till.cashier, at=make.NOW)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


@pytest.mark.req("SAL-02", "SAL-15")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_kill_between_any_two_statements_leaves_exactly_one_sale_after_the_retry() -> None:
    statement: int | None = 0
    died = 0
    while True:
        till, ticket = ticket_of_a_fill_and_a_bottle()
        before = counted()
        killed = dies_at(statement, ticket, till) if statement != 0 else dies_at(None, ticket, till)
        if killed:
            died += 1
            assert counted() == before, f"half a sale after a kill at statement {statement}"
        else:
            assert Sale.objects.filter(client_key=ticket.key).count() == 1
        sale = settle(ticket, session=till, actor=till.cashier, at=make.NOW)
        after = counted()
        assert {name: after[name] - before[name] for name in after} == ONE_SALE
        assert sale.payments.aggregate(s=Sum("amount"))["s"] == sale.due == Decimal("202.00")
        assert StockBalance.objects.get(station=till.station).quantity == 9
        assert (
            NumberSeries.objects.filter(prefix__startswith="S" + till.station.code).get().last == 1
        )
        if not killed:
            break
        statement += 1
    assert died >= 12
