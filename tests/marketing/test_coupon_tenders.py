"""A coupon limited to ways of paying: said beforehand, kept at every door, and nothing lost when refused."""

from __future__ import annotations

import json
from decimal import Decimal as D

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse
from django.utils.timezone import now

from marketing.models import Coupon, CouponTemplate
from marketing.services import templates
from marketing.services.terms import OfferRefused
from sales.models import Sale, Tender
from sales.services import offering, settling, tenders
from sales.services.tenders import TenderRefused
from tests import make
from tests.marketing.offers import coupon, template, terms_of
from tests.marketing.test_coupon_pages import TYPED, issued
from tests.sales.test_attending import bill, claimed, ground, pay

pytestmark = [pytest.mark.django_db, pytest.mark.req("CPN-01")]


def ready(limit=("WECHAT",)):
    """A till, and a coupon of 20 yuan from 200 on that is limited to some ways of paying."""
    till = make.session()
    make.tenders()
    zhang = make.member(till.station)
    one = coupon(till.station, zhang, name="微信满减", amount=D(20), benefit="THRESHOLD",
                 threshold=D(200), tenders=list(limit))  # fmt: skip
    return till, zhang, one


def settle(till, zhang, one, *paid, **fields):
    fill = make.fill_at(till.station, "30.00", "8.00")
    asked = make.ticket(fills=[fill], member=zhang.pk, **fields)
    quoted = offering.quote(ticket=asked, session=till, actor=till.cashier, at=make.NOW)
    assert quoted.offer.coupons == (one.pk,)
    ticket = make.ticket(
        fills=[fill],
        member=zhang.pk,
        coupons=[one.pk],
        tenders=paid,
        **{**fields, "key": asked.key},
    )
    return settling.settle(ticket, session=till, actor=till.cashier, at=make.NOW)


# ------------------------------------------------------------------------------ planned


def test_a_template_says_in_words_what_it_is_limited_to():
    make.tenders()
    made = template(make.station(), tenders=["MEMBER", "WECHAT"])
    assert (made.tenders, made.paid_by) == (["WECHAT", "MEMBER"], "限微信或会员储值")
    Tender.objects.filter(code="WECHAT").update(name="微信支付")
    made.refresh_from_db()
    assert made.paid_by == "限微信或会员储值"  # what was agreed stays
    every = template(make.station(), tenders=["CASH", "CARD", "WECHAT", "MEMBER"])
    assert (every.tenders, every.paid_by) == ([], "")  # all of them are no limit


def test_a_way_of_paying_that_there_is_not_is_refused_and_the_database_wants_the_words():
    station = make.station()
    make.tenders()
    with pytest.raises(OfferRefused, match="没有付款方式 GOLD"):
        templates.plan(
            station=station, actor=make.marketer(station), at=make.NOW,
            values=terms_of(name="券", benefit="AMOUNT", amount=D(5), tenders=["GOLD"]),
        )  # fmt: skip
    made = template(station, tenders=["CASH"])
    with pytest.raises(DatabaseError, match="said_in_words"), transaction.atomic():
        CouponTemplate.objects.filter(pk=made.pk).update(paid_by="")


def test_the_form_offers_the_tills_ways_and_the_next_version_starts_from_them():
    station = make.station()
    make.tenders()
    zhou = make.signed_in(make.marketer(station))
    page = zhou.get("/marketing/coupons/templates/new/").content.decode()
    assert 'value="WECHAT"' in page
    where = zhou.post("/marketing/coupons/templates/new/", {**TYPED, "tenders": ["WECHAT"]})
    made = CouponTemplate.objects.get()
    assert made.paid_by == "限微信"
    assert "限微信" in zhou.get(where["Location"]).content.decode()
    again = zhou.get(f"/marketing/coupons/templates/{made.pk}/change/").content.decode()
    assert again.count("checked") == 1
    wrong = zhou.post("/marketing/coupons/templates/new/", {**TYPED, "tenders": ["GOLD"]})
    assert wrong.status_code == 422


def test_a_limit_to_what_is_out_of_use_is_not_lost_on_the_way_to_the_next_version():
    station = make.station()
    make.tenders()
    zhou = make.signed_in(make.marketer(station))
    zhou.post("/marketing/coupons/templates/new/", {**TYPED, "tenders": ["WECHAT"]})
    change = f"/marketing/coupons/templates/{CouponTemplate.objects.get().pk}/change/"
    Tender.objects.filter(code="WECHAT").update(active=False)
    page = zhou.get(change).content.decode()
    assert page.count("checked") == 1
    assert "WECHAT（已停用）" in page
    refused = zhou.post(change, {**TYPED, "tenders": ["WECHAT"]})
    assert (refused.status_code, "已停用。请重新勾选" in refused.content.decode()) == (422, True)
    assert CouponTemplate.objects.count() == 1


# ------------------------------------------------------------------------------ paid


