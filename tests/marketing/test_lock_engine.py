"""锁价 in the engine: litres at a price, beside every other cut, for the customer's best, never below zero."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketing.queries.quoting import Locked, Offer, quote
from marketing.queries.rules import QuoteLine, Rule, Scope, Work
from tests import make
from tests.marketing.offers import fuel, goods, rule

FUEL = Scope(kinds=frozenset({"FUEL"}))
OF_92 = Scope(kinds=frozenset({"FUEL"}), products=frozenset({"92#"}))


def offer(lines: list[QuoteLine], *rules: Rule, tier: int = 0) -> Offer:
    return quote(lines=lines, member=1, at=make.NOW, rules=rules, tier=tier)


def lock(pk: int = 1, price: str = "7.20", left: str = "50", **fields: object) -> Rule:
    return rule(
        Work.LOCK, f"L{pk}", name=f"锁价 92# ¥{price}", value=D(price), litres_left=D(left),
        scope=OF_92, lock=pk, members_only=True, **fields,
    )  # fmt: skip


@pytest.mark.req("SAL-17")
def test_locked_litres_cost_their_price_and_the_line_says_how_many_stay():
    said = offer([fuel("30.00", "8.00")], lock())
    assert said.lines[0].list_amount == D("240.00")
    assert said.lines[0].net == D("216.00")
    assert said.lines[0].reason == "锁价 ¥7.20 × 30.00 升（余 20.00 升）"
    assert said.locked == (Locked(1, 1, D("30.00")),)
    assert said.litres == ()  # no daily cap
    [told] = said.locks
    assert (told.amount, told.litres, told.left, told.why) == (
        D("24.00"),
        D("30.00"),
        D("20.00"),
        "",
    )


@pytest.mark.req("SAL-17")
@pytest.mark.parametrize("price", ["7.20", "7.00"])
def test_a_price_at_the_pump_that_is_not_higher_leaves_the_litres_alone(price):
    said = offer([fuel("30.00", price)], lock())
    assert (said.discount, said.locked) == (0, ())
    [told] = said.locks
    assert (told.left, told.why) == (D(50), "油枪价不高于锁价 7.20 元，锁定的升数不动")


def test_of_another_grade_they_are_not():
    said = offer([fuel("30.00", "8.00", grade="95#")], lock())
    assert said.discount == 0
    assert said.locks[0].why == "单上没有适用的商品"


@pytest.mark.req("SAL-17")
def test_litres_beyond_the_locked_ones_have_the_other_cut():
    cut = rule(Work.PER_LITRE, "T1", name="金卡每升减 0.10", value=D("0.10"), scope=FUEL)
    said = offer([fuel("30.00", "8.00")], lock(left="20"), cut)
    assert [(one.reason, one.amount) for one in said.lines[0].discounts] == [
        ("锁价 ¥7.20 × 20.00 升（余 0.00 升）", D("16.00")),
        ("金卡每升减 0.10", D("1.00")),
    ]


@pytest.mark.req("SAL-17")
def test_each_fuel_discount_is_computable_on_one_line_and_all_of_them_are_shown_separately():
    line = fuel("30.00", "8.00")
    cut = rule(Work.PER_LITRE, "P1", value=D("0.30"), scope=FUEL)
    tier = rule(Work.TIER_PRICE, "P2", value=D("7.60"), tier_rank=1, members_only=True)
    off = rule(Work.THRESHOLD, "P3", value=D(20), threshold=D(200))
    alone = [offer([line], one, tier=1).discount for one in (cut, tier, off, lock(left="20"))]
    assert alone == [D("9.00"), D("12.00"), D("20.00"), D("16.00")]
    said = offer([line], cut, tier, off, lock(left="20"), tier=1)
    assert [one.key for one in said.lines[0].discounts] == ["L1", "P2", "P3"]
    assert [one.amount for one in said.lines[0].discounts] == [D("16.00"), D("4.00"), D("20.00")]
    assert said.lines[0].net == D("200.00")


def test_a_cheaper_cut_for_the_whole_fill_keeps_the_locked_litres():
    tier = rule(Work.TIER_PRICE, "P1", name="金卡价", value=D("7.00"))
    said = offer([fuel("30.00", "8.00")], lock(), tier)
    assert (said.discount, said.locked) == (D("30.00"), ())
    same = rule(Work.TIER_PRICE, "P1", name="金卡价", value=D("7.20"))
    said = offer([fuel("30.00", "8.00")], lock(), same)
    assert (said.discount, said.locked) == (D("24.00"), ())
    assert said.locks[0].why == "已用更省的「金卡价」"


def test_several_locks_go_one_after_the_other_the_cheapest_first():
    dear, cheap = lock(1, "7.50", "100", priority=-1), lock(2, "7.20", "10", priority=0)
    said = offer([fuel("30.00", "8.00")], dear, cheap)
    assert said.locked == (Locked(2, 1, D("10")), Locked(1, 1, D("20.00")))
    assert said.discount == D("18.00")
    two = offer([fuel("30.00", "8.00"), fuel("30.00", "8.00", position=2)], lock(left="50"))
    assert [one.litres for one in two.locked] == [D("30.00"), D("20.00")]
    assert two.lines[1].reason == "锁价 ¥7.20 × 20.00 升（余 0.00 升）"


def test_what_is_exclusive_of_its_kind_goes_with_no_lock():
    line = fuel("30.00", "8.00")
    for cut, off, locked in (("0.50", "16.00", 1), ("0.60", "18.00", 0)):
        promo = rule(Work.PER_LITRE, "P1", name="直降", value=D(cut), exclusive=True)
        said = offer([line], lock(left="20"), promo)
        assert (said.discount, len(said.locked)) == (D(off), locked)
    assert said.locks[0].why == "「直降」不与同类优惠同享，已用更省的「直降」"


def test_a_daily_cap_counts_only_the_litres_that_the_lock_left():
    capped = rule(Work.PER_LITRE, "P1", value=D("0.10"), litres_left=D(40), members_only=True)
    said = offer([fuel("30.00", "8.00")], lock(left="20"), capped)
    assert said.litres == (("P1", D("10.00")),)


@given(
    litres=st.integers(1, 99_000),
    price=st.integers(600, 900),
    locked=st.lists(st.tuples(st.integers(1, 1000), st.integers(1, 80_000)), max_size=3),
    cut=st.integers(0, 900),
    off=st.integers(1, 5000),
)
@settings(max_examples=80, deadline=None)
@pytest.mark.req("SAL-17")
def test_no_line_goes_below_zero_and_no_litre_is_locked_twice(litres, price, locked, cut, off):
    line = fuel(str(D(litres) / 1000), str(D(price) / 100))
    rules = [
        lock(pk, str(D(at) / 100), str(D(left) / 1000)) for pk, (at, left) in enumerate(locked, 1)
    ]
    rules.append(rule(Work.PER_LITRE, "P9", value=D(cut) / 100))
    rules.append(rule(Work.AMOUNT, "C9", value=D(off) / 100, coupon=9))
    said = offer([line, goods("3.00")], *rules)
    assert all(one.net >= 0 for one in said.lines)
    assert sum(one.litres for one in said.locked) <= line.quantity
    for one in said.locks:
        assert one.left >= 0
