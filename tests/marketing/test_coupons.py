"""Coupons from the batch to the basket, the sale and back."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import DatabaseError, transaction

from marketing.models import Coupon, CouponBatch, CouponEvent, OfferUse
from marketing.queries.batches import counts_of
from marketing.services import batches, codes, issuing, locking
from marketing.services.batches import BatchRefused
from marketing.services.codes import TooManyTries
from marketing.services.issuing import LimitReached, NoneLeft
from marketing.services.locking import CouponTaken
from sales.models import Sale
from sales.queries.offers import CouponGone
from sales.queries.totals import WrongPayment
from sales.services import offering, refunds, settling
from sales.services.refunds import RefundLine
from tests import make
from tests.marketing.offers import batch, coupon, promotion, template

pytestmark = pytest.mark.django_db

LATER = make.NOW + timedelta(minutes=16)


def basket(till, *, fills=None, **fields):
    fills = [make.fill_at(till.station, "30.00", "8.00")] if fills is None else fills
    return make.ticket(fills=fills, **fields)


def quote(till, ticket, at=make.NOW):
    return offering.quote(ticket=ticket, session=till, actor=till.cashier, at=at)


def bought(till, ticket, offer, at=make.NOW, **fields) -> Sale:
    """The ticket settled with what the quote used, as the till sends it."""
    paid = make.ticket(
        key=ticket.key,
        fills=[make.Fill.objects.get(pk=pk) for pk in ticket.fill_ids],
        tenders=[("CASH", str(offer.net))],
        member=ticket.member_id,
        coupons=list(offer.coupons),
        codes=list(ticket.codes),
        due=str(offer.net),
        **fields,
    )
    return settling.settle(paid, session=till, actor=till.cashier, at=at)


def back_whole(sale, key="r", at=make.NOW):
    lines = [
        RefundLine(one.position, amount=one.net)
        if one.kind == "FUEL"
        else RefundLine(one.position, quantity=one.quantity)
        for one in sale.lines.all()
    ]
    return refunds.refund(
        sale=sale, lines=lines, reason="不要了", session=sale.session,
        actor=make.manager(sale.station), at=at, key=key,
    )  # fmt: skip


def trail(one: Coupon) -> list[str]:
    return list(one.events.order_by("pk").values_list("kind", flat=True))


# ------------------------------------------------------------------------------- issuing


@pytest.mark.req("CPN-09")
def test_no_more_than_the_quota_and_no_more_than_each_ones_share():
    station = make.station()
    made = batch(template(station), quota=3, per_member=1)
    people = [make.member(station) for _ in range(3)]
    first = issuing.give(batch=made, members=people[:2], actor=None, at=make.NOW)
    assert len(first.coupons) == 2
    again = issuing.give(batch=made, members=people, actor=None, at=make.NOW)
    assert [one.member for one in again.coupons] == [people[2]]
    assert [one for one, _ in again.passed_over] == people[:2]
    with pytest.raises(NoneLeft):
        issuing.give(batch=made, members=[make.member(station)], actor=None, at=make.NOW)
    with pytest.raises(DatabaseError, match="no_more_coupons"), transaction.atomic():
        CouponBatch.objects.update(issued=4)
    assert Coupon.objects.count() == 3


@pytest.mark.req("CPN-06", "CPN-09")
def test_an_open_code_is_claimed_by_new_members_until_its_end_once_each_and_by_device():
    station = make.station()
    made = batch(
        template(station), quota=10, per_member=1, per_device=2, open=True, new_within_days=7,
        claim_until=make.NOW + timedelta(hours=1),
    )  # fmt: skip

    def claim(member, device="phone-1", at=make.NOW):
        return issuing.claim(
            open_code=made.open_code, member=member, device=device, actor=None, at=at
        )

    zhang = make.member(station)
    assert claim(zhang).source == Coupon.Source.CLAIMED
    with pytest.raises(LimitReached, match="已领满"):
        claim(zhang, "phone-2")
    claim(make.member(station))
    with pytest.raises(LimitReached, match="设备"):
        claim(make.member(station))
    with pytest.raises(NoneLeft, match="时间已过"):
        claim(make.member(station), "phone-3", at=make.NOW + timedelta(hours=1))
    old = make.member(station)
    type(old).objects.filter(pk=old.pk).update(joined_at=make.NOW - timedelta(days=8))
    old.refresh_from_db()
    with pytest.raises(LimitReached, match="新会员"):
        claim(old, "phone-4")
    with pytest.raises(NoneLeft, match="没有这个领券码"):
        issuing.claim(open_code="X", member=zhang, device="", actor=None, at=make.NOW)
    assert counts_of(batch=made).claimed == 2


def test_a_batch_wants_a_template_in_force_and_an_end_to_its_open_code():
    station = make.station()
    good = template(station)
    with pytest.raises(BatchRefused, match="截止"):
        batch(good, open=True)
    with pytest.raises(BatchRefused, match="数量"):
        batch(good, quota=0)
    made = batch(good)
    with pytest.raises(BatchRefused, match="原因"):
        batches.close(batch=made, actor=make.manager(station), at=make.NOW, reason="")
    batches.close(batch=made, actor=make.manager(station), at=make.NOW, reason="够了")
    with pytest.raises(BatchRefused, match="已经"):
        batches.close(batch=made, actor=make.manager(station), at=make.NOW, reason="够了")
    with pytest.raises(NoneLeft):
        issuing.give(batch=made, members=[make.member(station)], actor=None, at=make.NOW)


def test_codes_are_long_random_and_of_letters_that_nobody_mistakes():
    some = {codes.new_code() for _ in range(500)}
    assert len(some) == 500
    assert len(codes.ALPHABET) == 30 == len(set(codes.ALPHABET))
    assert all(len(one) == 14 and not set(one) & set("01OIYZ") for one in some)
    assert codes.read_code(" abcd-2345 ") == "ABCD2345"


def test_days_of_validity_end_at_local_midnight():
    station = make.station()
    one = coupon(station, make.member(station), valid_days=7)
    assert one.valid_until == make.at(0, day=make.TODAY + timedelta(days=7))


def test_a_template_whose_time_is_over_issues_nothing_more():
    station = make.station()
    end = make.NOW + timedelta(hours=1)
    made = batch(template(station, valid_until=end))
    one, two = make.member(station), make.member(station)
    issuing.give(batch=made, members=[one], actor=None, at=end - timedelta(seconds=1))
    with pytest.raises(NoneLeft, match="有效期已过"):
        issuing.give(batch=made, members=[two], actor=None, at=end)
    assert CouponBatch.objects.get().issued == Coupon.objects.count() == 1


@pytest.mark.req("CPN-09")
def test_guessing_codes_is_slowed_down():
    station = make.station()
    for _ in range(10):
        codes.check_tries(subject="u", station=station, at=make.NOW)
        codes.note_wrong(subject="u", wrong=1, at=make.NOW)
    with pytest.raises(TooManyTries):
        codes.check_tries(subject="u", station=station, at=make.NOW + timedelta(minutes=9))
    codes.check_tries(subject="other", station=station, at=make.NOW)
    codes.check_tries(subject="u", station=station, at=make.NOW + timedelta(minutes=11))


# ------------------------------------------------------------------------- in the basket


@pytest.mark.req("CPN-03", "CPN-04")
def test_a_members_best_coupon_is_used_by_itself_held_for_the_basket_and_spent_once():
    till = make.session()
    zhang = make.member(till.station)
    good = coupon(till.station, zhang)
    small = coupon(till.station, zhang, name="代5元", benefit="AMOUNT", amount=D(5), alone=True)
    ticket = basket(till, member=zhang.pk)
    quoted = quote(till, ticket)
    assert quoted.offer.coupons == (good.pk,)
    assert quoted.offer.net == D("220.00")
    why = {one.coupon: one.why for one in quoted.offer.told}
    assert why[small.pk] == "「代5元」不与其他优惠同享，已用更省的「满200减20」"
    good.refresh_from_db()
    assert (good.state, good.lock_key) == ("LOCKED", ticket.key)

    other = basket(till, member=zhang.pk)
    assert good.pk not in quote(till, other).offer.coupons
    assert {one.why for one in quote(till, other).offer.told if one.coupon == good.pk} == {
        "正在另一单上使用"
    }

    sale = bought(till, ticket, quoted.offer)
    good.refresh_from_db()
    assert (good.state, good.document, sale.due) == ("USED", sale.number, D("220.00"))
    assert OfferUse.objects.get(coupon=good).amount == D("20.00")
    assert trail(good) == ["ISSUED", "LOCKED", "USED"]
    assert bought(till, ticket, quoted.offer) == sale  # a retry
    assert trail(good) == ["ISSUED", "LOCKED", "USED"]
    assert quote(till, other).offer.coupons == (small.pk,)


@pytest.mark.req("CPN-03")
def test_a_basket_that_is_closed_or_left_standing_lets_its_coupon_go():
    till = make.session()
    zhang = make.member(till.station)
    one = coupon(till.station, zhang)
    first, second = basket(till, member=zhang.pk), basket(till, member=zhang.pk)
    assert quote(till, first).offer.coupons
    assert not quote(till, second).offer.coupons
    assert locking.release(key=first.key, actor=till.cashier, at=make.NOW) == 1
    assert locking.release(key=first.key, actor=till.cashier, at=make.NOW) == 0
    assert quote(till, second).offer.coupons
    assert quote(till, first, at=LATER).offer.coupons  # fifteen minutes later nobody holds it
    assert locking.release_stale(at=LATER) == 0
    assert locking.release_stale(at=LATER + timedelta(minutes=16)) == 1
    one.refresh_from_db()
    assert one.state == "ISSUED"


@pytest.mark.req("CPN-03")
def test_what_the_cashier_leaves_out_is_let_go():
    till = make.session()
    zhang = make.member(till.station)
    one = coupon(till.station, zhang)
    ticket = basket(till, member=zhang.pk)
    quote(till, ticket)
    without = basket(till, fills=[], items=[(make.item(price="250.00", at=till.station), 1)], key=ticket.key, member=zhang.pk, without=[one.pk])  # fmt: skip
    assert quote(till, without).offer.coupons == ()
    one.refresh_from_db()
    assert one.state == "ISSUED"


@pytest.mark.req("CPN-03")
def test_a_payment_that_fails_spends_nothing():
    till = make.session()
    zhang = make.member(till.station)
    one = coupon(till.station, zhang)
    ticket = basket(till, member=zhang.pk)
    offer = quote(till, ticket).offer
    with pytest.raises(WrongPayment):
        settling.settle(
            make.ticket(
                key=ticket.key, fills=[make.Fill.objects.get(pk=ticket.fill_ids[0])],
                tenders=[("CASH", "1.00")], member=zhang.pk, coupons=list(offer.coupons),
            ),
            session=till, actor=till.cashier, at=make.NOW,
        )  # fmt: skip
    one.refresh_from_db()
    assert one.state == "LOCKED"
    assert not OfferUse.objects.exists()
    assert bought(till, ticket, offer).due == D("220.00")


@pytest.mark.req("CPN-03")
def test_a_coupon_of_somebody_else_is_not_taken_by_its_number():
    till = make.session()
    zhang, wang = make.member(till.station), make.member(till.station)
    one = coupon(till.station, zhang)
    for member in (wang.pk, None):
        ticket = basket(till, member=member, coupons=[one.pk], tenders=[("CASH", "220.00")])
        with pytest.raises(CouponGone):
            settling.settle(ticket, session=till, actor=till.cashier, at=make.NOW)
    # nor by its code: giving away is off unless the template allows it
    assert not quote(till, basket(till, codes=[one.code])).offer.told
    given = coupon(till.station, zhang, transferable=True)
    assert quote(till, basket(till, codes=[given.code])).offer.coupons == (given.pk,)


def test_a_bearers_code_is_used_by_who_shows_it():
    till = make.session()
    one = coupon(till.station)
    ticket = basket(till, codes=[one.code])
    offer = quote(till, ticket).offer
    assert offer.coupons == (one.pk,)
    assert bought(till, ticket, offer).due == D("220.00")
    assert not quote(till, basket(till, codes=[one.code])).offer.coupons


def test_one_that_ran_out_while_its_basket_held_it_is_still_good():
    till = make.session()
    zhang = make.member(till.station)
    one = coupon(till.station, zhang, valid_until=make.NOW + timedelta(minutes=5))
    ticket = basket(till, member=zhang.pk)
    offer = quote(till, ticket).offer
    at = make.NOW + timedelta(minutes=10)
    assert locking.expire(at=at) == 0
    assert bought(till, ticket, offer, at=at).due == D("220.00")
    two = coupon(till.station, zhang, valid_until=make.NOW + timedelta(minutes=5))
    assert not quote(till, basket(till, member=zhang.pk), at=at).offer.coupons
    assert locking.expire(at=at) == 1
    assert locking.expire(at=at) == 0
    two.refresh_from_db()
    assert (two.state, trail(two)) == ("EXPIRED", ["ISSUED", "EXPIRED"])
    one.refresh_from_db()
    assert one.state == "USED"


def test_a_coupon_of_another_station_says_so():
    till = make.session()
    zhang = make.member(till.station)
    away = make.station(name="大理站")
    coupon(away, zhang)
    assert quote(till, basket(till, member=zhang.pk)).offer.told[0].why == "限大理站使用"
    coupon(away, zhang, everywhere=True)
    assert len(quote(till, basket(till, member=zhang.pk)).offer.coupons) == 1


@pytest.mark.req("CPN-01")
@pytest.mark.parametrize(
    ("fields", "off"),
    [
        ({"benefit": "AMOUNT", "amount": D(15)}, "15.00"),
        ({"benefit": "PERCENT", "percent": D("0.05")}, "13.50"),
        ({"benefit": "PER_LITRE", "amount": D("0.20")}, "6.00"),
        ({"benefit": "THRESHOLD", "amount": D(30), "threshold": D(240)}, "30.00"),
        ({"benefit": "GIFT", "percent": D(1), "categories": ["饮料"]}, "10.00"),
        ({"benefit": "SERVICE", "percent": D("0.5"), "categories": ["服务"]}, "10.00"),
        ({"benefit": "EXCHANGE", "amount": D(1), "categories": ["饮料"]}, "9.00"),
    ],
)
def test_each_kind_of_coupon_takes_off_what_it_says(fields, off):
    till = make.session()
    zhang = make.member(till.station)
    coupon(till.station, zhang, **fields)
    ticket = basket(
        till,
        items=[
            (make.item("咖啡", "10.00", on_hand="9"), 1),
            (make.item("洗车", "20.00", kind="SERVICE"), 1),
        ],
        member=zhang.pk,
    )
    assert quote(till, ticket).offer.discount == D(off)


# ------------------------------------------------------------------------------- and back


@pytest.mark.req("CPN-05")
def test_a_whole_refund_returns_the_coupon_with_its_own_time_and_a_part_does_not():
    till = make.session()
    zhang = make.member(till.station)
    one = coupon(till.station, zhang)
    ticket = basket(till, member=zhang.pk)
    sale = bought(till, ticket, quote(till, ticket).offer)
    until = one.valid_until
    line = sale.lines.get()
    part = refunds.refund(
        sale=sale, lines=[RefundLine(1, amount=D("100.00"))], reason="少加", session=till,
        actor=make.manager(till.station), at=make.NOW, key="part",
    )  # fmt: skip
    one.refresh_from_db()
    assert (part.due, one.state) == (D("-100.00"), "USED")
    rest = refunds.refund(
        sale=sale, lines=[RefundLine(1, amount=line.net - 100)], reason="都退", session=till,
        actor=make.manager(till.station), at=make.NOW, key="rest",
    )  # fmt: skip
    one.refresh_from_db()
    assert part.due + rest.due == -sale.due
    assert (one.state, one.returned, one.valid_until, one.document) == ("ISSUED", 1, until, "")
    assert trail(one)[-1] == "RETURNED"
    assert sum(use.amount for use in OfferUse.objects.all()) == 0
    again = basket(till, member=zhang.pk)
    assert bought(till, again, quote(till, again).offer).due == D("220.00")


@pytest.mark.req("CPN-05")
def test_one_that_ran_out_since_comes_back_for_the_days_of_grace():
    till = make.session()
    zhang = make.member(till.station)
    one = coupon(till.station, zhang, valid_until=make.NOW + timedelta(minutes=5))
    ticket = basket(till, member=zhang.pk)
    sale = bought(till, ticket, quote(till, ticket).offer)
    at = make.NOW + timedelta(hours=1)
    refunds.reverse(
        sale=sale, reason="收错", session=till, actor=make.manager(till.station), at=at, key="x"
    )
    one.refresh_from_db()
    assert (one.state, one.valid_until) == ("ISSUED", at + timedelta(days=7))


def test_a_present_that_is_kept_keeps_its_coupon_used():
    till = make.session()
    zhang = make.member(till.station)
    coffee = make.item("咖啡", "10.00", on_hand="9")
    one = coupon(till.station, zhang, benefit="GIFT", percent=D(1), products=[coffee.code])
    fill = make.fill_at(till.station, "30.00", "8.00")
    ticket = make.ticket(fills=[fill], items=[(coffee, 1)], member=zhang.pk)
    offer = quote(till, ticket).offer
    sale = bought(till, ticket, offer, items=[(coffee, 1)])
    refunds.refund(
        sale=sale, lines=[RefundLine(1, amount=D("240.00"))], reason="油有水", session=till,
        actor=make.manager(till.station), at=make.NOW, key="fuel",
    )  # fmt: skip
    one.refresh_from_db()
    assert one.state == "USED"


def test_a_voided_coupon_is_gone_and_what_happened_stays():
    station = make.station()
    one = coupon(station, make.member(station))
    wang = make.manager(station)
    with pytest.raises(CouponTaken, match="原因"):
        locking.void(coupon=one, actor=wang, at=make.NOW, reason="")
    locking.void(coupon=one, actor=wang, at=make.NOW, reason="发错")
    with pytest.raises(CouponTaken, match="已作废"):
        locking.void(coupon=one, actor=wang, at=make.NOW, reason="发错")
    with pytest.raises(DatabaseError), transaction.atomic():
        CouponEvent.objects.update(words="没有的事")


@pytest.mark.req("CPN-02")
def test_a_batch_always_adds_up():
    till = make.session()
    zhang = make.member(till.station)
    made = batch(template(till.station), quota=10, per_member=10)
    some = [
        issuing.give(batch=made, members=[zhang], actor=None, at=make.NOW).coupons[0]
        for _ in range(5)
    ]
    ticket = basket(till, member=zhang.pk)
    sale = bought(till, ticket, quote(till, ticket).offer)
    quote(till, basket(till, member=zhang.pk))
    locking.void(coupon=some[4], actor=make.manager(till.station), at=make.NOW, reason="发错")
    said = counts_of(batch=made)
    assert (said.issued, said.free, said.locked, said.used, said.void) == (5, 2, 1, 1, 1)
    assert said.rate == D("0.2")
    back_whole(sale)
    said = counts_of(batch=made)
    assert (said.free, said.returned, said.locked, said.used) == (2, 1, 1, 0)
    assert said.adds_up


def test_two_coupons_a_member_and_a_promotion_stay_within_the_statements():
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    till = make.session()
    zhang = make.member(till.station)
    promotion(till.station, amount=D("0.10"))
    coupon(till.station, zhang)
    coupon(till.station, zhang, name="代5元", benefit="AMOUNT", amount=D(5))
    ticket = basket(till, member=zhang.pk)
    offer = quote(till, ticket).offer
    assert len(offer.coupons) == 2
    with CaptureQueriesContext(connection) as seen:
        bought(till, ticket, offer)
    assert len(seen) <= 37  # the limits against abuse are one of them


@pytest.mark.req("CPN-01", "MEM-01")
def test_a_new_members_coupon_is_one_per_phone_and_plate_even_after_closing_the_account():
    from members.models import RiskCase
    from members.services import closing
    from members.services.risk import OverTheLimit

    till = make.session()
    made = batch(
        template(till.station),
        open=True,
        claim_until=make.NOW + timedelta(days=1),
        new_within_days=30,
    )
    first = make.member(till.station, phone="13911112222", plate="云A11111")
    issuing.claim(
        open_code=made.open_code, member=first, device="", actor=till.cashier, at=make.NOW
    )
    closing.forget(member=first, reason="本人要求", at=make.NOW, actor=make.manager(till.station))
    again = make.member(till.station, phone="13911112222")
    other = make.member(till.station, phone="13911113333", plate="云A11111")
    for one in (again, other):
        with pytest.raises(OverTheLimit, match="已领过新会员券"):
            issuing.claim(
                open_code=made.open_code, member=one, device="", actor=till.cashier, at=make.NOW
            )
    made.refresh_from_db()
    assert made.issued == 1
    assert {one.metric for one in RiskCase.objects.all()} == {"NEW_COUPON"}
    assert RiskCase.objects.count() == 2  # what was refused left its case
