"""Earning: a table of baskets, each with its documented points, and how rules combine."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest

from members.models import EarnRule, PointsProgram
from members.queries.earning import Basket, BasketLine, Earned, Used, earned
from tests import make

Stacking = PointsProgram.Stacking
BASE = {"code": "base", "name": "每 100 元 10 分", "kind": "BASE", "points": 10, "per": 100}
SENIOR = {"code": "senior", "name": "高级 1.5 倍", "kind": "TIER", "factor": Decimal("1.5")}
SENIOR |= {"scope": {"tiers": ["SENIOR"]}}
NO_SMOKE = {"code": "no-smoke", "name": "烟草不积分", "kind": "EXCLUDE"}
NO_SMOKE |= {"scope": {"categories": ["烟"]}}
LITRE = {"code": "litre", "name": "每升 1 分", "kind": "BASE", "measure": "LITRE", "points": 1}
LITRE |= {"priority": 5, "scope": {"grades": ["95#"]}}
WHOLE = BASE | {"whole": True}
VISIT = {"code": "visit", "name": "到店 5 分", "kind": "BASE", "measure": "VISIT", "points": 5}
SHOP = {"code": "shop", "name": "便利店 每 10 元 2 分", "kind": "BASE", "points": 2, "per": 10}
SHOP |= {"priority": 9, "scope": {"kinds": ["GOODS"]}}
WASH = {"code": "wash", "name": "洗车双倍", "kind": "MULTI", "factor": Decimal(2)}
WASH |= {"scope": {"kinds": ["SERVICE"]}}
TRIPLE = {"code": "triple", "name": "香水 3 倍", "kind": "MULTI", "factor": Decimal(3)}
TRIPLE |= {"scope": {"items": ["X"]}}
DOUBLE = {"code": "double", "name": "周三双倍", "kind": "MULTI", "factor": Decimal(2)}
DOUBLE |= {"scope": {"weekdays": [3]}}
NIGHT = {"code": "night", "name": "夜间双倍", "kind": "MULTI", "factor": Decimal(2)}
NIGHT |= {"scope": {"hours": [22, 6]}}
MEMBER_DAY = {"code": "day8", "name": "会员日双倍", "kind": "MULTI", "factor": Decimal(2)}
MEMBER_DAY |= {"scope": {"month_days": [8, 18, 28]}}
HERE = {"code": "here", "name": "东站双倍", "kind": "MULTI", "factor": Decimal(2)}
HERE |= {"scope": {"stations": ["S01"]}}
BIG = {"code": "big", "name": "满 300 送 50 分", "kind": "BONUS", "points": 50}
BIG |= {"min_spend": Decimal(300)}
STANDARD = (BASE, SENIOR, NO_SMOKE)


def fuel(net: str, litres: str = "20", grade: str = "92#", **fields: object) -> BasketLine:
    return _line("FUEL", grade, "汽油", net, litres, **fields)


def goods(net: str, code: str = "I", category: str = "饮料", **fields: object) -> BasketLine:
    return _line("GOODS", code, category, net, "1", **fields)


def wash(net: str) -> BasketLine:
    return _line("SERVICE", "W", "服务", net, "1")


def _line(
    kind: str, product: str, category: str, net: str, quantity: str, **fields: object
) -> BasketLine:
    listed = fields.pop("listed", net)
    by_points = fields.pop("by_points", "0")
    return BasketLine(
        position=0,
        kind=kind,
        product=product,
        category=category,
        quantity=Decimal(quantity),
        net=Decimal(net),
        list_amount=Decimal(str(listed)),
        by_points=Decimal(str(by_points)),
    )


def points(
    lines: list[BasketLine],
    rules: tuple[dict[str, object], ...] = STANDARD,
    *,
    tier: str = "",
    at: datetime = make.NOW,
    station: str = "S01",
    used: Used | None = None,
    **program: object,
) -> Earned:
    numbered = tuple(
        BasketLine(**{**vars(one), "position": position}) for position, one in enumerate(lines, 1)
    )
    basket = Basket(lines=numbered, at=at, station=station, tier=tier)
    terms = PointsProgram(**{"basis": "NET", "stacking": "BEST", **program})
    return earned(
        basket, program=terms, rules=[EarnRule(version=1, **one) for one in rules], used=used
    )


TEN = make.at(10)
TABLE: list[tuple[str, Earned, int]] = [
    ("普通会员 100 元", points([fuel("100")]), 10),
    ("高级会员 100 元", points([fuel("100")], tier="SENIOR"), 15),
    ("200 元", points([fuel("200")]), 20),
    ("199.99 元按比例", points([fuel("199.99")]), 19),
    ("199.99 元只计整百", points([fuel("199.99")], (WHOLE,)), 10),
    ("99.99 元只计整百", points([fuel("99.99")], (WHOLE,)), 0),
    ("两行凑满整百", points([fuel("60"), goods("50")], (WHOLE,)), 10),
    ("高级会员 66 元", points([fuel("66")], tier="SENIOR"), 9),
    ("银卡没有倍数", points([fuel("100")], tier="SILVER"), 10),
    ("0.09 元不到一分", points([fuel("0.9")]), 0),
    ("两行各 5 元合成一分", points([fuel("5"), goods("5")]), 1),
    ("烟不积分", points([goods("80", category="烟")]), 0),
    ("油加烟", points([fuel("200"), goods("80", category="烟")]), 20),
    ("优惠后实付", points([fuel("180", listed="200")]), 18),
    ("按挂牌额", points([fuel("180", listed="200")], basis="LIST"), 20),
    ("积分抵的不积分", points([fuel("150", listed="200", by_points="50")]), 15),
    ("按挂牌额也减去积分抵的", points([fuel("150", listed="200", by_points="50")], basis="LIST"), 15),
    ("全部用积分抵", points([goods("0", listed="20", by_points="20")]), 0),
    ("每升一分", points([fuel("300", "37.5", "95#")], (BASE, LITRE)), 37),
    ("别的油品还按金额", points([fuel("300", "37.5", "92#")], (BASE, LITRE)), 30),
    ("每升一分，高级", points([fuel("300", "40", "95#")], (BASE, LITRE, SENIOR), tier="SENIOR"), 60),
    ("商品不按升", points([goods("300")], (LITRE,)), 0),
    ("到店计次", points([fuel("80"), goods("20")], (VISIT,)), 5),
    ("便利店另一条规则", points([fuel("100"), goods("25")], (BASE, SHOP)), 15),
    ("洗车双倍", points([fuel("100"), wash("50")], (*STANDARD, WASH)), 20),
    ("单品三倍只乘那一行", points([fuel("100"), goods("50", "X")], (*STANDARD, TRIPLE)), 25),
    ("两个倍数取最高", points([goods("100", "X")], (BASE, TRIPLE, DOUBLE)), 30),
    ("两个倍数加成相加", points([goods("100", "X")], (BASE, TRIPLE, DOUBLE), stacking="SUM"), 40),
    ("两个倍数连乘", points([goods("100", "X")], (BASE, TRIPLE, DOUBLE), stacking="MULTIPLY"), 60),
    ("等级再乘活动", points([goods("100", "X")], (BASE, SENIOR, TRIPLE), tier="SENIOR"), 45),
    ("周四没有双倍", points([fuel("100")], (BASE, DOUBLE), at=make.at(10, day=date(2026, 4, 23))), 10),
    ("夜里 23 点双倍", points([fuel("100")], (BASE, NIGHT), at=make.at(23)), 20),
    ("凌晨 5:59 双倍", points([fuel("100")], (BASE, NIGHT), at=make.at(5, 59)), 20),
    ("早上 6:00 不再双倍", points([fuel("100")], (BASE, NIGHT), at=make.at(6)), 10),
    ("会员日双倍", points([fuel("100")], (BASE, MEMBER_DAY), at=make.at(9, day=date(2026, 4, 28))), 20),
    ("本站双倍", points([fuel("100")], (BASE, HERE)), 20),
    ("别站不双倍", points([fuel("100")], (BASE, HERE), station="S02"), 10),
    ("满 300 送 50", points([fuel("250"), goods("50")], (BASE, BIG)), 80),
    ("差一分钱不送", points([fuel("299.99")], (BASE, BIG)), 29),
    ("单笔封顶", points([fuel("1000")], (BASE,), cap_sale=60), 60),
    ("每日封顶只剩 7 分", points([fuel("1000")], (BASE,), cap_day=50, used=Used(day=43)), 7),
    ("每月已满", points([fuel("1000")], (BASE,), cap_month=500, used=Used(month=500)), 0),
    ("规则自己的单笔封顶", points([goods("100", "X")], (BASE, TRIPLE | {"cap_sale": 5})), 15),
    (
        "规则自己的每日封顶",
        points([goods("100", "X")], (BASE, TRIPLE | {"cap_day": 25}), used=Used(rule_day={"triple": Decimal(20)})),
        15,
    ),
    ("没有规则", points([fuel("100")], ()), 0),
]  # fmt: skip


@pytest.mark.req("PTS-01", "PTS-02", "PTS-03", "PTS-04")
@pytest.mark.parametrize(("name", "told", "expected"), TABLE, ids=[one[0] for one in TABLE])
def test_a_basket_gives_the_documented_points(name: str, told: Earned, expected: int) -> None:
    assert told.points == expected
    assert sum(one.points for one in told.lines) == expected  # the lines add up to the sale
    assert all(one.points >= 0 and one.words for one in told.lines)


def test_the_table_has_forty_baskets() -> None:
    assert len(TABLE) >= 40


@pytest.mark.req("PTS-11")
def test_each_line_says_in_one_sentence_why() -> None:
    told = points(
        [fuel("200"), goods("80", category="烟"), goods("0", listed="5", by_points="5")],
        (*STANDARD, DOUBLE),
        tier="SENIOR",
    )
    assert [one.words for one in told.lines] == [
        "92# 加油 200.00 元 × 每 100 元 10 分 × 高级 1.5 倍 × 周三双倍 = 60 分",
        "I：烟草不积分",
        "I：用积分抵扣的部分不积分",
    ]
    both = points([goods("100", "X")], (BASE, TRIPLE, DOUBLE), stacking="SUM")
    assert both.lines[0].words.endswith("× 周三双倍 × 香水 3 倍（加成相加） = 40 分")
    cut = points([fuel("1000")], (BASE,), cap_sale=60)
    assert cut.words == ("单笔封顶 60 分，少计 40 分",)


def test_the_breakdown_names_the_versions_of_the_rules_and_what_each_gave() -> None:
    told = points([goods("100", "X")], (BASE, SENIOR, TRIPLE), tier="SENIOR")
    basket = Basket(lines=(), at=TEN, station="S01", tier="SENIOR")
    assert told.breakdown(basket)["rules"] == [
        {"code": "base", "version": 1, "points": "10"},
        {"code": "senior", "version": 1, "points": "5"},
        {"code": "triple", "version": 1, "points": "30"},
    ]


def test_of_two_base_rules_the_one_of_higher_priority_is_asked_first() -> None:
    low = BASE | {"code": "a", "points": 100, "priority": 1}
    assert points([fuel("100")], (low, BASE | {"priority": 2})).points == 10


def test_a_base_rule_below_its_least_leaves_the_line_to_the_next() -> None:
    rich = {**BASE, "code": "rich", "points": 20, "priority": 9, "min_spend": Decimal(200)}
    assert points([fuel("199")], (BASE, rich)).points == 19
    assert points([fuel("200")], (BASE, rich)).points == 40
