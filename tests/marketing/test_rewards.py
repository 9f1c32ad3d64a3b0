"""What points bought arrives: a coupon from the batch kept for it, or bonus on the member's account."""

from __future__ import annotations

import json
from decimal import Decimal as D
from threading import Thread

import pytest
from django.db import connection, connections
from django.urls import reverse

from marketing.models import Coupon
from marketing.services import batches, issuing, rewards
from marketing.services.batches import BatchRefused
from marketing.services.issuing import NoneLeft
from members.models import (
    PointsAccount,
    Redemption,
    RewardCoupon,
    RewardTopUp,
    ValueAccount,
    ValueTxn,
)
from members.queries.value import account_of_member, broken_accounts
from members.queries.value_liability import liability
from members.services import redemption_endings, value_accounts, value_rewards
from tests import make
from tests.marketing.offers import batch, template
from tests.members import rewards as mall

pytestmark = pytest.mark.django_db


def ten_yuan(station, quota=100):
    """A reward of 1000 points: a coupon of ten yuan, and the batch that is kept for it."""
    offer = template(station, name="10元加油券", benefit="AMOUNT", amount=D(10))
    kept = batch(offer, quota=quota, per_member=1, for_rewards=True)
    return mall.reward(template=offer.code), kept


@pytest.mark.req("MAL-01")
def test_exactly_a_thousand_points_give_one_coupon_that_the_till_then_offers():
    till = make.session()
    make.tenders()
    zhang = make.member(till.station)
    reward, kept = ten_yuan(till.station)
    mall.give(zhang, 1000)
    order = mall.order(zhang, reward, till.station)
    assert [rewards.issue_waiting(at=make.NOW) for _ in range(2)] == [1, 0]
    coupon = Coupon.objects.get()
    assert (coupon.member, coupon.source, coupon.batch) == (zhang, "REWARD", kept)
    order.refresh_from_db()
    assert (order.state, order.reference) == ("FULFILLED", coupon.code)
    assert RewardCoupon.objects.get().status == "SUCCEEDED"
    assert mall.balance(zhang) == 0
    fill = make.fill_at(till.station, "25.00", "8.00")
    client = make.signed_in(till.cashier)
    told = client.post(
        reverse("sales:till_quote"),
        json.dumps(make.basket(fills=[fill], member=zhang.pk)),
        content_type="application/json",
    ).json()
    assert "10元加油券" in json.dumps(told, ensure_ascii=False)
    sale = make.sale(
        till,
        fills=[fill],
        member=zhang.pk,
        coupons=[coupon.pk],
        tenders=[("CASH", "190.00")],
    )
    coupon.refresh_from_db()
    assert (sale.due, coupon.state, coupon.document) == (D("190.00"), "USED", sale.number)


def test_without_a_batch_that_is_kept_the_order_waits_and_says_why():
    station = make.session().station
    zhang = make.member(station)
    offer = template(station, name="10元加油券", benefit="AMOUNT", amount=D(10))
    open_to_all = batch(offer)
    mall.give(zhang, 1000)
    mall.order(zhang, mall.reward(template=offer.code), station)
    for _ in range(2):
        assert rewards.issue_waiting(at=make.NOW) == 0
    waiting = RewardCoupon.objects.get()
    assert waiting.status == "PENDING"
    assert "没有留给积分商城和礼遇的批次" in waiting.words
    batch(offer, for_rewards=True)
    assert rewards.issue_waiting(at=make.NOW) == 1
    open_to_all.refresh_from_db()
    assert open_to_all.issued == 0


def test_a_kept_batch_serves_only_the_mall():
    station = make.session().station
    zhang = make.member(station)
    _, kept = ten_yuan(station, quota=1)
    with pytest.raises(NoneLeft, match="留给积分商城"):
        issuing.give(batch=kept, members=[zhang], actor=make.marketer(station), at=make.NOW)
    with pytest.raises(BatchRefused, match="不能公开领取"):
        batches.make(
            template=kept.template,
            values={"quota": 1, "open": True, "for_rewards": True, "claim_until": make.at(23)},
            actor=make.marketer(station),
            at=make.NOW,
        )
    assert not Coupon.objects.exists()


