"""Points at the till: a sale earns once, a member pays a part with them, a refund gives both back."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from members.models import MemberTier, PointsAccount, PointsProgram, PointsTxn, Purchase, Tier
from members.services import tier_rules
from members.services.points import NotEnoughPoints
from sales.models import Sale
from sales.services import prepaying, refunds, uploads
from sales.services.points import PointsRefused
from sales.services.refunds import RefundLine
from tests import make
from tests.members.points import violations
from tests.sales.test_prepaying import deliver, prepay, ready

pytestmark = pytest.mark.django_db
Kind = PointsTxn.Kind


def wallet(member: Any) -> tuple[int, int, int]:
    account = PointsAccount.objects.get(member=member)
    return account.balance, account.pending, account.debt


def senior(member: Any, code: str = "GOLD") -> None:
    """He holds a tier as a new station has it; 金卡 is the one of 1.5."""
    tier_rules.found_tiers(station=None, at=make.at(0), actor=None)
    tier = Tier.objects.get(code=code)
    MemberTier.objects.create(member=member, tier=tier, since=make.at(0), reason="MANUAL")


def rich(till: Any, member: Any, points: int = 2000) -> Sale:
    """A sale that gives a member so many points."""
    what = make.item("轮胎", f"{points * 10}.00", kind="SERVICE")
    return make.sale(till, items=[(what, 1)], member=member.pk)


@pytest.mark.req("PTS-04", "PTS-05")
def test_a_hundred_yuan_are_ten_points_and_fifteen_for_a_senior_member() -> None:
    till = make.session()
    plain, high = make.member(till.station), make.member(till.station)
    senior(high)
    wash = make.item("洗车", "100.00", kind="SERVICE")
    make.sale(till, items=[(wash, 1)], member=plain.pk)
    make.sale(till, items=[(wash, 1)], member=high.pk)
    assert wallet(plain) == (10, 0, 0)
    assert wallet(high) == (15, 0, 0)
    told = PointsTxn.objects.get(account__member=high)
    assert (
        told.breakdown["lines"][0]["words"] == "洗车 100.00 元 × 每 100 元 10 分，金卡 ×1.5 = 15 分"
    )


@pytest.mark.req("PTS-04", "MEM-04")
def test_the_tiers_factor_is_its_benefit_in_force_at_the_time_of_the_sale() -> None:
    till = make.session()
    member = make.member(till.station)
    senior(member, "SILVER")
    silver = Tier.objects.get(code="SILVER")
    tier_rules.set_benefits(
        tier=silver,
        gifts=[tier_rules.gift("MULTIPLIER", Decimal("2.00"))],
        station=None,
        at=make.at(10),
        actor=make.manager(till.station),
        approver=make.manager(till.station),
    )
    wash = make.item("洗车", "100.00", kind="SERVICE")
    make.sale(till, items=[(wash, 1)], member=member.pk, at=make.at(9, 59))
    assert wallet(member) == (12, 0, 0)
    make.sale(till, items=[(wash, 1)], member=member.pk, at=make.at(10))
    assert wallet(member) == (32, 0, 0)


@pytest.mark.req("PTS-04")
def test_the_tier_at_the_time_of_the_sale_counts() -> None:
    till = make.session()
    member = make.member(till.station)
    senior(member)
    MemberTier.objects.filter(member=member).update(since=make.at(12))
    wash = make.item("洗车", "100.00", kind="SERVICE")
    make.sale(till, items=[(wash, 1)], member=member.pk, at=make.at(11, 59))
    make.sale(till, items=[(wash, 1)], member=member.pk, at=make.at(12))
    assert wallet(member) == (25, 0, 0)


@pytest.mark.req("PTS-02", "PTS-05", "MEM-07")
def test_fuel_and_shop_earn_in_one_receipt_and_the_purchase_knows_each_line() -> None:
    till = make.session()
    member = make.member(till.station)
    fill = make.fill_at(till.station, "25.00", "8.00")
    water = make.item("水", "3.00", on_hand="9")
    sale = make.sale(till, fills=[fill], items=[(water, 4)], member=member.pk)
    rows = Purchase.objects.filter(document=sale.number).order_by("line")
    assert [one.points for one in rows] == [20, 1]  # 20 + 1.2, one floor over the sale
    txn = PointsTxn.objects.get(document=sale.number)
    assert (txn.kind, txn.delta, txn.idem) == (Kind.EARN, 21, f"earn:{sale.number}")
    assert txn.breakdown["lines"][0]["words"].endswith("= 20 分")
    assert not violations()


@pytest.mark.req("PTS-05")
def test_a_retried_till_and_a_retried_upload_earn_once() -> None:
    till = make.session()
    member = make.member(till.station)
    wash = make.item("洗车", "100.00", kind="SERVICE")
    client = make.signed_in(till.cashier)
    make.tenders()
    body = make.basket(items=[(wash, 1)], member=member.pk)
    for _ in range(3):
        answer = client.post(
            reverse("sales:settle"), json.dumps(body), content_type="application/json"
        )
        assert answer.status_code == 200
        assert answer.json()["points"]["earned"] == 10
    late = make.basket(items=[(wash, 1)], member=member.pk)
    late |= {"at": make.at(9).isoformat(), "number": "L1", "due": "100.00", "session": till.pk}
    for _ in range(3):
        uploads.receive(till=till.till, body=late, at=make.at(11))
    assert wallet(member) == (20, 0, 0)
    assert PointsTxn.objects.count() == 2
    assert PointsTxn.objects.latest("pk").occurred_at == make.at(9)  # when it was sold


@pytest.mark.req("MAL-04", "PTS-02")
def test_points_pay_a_part_spread_over_the_lines_and_earn_nothing_for_it() -> None:
    till = make.session()
    member = make.member(till.station)
    rich(till, member)
    wash = make.item("洗车", "30.00", kind="SERVICE")
    wax = make.item("打蜡", "10.00", kind="SERVICE")
    sale = make.sale(
        till,
        items=[(wash, 1), (wax, 1)],
        member=member.pk,
        points=2000,
        tenders=[("CASH", "20.00")],
        due="20.00",
    )
    assert (sale.list_amount, sale.discount, sale.due) == (Decimal(40), Decimal(20), Decimal(20))
    assert [(one.discount, one.discount_reason) for one in sale.lines.order_by("position")] == [
        (Decimal("15.00"), "积分抵扣"),
        (Decimal("5.00"), "积分抵扣"),
    ]
    assert wallet(member) == (2, 0, 0)  # 2000 − 2000 + 20 yuan paid in money
    spent = PointsTxn.objects.get(kind=Kind.REDEEM)
    assert (spent.delta, spent.breakdown) == (-2000, {"lines": {"1": 1500, "2": 500}})
    assert not violations()


@pytest.mark.req("MAL-04")
def test_points_need_a_member_a_least_a_share_and_a_balance() -> None:
    till = make.session()
    member = make.member(till.station)
    rich(till, member, 1000)
    wash = make.item("洗车", "10.00", kind="SERVICE")
    for points, who, refusal, words in (
        (500, None, PointsRefused, "请先选会员"),
        (99, member.pk, PointsRefused, "至少用 100 分"),
        (501, member.pk, PointsRefused, "最多 5.00 元"),
    ):
        with pytest.raises(refusal, match=words):
            make.sale(till, items=[(wash, 1)], member=who, points=points)
    costly = make.item("保养", "500.00", kind="SERVICE")
    with pytest.raises(NotEnoughPoints, match="可用积分 1000 分，要用 1001 分"):
        make.sale(
            till,
            items=[(costly, 1)],
            member=member.pk,
            points=1001,
            tenders=[("CASH", "489.99")],
        )
    assert Sale.objects.count() == 1
    assert wallet(member) == (1000, 0, 0)


@pytest.mark.req("MAL-04", "PTS-14")
def test_a_refund_returns_spent_points_and_takes_earned_ones_by_line_without_drift() -> None:
    till = make.session()
    lead = make.manager(till.station)
    member = make.member(till.station)
    rich(till, member)
    water = make.item("水", "10.00", on_hand="9")
    sale = make.sale(
        till,
        items=[(water, 3)],
        member=member.pk,
        points=1000,
        tenders=[("CASH", "20.00")],
    )
    assert wallet(member) == (1002, 0, 0)
    seen = []
    for turn in range(3):
        refunds.refund(
            sale=sale,
            lines=[RefundLine(1, quantity=Decimal(1))],
            reason="不要了",
            session=till,
            actor=lead,
            at=make.NOW + timedelta(minutes=turn),
            key=f"back-{turn}",
        )
        seen.append(wallet(member)[0])
    assert seen == [1335, 1668, 2000]  # 333, 333, 334 back; 0, 1, 1 taken
    taken = Purchase.objects.filter(document__startswith="R").order_by("pk")
    assert [one.points for one in taken] == [0, -1, -1]
    assert not violations()
    refunds.refund(  # again with the same key: nothing
        sale=sale,
        lines=[RefundLine(1, quantity=Decimal(1))],
        reason="不要了",
        session=till,
        actor=lead,
        at=make.NOW,
        key="back-2",
    )
    assert wallet(member)[0] == 2000


@pytest.mark.req("PTS-14")
def test_points_spent_elsewhere_are_owed_after_the_refund_and_paid_by_the_next() -> None:
    till = make.session()
    lead = make.manager(till.station)
    member = make.member(till.station)
    first = rich(till, member, 1000)
    wash = make.item("洗车", "20.00", kind="SERVICE")
    make.sale(till, items=[(wash, 1)], member=member.pk, points=1000, tenders=[("CASH", "10.00")])
    assert wallet(member) == (1, 0, 0)
    refunds.reverse(sale=first, reason="错", session=till, actor=lead, at=make.NOW, key="x")
    assert wallet(member) == (0, 0, 999)
    rich(till, member, 1200)
    assert wallet(member) == (201, 0, 0)
    assert PointsTxn.objects.get(kind=Kind.DEBT_OFFSET).debt_delta == -999
    assert not violations()


def test_a_sale_without_a_member_asks_nothing_of_points_and_one_with_stays_cheap() -> None:
    till = make.session()
    make.tenders()
    client = make.signed_in(till.cashier)
    member = make.member(till.station)
    rich(till, member)
    wash = make.item("洗车", "40.00", kind="SERVICE")

    def ask(**fields: Any) -> int:
        body = make.basket(items=[(wash, 1)], **fields)
        with CaptureQueriesContext(connection) as captured:
            answer = client.post(
                reverse("sales:settle"), json.dumps(body), content_type="application/json"
            )
        assert answer.status_code == 200, answer.content
        points = [one for one in captured if "members_points" in one["sql"]]
        if "member" not in fields:
            assert not points
        return len(captured)

    plain = ask()
    earning = ask(member=member.pk)
    paying = ask(member=member.pk, points=1000, tenders=[("CASH", "30.00")])
    assert earning <= plain + 14  # the tier's measures take four, the limits one
    assert paying <= plain + 20  # and one that asks how he stands, one for the limit of spending


@pytest.mark.req("PTS-05")
def test_a_prepaid_fill_earns_for_what_was_delivered() -> None:
    till, gun = ready()
    member = make.member(till.station)
    paid = prepay(till, gun, member=member)
    deliver(paid, "18.75")
    for _ in range(2):
        prepaying.settle_due(at=make.NOW)
    assert wallet(member) == (15, 0, 0)  # 150 yuan, not the 200 that were advanced


def test_without_a_programme_nothing_is_earned() -> None:
    till = make.session()
    member = make.member(till.station)
    PointsProgram.objects.update(active=False)
    rich(till, member)
    assert not PointsAccount.objects.exists()
