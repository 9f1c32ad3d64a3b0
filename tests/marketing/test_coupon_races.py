"""Coupons under fire: fifty at one coupon, a hundred and one at a hundred, refunds that never gain."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketing.models import Coupon, CouponBatch, CouponEvent, DayLitres, OfferUse
from marketing.queries.batches import counts_of
from marketing.services import issuing, locking
from marketing.services.issuing import LimitReached, NoneLeft
from marketing.services.locking import CouponTaken
from sales.models import Sale
from sales.services import offering, refunds, settling
from sales.services.refunds import RefundLine, RefundRefused
from station.errors import Refusal
from tests import make
from tests.marketing.offers import batch, coupon, promotion, template


def together(count: int, act: Callable[[int], Any]) -> list[Any]:
    """Run an act so many times at once; what each returned or was refused with."""
    ready = threading.Barrier(count)
    outcome: list[Any] = [None] * count

    def run(place: int) -> None:
        try:
            ready.wait(30)
            outcome[place] = act(place)
        except Refusal as refusal:
            outcome[place] = refusal
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(count)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    return outcome


@pytest.mark.django_db(transaction=True)
@pytest.mark.req("CPN-03")
def test_fifty_at_once_spend_one_coupon_once():
    station = make.station()
    one = coupon(station)

    def spend(place: int) -> str:
        locking.use(
            ids=[one.pk], key=f"basket-{place}", document=f"S-{place}", actor=None, at=make.NOW
        )
        return f"S-{place}"

    outcome = together(50, spend)
    won = [said for said in outcome if isinstance(said, str)]
    assert len(won) == 1
    assert sum(isinstance(said, CouponTaken) for said in outcome) == 49
    one.refresh_from_db()
    assert (one.state, one.document) == ("USED", won[0])
    assert CouponEvent.objects.filter(coupon=one, kind="USED").count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.req("CPN-03")
def test_two_tills_that_quote_and_sell_the_same_coupon_sell_it_once():
    station = make.station()
    zhang = make.member(station)
    one = coupon(station, zhang)
    tills = [make.session(station, till=make.till(station), cashier=make.cashier(station)) for _ in range(6)]  # fmt: skip
    tickets = [
        make.ticket(fills=[make.fill_at(station, "30.00", "8.00")], member=zhang.pk) for _ in tills
    ]

    def sell(place: int) -> Sale:
        till, asked = tills[place], tickets[place]
        offer = offering.quote(ticket=asked, session=till, actor=till.cashier, at=make.NOW).offer
        paid = make.read_ticket(
            make.basket(key=asked.key, member=zhang.pk, coupons=list(offer.coupons), due=str(offer.net),
                        tenders=[("CASH", str(offer.net))])
            | {"lines": [{"kind": "FUEL", "fill": asked.fill_ids[0]}]}
        )  # fmt: skip
        return settling.settle(paid, session=till, actor=till.cashier, at=make.NOW)

    sales = together(6, sell)
    assert all(isinstance(said, Sale) for said in sales), sales
    assert sorted(said.due for said in sales) == [D("220.00")] + [D("240.00")] * 5
    assert OfferUse.objects.filter(coupon=one).count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.req("CPN-09")
def test_the_hundred_and_first_claim_of_a_hundred_fails():
    station = make.station()
    made = batch(
        template(station), quota=100, per_member=1, open=True,
        claim_until=make.NOW + timedelta(days=1),
    )  # fmt: skip
    people = [make.member(station) for _ in range(25)]
    issuing.print_codes(batch=made, count=80, actor=make.marketer(station), at=make.NOW)
    outcome = together(
        25,
        lambda place: issuing.claim(
            open_code=made.open_code, member=people[place], device="", actor=None, at=make.NOW
        ),
    )
    assert sum(isinstance(said, Coupon) for said in outcome) == 20
    assert sum(isinstance(said, NoneLeft) for said in outcome) == 5
    said = counts_of(batch=made)
    assert (said.issued, said.claimed, said.adds_up) == (100, 20, True)
    assert CouponBatch.objects.get().issued == 100


@pytest.mark.django_db(transaction=True)
@pytest.mark.req("CPN-09")
def test_one_member_who_claims_ten_times_at_once_gets_his_share():
    station = make.station()
    made = batch(
        template(station), quota=100, per_member=3, per_member_day=2, open=True,
        claim_until=make.NOW + timedelta(days=1),
    )  # fmt: skip
    zhang = make.member(station)
    outcome = together(
        10,
        lambda _: issuing.claim(
            open_code=made.open_code, member=zhang, device="phone", actor=None, at=make.NOW
        ),
    )
    assert sum(isinstance(said, Coupon) for said in outcome) == 2
    assert sum(isinstance(said, LimitReached) for said in outcome) == 8
    tomorrow = make.NOW + timedelta(days=1) - timedelta(seconds=1)
    issuing.claim(open_code=made.open_code, member=zhang, device="", actor=None, at=tomorrow)
    with pytest.raises(LimitReached, match="已领满 3 张"):
        issuing.claim(open_code=made.open_code, member=zhang, device="", actor=None, at=tomorrow)


@pytest.mark.django_db(transaction=True)
def test_a_members_litres_of_the_day_hold_at_two_tills_at_once():
    station = make.station()
    promotion(station, members_only=True, cap_litres_day=D(40))
    zhang = make.member(station)
    make.tenders()
    tills = [make.session(station, till=make.till(station), cashier=make.cashier(station)) for _ in range(4)]  # fmt: skip
    tickets = [
        make.ticket(fills=[make.fill_at(station, "30.00", "8.00")], member=zhang.pk, tenders=[("CASH", "231.00")])
        for _ in tills
    ]  # fmt: skip

    def sell(place: int) -> Sale:
        till = tills[place]
        return settling.settle(tickets[place], session=till, actor=till.cashier, at=make.NOW)

    outcome = together(4, sell)
    assert sum(isinstance(said, Sale) for said in outcome) == 1
    assert DayLitres.objects.get().litres == 30


# ------------------------------------------------------------------- refunds, whatever comes


@st.composite
def histories(draw):
    """A basket under offers, and refunds in any order and amount."""
    steps = st.lists(
        st.tuples(st.integers(1, 3), st.integers(0, 4), st.integers(0, 30000)), max_size=6
    )
    return (
        draw(st.integers(1000, 60000)),
        draw(st.integers(1, 4)),
        draw(st.integers(1, 3)),
        draw(steps),
    )


@pytest.mark.django_db
@pytest.mark.req("CPN-05")
@settings(
    max_examples=int(os.environ.get("REFUND_HISTORIES", "12")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(story=histories())
def test_never_more_goes_out_than_came_in(story):
    with transaction.atomic():
        _tell(*story)
        transaction.set_rollback(True)


def _tell(millilitres: int, teas: int, coffees: int, steps: list[tuple[int, int, int]]) -> None:
    till = make.session()
    make.tenders()
    tea = make.item("茶叶", "33.33", on_hand="99")
    coffee = make.item("咖啡", "7.77", on_hand="99")
    zhang = make.member(till.station)
    promotion(till.station, amount=D("0.13"))
    promotion(till.station, benefit="SECOND_HALF", percent=D("0.5"), products=[tea.code])
    one = coupon(till.station, zhang, name="代9.99", benefit="AMOUNT", amount=D("9.99"))
    fill = make.fill_at(till.station, D(millilitres) / 1000, "8.00")
    items = [(tea, teas), (coffee, coffees)]
    asked = make.ticket(fills=[fill], items=items, member=zhang.pk)
    offer = offering.quote(ticket=asked, session=till, actor=till.cashier, at=make.NOW).offer
    assert offer.coupons == (one.pk,)
    sale = settling.settle(
        make.ticket(
            fills=[fill], items=items, member=zhang.pk, key=asked.key, coupons=[one.pk],
            tenders=[("CASH", str(offer.net))], due=str(offer.net),
        ),
        session=till, actor=till.cashier, at=make.NOW,
    )  # fmt: skip
    wang = make.manager(till.station)
    out = D(0)
    for number, (line, quantity, cents) in enumerate(steps):
        asked_back = RefundLine(line, quantity=D(quantity)) if line > 1 and quantity else RefundLine(line, amount=D(cents) / 100)  # fmt: skip
        try:
            with transaction.atomic():
                out -= refunds.refund(
                    sale=sale, lines=[asked_back], reason="退", session=till, actor=wang,
                    at=make.NOW, key=f"{sale.number}-{number}",
                ).due  # fmt: skip
        except RefundRefused:
            pass
        left = OfferUse.objects.filter(coupon=one)
        assert 0 <= sum(use.amount for use in left) <= D("9.99")
        assert 0 <= out <= sale.due
        one.refresh_from_db()
        assert (one.state == "ISSUED") <= (out == sale.due)
    booked = sum((use.amount for use in OfferUse.objects.all()), D(0))
    assert 0 <= booked <= offer.discount
    if out == sale.due and one.state == "ISSUED":
        assert booked == 0