def test_one_full_quota_does_not_hold_up_the_others_and_a_cancelled_order_gets_none():
    station = make.session().station
    zhang, li = make.member(station), make.member(station)
    reward, _ = ten_yuan(station, quota=1)
    for one in (zhang, li):
        mall.give(one, 2000)
    gone = mall.order(zhang, reward, station)
    redemption_endings.cancel(order=gone, reason="改主意", at=make.NOW, actor=None)
    mall.order(zhang, reward, station)
    mall.order(li, reward, station)
    other, _ = ten_yuan(station)
    mall.order(li, other, station)
    assert rewards.issue_waiting(at=make.NOW) == 2
    assert list(Coupon.objects.order_by("pk").values_list("member", flat=True)) == [zhang.pk, li.pk]
    assert RewardCoupon.objects.filter(status="PENDING").count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.req("MAL-01")
def test_many_workers_issue_one_coupon_an_order():
    station = make.session().station
    reward, _ = ten_yuan(station)
    people = [make.member(station) for _ in range(4)]
    for one in people:
        mall.give(one, 1000)
        mall.order(one, reward, station)
    done = []

    def work():
        done.append(rewards.issue_waiting(at=make.NOW))
        connections.close_all()

    threads = [Thread(target=work) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sum(done) + rewards.issue_waiting(at=make.NOW) == 4
    assert sorted(Coupon.objects.values_list("member", flat=True)) == sorted(
        one.pk for one in people
    )
    assert Redemption.objects.filter(state="FULFILLED").count() == 4
    assert connection.vendor == "postgresql"


@pytest.mark.req("MAL-01")
def test_what_waits_at_the_head_holds_back_no_coupon_and_no_top_up_behind_it():
    station = make.session().station
    zhang, li = make.member(station), make.member(station)
    offer = template(station, name="10元加油券", benefit="AMOUNT", amount=D(10))
    batch(offer, for_rewards=True)
    mall.give(zhang, 4000)
    mall.give(li, 1000)
    for code in ("没有这张券", "没有这张券", offer.code):
        mall.order(zhang, mall.reward(template=code), station)
    assert rewards.issue_waiting(at=make.NOW, size=1) == 1
    what = mall.reward(kind="TOP_UP")
    frozen = value_accounts.open_named(member=zhang, station=station, at=make.NOW, actor=None)
    ValueAccount.objects.filter(pk=frozen.pk).update(status="FROZEN")
    mall.order(zhang, what, station)
    mall.order(li, what, station)
    assert value_rewards.top_up_waiting(at=make.NOW, size=1) == 1


@pytest.mark.req("MAL-01")
def test_a_top_up_for_points_is_bonus_on_the_members_account_once_and_the_liability_adds_up():
    till = make.session()
    zhang = make.member(till.station)
    mall.give(zhang, 1000)
    order = mall.order(zhang, mall.reward(kind="TOP_UP"), till.station)
    assert [value_rewards.top_up_waiting(at=make.NOW) for _ in range(2)] == [1, 0]
    account = account_of_member(zhang.pk)
    assert account is not None
    assert (account.principal, account.bonus) == (D(0), D("10.00"))
    row = ValueTxn.objects.get()
    assert (row.kind, row.document, row.idem) == ("REWARD", order.number, f"reward:{order.number}")
    order.refresh_from_db()
    assert (order.state, order.reference) == ("FULFILLED", account.number)
    day = till.shift.day.date
    owed = liability(stations=[till.station], since=day, until=day)
    assert (owed.bonus.topped_up, owed.principal.topped_up, owed.closing) == (D(10), D(0), D(10))
    assert not broken_accounts()
    assert PointsAccount.objects.get(member=zhang).balance == 0


def test_a_top_up_waits_while_the_account_is_frozen_and_says_so():
    till = make.session()
    zhang = make.member(till.station)
    mall.give(zhang, 2000)
    what = mall.reward(kind="TOP_UP")
    mall.order(zhang, what, till.station)
    value_rewards.top_up_waiting(at=make.NOW)
    account = account_of_member(zhang.pk)
    account.status = "FROZEN"
    account.save()
    mall.order(zhang, what, till.station)
    assert value_rewards.top_up_waiting(at=make.NOW) == 0
    assert "已冻结" in RewardTopUp.objects.get(status="PENDING").words
    account.status = "ACTIVE"
    account.save()
    assert value_rewards.top_up_waiting(at=make.NOW) == 1
    assert account_of_member(zhang.pk).bonus == D("20.00")
