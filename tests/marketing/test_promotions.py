"""Promotions from the plan to the sale, its refund, and what they cost."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from marketing.models import DayLitres, OfferUse, Promotion, Status
from marketing.queries.uses import costs
from marketing.services import promotions, terms
from marketing.services.terms import OfferDecided, OfferRefused
from members.models import MemberTier, Tier
from sales.models import Sale
from sales.services import refunds, settling
from sales.services.refunds import RefundLine
from sales.services.settling import PriceMoved
from station.models import AuditEntry
from tests import make
from tests.marketing.offers import promotion, terms_of

pytestmark = pytest.mark.django_db


def sell(till, *, paid: str, at=make.NOW, **fields) -> Sale:
    fills = fields.pop("fills", None)
    fills = [make.fill_at(till.station, "25.00", "8.00")] if fills is None else fills
    return make.sale(till, fills=fills, tenders=[("CASH", paid)], at=at, **fields)


def back(sale, lines=None, key="r1", **fields):
    everything = [RefundLine(one.position, amount=one.net) for one in sale.lines.all()]
    return refunds.refund(
        sale=sale,
        lines=everything if lines is None else lines,
        reason="顾客不要了",
        session=sale.session,
        actor=make.manager(sale.station),
        at=make.NOW,
        key=key,
        **fields,
    )


# ------------------------------------------------------------------------------ planning


def test_what_one_plans_another_approves_and_both_leave_a_trace():
    station = make.station()
    zhou = make.marketer(station)
    planned = promotions.plan(station=station, values=terms_of(), actor=zhou, at=make.NOW)
    assert planned.status == Status.PLANNED
    with pytest.raises(OfferRefused, match="换一人"):
        terms.approve(offer=planned, actor=zhou, at=make.NOW)
    wang = make.manager(station)
    assert terms.approve(offer=planned, actor=wang, at=make.NOW).approved_by == wang
    with pytest.raises(OfferDecided):
        terms.approve(offer=planned, actor=wang, at=make.NOW)
    trail = AuditEntry.objects.filter(document=planned.code).order_by("pk")
    assert [one.action for one in trail] == [
        "marketing.promotion.planned",
        "marketing.promotion.approved",
    ]
    assert trail[0].after["名称"] == "每升直降三角"


def test_the_database_takes_no_promotion_approved_by_who_planned_it():
    station = make.station()
    one = promotion(station)
    with pytest.raises(DatabaseError, match="approved_by_another"), transaction.atomic():
        Promotion.objects.filter(pk=one.pk).update(approved_by=one.planned_by)


def test_a_change_is_another_version_which_takes_the_place_of_the_first():
    till = make.session()
    first = promotion(till.station)
    second = promotions.plan(
        station=till.station,
        values=terms_of(amount=D("0.50")),
        actor=make.marketer(till.station),
        at=make.NOW,
        code=first.code,
    )
    assert sell(till, paid="192.50").discount == D("7.50")
    terms.approve(offer=second, actor=make.manager(till.station), at=make.NOW)
    first.refresh_from_db()
    assert (first.status, second.version) == (Status.REPLACED, 2)
    assert sell(till, paid="187.50").discount == D("12.50")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"amount": None}, "须填大于零的金额"),
        ({"amount": D(0)}, "须填大于零的金额"),
        ({"benefit": "BUNDLE", "amount": None, "percent": D("0.3")}, "须选定商品或分类"),
        ({"benefit": "SECOND_HALF", "amount": None, "percent": D(2)}, "减让比例"),
        ({"benefit": "THRESHOLD", "amount": D(30), "threshold": D(20)}, "门槛不能低于"),
        ({"benefit": "GIFT", "percent": D(1)}, "优惠方式不对"),
        ({"valid_until": make.NOW}, "还没有过"),
        ({"cap_litres_day": D(50)}, "限会员"),
        ({"from_time": make.NOW.time()}, "同时填开始和结束"),
    ],
)
def test_terms_that_are_no_offer_are_refused(fields, words):
    station = make.station()
    with pytest.raises(OfferRefused, match=words):
        promotions.plan(
            station=station, values=terms_of(**fields), actor=make.marketer(station), at=make.NOW
        )


def test_a_stopped_or_rejected_promotion_takes_nothing_off():
    till = make.session()
    one = promotion(till.station)
    with pytest.raises(OfferRefused, match="原因"):
        terms.stop(offer=one, actor=make.manager(till.station), at=make.NOW, reason=" ")
    terms.stop(offer=one, actor=make.manager(till.station), at=make.NOW, reason="油价涨了")
    assert sell(till, paid="200.00").discount == 0
    with pytest.raises(OfferDecided):
        terms.stop(offer=one, actor=make.manager(till.station), at=make.NOW, reason="再停")


# ------------------------------------------------------------------------------- selling


@pytest.mark.req("SAL-17")
def test_a_fill_costs_less_by_the_litre_and_the_discount_is_booked_to_its_campaign():
    till = make.session()
    promotion(till.station, campaign="开业酬宾")
    sale = sell(till, paid="192.50")
    line = sale.lines.get()
    assert (line.list_amount, line.discount, line.net) == (D(200), D("7.50"), D("192.50"))
    assert (line.quantity, line.unit_price) == (D("25.000"), D("8.00"))
    assert line.discount_reason == "每升直降三角"
    use = OfferUse.objects.get(document=sale.number)
    assert (use.campaign, use.amount, use.line) == ("开业酬宾", D("7.50"), 1)


@pytest.mark.req("F2N-01")
def test_fuel_for_200_brings_a_coffee_and_the_campaign_pays_for_it():
    till = make.session()
    coffee = make.item("拿铁", price="15.00", on_hand="10")
    promotion(
        till.station, name="加满送咖啡", benefit="BUNDLE", percent=D(1), needs_fuel=D(200),
        products=[coffee.code], campaign="加满送咖啡",
    )  # fmt: skip
    sale = sell(till, paid="200.00", items=[(coffee, 1)])
    assert sale.due == D("200.00")
    assert [one.net for one in sale.lines.order_by("position")] == [D(200), D(0)]
    [row] = costs(stations=[till.station], since=make.TODAY, until=make.TODAY)
    assert (row.campaign, row.cost) == ("加满送咖啡", D("15.00"))


def test_a_promotion_of_another_station_or_another_time_does_not_hold_here():
    till = make.session()
    promotion(make.station())
    promotion(till.station, valid_from=make.NOW + timedelta(seconds=1))
    promotion(till.station, valid_until=make.NOW + timedelta(seconds=1))
    assert sell(till, paid="192.50").discount == D("7.50")
    assert sell(till, paid="192.50", at=make.NOW + timedelta(seconds=1)).discount == D("7.50")
    assert not promotions.end_over(at=make.NOW)
    assert promotions.end_over(at=make.NOW + timedelta(seconds=1)) == 1
    assert not promotions.end_over(at=make.NOW + timedelta(seconds=1))


def test_one_that_holds_everywhere_holds_here():
    till = make.session()
    promotion(make.station(), everywhere=True)
    assert sell(till, paid="192.50").discount == D("7.50")


@pytest.mark.req("MEM-07", "SAL-17")
def test_a_tiers_price_is_for_its_members():
    till = make.session()
    Tier.objects.create(code="STD", name="普通", rank=0)
    gold = Tier.objects.create(code="GOLD", name="金卡", rank=2)
    promotion(till.station, benefit="TIER_PRICE", amount=D("7.50"), tier=gold, members_only=True)
    zhang = make.member(till.station)
    assert sell(till, paid="200.00", member=zhang.pk).discount == 0
    MemberTier.objects.create(
        member=zhang, tier=gold, since=make.NOW - timedelta(days=1), reason="UPGRADE"
    )
    assert sell(till, paid="187.50", member=zhang.pk).discount == D("12.50")
    assert sell(till, paid="200.00").discount == 0


def test_a_members_litres_of_the_day_run_out():
    till = make.session()
    promotion(till.station, members_only=True, cap_litres_day=D(40))
    zhang = make.member(till.station)
    assert sell(till, paid="192.50", member=zhang.pk).discount == D("7.50")
    assert sell(till, paid="195.50", member=zhang.pk).discount == D("4.50")  # 15 litres left
    assert sell(till, paid="200.00", member=zhang.pk).discount == 0
    assert DayLitres.objects.get().litres == D(40)
    tomorrow = make.NOW + timedelta(days=1)
    assert sell(till, paid="192.50", member=zhang.pk, at=tomorrow).discount == D("7.50")


def test_a_screen_that_knew_nothing_of_the_promotion_is_told_and_nothing_is_written():
    till = make.session()
    promotion(till.station)
    with pytest.raises(PriceMoved, match="应收 192"):
        sell(till, paid="200.00", due="200.00")
    assert not Sale.objects.exists()
    assert not OfferUse.objects.exists()


def test_the_same_ticket_again_books_its_discounts_once():
    till = make.session()
    promotion(till.station)
    ticket = make.ticket(
        fills=[make.fill_at(till.station, "25.00", "8.00")], tenders=[("CASH", "192.50")]
    )
    first = settling.settle(ticket, session=till, actor=till.cashier, at=make.NOW)
    assert settling.settle(ticket, session=till, actor=till.cashier, at=make.NOW) == first
    assert OfferUse.objects.count() == 1


def test_a_plain_sale_asks_nothing_of_offers_and_one_with_a_promotion_two_statements():
    till = make.session()
    make.tenders()

    def statements(paid: str) -> int:
        fill = make.fill_at(till.station, "25.00", "8.00")
        ticket = make.ticket(fills=[fill], tenders=[("CASH", paid)])
        with CaptureQueriesContext(
            connection,
        ) as seen:
            settling.settle(ticket, session=till, actor=till.cashier, at=make.NOW)
        plain = [
            one["sql"] for one in seen if "marketing_" in one["sql"] and "locked" not in one["sql"]
        ]
        return len(seen), len(plain)

    total, ours = statements("200.00")
    assert ours == 1  # the lock of the session, which says whether there is a promotion
    promotion(till.station)
    with_one, _ = statements("192.50")
    assert with_one == total + 2


# ------------------------------------------------------------------------------ refunding


@pytest.mark.req("CPN-05")
def test_a_part_taken_back_takes_its_part_of_each_discount_and_the_rest_the_rest():
    till = make.session()
    promotion(till.station, benefit="THRESHOLD", amount=D("20.00"), threshold=D(200))
    tea = make.item("茶叶", price="33.33", on_hand="10")
    sale = sell(till, paid="279.99", items=[(tea, 3)])
    assert sale.due == D("279.99")
    two = sale.lines.get(position=2)
    assert two.discount == D("6.67")  # 20 × 99.99 / 299.99
    first = back(sale, [RefundLine(2, quantity=D(1))], key="a")
    assert first.due == D("-31.11")  # 33.33 − a third of 6.67
    second = back(sale, [RefundLine(2, quantity=D(2))], key="b")
    assert first.due + second.due == -two.net
    left = OfferUse.objects.filter(line=2)
    assert sum(one.amount for one in left) == 0
    third = back(sale, [RefundLine(1, amount=sale.lines.get(position=1).net)], key="c")
    assert first.due + second.due + third.due == -sale.due
    assert sum(one.amount for one in OfferUse.objects.all()) == 0


def test_a_reversal_takes_the_whole_cost_back():
    till = make.session()
    promotion(till.station)
    sale = sell(till, paid="192.50")
    reversal = refunds.reverse(
        sale=sale,
        reason="收错",
        session=till,
        actor=make.manager(till.station),
        at=make.NOW,
        key="x",
    )
    assert reversal.due == D("-192.50")
    assert sum(one.amount for one in OfferUse.objects.all()) == 0
    [row] = costs(stations=[till.station], since=make.TODAY, until=make.TODAY)
    assert (row.given, row.back, row.cost) == (D("7.50"), D("7.50"), 0)


def test_discounts_given_stay():
    till = make.session()
    promotion(till.station)
    sell(till, paid="192.50")
    with pytest.raises(DatabaseError), transaction.atomic():
        OfferUse.objects.update(amount=D(1))
