"""The engine of offers: pure, the same whatever the order, never below zero, the best of all ways."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal as D
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketing.queries.combining import clash
from marketing.queries.quoting import Offer, quote
from marketing.queries.rules import QuoteLine, Rule, Scope, Stage, When, Work
from station.money import share_yuan
from tests import make
from tests.marketing.offers import fuel, goods, rule

COFFEE = Scope(products=frozenset({"COFFEE"}))
WASH = Scope(kinds=frozenset({"SERVICE"}), products=frozenset({"WASH"}))
FUEL = Scope(kinds=frozenset({"FUEL"}))


def offer(
    lines: list[QuoteLine],
    *rules: Rule,
    member: int | None = None,
    tier: int = 0,
    at: datetime = make.NOW,
) -> Offer:
    return quote(lines=lines, member=member, at=at, rules=rules, tier=tier)


# ------------------------------------------------------------------------- worked examples


@pytest.mark.req("SAL-17")
def test_a_cut_per_litre_is_money_off_and_never_touches_the_pumps_figures():
    line = fuel("25.48", "7.85")
    said = offer([line], rule(Work.PER_LITRE, value=D("0.30"), scope=FUEL))
    assert said.lines[0].list_amount == D("200.02")
    assert said.discount == D("7.64")  # 25.48 × 0.30 = 7.644
    assert said.lines[0].reason == "优惠P1"


def test_litres_above_the_cap_cost_the_posted_price():
    cut = rule(Work.PER_LITRE, value=D("0.50"), cap_litres=D(50))
    assert offer([fuel("60.00")], cut).discount == D("25.00")
    left = rule(Work.PER_LITRE, value=D("0.50"), litres_left=D(30), members_only=True)
    two = [fuel("20.00"), fuel("20.00", position=2)]
    said = offer(two, left, member=1)
    assert said.discount == D("15.00")
    assert said.litres == (("P1", D(30)),)


@pytest.mark.req("SAL-17")
def test_a_tier_price_is_only_for_the_tier_and_never_above_the_posted_price():
    gold = rule(Work.TIER_PRICE, value=D("7.50"), members_only=True, tier_rank=2, tier_name="金卡")
    assert offer([fuel("10.00", "8.00")], gold, member=1, tier=2).discount == D("5.00")
    assert offer([fuel("10.00", "8.00")], gold, member=1, tier=1).discount == 0
    assert offer([fuel("10.00", "8.00")], gold).discount == 0
    assert offer([fuel("10.00", "7.00")], gold, member=1, tier=2).discount == 0


@pytest.mark.req("SAL-17")
def test_a_threshold_is_met_to_the_fen_and_shared_over_its_lines():
    off = rule(Work.THRESHOLD, value=D("20.00"), threshold=D("210.00"))
    said = offer([fuel("25.00"), goods("10.00")], off)
    assert [line.discount for line in said.lines] == [D("19.05"), D("0.95")]
    assert offer([fuel("25.00"), goods("9.99")], off).discount == 0


def test_the_second_of_two_is_half_price_dearest_first():
    half = rule(Work.SECOND_HALF, percent=D("0.5"), scope=Scope(kinds=frozenset({"GOODS"})))
    assert offer([goods("10.00", "1")], half).discount == 0
    assert offer([goods("10.00", "2")], half).discount == D("5.00")
    assert offer([goods("10.00", "5")], half).discount == D("10.00")
    two = [goods("10.00", "1"), goods("6.00", "1", 3, "TEA")]
    assert [line.discount for line in offer(two, half).lines] == [0, D("3.00")]


@pytest.mark.req("F2N-01")
def test_fuel_of_200_brings_a_coffee_and_any_fuel_a_cheaper_wash():
    coffee = rule(
        Work.UNITS, "P1", name="加满送咖啡", percent=D(1), needs_fuel=D(200), scope=COFFEE
    )
    wash = rule(
        Work.UNITS, "P2", name="加油洗车七折", percent=D("0.3"), needs_fuel=D(0), scope=WASH
    )
    basket = [fuel("25.00"), goods("15.00", "2"), goods("30.00", "1", 3, "WASH", "服务", "SERVICE")]
    said = offer(basket, coffee, wash)
    assert [line.discount for line in said.lines] == [0, D("15.00"), D("9.00")]
    assert [line.reason for line in said.lines] == ["", "加满送咖啡", "加油洗车七折"]
    small = offer([fuel("24.99"), *basket[1:]], coffee, wash)
    assert [line.discount for line in small.lines] == [0, 0, D("9.00")]
    assert offer(basket[1:], coffee, wash).discount == 0


def test_an_exchange_sells_one_for_its_price():
    swap = rule(Work.UNITS_AT, "C1", value=D("1.00"), scope=COFFEE, coupon=1)
    assert offer([goods("15.00", "2")], swap).discount == D("14.00")


def test_thresholds_are_measured_before_discounts_on_the_whole_order():
    first = rule(Work.THRESHOLD, "P1", value=D(50), threshold=D(200))
    second = rule(Work.THRESHOLD, "P2", value=D(10), threshold=D(190))
    said = offer([fuel("25.00")], first, second)
    assert said.discount == D("60.00")
    # but after what was taken off single lines
    cut = rule(Work.PER_LITRE, "P0", value=D("0.10"))
    assert offer([fuel("25.00")], cut, first).discount == D("50.00")


def test_nothing_goes_below_zero():
    said = offer([goods("3.00")], rule(Work.AMOUNT, "C1", value=D(50), coupon=1))
    assert (said.net, said.discount) == (0, D("3.00"))


# ------------------------------------------------------------------------------- together


def coupons(*values: str, **fields: object) -> list[Rule]:
    return [
        rule(Work.AMOUNT, f"C{number}", value=D(value), coupon=number, **fields)
        for number, value in enumerate(values, start=1)
    ]


@pytest.mark.req("CPN-04")
def test_of_a_group_the_best_is_used_and_the_others_are_told_why():
    said = offer([fuel("25.00")], *coupons("5", "20", "10", group="券A"))
    assert said.coupons == (2,)
    why = {one.coupon: one.why for one in said.told}
    assert why[2] == ""
    assert why[1] == "同组的优惠一单只用一个，已用更省的「优惠C2」"
    assert all(why[one] for one in (1, 3))


@pytest.mark.req("CPN-04")
def test_one_that_stands_alone_is_used_only_where_it_saves_more():
    cut = rule(Work.PER_LITRE, "P1", value=D("1.00"))
    alone = rule(Work.AMOUNT, "C1", value=D(20), coupon=1, alone=True)
    said = offer([fuel("25.00")], cut, alone)
    assert (said.discount, said.coupons) == (D("25.00"), ())
    assert said.told[0].why == "「优惠C1」不与其他优惠同享，已用更省的「优惠P1」"
    assert offer([fuel("10.00")], cut, alone).coupons == (1,)


@pytest.mark.req("CPN-04")
def test_at_a_tie_fewer_coupons_then_the_one_that_ends_first():
    soon = When(until=make.NOW + timedelta(days=1))
    late = When(until=make.NOW + timedelta(days=9))
    two = [
        rule(Work.AMOUNT, "C1", value=D(10), coupon=1, group="g", when=late),
        rule(Work.AMOUNT, "C2", value=D(10), coupon=2, group="g", when=soon),
    ]
    assert offer([fuel()], *two).coupons == (2,)
    # 8 yuan in all: one coupon of 10 is enough, two would be spent for nothing
    assert len(offer([goods("8.00")], *coupons("10", "10")).coupons) == 1


@pytest.mark.req("CPN-04")
@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"threshold": D(257)}, "满 257 元可用，还差 57.00 元"),
        ({"scope": COFFEE}, "单上没有适用的商品"),
        ({"needs_fuel": D(300)}, "同单加油满 300 元可用，还差 100.00 元"),
        ({"tier_rank": 2, "tier_name": "金卡", "members_only": True}, "限金卡及以上会员"),
        ({"when": When(weekdays=frozenset({5}))}, "仅周五 可用"),
        ({"when": When(from_time=time(18), to_time=time(22))}, "仅 18:00–22:00 可用"),
        ({"when": When(since=make.at(12))}, "04月22日 12:00 起可用"),
        ({"refused": "正在另一单上使用"}, "正在另一单上使用"),
    ],
)
def test_each_coupon_that_is_not_used_says_what_is_missing(fields, why):
    said = offer(
        [fuel("25.00")], rule(Work.THRESHOLD, "C1", value=D(5), coupon=1, **fields), member=7
    )
    assert said.told[0].why == why
    assert said.coupons == ()


def test_what_is_missing_is_measured_after_what_single_lines_get():
    cut = rule(Work.PER_LITRE, "P1", value=D("0.10"))
    off = rule(Work.THRESHOLD, "C1", value=D(5), threshold=D(200), coupon=1)
    said = offer(
        [fuel("25.00")], cut, rule(Work.THRESHOLD, "C2", value=D(5), threshold=D(300), coupon=2)
    )
    assert said.told[0].why == "满 300 元可用，还差 102.50 元"
    both = offer([fuel("25.00")], cut, off)  # the cut alone takes the basket under 200
    assert both.coupons == (1,)  # 5 yuan are more than 2.50
    small = rule(Work.THRESHOLD, "C1", value=D(1), threshold=D(200), coupon=1)
    assert offer([fuel("25.00")], cut, small).told[0].why == "满 200 元可用，还差 2.50 元"


# ------------------------------------------------------------------------------ its time


@pytest.mark.req("MEM-07")
@pytest.mark.parametrize(
    ("moment", "holds"),
    [
        (datetime(2026, 4, 7, 15, 59, 59, tzinfo=UTC), False),  # 23:59:59 on the 7th in Shanghai
        (datetime(2026, 4, 7, 16, 0, 0, tzinfo=UTC), True),  # midnight there: the 8th begins
        (datetime(2026, 4, 8, 15, 59, 59, tzinfo=UTC), True),
        (datetime(2026, 4, 8, 16, 0, 0, tzinfo=UTC), False),
        (datetime(2026, 4, 18, 4, 0, 0, tzinfo=UTC), True),  # every 8th: 8, 18, 28
    ],
)
def test_a_member_day_begins_and_ends_at_the_stations_midnight(moment, holds):
    day = rule(
        Work.PER_LITRE, value=D("0.5"), members_only=True,
        when=When(month_days=frozenset({8, 18, 28})),
    )  # fmt: skip
    assert bool(offer([fuel()], day, member=1, at=moment).discount) is holds
    assert not offer([fuel()], day, at=moment).discount  # only members


@pytest.mark.req("MEM-07")
def test_a_member_day_may_be_every_friday_or_a_date_and_in_its_hours_only():
    friday = When(weekdays=frozenset({5}), from_time=time(8), to_time=time(20))
    assert friday.missing(make.at(8, day=date(2026, 4, 24))) == ""
    assert friday.missing(make.at(19, 59, 59, day=date(2026, 4, 24))) == ""
    assert friday.missing(make.at(20, day=date(2026, 4, 24))) == "仅 08:00–20:00 可用"
    assert friday.missing(make.at(12, day=date(2026, 4, 25))) == "仅周五 可用"
    once = When(dates=frozenset({date(2026, 4, 22)}))
    assert once.missing(make.NOW) == ""
    assert once.missing(make.at(0, day=date(2026, 4, 23))) == "仅04月22日 可用"


def test_hours_over_midnight_belong_to_the_day_on_which_they_began():
    night = When(weekdays=frozenset({5}), from_time=time(22), to_time=time(6))
    assert night.missing(make.at(23, day=date(2026, 4, 24))) == ""
    assert night.missing(make.at(5, 59, day=date(2026, 4, 25))) == ""
    assert night.missing(make.at(6, day=date(2026, 4, 25))) != ""
    assert night.missing(make.at(5, day=date(2026, 4, 24))) != ""  # the night of Thursday


def test_an_offer_holds_from_its_first_second_to_before_its_last():
    window = When(since=make.at(10), until=make.at(12))
    assert window.missing(make.at(10)) == ""
    assert window.missing(make.at(9, 59, 59)) != ""
    assert window.missing(make.at(11, 59, 59)) == ""
    assert window.missing(make.at(12)) == "已过有效期"


# --------------------------------------------------------------------------- whatever comes

PRODUCTS = [
    ("FUEL", "92#", "汽油"),
    ("FUEL", "95#", "汽油"),
    ("GOODS", "COFFEE", "饮料"),
    ("SERVICE", "WASH", "服务"),
]
FEN = st.integers(0, 40000).map(lambda one: D(one) / 100)


@st.composite
def baskets(draw):
    lines = []
    for position in range(1, draw(st.integers(1, 4)) + 1):
        kind, product, category = draw(st.sampled_from(PRODUCTS))
        price = D(draw(st.integers(1, 3000))) / 100
        quantity = (
            D(draw(st.integers(1, 60000))) / 1000 if kind == "FUEL" else D(draw(st.integers(1, 6)))
        )
        amount = (price * quantity).quantize(D("0.01"))
        lines.append(QuoteLine(position, kind, product, category, quantity, price, amount))
    return lines


@st.composite
def some_rules(draw, most=5):
    made = []
    for number in range(1, draw(st.integers(0, most)) + 1):
        work = draw(st.sampled_from(list(Work)))
        lock = number if work == Work.LOCK else None
        coupon = number if lock is None and draw(st.booleans()) else None
        made.append(
            Rule(
                key=f"{'L' if lock else 'C' if coupon else 'P'}{number:03d}",
                name=f"优惠{number}",
                work=work,
                value=draw(st.integers(0, 300).map(lambda one: D(one) / 100))
                if work in (Work.PER_LITRE, Work.TIER_PRICE, Work.LOCK)
                else draw(FEN),
                litres_left=D(draw(st.integers(1, 40000))) / 1000 if lock else None,
                lock=lock,
                percent=D(draw(st.integers(1, 100))) / 100,
                threshold=draw(st.sampled_from([D(0), D(50), D(200)])),
                needs_fuel=draw(st.sampled_from([None, None, D(0), D(100)])),
                units=draw(st.integers(1, 3)),
                cap_litres=draw(st.sampled_from([None, D(20)])),
                scope=draw(st.sampled_from([Scope(), FUEL, COFFEE, Scope(categories=frozenset({"饮料", "服务"}))])),
                group=draw(st.sampled_from(["", "", "A", "B"])),
                exclusive=draw(st.integers(0, 5)) == 0,
                alone=draw(st.integers(0, 5)) == 0,
                priority=draw(st.integers(0, 2)),
                when=When(until=make.NOW + timedelta(days=draw(st.integers(1, 3)))),
                coupon=coupon,
            )
        )  # fmt: skip
    return made


@pytest.mark.req("CPN-04", "SAL-17")
@settings(max_examples=150, deadline=None)
@given(baskets(), some_rules(), st.randoms())
def test_the_order_changes_nothing_and_no_line_goes_below_zero(lines, rules, chance):
    said = quote(lines=lines, member=1, at=make.NOW, rules=rules)
    other_lines, other_rules = list(lines), list(rules)
    chance.shuffle(other_lines)
    chance.shuffle(other_rules)
    again = quote(lines=other_lines, member=1, at=make.NOW, rules=other_rules)
    by_position = {line.position: line for line in again.lines}
    assert all(line == by_position[line.position] for line in said.lines)
    assert (again.coupons, again.told) == (said.coupons, said.told)
    assert all(0 <= line.net <= line.list_amount for line in said.lines)
    assert all(one.amount > 0 for line in said.lines for one in line.discounts)
    assert said.net == sum(line.list_amount for line in lines) - said.discount
    assert {line.position: line.list_amount for line in said.lines} == {
        line.position: line.list_amount for line in lines
    }
    assert {one.coupon for one in said.told if not one.why} == set(said.coupons)


def oracle(lines, rules) -> D:
    """The most that can be saved: a second, plainer reckoning of every legal subset."""
    most = D(0)
    for count in range(len(rules) + 1):
        for some in combinations(rules, count):
            if any(clash(a, b) for a, b in combinations(some, 2)):
                continue
            most = max(most, plain_saving(lines, some))
    return most


def plain_saving(lines, some) -> D:  # noqa: C901
    lines = sorted(lines, key=lambda one: one.position)
    net = {one.position: one.list_amount for one in lines}
    taken = {stage: set() for stage in Stage}
    fuel_sum = sum((one.list_amount for one in lines if one.kind == "FUEL"), D(0))
    base = None
    locked = dict.fromkeys(net, D(0))
    for one in sorted(some, key=lambda r: (r.stage, r.work != Work.LOCK, -r.priority, r.key)):
        if one.stage >= Stage.ORDER and base is None:
            base = dict(net)
        inside = [line for line in lines if one.scope.covers(line)]
        if one.needs_fuel is not None and (not fuel_sum or fuel_sum < one.needs_fuel):
            continue
        reached = base or {line.position: line.list_amount for line in lines}
        if sum((reached[line.position] for line in inside), D(0)) < one.threshold or not inside:
            continue
        off = {}
        free = [line for line in inside if line.position not in taken[one.stage]]
        dear = sorted(free, key=lambda line: (-line.unit_price, line.position))
        if one.work in (Work.PER_LITRE, Work.TIER_PRICE, Work.LOCK):
            some_left = one.litres_left
            for line in free:
                if line.kind == "FUEL":
                    here = line.quantity - locked[line.position]
                    cut = (
                        one.value
                        if one.work == Work.PER_LITRE
                        else max(D(0), line.unit_price - one.value)
                    )
                    litres = here if one.cap_litres is None else min(one.cap_litres, here)
                    if some_left is not None:
                        litres = min(litres, some_left)
                    off[line.position] = fen(cut * litres)
                    if one.work == Work.LOCK and off[line.position] > 0:
                        some_left -= litres
                        locked[line.position] += litres
        elif one.work == Work.PERCENT:
            off = {line.position: fen(net[line.position] * one.percent) for line in free}
        elif one.work == Work.SECOND_HALF:
            seen = 0
            for line in dear:
                halves = 0
                for _ in range(int(line.quantity)):
                    seen += 1
                    halves += seen % 2 == 0
                off[line.position] = fen(line.unit_price * halves * one.percent)
        elif one.work in (Work.UNITS, Work.UNITS_AT):
            left = one.units
            for line in dear:
                n = min(left, int(line.quantity))
                amount = (
                    fen(line.unit_price * n * one.percent)
                    if one.work == Work.UNITS
                    else max(D(0), line.unit_price - one.value) * n
                )
                if amount > 0:
                    left -= n
                    off[line.position] = amount
        else:
            nets = [net[line.position] for line in inside]
            shares = share_yuan(min(one.value, sum(nets, D(0))), nets)
            off = {line.position: share for line, share in zip(inside, shares, strict=True)}
        for position, amount in off.items():
            amount = min(amount, net[position])
            if amount > 0:
                net[position] -= amount
                if one.stage <= Stage.LINE and one.work != Work.LOCK:
                    taken[one.stage].add(position)
    return sum((one.list_amount for one in lines), D(0)) - sum(net.values(), D(0))


def fen(amount):
    return amount.quantize(D("0.01"), "ROUND_HALF_UP")


@pytest.mark.req("CPN-04")
@settings(max_examples=150, deadline=None)
@given(baskets(), some_rules())
def test_no_legal_combination_saves_more_than_the_one_chosen(lines, rules):
    said = quote(lines=lines, member=1, at=make.NOW, rules=rules)
    assert said.discount == oracle(lines, rules)


@settings(max_examples=200, deadline=None)
@given(st.lists(FEN, min_size=1, max_size=12), st.integers(0, 1000))
def test_shares_add_up_and_none_is_more_than_its_line(weights, thousandths):
    total = (sum(weights, D(0)) * thousandths / 1000).quantize(D("0.01"))
    total = min(total, sum(weights, D(0)))
    parts = share_yuan(total, weights)
    assert sum(parts, D(0)) == total
    assert all(0 <= part <= weight for part, weight in zip(parts, weights, strict=True))


def test_many_coupons_are_quoted_fast_enough_for_a_till():
    lines = [fuel("40.00")] + [goods(str(n), "1", n, f"G{n}") for n in range(2, 12)]
    many = [
        rule(Work.AMOUNT, f"C{n:02d}", value=D(n), coupon=n, threshold=D(n)) for n in range(1, 30)
    ]
    said = offer(lines, *many)
    assert len(said.coupons) == 8
    assert {one.coupon for one in said.told} == set(range(1, 30))
    assert all(one.why for one in said.told if one.coupon not in said.coupons)
