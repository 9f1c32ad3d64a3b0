"""What the tests of offers are made of: rules as values, and approved rows in the database."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from marketing.models import Coupon, CouponBatch, CouponTemplate, PriceLock, Promotion
from marketing.queries.rules import QuoteLine, Rule, Work
from marketing.services import batches, issuing, locks, promotions, templates, terms
from members.models import Member
from station.models import Grade, Station
from tests import make

D = Decimal


def fuel(
    litres: str = "25.00", price: str = "8.00", position: int = 1, grade: str = "92#"
) -> QuoteLine:
    """A fill as a line; the pump's amount is litres × price."""
    amount = (D(litres) * D(price)).quantize(D("0.01"))
    return QuoteLine(position, "FUEL", grade, "汽油", D(litres), D(price), amount)


def goods(
    price: str = "10.00",
    quantity: str = "1",
    position: int = 2,
    product: str = "COFFEE",
    category: str = "饮料",
    kind: str = "GOODS",
) -> QuoteLine:
    """Goods or a service as a line."""
    return QuoteLine(
        position, kind, product, category, D(quantity), D(price), D(price) * D(quantity)
    )


def rule(work: Work, key: str = "P1", **fields: Any) -> Rule:
    """A rule named after its key."""
    return Rule(key=key, name=fields.pop("name", f"优惠{key}"), work=work, **fields)


def terms_of(**fields: Any) -> dict[str, Any]:
    """Terms that hold today: a cut of 0.30 yuan a litre unless told otherwise."""
    if "percent" in fields:
        fields.setdefault("amount", None)
    return {
        "name": "每升直降三角",
        "benefit": "PER_LITRE",
        "amount": D("0.30"),
        "valid_from": make.NOW - timedelta(days=1),
        "valid_until": make.NOW + timedelta(days=30),
        **fields,
    }


def promotion(station: Station, **fields: Any) -> Promotion:
    """A promotion in force."""
    planned = promotions.plan(
        station=station,
        values=terms_of(**fields),
        actor=make.marketer(station),
        at=make.NOW - timedelta(hours=2),
    )
    return terms.approve(
        offer=planned, actor=make.manager(station), at=make.NOW - timedelta(hours=1)
    )


def template(station: Station, **fields: Any) -> CouponTemplate:
    """A template in force: 20 yuan off from 200 on, unless told otherwise."""
    given = {"name": "满200减20", "benefit": "THRESHOLD", "amount": D(20), "threshold": D(200)}
    if "benefit" in fields:
        given = {"name": "券"}
    planned = templates.plan(
        station=station,
        values={**terms_of(**{**given, **fields})},
        actor=make.marketer(station),
        at=make.NOW - timedelta(hours=2),
    )
    return terms.approve(
        offer=planned, actor=make.manager(station), at=make.NOW - timedelta(hours=1)
    )


def batch(template: CouponTemplate, quota: int = 100, **fields: Any) -> CouponBatch:
    """A batch of a template."""
    return batches.make(
        template=template,
        values={"quota": quota, "per_member": 10, **fields},
        actor=make.marketer(template.station),
        at=make.NOW - timedelta(minutes=30),
    )


def coupon(
    station: Station, member: Member | None = None, at: datetime = make.NOW, **fields: Any
) -> Coupon:
    """A coupon in a member's hand, or a bearer's."""
    made = batch(template(station, **fields))
    actor = make.marketer(station)
    if member is None:
        return issuing.print_codes(batch=made, count=1, actor=actor, at=at)[0]
    return issuing.give(batch=made, members=[member], actor=actor, at=at).coupons[0]


def lock(
    station: Station, member: Member, price: str = "7.20", litres: str = "50", **fields: Any
) -> PriceLock:
    """Litres of 92# at a price in a member's hand; posted is 8.00 unless there is a price."""
    grade = Grade.objects.filter(code="92#").first() or make.grade("92#")
    if not station.price_changes.exists():
        make.price(station, grade, "8.00")
    wish = locks.Wish(
        grade=grade,
        price=D(price),
        litres=D(litres),
        valid_until=fields.pop("valid_until", make.NOW + timedelta(days=30)),
        reason="春耕锁价",
        campaign=fields.pop("campaign", ""),
    )
    [made] = locks.grant(
        station=station,
        wish=wish,
        members=[member],
        actor=fields.pop("actor", None) or make.marketer(station),
        at=fields.pop("at", make.NOW - timedelta(hours=1)),
        key=fields.pop("key", f"sj-{PriceLock.objects.count()}"),
    )
    return made
