"""锁价 on the pages: given, approved by another, stopped, read at the till, the pump and the phone."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.urls import reverse
from django.utils.timezone import localtime, now

from marketing.models import PriceLock
from sales.models import Sale
from station.models import Grade
from tests import make
from tests.marketing.offers import lock
from tests.sales.test_attending import bill, claimed, ground, pay
from tests.station.garbage import NASTY

pytestmark = [pytest.mark.django_db, pytest.mark.req("SAL-17")]
NEW = "/marketing/locks/new/"


def typed(members: str, **fields: object) -> dict[str, object]:
    until = localtime(now() + timedelta(days=30))
    return {
        "members": members, "grade": Grade.objects.get(code="92#").pk, "price": "7.20",
        "litres": "50", "valid_until": f"{until:%Y-%m-%dT%H:%M}", "campaign": "", "reason": "老客户",
        "key": "k1", **fields,
    }  # fmt: skip


def place():
    """A station with a posted price of 8.00 for 92#."""
    station = make.station()
    make.price(station, make.grade("92#"), "8.00")
    return station


def test_given_to_two_members_twice_is_once_and_both_are_listed():
    station = place()
    one, two = make.member(station, phone="13911112222"), make.member(station)
    zhou = make.signed_in(make.marketer(station))
    assert "每人多少升" in zhou.get(NEW).content.decode()
    for _ in range(2):
        answer = zhou.post(NEW, typed(f"13911112222，{two.number}"))
        assert answer["Location"] == "/marketing/locks/"
    assert sorted(PriceLock.objects.values_list("member", "left")) == [
        (one.pk, D(50)),
        (two.pk, D(50)),
    ]
    li = make.signed_in(make.cashier(station))
    shown = li.get("/marketing/locks/").content.decode()
    assert one.number in shown
    assert "可用" in shown
    assert two.number not in li.get(f"/marketing/locks/?text={one.number}").content.decode()
    assert one.number in li.get("/marketing/locks/?open=1").content.decode()
    assert one.number not in li.get("/marketing/locks/?open=0").content.decode()
    assert li.get(NEW).status_code == 403


def test_who_is_named_twice_has_it_once_and_a_page_that_gave_gives_nothing_else():
    station = place()
    one, two = make.member(station, phone="13911112222"), make.member(station)
    zhou = make.signed_in(make.marketer(station))
    assert zhou.post(NEW, typed(f"13911112222，{one.number}")).status_code == 302
    assert PriceLock.objects.get().member == one
    for other in (typed(one.number, litres="60"), typed(f"{one.number} {two.number}")):
        answer = zhou.post(NEW, other)
        assert (answer.status_code, "已发过" in answer.content.decode()) == (422, True)
    assert PriceLock.objects.count() == 1


def test_above_the_limit_another_person_approves_or_sends_back():
    station = place()
    zhang = make.member(station)
    owner, wang = make.owner(station), make.signed_in(make.manager(station))
    where = wang.post(NEW, typed(zhang.number, litres="2000"))["Location"]
    page = wang.get(where).content.decode()
    assert "待审批" in page
    assert "等另一位有审批权的人审批" in page
    assert "批准后" not in page
    own = wang.post(f"{where}approve/")
    assert own.status_code == 422
    assert "换一人" in own.content.decode()
    boss = make.signed_in(owner)
    assert "批准后" in boss.get(where).content.decode()
    assert boss.post(f"{where}approve/").status_code == 302
    assert boss.post(f"{where}approve/").status_code == 422
    page = boss.get(where).content.decode()
    assert "发放" in page
    assert wang.post(f"{where}stop/").status_code == 422
    assert wang.post(f"{where}stop/", {"reason": "发错"}).status_code == 302
    page = wang.get(where).content.decode()
    assert "已停止" in page
    assert "其他操作" not in page
    again = wang.post(NEW, typed(zhang.number, litres="2000", key="k2"))["Location"]
    assert boss.post(f"{again}reject/", {"reason": "太多"}).status_code == 302
    assert "已驳回" in wang.get(again).content.decode()


def test_what_is_typed_wrong_is_said_on_the_form():
    station = place()
    zhang = make.member(station)
    zhou = make.signed_in(make.marketer(station))
    for fields, words in (
        ({"members": "没有的人"}, "找不到 没有的人"),
        ({"price": "9.00"}, "高于现在的挂牌价"),
        ({"valid_until": "2020-01-01T00:00"}, "已经过了"),
        ({"reason": ""}, "这个字段是必填项"),
    ):
        answer = zhou.post(NEW, typed(zhang.number) | fields)
        assert answer.status_code == 422
        assert words in answer.content.decode()
    zhou.raise_request_exception = False
    for name in typed(zhang.number):
        for rubbish in NASTY:
            answer = zhou.post(NEW, typed(zhang.number) | {name: rubbish})
            assert answer.status_code in (302, 400, 422), (name, rubbish)
    assert zhou.get("/marketing/locks/?text=²&open=x").status_code == 200


def test_another_stations_lock_is_not_there():
    one = lock(make.station(), make.member())
    stranger = make.signed_in(make.manager(make.station()))
    assert stranger.get(f"/marketing/locks/{one.pk}/").status_code == 404
    assert stranger.post(f"/marketing/locks/{one.pk}/stop/", {"reason": "x"}).status_code == 404


def test_the_till_says_how_many_litres_there_are_and_takes_them():
    till = make.session()
    make.tenders()
    zhang = make.member(till.station)
    one = lock(till.station, zhang, valid_until=now() + timedelta(days=9), at=now())
    li = make.signed_in(till.cashier)
    body = make.basket(fills=[make.fill_at(till.station, "30.00", "8.00")], member=zhang.pk)

    def post(name, sent):
        answer = li.post(
            reverse(f"sales:{name}"), json.dumps(sent), content_type="application/json"
        )
        return answer.json()

    said = post("till_quote", body)
    [told] = said["locks"]
    assert (told["name"], told["litres"], told["left"]) == ("锁价 92# ¥7.20", "30.00", "20.00")
    assert said["net"] == "216.00"
    assert said["lines"][0][0]["reason"] == "锁价 ¥7.20 × 30.00 升（余 20.00 升）"
    assert post("settle", {**body, "due": "216.00", "tenders": [{"tender": "CASH", "amount": "216.00"}]})["due"] == "216.00"  # fmt: skip
    one.refresh_from_db()
    assert one.left == 20
    shown = li.get(f"/marketing/locks/{one.pk}/").content.decode()
    assert Sale.objects.get().number in shown


def test_the_attendants_phone_shows_and_takes_them():
    session, _, client = ground()
    zhang = make.member(session.station)
    one = lock(session.station, zhang, valid_until=now() + timedelta(days=9), at=now())
    fill = make.fill_at(session.station, "30.00", "8.00", at=now())
    claimed(client, fill)
    page = bill(client, fill, find=zhang.number)
    assert "锁价 92# ¥7.20，这次 30.00 升" in page
    assert pay(client, fill, page).status_code == 302
    one.refresh_from_db()
    assert one.left == 20


def test_the_member_reads_them_over_his_coupons():
    station = make.station()
    zhang = make.member(station)
    lock(station, zhang, valid_until=now() + timedelta(days=9), at=now())
    phone = make.phone_of(zhang)
    page = phone.get("/m/coupons/").content.decode()
    assert "还剩 50.00 升，共 50.00 升" in page
    assert "没有可用的优惠券" not in page
    assert "还剩" not in phone.get("/m/coupons/?group=used").content.decode()
    assert "还剩" not in make.phone_of(make.member(station)).get("/m/coupons/").content.decode()
