"""P1–P10 with pools, in random and directed histories, and at fifty tills at once."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from members.models import PointsAccount, PointsLot, PointsTxn
from members.queries.pools import brought_of, place_of, used_in_month
from members.services import points_of_sales, pool_endings, pools, redemption_endings
from members.services.points import NotEnoughPoints
from members.services.pools import Terms
from members.services.redemptions import TooFewPoints
from tests import make
from tests.members import rewards
from tests.members.points import violations
from tests.members.pool_histories import Deal, Family, Why, family

pytestmark = [pytest.mark.django_db, pytest.mark.req("FAM-01")]
Kind = PointsTxn.Kind
HISTORIES = int(os.environ.get("POINTS_HISTORIES", "30"))

whiches = st.integers(0, 3)
amounts = st.integers(1, 120)
acts = st.one_of(
    st.tuples(st.just("earn"), whiches, amounts),
    st.tuples(st.just("spend"), whiches, amounts),
    st.tuples(st.just("refund"), st.integers(0, 9), st.integers(1, 100)),
    st.tuples(st.just("wait"), st.integers(1, 12)),
    st.tuples(st.just("nightly")),
    st.tuples(st.just("leave"), whiches),
    st.tuples(st.just("join"), whiches, st.integers(0, 100)),
    st.tuples(st.just("terms"), whiches, st.integers(0, 100), st.one_of(st.none(), amounts)),
)


def play(told: Family, walk: list[tuple[Any, ...]]) -> None:
    for act, *arguments in walk:
        getattr(told, act)(*arguments)
        told.check()
    told.unwind()


@pytest.mark.req("FAM-02", "PTS-14")
@settings(
    max_examples=HISTORIES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    walk=st.lists(acts, min_size=3, max_size=14),
    share=st.integers(0, 100),
    hold=st.sampled_from([0, 0, 2]),
)
def test_a_family_may_do_anything_in_any_order(db, walk, share, hold):
    with transaction.atomic():
        play(family(4, share, hold_days=hold), walk)
        transaction.set_rollback(True)


# ------------------------------------------------------------------------------ directed


def balances(told: Family) -> list[int]:
    own = [PointsAccount.objects.get(member=one).balance for one in told.people]
    return [*own, PointsAccount.objects.get(pk=told.pool.account_id).balance]


@pytest.mark.parametrize(
    ("share", "earned", "own", "pool"),
    [(60, 101, 41, 60), (100, 7, 0, 7), (0, 7, 7, 0), (33, 2, 2, 0)],
)
def test_a_share_goes_to_the_pool_and_the_odd_point_stays_with_the_member(share, earned, own, pool):
    told = family(2, share)
    told.earn(1, earned)
    assert balances(told) == [0, own, pool]


def test_a_debt_is_paid_before_anything_is_shared():
    told = family(2, 100)
    deal = told.settle(told.who(1), earn=50)
    told.spend(0, 50)
    told.give_back(deal, 100)
    assert PointsAccount.objects.get(member=told.who(1)).debt == 50
    told.earn(1, 80)
    assert balances(told) == [0, 0, 30]


def test_a_refund_takes_back_from_where_it_went_in_the_same_shares():
    told = family(2, 60)
    deal = told.settle(told.who(1), earn=100)
    told.give_back(deal, 50)
    assert balances(told) == [0, 20, 30]
    told.give_back(deal, 100)
    assert balances(told) == [0, 0, 0]


def test_what_the_family_spent_of_a_refunded_sale_is_owed_by_who_bought_and_by_nobody_else():
    told = family(3, 100)
    deal = told.settle(told.who(1), earn=100)
    told.earn(2, 40)
    assert told.spend(0, 70)
    told.give_back(deal, 100)
    left = 140 - 70
    assert PointsAccount.objects.get(pk=told.pool.account_id).debt == 0
    mine = PointsAccount.objects.get(member=told.who(1))
    assert balances(told)[-1] == left - 50  # 70 were spent 50 : 20
    assert mine.debt == 50
    told.check()


@pytest.mark.req("FAM-02")
def test_what_expires_together_is_spent_of_everybody_in_proportion_and_goes_back_so():
    told = family(3, 100)
    told.earn(0, 60)
    told.earn(1, 30)
    told.earn(2, 10)
    assert told.spend(2, 55)
    assert sorted(brought_of(told.pool).values()) == [5, 13, 27]  # 33, 16.5, 5.5: largest remainder
    until = PointsLot.objects.filter(account=told.pool.account).first().expires_at
    told.leave(1)
    mine = PointsLot.objects.get(account__member=told.who(1), remaining__gt=0)
    assert (mine.expires_at, mine.root.account.member) == (until, told.who(1))
    assert mine.remaining == balances(told)[1]
    told.unwind()


@pytest.mark.req("FAM-02")
def test_points_given_back_go_to_who_left_meanwhile():
    told = family(2, 100)
    told.earn(1, 40)
    assert told.spend(0, 30)
    told.leave(1)
    assert balances(told) == [0, 10, 0]
    told.give_back(told.deals[-1], 100)
    assert balances(told) == [0, 40, 0]
    told.unwind()


def test_one_spends_his_own_first_and_then_of_the_pool_and_gets_it_back_so():
    told = family(2, 50)
    told.earn(1, 100)
    assert told.spend(1, 80)
    assert balances(told) == [0, 0, 20]
    told.give_back(told.deals[-1], 50)
    assert balances(told) == [0, 10, 50]
    told.give_back(told.deals[-1], 100)
    assert balances(told) == [0, 50, 50]


def test_nobody_spends_without_the_right_nor_over_his_months_bound():
    told = family(2, 100)
    told.earn(0, 100)
    place = place_of(member_id=told.who(1).pk)
    pools.set_terms(place=place, terms=Terms(100, False, None), at=told.at, actor=None)
    assert not told.spend(1, 1)
    told.terms(1, 100, 30)
    assert told.spend(1, 20)
    assert not told.spend(1, 11)
    told.give_back(told.deals[-1], 50)  # 10 came back: 20 are open again
    assert told.spend(1, 20)
    assert not told.spend(1, 1)
    told.leave(1)
    assert told.join(1, 100, 30)  # coming back opens no new month
    assert not told.spend(1, 1)
    told.wait(9)  # the first of May
    assert told.spend(1, 30)


def test_the_mall_takes_ones_own_first_then_of_the_pool_and_gives_both_back():
    told = family(2, 50)
    make.session(told.station)  # a business day
    told.earn(1, 400)
    what = rewards.reward(cost=300)
    order = rewards.order(told.who(1), what, told.station)
    assert balances(told) == [0, 0, 100]
    assert used_in_month(place=place_of(member_id=told.who(1).pk), day=make.TODAY) == 100
    told.terms(1, 50, 150)
    with pytest.raises(TooFewPoints, match="可用 50 分"):
        rewards.order(told.who(1), what, told.station)
    redemption_endings.cancel(order=order, reason="不要了", at=told.at, actor=None)
    assert balances(told) == [0, 200, 200]
    told.check()


@pytest.mark.req("FAM-01", "PTS-14")
@pytest.mark.django_db(transaction=True)
def test_fifty_spends_at_once_never_overdraw_a_pool_nor_pass_a_members_bound():
    told = family(4, 100)
    told.earn(0, 120)
    told.terms(1, 100, 20)
    told.terms(2, 100, 50)
    sold = [told._sold(Deal(f"RACE{turn}", told.who(turn), told.at), 0, 7) for turn in range(50)]

    def spend(turn: int) -> bool:
        try:
            with transaction.atomic():
                points_of_sales.settle(sold=sold[turn])
            return True
        except NotEnoughPoints:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(50) as tills:
        done = list(tills.map(spend, range(50)))
    assert sum(done) == 17  # 17 × 7 = 119 of 120
    assert balances(told)[-1] == 1
    used = [
        used_in_month(place=place_of(member_id=one.pk), day=told.at.date()) for one in told.people
    ]
    assert sum(used) == 119
    assert used[1] <= 20
    assert used[2] <= 50
    assert not violations()


@pytest.mark.req("FAM-02")
@pytest.mark.django_db(transaction=True)
def test_leaving_while_others_earn_and_spend_loses_no_point():
    told = family(4, 70)
    for which in range(4):
        told.earn(which, 100)
    before = sum(balances(told))

    def act(turn: int) -> int:
        try:
            if turn % 10 == 9:
                place = place_of(member_id=told.who(1 + turn % 3).pk)
                if place is not None:
                    pool_endings.leave(place=place, why=Why.HIMSELF, at=told.at, actor=None)
                return 0
            deal = Deal(f"RACE{turn}", told.who(turn), told.at)
            earn, spend = (10, 0) if turn % 2 else (0, 9)
            with transaction.atomic():
                points_of_sales.settle(sold=told._sold(deal, earn, spend))
            return earn - spend
        except NotEnoughPoints:
            return 0
        finally:
            connection.close()

    with ThreadPoolExecutor(12) as tills:
        moved = sum(job.result(timeout=60) for job in [tills.submit(act, n) for n in range(60)])
    assert sum(balances(told)) == before + moved
    told.check()
