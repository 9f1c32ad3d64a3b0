"""Coupons on the pages: a template, its batch, the list of members, the code, the receipt, the cost."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal as D
from urllib.parse import quote

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils.timezone import now

from marketing.models import Coupon, CouponBatch, CouponTemplate
from marketing.services import batches, issuing, promotions, templates, terms
from sales.models import Sale
from sales.queries.offers import reductions_of
from sales.queries.receipts import paper_of, sale_for_paper
from tests import make
from tests.marketing.offers import terms_of
from tests.station.garbage import NASTY, NASTY_JSON

pytestmark = pytest.mark.django_db

TYPED = {
    "name": "满200减20", "benefit": "THRESHOLD", "amount": "20", "threshold": "200", "units": "1",
    "priority": "0", "valid_days": "30", "campaign": "春季",
}  # fmt: skip


def post(client, name, body):
    return client.post(reverse(f"sales:{name}"), json.dumps(body), content_type="application/json")


def issued(station, member=None, **fields):
    """A coupon issued now, as the clock of the views runs."""
    planned = templates.plan(
        station=station,
        values={**terms_of(name="满200减20", benefit="THRESHOLD", amount=D(20), threshold=D(200)),
                "valid_from": None, "valid_until": None, "valid_days": 30, **fields},
        actor=make.marketer(station), at=now(),
    )  # fmt: skip
    template = terms.approve(offer=planned, actor=make.manager(station), at=now())
    batch = batches.make(
        template=template, values={"quota": 9, "per_member": 9}, actor=make.marketer(station), at=now()
    )  # fmt: skip
    if member is None:
        return issuing.print_codes(batch=batch, count=1, actor=make.marketer(station), at=now())[0]
    return issuing.give(batch=batch, members=[member], actor=None, at=now()).coupons[0]


@pytest.mark.req("CPN-01", "CPN-02", "CPN-09")
def test_from_the_template_to_the_member_on_the_pages():
    station = make.station()
    zhou = make.signed_in(make.marketer(station))
    answer = zhou.post("/marketing/coupons/templates/new/", TYPED)
    template = CouponTemplate.objects.get()
    assert answer["Location"] == f"/marketing/coupons/templates/{template.pk}/"
    wang = make.signed_in(make.manager(station))
    assert wang.post(f"{answer['Location']}approve/").status_code == 302
    answer = zhou.post(
        "/marketing/coupons/batches/new/", {"template": template.pk, "quota": 2, "per_member": 1}
    )
    batch = CouponBatch.objects.get()
    page = answer["Location"]
    one, two = make.member(station), make.member(station)
    answer = zhou.post(f"{page}give/", {"members": f"{one.number}，没有的人"})
    assert answer.status_code == 422
    assert "找不到 没有的人" in answer.content.decode()
    assert zhou.post(f"{page}give/", {"members": one.number}).status_code == 302
    assert zhou.post(f"{page}give/", {"members": f"{one.number},{two.number}"}).status_code == 302
    assert Coupon.objects.count() == 2
    answer = zhou.post(f"{page}print/", {"count": "1"})
    assert answer.status_code == 422
    assert "只剩不足" in answer.content.decode()
    shown = zhou.get(page).content.decode()
    assert Coupon.objects.first().code in shown
    li = make.signed_in(make.cashier(station))
    assert Coupon.objects.first().code not in li.get(page).content.decode()
    assert li.get(f"/marketing/coupons/?text={one.number}").status_code == 200
    assert zhou.post(f"{page}close/").status_code == 422
    assert zhou.post(f"{page}close/", {"reason": "够了"}).status_code == 302
    batch.refresh_from_db()
    assert batch.closed_at is not None
    first = Coupon.objects.first()
    life = zhou.get(f"/marketing/coupons/{first.pk}/").content.decode()
    assert "发放" in life
    assert zhou.post(f"/marketing/coupons/{first.pk}/void/", {"reason": "错"}).status_code == 302
    assert zhou.post(f"/marketing/coupons/{first.pk}/void/", {"reason": "错"}).status_code == 422


@pytest.mark.req("CPN-06")
def test_a_poster_code_is_claimed_at_the_counter_and_wrong_ones_are_counted():
    station = make.station()
    one = issued(station, make.member(station))
    code = one.batch
    CouponBatch.objects.filter(pk=code.pk).update(
        open_code="ABCDEFGH234567", claim_until=now() + timedelta(days=1)
    )
    li = make.signed_in(make.cashier(station))
    zhang = make.member(station)
    typed = {"open_code": "abcd-efgh 234567", "member": zhang.number}
    assert li.post("/marketing/coupons/claim/", typed).status_code == 302
    assert zhang.coupons.get().source == "CLAIMED"
    for _ in range(10):
        wrong = li.post("/marketing/coupons/claim/", {**typed, "open_code": "XXXXXXXXXXXXXX"})
        assert wrong.status_code == 422
    last = li.post("/marketing/coupons/claim/", {**typed, "member": make.member(station).number})
    assert "输错太多次" in last.content.decode()


@pytest.mark.req("CPN-04")
def test_the_till_quotes_holds_settles_and_prints_each_discount_on_its_own_line():
    till = make.session()
    make.tenders()
    planned = promotions.plan(
        station=till.station, values=terms_of(valid_from=now() - timedelta(days=1), valid_until=now() + timedelta(days=1), amount=D("0.10")),
        actor=make.marketer(till.station), at=now(),
    )  # fmt: skip
    terms.approve(offer=planned, actor=make.manager(till.station), at=now())
    zhang = make.member(till.station)
    held = issued(till.station, zhang)
    li = make.signed_in(till.cashier)
    assert li.get(reverse("sales:till_pulse")).json()["badges"]["offers"] == 1
    fill = make.fill_at(till.station, "30.00", "8.00")
    body = make.basket(fills=[fill], member=zhang.pk)
    said = post(li, "till_quote", body).json()
    assert said["net"] == "217.00"
    assert [[one["amount"] for one in line] for line in said["lines"]] == [["3.00", "20.00"]]
    assert said["used"] == [held.pk]
    wrong = post(li, "settle", {**body, "due": "240.00"})
    assert wrong.status_code == 422
    paid = {
        **body,
        "due": "217.00",
        "coupons": said["used"],
        "discount": "2.00",
        "reason": "老客户",
    }
    paid |= {"due": "215.00", "tenders": [{"tender": "CASH", "amount": "215.00"}]}
    assert post(li, "settle", paid).json()["due"] == "215.00"
    sale = sale_for_paper(document=Sale.objects.get().number)
    told = [(one.name, one.amount) for one in reductions_of(sale)[1]]
    assert told == [("每升直降三角", D("3.00")), ("满200减20", D("20.00")), ("老客户", D("2.00"))]
    rows = [(row.left, row.right) for row in paper_of(sale=sale).rows]
    assert ("  满200减20", "-20.00") in rows
    assert ("  老客户", "-2.00") in rows
    page = make.signed_in(make.manager(till.station)).get(f"/sales/sales/{sale.number}/")
    assert "满200减20" in page.content.decode()


def test_a_code_that_is_none_is_told_and_guessing_ends():
    till = make.session()
    make.tenders()
    li = make.signed_in(till.cashier)
    fill = make.fill_at(till.station, "30.00", "8.00")
    bearer = issued(till.station)
    shown = f"{bearer.code[:7]}-{bearer.code[7:]}".lower()
    said = post(li, "till_quote", make.basket(fills=[fill], key="a", codes=[shown])).json()
    assert said["used"] == [bearer.pk]
    assert post(li, "till_release", {"key": "a"}).json() == {"freed": 1}
    assert post(li, "till_release", {"key": "a"}).json() == {"freed": 0}
    for _ in range(10):
        wrong = post(li, "till_quote", make.basket(fills=[fill], codes=["AAAABBBBCCCCDD"]))
        assert "没有这张券" in wrong.json()["error"]
    wrong = post(li, "till_quote", make.basket(fills=[fill], codes=[bearer.code]))
    assert "输错太多次" in wrong.json()["error"]


def test_what_no_till_sends_is_refused_in_words():
    till = make.session()
    li = make.signed_in(till.cashier)
    for body in (
        {},
        {"key": "a", "lines": [{"kind": "FUEL", "fill": 999}]},
        make.basket(fills=[make.fill_at(till.station)], coupons="x"),
        make.basket(fills=[make.fill_at(till.station)], codes=[{}] * 99),
        make.basket(fills=[make.fill_at(till.station)], without=["-1"]),
        make.basket(fills=[make.fill_at(till.station)], member=10**17),
    ):
        assert post(li, "till_quote", body).status_code in (200, 422)


def test_what_no_page_sends_breaks_no_page():
    till = make.session()
    tea = make.item("茶", "5.00", at=till.station)
    one = issued(till.station, make.member(till.station))
    wang = make.signed_in(make.manager(till.station))
    wang.raise_request_exception = False
    batch = f"/marketing/coupons/batches/{one.batch.number}"
    good = {**TYPED, "items": tea.code, "valid_from": "2026-01-01T00:00"}
    good |= dict.fromkeys(
        ("percent", "dates", "month_days", "from_time", "cap_litres", "group"), ""
    )
    forms = {
        "/marketing/promotions/new/": good | {"valid_until": "2036-01-01T00:00", "tier": "", "weekdays": "1"},
        "/marketing/coupons/templates/new/": good | {"valid_until": "", "grades": "92#"},
        "/marketing/coupons/batches/new/": {"template": one.template_id, "quota": "1", "per_member": "1",
                                            "claim_until": "", "open": "", "new_within_days": ""},
        f"{batch}/give/": {"members": "x"},
        f"{batch}/print/": {"count": "1"},
        f"{batch}/close/": {"reason": ""},
        f"/marketing/coupons/{one.pk}/void/": {"reason": ""},
        "/marketing/coupons/claim/": {"open_code": "x", "member": "x"},
    }  # fmt: skip
    turn = 0
    for path, body in forms.items():
        for name in body:
            for _ in range(5):
                turn += 7
                with transaction.atomic():
                    answer = wang.post(path, {**body, name: NASTY[turn % len(NASTY)]})
                    transaction.set_rollback(True)
                assert answer.status_code < 500, (path, name, NASTY[turn % len(NASTY)])
    for word in NASTY:
        for path in ("/marketing/coupons/?text=", "/marketing/costs/?since=", f"{batch}/?x="):
            assert wang.get(path + quote(word)).status_code < 500, (path, word)
    for word in NASTY_JSON:
        for name in ("codes", "without", "coupons", "member", "key"):
            body = make.basket(fills=[make.fill_at(till.station)]) | {name: word}
            assert post(wang, "till_quote", body).status_code < 500, (name, word)
        assert post(wang, "till_release", {"key": word}).status_code < 500, word


def test_the_cost_of_campaigns_is_a_report():
    till = make.session()
    wang = make.signed_in(make.manager(till.station))
    assert wang.get("/marketing/costs/").status_code == 200
    page = wang.get("/marketing/costs/?since=2026-04-01&until=2026-04-30")
    assert page.status_code == 200
    assert "没有促销和券的优惠" in page.content.decode()
    assert wang.get("/marketing/costs/?since=x&until=").status_code == 200
