"""Coupons on a member's own phone: what he has, claiming by a poster's code, word before they end."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import localdate, now

from marketing import tasks
from marketing.models import Coupon, CouponBatch
from marketing.services import locking, reminders
from members.models import Member, MemberNotice
from members.services import merging
from members.services.notices import choose
from station.models import Setting
from tests import make
from tests.marketing.offers import D, batch, coupon, template
from tests.marketing.test_coupon_races import together

pytestmark = pytest.mark.django_db


def poster(station, quota: int = 100, **fields: Any) -> CouponBatch:
    """A batch with an open code, for a month from now; its coupons live ten days."""
    made = template(station, valid_from=None, valid_until=None, valid_days=10)
    told = {"open": True, "claim_until": now() + timedelta(days=30), "per_member": 1, **fields}
    return batch(made, quota, **told)


def claim(client: Client, code: str):
    return client.post("/m/coupons/claim/", {"open_code": code})


def fresh(station) -> Member:
    """Who joined just now."""
    member = make.member(station)
    Member.objects.filter(pk=member.pk).update(joined_at=now())
    return member


# ------------------------------------------------------------------------------------ his own


@pytest.mark.req("CPN-02", "CHN-02")
def test_he_sees_each_by_its_state_with_what_it_gives_until_when_and_where():
    station = make.station()
    member, other = make.member(station), make.member(station)
    until = {"valid_until": now() + timedelta(days=3)}
    mine = coupon(station, member, **until)
    coupon(station, other, benefit="AMOUNT", amount=D(7), **until)
    coupon(station, member, benefit="AMOUNT", amount=D(5))  # its time is over
    used = coupon(station, member, benefit="AMOUNT", amount=D(9), **until)
    Coupon.objects.filter(pk=used.pk).update(state="USED", document="S-1")
    client = make.phone_of(member)
    page = client.get("/m/coupons/").content.decode()
    assert "满 200 减 20 元" in page and "抵 7 元" not in page and "抵 5 元" not in page
    assert station.name in page and str(localdate() + timedelta(days=3)) in page
    assert "可用 1" in page and "已用 1" in page and "过期或作废 1" in page
    assert "抵 9 元" in client.get("/m/coupons/?group=used").content.decode()
    assert "抵 5 元" in client.get("/m/coupons/?group=over").content.decode()
    facts = client.get("/m/facts/").content.decode()
    assert '<a href="/m/coupons/">1 张</a>' in facts
    assert client.get(f"/m/coupons/{mine.pk}/").status_code == 200
    assert make.phone_of(other).get(f"/m/coupons/{mine.pk}/").status_code == 404


@pytest.mark.req("CPN-03")
def test_a_coupon_in_a_basket_says_so_and_the_page_is_told_at_its_next_question():
    station = make.station()
    member = make.member(station)
    mine = coupon(station, member, valid_until=now() + timedelta(days=3))
    client = make.phone_of(member)
    page = client.get("/m/coupons/").content.decode()
    ask = {"seen": re.search(r"usable&amp;seen=(\w+)", page)[1], "group": "usable"}
    headers = {"HX-Request": "true"}
    assert client.get("/m/coupons/", ask, headers=headers).status_code == 204
    locking.hold(ids=[mine.pk], key="basket-1", station=station, actor=None, at=now())
    assert "正在一张单上使用" in client.get("/m/coupons/", ask, headers=headers).content.decode()


@pytest.mark.req("CPN-01")
@pytest.mark.parametrize("transferable", [True, False])
def test_only_a_coupon_that_may_be_given_away_shows_its_code(transferable):
    station = make.station()
    member = make.member(station)
    until = now() + timedelta(days=3)
    mine = coupon(station, member, valid_until=until, transferable=transferable)
    page = make.phone_of(member).get(f"/m/coupons/{mine.pk}/").content.decode()
    assert (mine.code in page) is transferable
    assert ("data:image/svg" in page) is transferable
    assert ("付款时出示会员码" in page) is not transferable


@pytest.mark.req("MEM-05")
def test_what_a_merged_member_had_is_seen_by_whom_he_became():
    station = make.station()
    one, other = make.member(station), make.member(station)
    coupon(station, other, valid_until=now() + timedelta(days=3))
    merging.merge(
        survivor=one, merged=other, reason="同一人", at=now(), actor=make.manager(station)
    )
    assert "满 200 减 20 元" in make.phone_of(one).get("/m/coupons/").content.decode()


# ----------------------------------------------------------------------------------- claiming


@pytest.mark.req("CPN-06")
def test_a_new_member_claims_once_by_the_posters_code_and_an_old_one_does_not():
    station = make.station()
    made = poster(station, new_within_days=7)
    old, new = make.member(station), fresh(station)
    refused = claim(make.phone_of(old), made.open_code)
    assert refused.status_code == 422
    assert "只给入会 7 天内的新会员" in refused.content.decode()
    client = make.phone_of(new)
    answer = claim(client, f" {made.open_code.lower()[:7]}-{made.open_code[7:]} ")
    mine = Coupon.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/m/coupons/{mine.pk}/")
    assert (mine.member, mine.source) == (new, "CLAIMED")
    again = claim(client, made.open_code)
    assert (again.status_code, "已领满 1 张" in again.content.decode()) == (422, True)
    assert Coupon.objects.count() == 1


@pytest.mark.req("CPN-06")
def test_the_quota_the_end_and_the_days_limit_hold():
    station = make.station()
    made = poster(station, quota=2, per_member=5, per_member_day=1)
    first, second, third = (make.phone_of(make.member(station)) for _ in range(3))
    assert claim(first, made.open_code).status_code == 302
    assert "今天已领满" in claim(first, made.open_code).content.decode()
    assert claim(second, made.open_code).status_code == 302
    assert claim(third, made.open_code).status_code == 422
    late = poster(station)
    CouponBatch.objects.filter(pk=late.pk).update(claim_until=now() - timedelta(seconds=1))
    assert "领取时间已过" in claim(third, late.open_code).content.decode()
    assert Coupon.objects.count() == 2


@pytest.mark.req("CPN-06")
def test_one_phone_claims_once_whoever_signs_in_on_it():
    station = make.station()
    made = poster(station, per_device=1)
    first, second = make.member(station), make.member(station)
    client = make.phone_of(first)
    client.get("/m/coupons/claim/")
    assert claim(client, made.open_code).status_code == 302
    client.post("/m/sign-out/")
    client.cookies.update(make.phone_of(second).cookies)
    answer = claim(client, made.open_code)
    assert (answer.status_code, "这台设备已领满" in answer.content.decode()) == (422, True)
    assert claim(make.phone_of(second), made.open_code).status_code == 302  # on his own phone


@pytest.mark.req("CPN-06")
def test_wrong_codes_are_counted_and_then_no_code_is_taken():
    station = make.station()
    Setting.objects.create(station=station, name="marketing.wrong_codes", value="3")
    made, client = poster(station), make.phone_of(make.member(station))
    for _ in range(3):
        assert "没有这个领券码" in claim(client, "AAAABBBBCCCCDD").content.decode()
    answer = claim(client, made.open_code)
    assert (answer.status_code, "输错太多次" in answer.content.decode()) == (422, True)
    assert not Coupon.objects.exists()


@pytest.mark.req("CPN-06")
@pytest.mark.django_db(transaction=True)
def test_ten_taps_at_once_claim_one_and_ten_members_share_a_quota_of_four():
    station = make.station()
    made = poster(station, quota=5)
    member = make.member(station)
    phones = [make.phone_of(member) for _ in range(10)]
    codes = together(10, lambda place: claim(phones[place], made.open_code).status_code)
    assert sorted(codes) == [302, *[422] * 9]
    others = [make.phone_of(make.member(station)) for _ in range(10)]
    codes = together(10, lambda place: claim(others[place], made.open_code).status_code)
    assert sorted(codes) == [*[302] * 4, *[422] * 6]
    assert Coupon.objects.count() == 5


@pytest.mark.req("CPN-06")
def test_the_poster_brings_a_stranger_to_its_code_by_way_of_the_sign_in():
    station = make.station()
    made = poster(station)
    where = f"/m/coupons/claim/?code={made.open_code}"
    page = make.signed_in(make.manager(station)).get(f"/marketing/coupons/batches/{made.number}/")
    assert page.status_code == 200
    answer = Client().get(where)
    assert answer.status_code == 302
    page = Client().get(answer["Location"]).content.decode()
    assert f'name="next" value="{where}"' in page
    for wrong in ("A'B", "A B", "A" * 21, "<"):
        answer = Client().get("/m/coupons/claim/", {"code": wrong})
        assert "code" not in answer["Location"]
    page = make.phone_of(make.member(station)).get(where).content.decode()
    assert f'value="{made.open_code}"' in page


# --------------------------------------------------------------------------- before they end


def told(member: Member) -> list[str]:
    rows = MemberNotice.objects.filter(member=member).order_by("pk")
    return list(rows.values_list("text", flat=True))


@pytest.mark.req("CHN-06")
def test_three_days_and_one_day_before_each_is_told_once():
    station = make.station()
    member, other = make.member(station), make.member(station)
    end = make.at(0) + timedelta(days=8)  # the last day is the seventh from today
    for _ in range(2):
        coupon(station, member, valid_until=end)
    gone = coupon(station, other, valid_until=end)
    Coupon.objects.filter(pk=gone.pk).update(state="USED", document="S-1")
    counts = []
    for day in range(10):
        for hour in (9, 15):
            reminders.remind_coupons(at=make.at(hour) + timedelta(days=day))
        counts.append(len(told(member)))
    assert [counts.index(number) for number in (1, 2)] == [4, 6]
    assert counts[-1] == 2
    last = localdate(end) - timedelta(days=1)
    assert told(member)[0] == (
        f"「满200减20」等 2 张优惠券最后可用日是 {last}（还有 3 天）。付款时出示会员码，自动可用。"
    )
    assert "就是明天" in told(member)[1]
    assert not told(other)


@pytest.mark.req("CHN-06")
def test_one_that_ends_in_the_afternoon_ends_on_that_day_and_no_more_after_its_hour():
    station = make.station()
    member = make.member(station)
    choose(member=member, ways={"COUPON_EXPIRY": "INBOX"}, at=make.NOW)
    coupon(station, member, valid_until=make.at(15) + timedelta(days=1))
    Setting.objects.create(station=station, name="marketing.coupon_remind_days", value="0")
    assert reminders.remind_coupons(at=make.at(9)) == 0
    assert reminders.remind_coupons(at=make.at(16) + timedelta(days=1)) == 0
    assert reminders.remind_coupons(at=make.at(9) + timedelta(days=1)) == 1
    assert "就是今天" in told(member)[0]
    tasks.remind_coupons()
    assert len(told(member)) == 1
