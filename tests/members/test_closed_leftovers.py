"""Closing an account ends what the member still had open; who was closed before is swept at night."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.urls import reverse

from marketing.models import Coupon, CouponEvent
from marketing.services import locking
from members.models import Gift, GiftPlan, Member, PointsAccount, Pool, PoolMember, SignUp
from members.services import closed_leftovers, closing, gifts, merging, partners
from members.tasks import sweep_closed
from sales.services import refunds
from tests import make
from tests.marketing import offers
from tests.marketing.test_coupons import basket, bought, quote
from tests.members import rewards as mall
from tests.members.points import violations
from tests.members.pool_histories import family
from tests.members.test_events import lecture, signed, states
from tests.sales.test_lock_order import someone_waits

pytestmark = [pytest.mark.django_db, pytest.mark.req("SEC-07")]


def gift(member: Member, key: str = "WELCOME:1") -> Gift:
    """A gift that waits."""
    plan, _ = GiftPlan.objects.get_or_create(occasion="WELCOME", points=50)
    return Gift.objects.create(
        key=key,
        occasion="WELCOME",
        member=member,
        plan=plan,
        station=member.home_station,
        points=50,
        made_at=make.NOW,
    )


def closed_before(member: Member) -> None:
    """Closed when nothing ended with it yet."""
    Member.objects.filter(pk=member.pk).update(
        status="CLOSED",
        closed_at=make.NOW,
        merged_into=None,
        phone_index="",
        id_number_index="",
        name_index="",
        birthday_index="",
    )


def forget(member: Member) -> None:
    closing.forget(
        member=member,
        reason="本人要求",
        at=make.NOW,
        actor=make.manager(member.home_station),
    )


@pytest.mark.req("MEM-08", "MEM-11")
def test_closing_gives_the_seat_to_who_waits_and_voids_the_gift():
    till = make.session()
    member, other, waits = (make.member(till.station) for _ in range(3))
    merging.merge(survivor=member, merged=other, reason="同一个人", at=make.NOW, actor=till.cashier)
    event, over = lecture(till.station, capacity=2), lecture(till.station, capacity=1)
    for one in (member, waits):
        signed(event, one)
    past = SignUp.objects.create(
        event=over, member=member, state="SEATED", code="PAST2222", signed_at=make.NOW
    )
    type(over).objects.filter(pk=over.pk).update(starts_at=make.at(1), ends_at=make.at(2), taken=1)
    SignUp.objects.create(
        event=event, member=other, state="WAITING", code="LINE2222", signed_at=make.NOW
    )
    third = signed(event, make.member(till.station))
    waiting = gift(other)
    for _ in range(2):
        forget(member)
    assert states(event) == ["CANCELLED", "SEATED", "CANCELLED", "SEATED"]
    third.refresh_from_db()
    assert third.state == "SEATED"
    event.refresh_from_db()
    assert event.taken == 2
    past.refresh_from_db()
    assert past.state == "SEATED"  # what is over stays as it was
    waiting.refresh_from_db()
    assert (waiting.state, waiting.words) == ("VOID", "会员已注销")


@pytest.mark.req("MEM-11")
def test_who_was_closed_before_is_swept_once():
    till = make.session()
    member = make.member(till.station)
    mall.give(member, 900)
    order = mall.order(member, mall.reward(cost=800), till.station)
    coupon, held = (offers.coupon(till.station, member) for _ in range(2))
    assert locking.hold(
        ids=[held.pk], key="basket", station=till.station, actor=till.cashier, at=make.NOW
    )
    litres = offers.lock(till.station, member)
    event, waiting = lecture(till.station), gift(member)
    signed(event, member)
    told = family(2)
    told.earn(1, 50)
    for one in (member, told.who(1)):
        closed_before(one)
    open_ones = offers.coupon(till.station, make.member(till.station))
    assert closed_leftovers.sweep(at=make.NOW) > 0
    kept = CouponEvent.objects.count()
    assert closed_leftovers.sweep(at=make.NOW) == 0
    sweep_closed()
    assert CouponEvent.objects.count() == kept
    for one in (order, coupon, held, waiting, open_ones, litres):
        one.refresh_from_db()
    assert (litres.status, litres.left) == ("STOPPED", 0)
    assert order.state == "CANCELLED"
    assert (coupon.state, held.state, open_ones.state) == ("VOID", "VOID", "ISSUED")
    assert waiting.state == "VOID"
    assert states(event) == ["CANCELLED"]
    assert PoolMember.objects.get(member=told.who(1)).state == "LEFT"
    assert Pool.objects.get(pk=told.pool.pk).closed_at is None
    for one in (member, told.who(1)):
        account = PointsAccount.objects.get(member=one)
        assert (account.balance, account.pending, account.debt) == (0, 0, 0)
    assert violations() == []


def test_an_order_at_a_partner_keeps_back_nothing_else():
    till = make.session()
    member = make.member(till.station)
    mall.give(member, 900)
    order = mall.order(member, mall.reward("话费", 500, "PARTNER", partner="COUNTER"), till.station)
    coupon, waiting = offers.coupon(till.station, member), gift(member)
    closed_before(member)
    closed_leftovers.sweep(at=make.NOW)
    for one in (order, coupon, waiting):
        one.refresh_from_db()
    assert (order.state, coupon.state, waiting.state) == ("RESERVED", "VOID", "VOID")
    assert mall.balance(member) == 0  # the 400 that the order left him
    told = partners.Answer("FAILED", words="号码不对")
    partners.answer(order=order, told=told, at=make.NOW, actor=make.manager(till.station))
    closed_leftovers.sweep(at=make.NOW + timedelta(days=1))
    assert mall.balance(member) == 0
    assert violations() == []


@pytest.mark.req("CPN-05")
@pytest.mark.parametrize("gone", [True, False])
def test_a_coupon_that_comes_back_to_a_closed_member_is_void_and_says_so(gone: bool):
    till = make.session()
    make.tenders()
    member = make.member(till.station)
    one = offers.coupon(till.station, member)
    ticket = basket(till, member=member.pk)
    sale = bought(till, ticket, quote(till, ticket).offer)
    if gone:
        forget(member)
    boss = make.signed_in(make.manager(till.station))
    door = reverse("sales:reverse", args=[sale.number])
    told = {"reason": "加错", "session": till.pk, "key": "r1"}
    page = boss.post(door, told, follow=True).content.decode()
    one.refresh_from_db()
    assert one.returned == 1
    trail = list(one.events.order_by("pk").values_list("kind", "words"))
    assert ("会员已注销：退回的 1 张券作废" in page) is gone
    if gone:
        assert (one.state, one.document) == ("VOID", "")
        assert trail[-2:] == [("RETURNED", ""), ("VOIDED", locking.GONE)]
        shown = boss.get(reverse("marketing:coupon", args=[one.pk])).content.decode()
        assert locking.GONE in shown
    else:
        assert (one.state, trail[-1]) == ("ISSUED", ("RETURNED", ""))
    assert Coupon.objects.filter(state="USED").count() == 0
    again = refunds.reverse(
        sale=sale, reason="加错", session=till, actor=till.cashier, at=make.NOW, key="r1"
    )
    one.refresh_from_db()
    assert (one.returned, again.kind) == (1, "REVERSAL")


@pytest.mark.django_db(transaction=True)
def test_a_gift_that_is_just_given_and_a_closing_do_not_wait_in_a_ring():
    told = family(2)
    told.earn(1, 50)
    mate = told.who(1)
    held, failed = gift(mate), []

    def close() -> None:
        try:
            forget(mate)
        except Exception as error:  # noqa: BLE001  # whatever a thread meets is the test's answer
            failed.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=close)
    with transaction.atomic():
        Gift.objects.select_for_update(no_key=True).get(pk=held.pk)
        thread.start()
        someone_waits()
        gifts.give(gift=held, member=mate, coupon="", at=make.NOW)
    thread.join(20)
    assert not failed
    held.refresh_from_db()
    mate.refresh_from_db()
    assert (held.state, mate.status) == ("GIVEN", "CLOSED")
    assert PointsAccount.objects.get(member=mate).balance == 0
