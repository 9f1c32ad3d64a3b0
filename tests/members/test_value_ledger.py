"""The ledger of stored value: what must hold whatever happens, and whoever comes at once."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Sum

from members.models import ValueAccount, ValueCodeUse, ValueTxn
from members.queries.value import FIGURES, adds_up, broken_accounts, share_back, taken_apart
from members.services import (
    value_accounts,
    value_codes,
    value_keeping,
    value_moving,
    value_spending,
)
from members.services.value_codes import CodeRefused
from members.services.value_keeping import NotEnoughValue, locked
from sales.models import Payment, Sale, TopUp
from sales.services import refunds, topping
from sales.services.settling import settle
from station.errors import Refusal
from station.models import Setting, TillSession
from station.queries.settings import texts
from tests import make

D = Decimal
HISTORIES = int(os.environ.get("VALUE_HISTORIES", "6"))


def fresh(account: ValueAccount) -> ValueAccount:
    account.refresh_from_db()
    return account


class Life:
    """One random life of an account at a till: what was put in, taken out, and must hold."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.till = make.session()
        Setting.objects.create(
            station=self.till.station, name="members.value_pin_above", value="99999"
        )
        Setting.objects.create(
            station=self.till.station,
            name="members.value_bonus_order",
            value=self.dice.choice(["1", "2"]),
        )
        self.wash = make.item("洗车", price="0.01", kind="SERVICE")
        self.account = make.value_account(at=self.till.station)
        self.sales: list[Sale] = []
        self.tops: list[TopUp] = []
        self.turn = 0

    def amount(self, most: str) -> Decimal:
        return D(self.dice.randint(1, int(D(most) * 100))) / 100

    def step(self) -> None:
        self.turn += 1
        act = self.dice.choice(
            [self.top_up, self.spend, self.spend, self.refund_sale, self.refund_top, self.replace]
        )
        try:
            with transaction.atomic():
                act()
        except Refusal:
            pass
        self.check()

    def top_up(self) -> None:
        bonus = self.dice.choice(["0", "0", str(self.amount("20"))])
        amount = max(self.amount("900"), D(bonus))
        self.tops.append(make.top_up(self.till, fresh(self.account), amount, bonus=bonus))

    def spend(self) -> None:
        amount = self.amount("400")
        ticket = make.ticket(
            items=[(self.wash, int(amount * 100))],
            tenders=[("MEMBER", str(amount), self.account.number)],
        )
        for _ in range(2):  # sent twice is sold once
            sale = settle(ticket, session=self.till, actor=self.till.cashier, at=make.NOW)
        self.sales.append(sale)

    def refund_sale(self) -> None:
        if not self.sales:
            return
        sale = self.dice.choice(self.sales)
        amount = self.part(sale.due)
        for _ in range(2):
            refunds.refund(
                sale=sale,
                lines=[refunds.RefundLine(1, amount=amount)],
                reason="退",
                session=self.till,
                actor=self.till.cashier,
                at=make.NOW,
                key=f"s{self.turn}",
            )

    def part(self, whole: Decimal) -> Decimal:
        return max((whole / self.dice.choice([1, 2, 3, 7])).quantize(D("0.01")), D("0.01"))

    def refund_top(self) -> None:
        if not self.tops:
            return
        top = self.dice.choice(self.tops)
        amount = self.part(top.principal)
        for _ in range(2):
            topping.refund(
                top=top,
                amount=amount,
                reference="",
                reason="退",
                session=self.till,
                actor=self.till.cashier,
                at=make.NOW + timedelta(days=self.dice.choice([1, 30])),
                key=f"t{self.turn}",
            )

    def replace(self) -> None:
        say = {"at": make.NOW, "actor": self.till.cashier}
        value_accounts.report_loss(account=fresh(self.account), reason="丢", **say)
        day = self.till.shift.day
        self.account = value_accounts.reissue(account=self.account, card="", day=day, **say)

    def check(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        assert broken_accounts() == []
        # money of the drawer is principal of the ledger, and never more came out than went in
        money = sum_of(Payment.objects.filter(sale=None), "amount")
        moved = sum_of(ValueTxn.objects.filter(kind__in=["TOPUP", "REFUND"]), "principal")
        assert money == moved
        assert money >= 0
        for top in self.tops:
            gone = sum((one.gone for one in top.refunds.all()), D(0))
            assert gone <= top.principal
            assert sum((one.bonus for one in top.refunds.all()), D(0)) <= top.bonus
        # the tender is what was spent; each sale gave back at most itself, principal and bonus alike
        spent = ValueTxn.objects.filter(kind__in=["SPEND", "SPEND_CANCEL"])
        tender = sum_of(Payment.objects.filter(tender__code="MEMBER"), "amount")
        assert tender == -sum_of(spent, "principal") - sum_of(spent, "bonus")
        for row in ValueTxn.objects.filter(kind="SPEND").annotate(
            p=Sum("reversals__principal", default=D(0)), b=Sum("reversals__bonus", default=D(0))
        ):
            assert 0 <= row.p <= -row.principal
            assert 0 <= row.b <= -row.bonus


def sum_of(rows: Any, name: str) -> Decimal:
    return rows.aggregate(total=Sum(name, default=D(0)))["total"]


@pytest.mark.django_db
@pytest.mark.req("PAY-04", "FIN-04")
def test_any_life_of_an_account_keeps_its_sums_and_gives_out_no_more_than_came_in() -> None:
    kinds: set[str] = set()
    for seed in range(HISTORIES):
        with transaction.atomic():
            life = Life(seed)
            for _ in range(14):
                life.step()
            kinds |= set(ValueTxn.objects.values_list("kind", flat=True))
            transaction.set_rollback(True)
    assert kinds >= {"TOPUP", "BONUS", "SPEND", "SPEND_CANCEL", "REFUND", "RECOVER", "IN", "OUT"}


def test_a_spent_amount_is_taken_apart_into_parts_that_are_there() -> None:
    dice = random.Random(7)
    for _ in range(3000):
        principal, bonus = D(dice.randint(0, 9999)) / 100, D(dice.randint(0, 9999)) / 100
        amount = D(dice.randint(0, int((principal + bonus) * 100))) / 100
        for order in "12":
            first, second = taken_apart(
                amount=amount, principal=principal, bonus=bonus, order=order
            )
            assert first + second == amount
            assert 0 <= first <= principal
            assert 0 <= second <= bonus


def test_shares_that_come_back_in_parts_add_up_without_drift() -> None:
    dice = random.Random(7)
    for _ in range(2000):
        whole = D(dice.randint(1, 9999)) / 100
        part = D(dice.randint(0, int(whole * 100))) / 100
        before = got = D(0)
        while before < whole:
            now = min(D(dice.randint(1, 3000)) / 100, whole - before)
            share = share_back(whole=whole, part=part, before=before, now=now)
            assert 0 <= share <= now
            before, got = before + now, got + share
        assert got == part


# ---------------------------------------------------------------------------------- many at once


def together(acts: list[Callable[[], Any]]) -> list[Any]:
    """Run all at once, each on a connection of its own; what each returned or refused with."""
    barrier = threading.Barrier(len(acts))
    results: list[Any] = [None] * len(acts)

    def run(place: int, act: Callable[[], Any]) -> None:
        try:
            connection.ensure_connection()
            barrier.wait(30)
            results[place] = act()
        except Refusal as refusal:
            results[place] = refusal
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


@pytest.mark.django_db(transaction=True)
@pytest.mark.req("PAY-01")
def test_fifty_at_once_take_from_one_account_exactly_what_is_there() -> None:
    till = make.session()
    account = make.value_account(at=till.station)
    make.top_up(till, account, "250.00", bonus="8.00")
    day = till.shift.day

    def take(number: int) -> str:
        with transaction.atomic():
            holds = value_spending.hold(
                amounts={account.pk: D("10.00")},
                accounts=locked([account.pk]),
                proven=frozenset(),
                figures=texts(FIGURES, till.station),
                at=make.NOW,
            )
            value_spending.take(
                holds=holds, document=f"S-{number}", day=day, at=make.NOW, actor=till.cashier
            )
        return "taken"

    results = together([lambda number=number: take(number) for number in range(50)])
    assert sum(one == "taken" for one in results) == 25
    assert sum(isinstance(one, NotEnoughValue) for one in results) == 25
    assert fresh(account).balance == D("8.00")
    assert adds_up(account)


@pytest.mark.django_db(transaction=True)
def test_tills_that_sell_and_top_up_one_account_at_once_neither_lose_nor_lock_each_other() -> None:
    here = make.session()
    tills = [here] + [
        make.session(here.station, till=make.till(here.station, n)) for n in (2, 3, 4)
    ]
    account = make.value_account(at=here.station)
    make.top_up(here, account, "30.00")
    wash = make.item("洗车", price="10.00", kind="SERVICE")

    def sell(till: TillSession) -> Sale:
        ticket = make.ticket(items=[(wash, 1)], tenders=[("MEMBER", "10.00", account.number)])
        return settle(ticket, session=till, actor=till.cashier, at=make.NOW)

    make.tenders()
    acts: list[Callable[[], Any]] = [lambda till=till: sell(till) for till in tills]
    results = together(acts)
    assert sum(isinstance(one, Sale) for one in results) == 3
    assert sum(isinstance(one, NotEnoughValue) for one in results) == 1
    acts = [lambda till=till: make.top_up(till, account, "100.00") for till in tills]
    acts += [lambda: make.top_up(here, account, "7.00", key="twice")] * 3
    assert all(isinstance(one, TopUp) for one in together(acts))
    assert fresh(account).principal == D("407.00")
    assert TopUp.objects.filter(client_key="twice").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_top_up_that_dies_before_its_commit_leaves_nothing_and_the_retry_one() -> None:
    till = make.session()
    account = make.value_account(at=till.station)
    make.tenders()

    class Died(Exception):
        pass

    for statement in range(1, 40):
        key, seen = f"key-{statement}", 0
        before = (fresh(account).principal, Payment.objects.count(), TopUp.objects.count())

        def count(
            execute: Any, sql: str, params: Any, many: bool, context: Any, at=statement
        ) -> Any:
            nonlocal seen
            seen += 1
            if seen == at:
                raise Died
            return execute(sql, params, many, context)

        died = False
        try:
            with connection.execute_wrapper(count):
                make.top_up(till, account, "1.00", key=key)
        except Died:
            died = True
        now = (fresh(account).principal, Payment.objects.count(), TopUp.objects.count())
        if died:
            assert now == before
        make.top_up(till, account, "1.00", key=key)
        after = (fresh(account).principal, Payment.objects.count(), TopUp.objects.count())
        assert after == (before[0] + 1, before[1] + 1, before[2] + 1)
        assert adds_up(account)
        if not died:
            break
    assert statement > 10


# ---------------------------------------------------------------------------------- payment codes


@pytest.mark.django_db
@pytest.mark.req("PAY-05")
def test_a_payment_code_pays_once_within_a_minute_without_a_pin() -> None:
    till = make.session()
    account = make.value_account(at=till.station)
    make.top_up(till, account, "1000.00")
    value_accounts.set_pin(account=account, pin="258036", at=make.NOW, actor=till.cashier)

    def pay(code: str, seconds: float, key: str = "") -> Sale:
        fill = make.fill_at(till.station, litres="100.00", unit_price="8.00", amount=D("10.00"))
        ticket = make.ticket(fills=[fill], tenders=[("MEMBER", "10.00", code)], key=key)
        at = make.NOW + timedelta(seconds=seconds)
        sale = settle(ticket, session=till, actor=till.cashier, at=at)
        assert settle(ticket, session=till, actor=till.cashier, at=at) == sale  # asked again
        return sale

    code = value_codes.issue(account=account, at=make.NOW)
    sale = pay(code, 60)
    assert sale.payments.get().reference == account.number
    with pytest.raises(CodeRefused, match=sale.number):
        pay(code, 60)
    other = value_codes.issue(account=account, at=make.NOW)
    for seconds in (60.001, 3600, -60):
        with pytest.raises(CodeRefused, match="已失效"):
            pay(other, seconds)
    wrong = other[:-1] + str((int(other[-1]) + 1) % 10)
    for text in (wrong, other[:5] + "9" + other[6:], "YV" + "1" * 34):
        with pytest.raises(CodeRefused):
            pay(text, 1)
    assert pay(other, 1)
    assert ValueCodeUse.objects.count() == 2
    assert fresh(account).balance == D("980.00")


# ------------------------------------------------------------------------------------- merging


@pytest.mark.django_db
def test_two_members_become_one_with_what_both_had() -> None:
    till = make.session()
    one = make.value_account(make.member(till.station))
    other = make.value_account(make.member(till.station))
    make.top_up(till, one, "3000.00", bonus="100.00")
    make.top_up(till, other, "4000.00", bonus="50.00")
    for _ in range(2):
        value_moving.move(
            source=one.member,
            target=other.member,
            day=till.shift.day,
            at=make.NOW,
            actor=till.cashier,
        )
    assert (fresh(one).status, one.balance, one.replaced_by) == ("CLOSED", 0, other)
    assert (fresh(other).principal, other.bonus) == (D("7000.00"), D("150.00"))
    assert broken_accounts() == []
    assert value_keeping.successor(one) == other


@pytest.mark.django_db
@pytest.mark.req("IMP-01")
def test_a_balance_of_an_older_system_is_brought_in_once() -> None:
    till = make.session()
    member = make.member(till.station)
    for _ in range(2):
        row = value_moving.bring_in(
            member=member,
            principal=D("6000.00"),
            bonus=D("12.30"),
            source="old.csv:17",
            day=till.shift.day,
            at=make.NOW,
            actor=till.cashier,
        )
    assert ValueTxn.objects.get() == row
    assert (row.account.principal, row.account.bonus) == (D("6000.00"), D("12.30"))
    assert broken_accounts() == []