def test_the_named_way_pays_all_of_it():
    till, zhang, one = ready()
    sale = settle(till, zhang, one, ("WECHAT", "220.00"))
    one.refresh_from_db()
    assert (sale.discount, one.state) == (D("20.00"), "USED")


@pytest.mark.parametrize("paid", [[("CASH", "220.00")], [("WECHAT", "200.00"), ("CASH", "20.00")]])
def test_another_way_for_all_or_a_part_is_refused_and_nothing_is_lost(paid):
    till, zhang, one = ready()
    with pytest.raises(TenderRefused, match="「微信满减」限微信，单上有现金"):
        settle(till, zhang, one, *paid, key="k1")
    one.refresh_from_db()
    assert (one.state, one.lock_key, Sale.objects.count()) == ("LOCKED", "k1", 0)


def test_left_out_the_sale_is_paid_as_the_customer_likes():
    till, zhang, one = ready()
    fill = make.fill_at(till.station, "30.00", "8.00")
    asked = make.ticket(fills=[fill], member=zhang.pk, without=[one.pk])
    assert not offering.quote(
        ticket=asked, session=till, actor=till.cashier, at=make.NOW
    ).offer.coupons
    sale = make.sale(till, fills=[fill], member=zhang.pk, tenders=[("CASH", "240.00")])
    assert sale.discount == 0


def test_what_the_coupon_pays_alone_is_paid_by_nothing_else():
    till = make.session()
    make.tenders()
    zhang = make.member(till.station)
    one = coupon(till.station, zhang, name="抵300", benefit="AMOUNT", amount=D(300),
                 tenders=["WECHAT"])  # fmt: skip
    assert settle(till, zhang, one).due == 0


def test_stored_value_only_is_kept_as_well():
    till, zhang, one = ready(("MEMBER",))
    with pytest.raises(TenderRefused, match="限会员储值，单上有微信"):
        settle(till, zhang, one, ("WECHAT", "220.00"))


def test_the_tender_is_not_changed_to_another_afterwards():
    till, zhang, one = ready()
    sale = settle(till, zhang, one, ("WECHAT", "220.00"))
    said = {
        "payment": sale.payments.get(), "reference": "123", "reason": "收错",
        "actor": make.manager(till.station), "at": make.NOW,
    }  # fmt: skip
    with pytest.raises(TenderRefused, match="用了「微信满减」，限微信"):
        tenders.change_tender(tender=Tender.objects.get(code="CARD"), **said)
    assert sale.payments.count() == 1
    plain = make.sale(
        till, fills=[make.fill_at(till.station, "10.00", "8.00")], tenders=[("WECHAT", "80.00")]
    )
    said["payment"] = plain.payments.get()
    assert len(tenders.change_tender(tender=Tender.objects.get(code="CARD"), **said)) == 2


# ------------------------------------------------------------------------------ at each door


def test_the_till_is_told_before_any_money_is_taken():
    till = make.session()
    make.tenders()
    zhang = make.member(till.station)
    one = issued(till.station, zhang, tenders=["WECHAT"])
    li = make.signed_in(till.cashier)
    body = make.basket(fills=[make.fill_at(till.station, "30.00", "8.00")], member=zhang.pk)

    def post(name, sent):
        return li.post(reverse(f"sales:{name}"), json.dumps(sent), content_type="application/json")

    said = post("till_quote", body).json()
    [told] = said["coupons"]
    assert (told["id"], told["tenders"], told["paid"]) == (one.pk, ["WECHAT"], "限微信")
    paid = {**body, "due": "220.00", "coupons": [one.pk]}
    refused = post("settle", {**paid, "tenders": [{"tender": "CASH", "amount": "220.00"}]})
    assert refused.status_code == 422
    assert "限微信" in refused.json()["error"]
    right = post("settle", {**paid, "tenders": [{"tender": "WECHAT", "amount": "220.00"}]})
    assert right.json()["due"] == "220.00"


def test_the_attendants_phone_keeps_it_too():
    session, _, client = ground()
    zhang = make.member(session.station)
    one = issued(session.station, zhang, tenders=["WECHAT"])
    fill = make.fill_at(session.station, "30.00", "8.00", at=now())
    claimed(client, fill)
    page = bill(client, fill, find=zhang.number)
    assert "限微信" in page
    refused = pay(client, fill, page, "CASH")
    assert refused.status_code == 422
    assert "限微信，单上有现金" in refused.content.decode()
    assert Coupon.objects.get(pk=one.pk).state == "LOCKED"
    assert pay(client, fill, page, "WECHAT").status_code == 302
    assert Sale.objects.get().discount == D("20.00")


def test_the_member_reads_it_on_his_phone():
    station = make.station()
    make.tenders()
    zhang = make.member(station)
    one = issued(station, zhang, tenders=["WECHAT"])
    phone = make.phone_of(zhang)
    assert "限微信" in phone.get("/m/coupons/").content.decode()
    assert "限微信" in phone.get(f"/m/coupons/{one.pk}/").content.decode()
