"""What the demo's members are offered: the price of their tier, coupons, rewards, gifts, an event.

Everything is made by the services that the pages call, after the history: no fact of a closed day
is touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Count, Q

from finance.services.demonstration import plan
from finance.services.demonstration.site import Site
from finance.services.demonstration.standings import begin_prices
from inventory.models import Item
from marketing.models import CouponBatch, CouponTemplate
from marketing.services import batches, issuing, locks, promotions, templates, terms
from members.models import Member, Occasion, Reward
from members.services import events, gifts, rewards, tier_measures, tiers
from station.queries.prices import price_at
from station.services import settings

COUPONS = 60  # members who hold one: those who come often
LOCKS = 8  # members who have litres at a locked price
RECENT = timedelta(days=30)
Kind = Reward.Kind


def open_club(site: Site, *, at: datetime) -> None:
    """Open the member side of a built demo at an instant. Call it once."""
    settings.change(
        name="members.churn_days",
        station=site.station,
        value=str(plan.CHURN_DAYS),
        at=at,
        actor=site.manager,
    )
    begin_prices(site.station, at=at, owner=site.owner)
    with transaction.atomic():
        batch = _coupons(site, at)
        _promotions(site, at)
        _locks(site, at)
        _mall(site, at, batch.template.code)
        _gifts(site, at, batch.template.code)
    tier_measures.rebuild()
    tiers.evaluate_all(at=at)


def _coupons(site: Site, at: datetime) -> CouponBatch:
    """满 200 减 20 with a poster and in forty hands; a ten yuan coupon kept for the mall. Returns its batch."""
    twenty = _template(
        site, at, name="满200减20", campaign="老会员答谢", benefit="THRESHOLD", amount=Decimal(20),
        threshold=Decimal(200),
    )  # fmt: skip
    given = batches.make(
        template=twenty, values={"quota": 500, "per_member": 1}, actor=site.manager, at=at
    )
    often = Count("purchases", filter=Q(purchases__occurred_at__gte=at - RECENT))
    members = list(
        Member.objects.filter(status=Member.Status.ACTIVE)
        .annotate(often=often)
        .filter(often__gt=0)
        .order_by("-often", "pk")[:COUPONS]
    )
    issuing.give(batch=given, members=members, actor=site.manager, at=at)
    batches.make(
        template=twenty,
        values={
            "quota": 200,
            "per_member": 1,
            "open": True,
            "claim_until": at + timedelta(days=60),
        },
        actor=site.manager,
        at=at,
    )
    ten = _template(
        site, at, name="10 元加油券", campaign="积分商城", benefit="AMOUNT", amount=Decimal(10)
    )
    return batches.make(
        template=ten,
        values={"quota": 1000, "per_member": 10, "for_rewards": True},
        actor=site.manager,
        at=at,
    )


def _locks(site: Site, at: datetime) -> None:
    """A few members have eighty litres of 92# a quarter below today's price; one more waits."""
    grade = site.grades["92#"]
    posted = price_at(station=site.station, grade=grade, at=at)
    if posted is None:
        return
    members = list(
        Member.objects.filter(status=Member.Status.ACTIVE, purchases__product=grade.code)
        .distinct()
        .order_by("pk")[: LOCKS + 1]
    )
    wish = locks.Wish(
        grade=grade,
        price=posted - Decimal("0.25"),
        litres=Decimal(80),
        valid_until=at + timedelta(days=60),
        reason="老客户锁价",
    )
    groups = ((members[:LOCKS], wish), (members[LOCKS:], replace(wish, litres=Decimal(2000))))
    for number, (some, asked) in enumerate(groups):
        if some:
            locks.grant(
                station=site.station,
                wish=asked,
                members=some,
                actor=site.manager,
                at=at,
                key=f"demo-{number}",
            )


def _template(site: Site, at: datetime, **values: Any) -> CouponTemplate:
    told: Mapping[str, Any] = {"valid_days": 30, "kinds": ["FUEL"], **values}
    planned = templates.plan(station=site.station, values=told, actor=site.manager, at=at)
    return terms.approve(offer=planned, actor=site.owner, at=at)


def _promotions(site: Site, at: datetime) -> None:
    """会员日 each Friday, and a coffee at half its price with fuel from 200 yuan on."""
    coffee = next(one for one in site.items if "咖啡" in one.name)
    for values in (
        {
            "name": "周五会员日每升减三角",
            "campaign": "周五会员日",
            "benefit": "PER_LITRE",
            "amount": Decimal("0.30"),
            "kinds": ["FUEL"],
            "members_only": True,
            "weekdays": [5],
            "cap_litres": Decimal(60),
        },
        {
            "name": "加油满200咖啡半价",
            "campaign": "油非互动",
            "benefit": "BUNDLE",
            "percent": Decimal("0.5"),
            "products": [coffee.code],
            "needs_fuel": Decimal(200),
        },
    ):
        planned = promotions.plan(
            station=site.station,
            values={**values, "valid_from": at, "valid_until": at + timedelta(days=180)},
            actor=site.manager,
            at=at,
        )
        terms.approve(offer=planned, actor=site.owner, at=at)


def _mall(site: Site, at: datetime, template: str) -> None:
    def category(name: str, position: int) -> Any:
        return rewards.save_category(
            row=None,
            values={"name": name, "position": position},
            at=at,
            actor=site.manager,
            station=site.station,
        )

    car, home = category("加油洗车", 1), category("日用饮料", 2)
    goods = [one for one in site.items if one.kind == Item.Kind.GOODS][:3]
    shelf: list[tuple[str, str, str, Any, int, dict[str, Any]]] = [
        (
            "JY10",
            "10 元加油券",
            Kind.COUPON,
            car,
            1000,
            {"value": Decimal(10), "template": template},
        ),
        ("CZ10", "10 元充值赠金", Kind.TOP_UP, car, 1000, {"value": Decimal(10)}),
        ("XC01", "标准洗车一次", Kind.SERVICE, car, 800, {"value": Decimal(25)}),
        *(
            (f"SP{number:02d}", one.name, Kind.GOODS, home, int(one.price * 100), {"item": one})
            for number, one in enumerate(goods, 1)
        ),
    ]
    for code, name, kind, group, cost, more in shelf:
        values = {"code": code, "name": name, "kind": kind, "category": group, "cost_points": cost}
        rewards.save_reward(
            row=None, values={**values, **more}, at=at, actor=site.manager, station=site.station
        )


def _gifts(site: Site, at: datetime, template: str) -> None:
    """入会礼 and 生日礼, and a lecture next week."""
    told = {"tier": None, "points": 0, "valid_days": 30, "active": True, "template": template}
    for occasion, days in ((Occasion.WELCOME, 0), (Occasion.BIRTHDAY, 7), (Occasion.WAKE, 60)):
        gifts.save_plan(
            row=None,
            values={**told, "occasion": occasion, "days": days},
            at=at,
            actor=site.manager,
            station=site.station,
        )
    starts = at.replace(hour=15, minute=0, second=0, microsecond=0) + timedelta(days=7)
    events.save(
        event=None,
        values={
            "name": "冬季用车讲堂",
            "place": "站内休息区",
            "words": "轮胎、防冻液和冷启动，讲完送玻璃水一瓶。",
            "starts_at": starts,
            "ends_at": starts + timedelta(hours=2),
            "capacity": 20,
            "points": 50,
        },
        station=site.station,
        actor=site.manager,
        at=at,
    )
