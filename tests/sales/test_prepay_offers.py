"""A prepaid fill is sold with the offers of whom the prepay names: what it is cheaper is due back."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.urls import reverse

from marketing.models import DayLitres, OfferUse
from marketing.services import locks, promotions
from members.models import PointsTxn
from members.services import merging
from sales.models import Discrepancy, Payment, Prepay, Sale
from sales.queries.prepays import open_prepays
from sales.queries.receipts import paper_of, sale_for_paper
from sales.services import prepaying, refunds
from tests import make
from tests.marketing.offers import lock, promotion
from tests.marketing.test_coupon_races import together
from tests.sales.test_points import senior
from tests.sales.test_prepaying import deliver, prepay, ready

pytestmark = [pytest.mark.django_db, pytest.mark.req("SAL-03", "SAL-17")]


def settled(paid: Prepay) -> Prepay:
    assert prepaying.settle_due(at=make.NOW) == 1
    assert prepaying.settle_due(at=make.NOW) == 0  # twice is once
    paid.refresh_from_db()
    return paid


def test_a_member_has_his_tier_the_promotion_and_his_locked_litres_of_what_was_delivered():
    till, gun = ready()
    zhang = make.member(till.station)
    senior(zhang)  # 0.10 a litre and points × 1.5
    promotion(till.station, benefit="THRESHOLD", amount=D(10), threshold=D(140))
    one = lock(till.station, zhang, litres="8.75")
    paid = prepay(till, gun, member=zhang)
    deliver(paid, "18.75")
    settled(paid)
    # 8.75 × 0.80 locked, 10.00 × 0.10 by the tier, 10.00 off the whole
    assert sorted(OfferUse.objects.values_list("amount", flat=True)) == [D(1), D(7), D(10)]
    assert (paid.sale.list_amount, paid.sale.due) == (D("150.00"), D("132.00"))
    assert (paid.refund_due, paid.status) == (D("68.00"), "SETTLED")
    one.refresh_from_db()
    assert one.left == 0
    earned = PointsTxn.objects.get(account__member=zhang, kind="EARN")
    assert earned.delta == 19  # 132.00 × 10 % × 1.5, rounded down
    line = paid.sale.lines.get()
    assert (line.quantity, line.unit_price, line.list_amount) == (D("18.75"), D(8), D(150))


def test_the_rest_is_paid_out_and_the_drawer_holds_what_the_fill_cost():
    till, gun = ready()
    promotion(till.station, amount=D("0.30"))
    paid = prepay(till, gun)  # nobody's: the promotion is for anybody
    deliver(paid, "25.00")
    settled(paid)
    assert (paid.sale.due, paid.refund_due) == (D("192.50"), D("7.50"))
    prepaying.pay_refund(prepay=paid, reference="", session=till, actor=till.cashier, at=make.NOW)
    assert sum(one.amount for one in Payment.objects.all()) == D("192.50")


def test_what_holds_is_what_held_when_the_fill_ended():
    till, gun = ready()
    zhang, until = make.member(till.station), make.NOW + timedelta(minutes=1)
    promotion(till.station, valid_until=until)
    one = lock(till.station, zhang, litres="8.75", valid_until=until)
    paid = prepay(till, gun, member=zhang)
    deliver(paid, "18.75")
    late = make.NOW + timedelta(hours=2)  # no session was open until then
    assert promotions.end_over(at=late) == 1
    locks.expire(at=late)
    assert prepaying.settle_due(at=late) == 1
    paid.refresh_from_db()
    assert paid.sale.discount == D("10.00")  # 8.75 × 0.80 locked, 10.00 × 0.30
    one.refresh_from_db()
    assert one.left == 0


def test_the_litres_of_a_day_count_for_a_prepaid_fill_too():
    till, gun = ready()
    zhang = make.member(till.station)
    promotion(till.station, members_only=True, cap_litres_day=D(40))
    for number, off in ((1, "7.50"), (2, "4.50"), (3, "0.00")):
        paid = prepay(till, gun, key=f"y{number}", member=zhang)
        deliver(paid, "25.00")
        assert settled(paid).sale.discount == D(off)
        make.nozzle_state(gun, unit_price=D("8.00"))
    assert DayLitres.objects.get().litres == 40


def test_more_than_was_prepaid_is_what_is_left_after_the_offers():
    till, gun = ready()
    promotion(till.station, amount=D("0.30"))
    paid = prepay(till, gun)
    deliver(paid, "25.02")  # 200.16 less 7.51
    assert settled(paid).sale.due == D("192.65")
    assert not Discrepancy.objects.exists()
    make.nozzle_state(gun, unit_price=D("8.00"))
    other = prepay(till, gun, key="y2")
    deliver(other, "26.00")  # 208.00 less 7.80
    assert (settled(other).sale.due, other.refund_due) == (D("200.00"), 0)
    told = Discrepancy.objects.get(kind="OVER_PRESET")
    assert (told.amount, "优惠 7.80 元后多出 0.20 元" in told.text) == (D("0.20"), True)


def test_who_became_another_is_served_as_that_one():
    till, gun = ready()
    zhang, stays = make.member(till.station), make.member(till.station)
    lock(till.station, zhang)
    paid = prepay(till, gun, member=zhang)
    merging.merge(survivor=stays, merged=zhang, reason="一个人", at=make.NOW,
                  actor=make.manager(till.station))  # fmt: skip
    deliver(paid, "18.75")
    assert settled(paid).sale.member == stays
    assert paid.sale.discount == D("15.00")


def test_who_is_frozen_pays_the_posted_price():
    till, gun = ready()
    zhang = make.member(till.station)
    senior(zhang)
    lock(till.station, zhang)
    paid = prepay(till, gun, member=zhang)
    zhang.status = "FROZEN"
    zhang.save()
    deliver(paid, "18.75")
    assert settled(paid).sale.discount == 0


def test_receipt_panel_and_reversal_know_the_offers():
    till, gun = ready()
    zhang = make.member(till.station)
    one = lock(till.station, zhang)
    paid = prepay(till, gun, member=zhang)
    deliver(paid, "18.75")
    settled(paid)
    rows = paper_of(sale=sale_for_paper(document=paid.sale.number)).rows
    assert any("锁价 ¥7.20 × 18.75 升（余 31.25 升）" in row.left for row in rows)
    [row] = open_prepays(station=till.station, at=make.NOW, patience=30)
    assert (row["sold"], row["off"], row["due"]) == ("150.00", "15.00", "65.00")
    refunds.reverse(
        sale=paid.sale, reason="收错", session=till, actor=make.manager(till.station),
        at=make.NOW, key="x1",
    )  # fmt: skip
    one.refresh_from_db()
    assert one.left == 50


def test_the_till_names_the_member_of_its_ticket():
    till, gun = ready()
    zhang = make.member(till.station)
    client = make.signed_in(till.cashier)
    body = {
        "key": "y9", "nozzle": gun.pk, "amount": "200.00", "tender": "CASH", "member": zhang.pk,
    }  # fmt: skip
    answer = client.post(reverse("sales:prepay_new"), body, content_type="application/json")
    assert answer.status_code == 200
    assert Prepay.objects.get().member == zhang


@pytest.mark.django_db(transaction=True)
def test_two_prepaid_fills_that_end_at_once_share_the_litres_that_there_are():
    till, gun = ready()
    other = make.nozzle(till.station)
    make.nozzle_state(other, unit_price=D("8.00"))
    zhang = make.member(till.station)
    one = lock(till.station, zhang, litres="30")
    both = [prepay(till, gun, member=zhang), prepay(till, other, key="y2", member=zhang)]
    for paid in both:
        deliver(paid, "20.00")
    outcome = together(
        2, lambda place: prepaying.settle_prepay(prepay_id=both[place].pk, at=make.NOW)
    )
    assert all(isinstance(sale, Sale) for sale in outcome), outcome
    assert sorted(sale.discount for sale in outcome) == [D("8.00"), D("16.00")]
    one.refresh_from_db()
    assert one.left == 0
