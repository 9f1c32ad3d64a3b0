"""权益成本: money off, points beyond the plain ones and birthday coupons by tier; and who spends more."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.urls import reverse

from marketing.models import Coupon
from marketing.queries.benefit_report import benefit_costs, spending_since
from marketing.services import gifts as giving
from members.models import MemberTier, Tier, TierMeasureDaily
from members.services import gifts, profiles, tier_rules
from sales.services import refunds
from sales.services.refunds import RefundLine
from tests import make
from tests.marketing.offers import batch, template
from tests.sales.test_budget import settle

pytestmark = [pytest.mark.django_db, pytest.mark.req("MEM-09")]


def gold_member(till):
    tier_rules.found_tiers(station=None, at=make.at(0), actor=None)
    member = make.member(till.station)
    tier = Tier.objects.get(code="GOLD")
    MemberTier.objects.create(member=member, tier=tier, since=make.at(0), reason="MANUAL")
    return member


def costs(till):
    told = benefit_costs(stations=[till.station], since=make.TODAY, until=make.TODAY)
    return {(one.tier, one.benefit): (one.uses, one.members, one.cost) for one in told}


def test_what_a_tiers_price_and_factor_cost_less_what_was_given_back():
    till = make.session()
    member = gold_member(till)
    wash = make.item("洗车", "1000.00", kind="SERVICE")
    sale = make.sale(till, items=[(wash, 1)], member=member.pk)  # 150 points, 50 of them by gold
    assert costs(till)["金卡", "积分倍数"] == (1, 1, D("0.50"))
    refunds.refund(
        sale=sale,
        lines=[RefundLine(1, amount=D("500.00"))],
        session=till,
        actor=make.manager(till.station),
        at=make.at(11),
        reason="退一半",
        key="half",
    )
    assert costs(till)["金卡", "积分倍数"][2] == D("0.25")


def test_a_birthday_coupon_costs_what_it_took_off():
    till = make.session()
    make.tenders()
    member = gold_member(till)
    offer = template(till.station, name="礼券", benefit="AMOUNT", amount=D(20))
    batch(offer, for_rewards=True)
    gifts.save_plan(
        row=None,
        values={
            "occasion": "BIRTHDAY",
            "tier": None,
            "template": offer.code,
            "points": 0,
            "days": 7,
            "valid_days": 30,
            "active": True,
        },
        at=make.NOW,
        actor=make.manager(till.station),
        station=till.station,
    )
    profiles.change(member=member, birthday=make.TODAY.replace(year=1990), at=make.NOW, actor=None)
    gifts.give_birthdays(at=make.NOW)
    giving.give_waiting(at=make.NOW)
    from django.utils.timezone import now

    Coupon.objects.update(valid_until=now() + timedelta(days=30))
    fill = make.fill_at(till.station, "50.00", "8.00")
    client = make.signed_in(till.cashier)
    settle(
        client,
        make.basket(
            fills=[fill],
            member=member.pk,
            coupons=list(Coupon.objects.values_list("pk", flat=True)),
            tenders=[("CASH", "375.00")],
        ),
    )
    told = costs(till)
    assert told["金卡", "生日礼包"] == (1, 1, D("20.00"))
    assert told["金卡", "每升优惠"] == (1, 1, D("5.00"))


def test_spending_is_compared_with_as_many_days_before():
    station = make.station()
    tier_rules.found_tiers(station=None, at=make.at(0), actor=None)
    member = make.member(station)
    day = make.TODAY - timedelta(days=30)
    MemberTier.objects.create(
        member=member,
        tier=Tier.objects.get(code="GOLD"),
        since=make.at(10, day=day),
        reason="UPGRADE",
    )
    for back, spend in ((40, 50), (31, 999), (61, 9999)):
        TierMeasureDaily.objects.create(
            member=member,
            date=day - timedelta(days=back - 30),
            spend=spend,
            litres=0,
            visits=1,
        )
    TierMeasureDaily.objects.create(member=member, date=day, spend=7777, litres=0, visits=1)
    TierMeasureDaily.objects.create(member=member, date=make.TODAY, spend=2000, litres=0, visits=1)
    told = spending_since(stations=[station], since=day, until=day, today=make.TODAY)
    assert [(one.tier, one.members, one.before, one.after, one.more) for one in told] == [
        ("金卡", 1, D(1049), D(2000), D(951))
    ]


def test_the_page_shows_both():
    till = make.session()
    lead = make.signed_in(make.manager(till.station))
    page = lead.get(reverse("marketing:benefits"))
    assert page.status_code == 200
    assert "升级后多消费" in page.content.decode()
    assert lead.get(reverse("marketing:benefits"), {"export": "csv"}).status_code == 200
