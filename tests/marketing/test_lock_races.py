"""The last locked litres raced: two tills, twelve takers, a refund beside a sale."""

from __future__ import annotations

import threading
from decimal import Decimal as D

import pytest
from django.db import connection, transaction

from marketing.models import PriceLock
from marketing.queries.quoting import Locked
from marketing.services import lock_uses
from marketing.services.lock_uses import LockSpent
from marketing.services.locks import LockRefused
from members.services import merging
from sales.models import Sale
from sales.services import settling
from tests import make
from tests.marketing.offers import lock
from tests.marketing.test_coupon_races import together
from tests.marketing.test_locks import correct, left, sell
from tests.sales.test_lock_order import someone_waits


@pytest.mark.django_db(transaction=True)
@pytest.mark.req("SAL-17")
def test_two_tills_race_for_the_last_litres_and_one_of_them_has_them():
    station = make.station()
    zhang = make.member(station)
    one = lock(station, zhang)
    make.tenders()
    tills = [make.session(station, till=make.till(station), cashier=make.cashier(station)) for _ in range(4)]  # fmt: skip
    tickets = [
        make.ticket(fills=[make.fill_at(station, "50.00", "8.00")], member=zhang.pk,
                    tenders=[("CASH", "360.00")], due="360.00")
        for _ in tills
    ]  # fmt: skip

    def pay(place: int) -> Sale:
        till = tills[place]
        return settling.settle(tickets[place], session=till, actor=till.cashier, at=make.NOW)

    outcome = together(4, pay)
    assert sum(isinstance(said, Sale) for said in outcome) == 1, outcome
    assert left(one) == 0
    assert Sale.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.req("SAL-17")
def test_the_balance_itself_is_raced_and_never_goes_below_zero():
    station = make.station()
    one = lock(station, make.member(station))

    def take(place: int) -> int:
        with transaction.atomic():
            lock_uses.take(
                litres=[Locked(one.pk, 1, D("12.500"))], document=f"S-{place}", at=make.NOW,
                quoted=make.NOW, actor=None,
            )  # fmt: skip
        return place

    outcome = together(12, take)
    assert sum(isinstance(said, int) for said in outcome) == 4
    assert sum(isinstance(said, LockSpent) for said in outcome) == 8
    assert left(one) == 0


@pytest.mark.django_db(transaction=True)
def test_a_refund_and_a_sale_of_the_same_litres_do_not_wait_in_a_ring():
    station = make.station()
    zhang = make.member(station)
    one = lock(station, zhang, litres="300")
    make.tenders()
    tills = [make.session(station, till=make.till(station), cashier=make.cashier(station)) for _ in range(2)]  # fmt: skip
    sold = [sell(tills[0], zhang, "216.00") for _ in range(5)]
    tickets = [
        make.ticket(fills=[make.fill_at(station, "30.00", "8.00")], member=zhang.pk,
                    tenders=[("CASH", "216.00")])
        for _ in range(5)
    ]  # fmt: skip
    failed: list[Exception] = []

    def act(doing) -> None:
        try:
            doing()
        except Exception as error:  # noqa: BLE001  # whatever a thread meets is the test's answer
            failed.append(error)
        finally:
            connection.close()

    def back() -> None:
        for number, sale in enumerate(sold):
            correct(sale, f"x{number}")

    def pay() -> None:
        for ticket in tickets:
            settling.settle(ticket, session=tills[1], actor=tills[1].cashier, at=make.NOW)

    threads = [threading.Thread(target=act, args=(doing,)) for doing in (back, pay)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed
    assert left(one) == 150


@pytest.mark.django_db(transaction=True)
@pytest.mark.req("SAL-17")
def test_who_becomes_another_meanwhile_is_given_no_litres_that_nobody_can_use():
    station = make.station()
    make.price(station, make.grade("92#"), "8.00")
    zhang, same = make.member(station), make.member(station)
    said: list[object] = []

    def give() -> None:
        try:
            said.append(lock(station, same))
        except LockRefused as refusal:
            said.append(str(refusal))
        finally:
            connection.close()

    thread = threading.Thread(target=give)
    with transaction.atomic():
        merging.merge(
            survivor=zhang, merged=same, reason="同一个人", at=make.NOW,
            actor=make.manager(station),
        )  # fmt: skip
        thread.start()
        someone_waits()
    thread.join(20)
    assert said == [f"没有发锁价：会员 {same.number} 已冻结、合并或注销。请去掉再发。"]
    assert not PriceLock.objects.exists()
