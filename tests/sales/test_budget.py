"""What a sale may ask of the database: few statements without a member, not many with everything."""

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import now

from marketing.models import Coupon
from members.models import PointsTxn
from members.services import pools, tier_rules, value_accounts, value_topping
from members.services.pools import Terms
from members.services.value_keeping import locked_one
from sales.models import Sale
from tests import make
from tests.marketing.offers import coupon

pytestmark = pytest.mark.django_db
PLAIN, EVERYTHING = 20, 40
WITH_POINTS, FROM_POOL = 28, 45


def settle(client: Any, body: dict[str, Any]) -> int:
    """Pay a basket at the till; how many statements that took."""
    with CaptureQueriesContext(connection) as captured:
        answer = client.post(
            reverse("sales:settle"), json.dumps(body), content_type="application/json"
        )
    assert answer.status_code == 200, answer.content.decode()
    if os.environ.get("SHOW_STATEMENTS"):
        told = "\n".join(" ".join(one["sql"].split())[:200] for one in captured)
        sys.stderr.write(f"{told}\n{len(captured)}\n")
    return len(captured)


def rich_member(till: Any) -> tuple[Any, Any]:
    """Gold by what he bought, with points, two coupons and 550 yuan of stored value."""
    member = make.member(till.station)
    tier_rules.found_tiers(station=None, at=make.at(0), actor=None)
    tyres = make.item("轮胎", "20000.00", kind="SERVICE")
    make.sale(till, items=[(tyres, 1)], member=member.pk)
    coupon(till.station, member)
    coupon(till.station, member, name="抵5元", benefit="AMOUNT", amount=Decimal(5))
    # The till's clock is the wall's.
    Coupon.objects.update(valid_until=now() + timedelta(days=30))
    account = value_accounts.open_named(
        member=member, station=till.station, at=make.NOW, actor=till.cashier
    )
    value_topping.book(
        account=locked_one(account),
        principal=Decimal("500.00"),
        bonus=Decimal("50.00"),
        document="VC-1",
        day=till.shift.day,
        at=make.NOW,
        actor=till.cashier,
    )
    return member, account


def test_a_plain_fill_and_one_with_everything_stay_within_their_statements() -> None:
    till = make.session()
    make.tenders()
    make.printer(till.till)
    make.fuel_cost(till.station)
    member, account = rich_member(till)
    water = make.item("矿泉水", "2.00", on_hand="100")
    client = make.signed_in(till.cashier)
    plain = make.fill_at(till.station, "25.00", "8.00")
    fill = make.fill_at(till.station, "50.00", "8.00")
    body = make.basket(fills=[plain], items=[(water, 1)])
    assert settle(client, body) <= PLAIN
    body = make.basket(
        fills=[fill],
        items=[(water, 1)],
        member=member.pk,
        coupons=list(Coupon.objects.values_list("pk", flat=True)),
        points=1000,
        tenders=[("MEMBER", "362.00", account.number)],
    )
    assert settle(client, body) <= EVERYTHING
    sale = Sale.objects.latest("pk")
    assert sale.discount == Decimal("40.00")  # 金卡 5, coupons 20 and 5, points 10


@pytest.mark.req("FAM-01", "SEC-13")
def test_a_sale_paid_from_a_familys_pool_stays_within_its_statements() -> None:
    """His own points first, then the pool's; and of what he earns, his share goes to the pool."""
    till = make.session()
    make.tenders()
    told = {name: make.member(till.station) for name in ("alone", "mate", "head")}
    pool = pools.open_family(head=told["head"], share_pct=100, at=make.NOW, actor=None)
    terms = Terms(50, cap_month=5000)
    place = pools.invite(pool=pool, member=told["mate"], terms=terms, at=make.NOW, actor=None)
    pools.accept(place=place, seen=terms, at=make.NOW, actor=None)
    tyres = make.item("轮胎", "10000.00", kind="SERVICE")
    for one in told.values():
        make.sale(till, items=[(tyres, 1)], member=one.pk)
    client = make.signed_in(till.cashier)
    fills = [make.fill_at(till.station, "50.00", "8.00") for _ in range(2)]

    def paid(fill: Any, member: Any, points: int) -> int:
        due = str(Decimal(400) - Decimal(points) / 100)
        body = make.basket(fills=[fill], member=member.pk, points=points, tenders=[("CASH", due)])
        return settle(client, body)

    assert paid(fills[0], told["alone"], 600) <= WITH_POINTS
    assert paid(fills[1], told["mate"], 600) <= FROM_POOL  # 500 of his own, 100 of the pool's
    rows = PointsTxn.objects.filter(kind="REDEEM", place__isnull=False)
    assert [one.amount for one in rows] == [100]
