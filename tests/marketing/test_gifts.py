"""Gifts: a welcome once per person, a birthday once a year, one coupon per sleep, and the calls about it."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal as D
from threading import Thread

import pytest
from django.db import DatabaseError, connections, transaction
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from marketing.models import Coupon
from marketing.services import gifts as giving
from members.models import (
    Gift,
    GiftCall,
    GiftPlan,
    MemberNotice,
    MemberTier,
    PersonMark,
    PointsAccount,
    Tier,
)
from members.services import closing, gifts, joining, profiles, tier_rules
from members.services.gifts import GiftRefused, birthday_keys
from members.services.points_adjusting import AdjustmentRefused
from station.models import AuditEntry
from tests import make
from tests.marketing.offers import batch, template
from tests.members import rewards as mall
from tests.members.points import violations

pytestmark = pytest.mark.django_db


def coupon_for_gifts(station, quota=100, **more):
    """A template with a batch that is kept for the system; its number."""
    offer = template(station, name="20元礼券", benefit="AMOUNT", amount=D(20), **more)
    batch(offer, quota=quota, for_rewards=True)
    return offer.code


def plan(station, occasion, **more):
    values = {
        "occasion": occasion,
        "tier": None,
        "template": "",
        "points": 0,
        "days": 0,
        "valid_days": None,
        "active": True,
        **more,
    }
    return gifts.save_plan(
        row=None, values=values, at=make.NOW, actor=make.manager(station), station=station
    )


def born(member, day, at=make.NOW):
    profiles.change(member=member, birthday=day, at=at, actor=None)


@pytest.mark.req("MEM-01")
def test_the_welcome_is_given_once_per_person_by_phone_plate_and_device():
    station = make.station()
    make.session(station)
    plan(station, "WELCOME", template=coupon_for_gifts(station), points=50)

    def join(phone, plate="", device=""):
        return joining.join(
            station=station, phone=phone, plate=plate, device=device, at=make.NOW, actor=None
        )

    first = join("13911110001", plate="云A10001", device="secret-of-the-first-phone")
    assert giving.give_waiting(at=make.NOW) == 1
    assert giving.give_waiting(at=make.NOW) == 0
    gift = Gift.objects.get()
    coupon = Coupon.objects.get()
    assert (gift.state, gift.coupon, coupon.member, coupon.source) == (
        "GIVEN",
        coupon.code,
        first,
        "GIFT",
    )
    assert PointsAccount.objects.get(member=first).balance == 50
    lead = make.manager(station)
    closing.forget(member=first, reason="本人要求", at=make.NOW, actor=lead)
    join("13911110001")  # the same phone again
    join("13911110002", plate="云A10001")  # the same car
    join("13911110003", device="secret-of-the-first-phone")  # the same device
    join("13911110002".replace("0002", "0004"))  # somebody else
    assert Gift.objects.count() == 2
    assert Gift.objects.latest("pk").member.number.endswith("5")
    join("13911110005", plate="云A10003")
    assert Gift.objects.count() == 3
    assert not violations()


@pytest.mark.req("MEM-01")
def test_without_a_plan_nothing_is_given_but_who_was_here_is_known():
    station = make.station()
    member = make.member(station)
    assert not Gift.objects.exists()
    assert PersonMark.objects.get().index == member.phone_index
    closing.forget(member=member, reason="本人要求", at=make.NOW, actor=make.manager(station))
    assert PersonMark.objects.count() == 1


@pytest.mark.req("MEM-01")
def test_the_till_and_the_phone_join_through_the_same_gift(client):
    till = make.session()
    plan(till.station, "WELCOME", points=30)
    till_page = make.signed_in(till.cashier)
    answer = till_page.post(
        reverse("sales:till_join"),
        '{"phone": "13911119999", "policy": "on"}',
        content_type="application/json",
    )
    assert answer.status_code == 200, answer.content.decode()
    assert Gift.objects.get().occasion == "WELCOME"


@pytest.mark.req("MEM-01")
@pytest.mark.django_db(transaction=True)
def test_two_who_join_with_one_device_at_the_same_moment_are_one_new_person():
    station = make.station()
    plan(station, "WELCOME", points=30)

    def join(phone):
        try:
            joining.join(
                station=station, phone=phone, device="one-device-of-both", at=make.NOW, actor=None
            )
        finally:
            connections.close_all()

    threads = [Thread(target=join, args=[f"1391111000{n}"]) for n in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert Gift.objects.count() == 1


@pytest.mark.req("CPN-08", "MEM-04")
def test_a_birthday_gift_comes_seven_days_before_by_tier_once_a_year_and_lives_thirty_days():
    station = make.station()
    make.session(station)
    tier_rules.found_tiers(station=None, at=make.at(0), actor=None)
    gold = Tier.objects.get(code="GOLD")
    plain, rich = coupon_for_gifts(station), coupon_for_gifts(station)
    plan(station, "BIRTHDAY", template=plain, days=7, valid_days=30)
    plan(station, "BIRTHDAY", template=rich, days=7, valid_days=30, tier=gold, points=100)
    near, far, high = (make.member(station) for _ in range(3))
    MemberTier.objects.create(member=high, tier=gold, since=make.at(0), reason="MANUAL")
    born(near, date(1990, 4, 29))
    born(high, date(1985, 4, 29))
    born(far, date(1990, 4, 30))
    assert gifts.give_birthdays(at=make.NOW) == 2
    assert gifts.give_birthdays(at=make.NOW) == 0
    assert giving.give_waiting(at=make.NOW) == 2
    given_to = {one.member: one for one in Gift.objects.select_related("member")}
    assert (given_to[near].template, given_to[near].points) == (plain, 0)
    assert (given_to[high].template, given_to[high].points) == (rich, 100)
    coupon = Coupon.objects.get(member=near)
    assert coupon.valid_until == make.at(0) + timedelta(days=30)
    assert gifts.give_birthdays(at=make.NOW + timedelta(days=1)) == 1  # the third one's turn
    born(near, date(1990, 5, 20), at=make.NOW + timedelta(days=20))  # he moves it
    assert gifts.give_birthdays(at=make.NOW + timedelta(days=25)) == 0
    born(near, date(1990, 4, 29), at=make.NOW + timedelta(days=26))
    assert gifts.give_birthdays(at=make.NOW + timedelta(days=365)) == 2


@pytest.mark.req("CPN-08")
def test_who_was_born_on_a_leap_day_has_his_birthday_on_the_28th():
    days = {key: ahead for key, _, ahead in birthday_keys(date(2027, 2, 21))}
    assert days["0229"] == days["0228"] == 7
    days = {key: ahead for key, _, ahead in birthday_keys(date(2028, 2, 21))}
    assert (days["0228"], days["0229"]) == (7, 8)


@pytest.mark.req("CPN-08")
@settings(max_examples=200, deadline=None)
@given(
    today=st.dates(date(2020, 1, 1), date(2100, 12, 31)),
    month_day=st.dates(date(2024, 1, 1), date(2024, 12, 31)),
)
def test_every_birthday_is_met_once_in_the_days_before_it(today, month_day):
    key = f"{month_day:%m%d}"
    seen = [
        (year, today + timedelta(days=ahead))
        for found, year, ahead in birthday_keys(today)
        if found == key
    ]
    assert len(seen) <= 1
    for year, day in seen:
        assert day.year == year
        expected = "0228" if key == "0229" and f"{day:%m%d}" != "0229" else key
        assert f"{day:%m%d}" == expected


@pytest.mark.req("CPN-07")
def test_who_sleeps_is_woken_once_per_sleep_and_told_only_with_consent():
    till = make.session()
    plan(till.station, "WAKE", template=coupon_for_gifts(till.station), days=60, valid_days=14)
    asleep, told, awake, never = (
        make.member(till.station, consent=consent) for consent in (False, True, False, False)
    )
    wash = make.item("洗车", "50.00", kind="SERVICE")
    for member in (asleep, told):
        make.sale(till, items=[(wash, 1)], member=member.pk)
    later = make.NOW + timedelta(days=61)
    assert gifts.wake_sleepers(at=make.NOW + timedelta(days=60)) == 0
    make.sale(till, items=[(wash, 1)], member=awake.pk, at=make.NOW + timedelta(days=30))
    assert gifts.wake_sleepers(at=later) == 2
    assert gifts.wake_sleepers(at=later + timedelta(days=1)) == 0
    assert giving.give_waiting(at=later) == 2
    assert {one.member for one in Coupon.objects.all()} == {asleep, told}
    assert not Gift.objects.filter(member=never).exists()
    notices = MemberNotice.objects.filter(key__startswith="gift:")
    assert [one.member for one in notices] == [told]
    make.sale(till, items=[(wash, 1)], member=asleep.pk, at=later)  # he came, and sleeps again
    assert gifts.wake_sleepers(at=later + timedelta(days=61)) == 2  # and so does the other who came


@pytest.mark.req("CPN-07")
def test_what_cannot_be_issued_waits_says_why_and_holds_up_nobody():
    station = make.station()
    make.session(station)
    plan(station, "WELCOME", template="没有这张券")
    member = make.member(station)
    other = make.member(station)
    assert giving.give_waiting(at=make.NOW) == 0
    assert "没有留给积分商城和礼遇的批次" in Gift.objects.get(member=member).words
    code = coupon_for_gifts(station, quota=1)
    GiftPlan.objects.update(template=code)
    third, fourth = make.member(station), make.member(station)
    assert giving.give_waiting(at=make.NOW) == 1
    assert Gift.objects.get(member=third).state == "GIVEN"
    assert Gift.objects.get(member=fourth).state == "PENDING"
    closing.forget(member=other, reason="本人要求", at=make.NOW, actor=make.manager(station))
    giving.give_waiting(at=make.NOW)
    assert Gift.objects.get(member=other).state == "VOID"


@pytest.mark.req("CPN-07")
def test_gifts_that_cannot_be_given_hold_back_none_behind_them():
    station = make.station()
    make.session(station)
    row = plan(station, "WELCOME", template="没有这张券")
    stuck = [make.member(station) for _ in range(3)]
    GiftPlan.objects.filter(pk=row.pk).update(template=coupon_for_gifts(station))
    last = make.member(station)
    assert giving.give_waiting(at=make.NOW, size=2) == 1
    assert Gift.objects.get(member=last).state == "GIVEN"
    assert Gift.objects.filter(member__in=stuck, state="PENDING").count() == 3


@pytest.mark.req("CPN-07")
@pytest.mark.django_db(transaction=True)
def test_many_workers_give_a_gift_once():
    station = make.station()
    make.session(station)
    mall.give(make.member(station), 1)  # a race began on an empty database: the programme
    plan(station, "WELCOME", template=coupon_for_gifts(station), points=10)
    members = [make.member(station) for _ in range(3)]

    def work():
        try:
            giving.give_waiting(at=make.NOW)
        finally:
            connections.close_all()

    threads = [Thread(target=work) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert Coupon.objects.count() == len(members)
    accounts = PointsAccount.objects.filter(member__in=members)
    assert list(accounts.values_list("balance", flat=True)) == [10, 10, 10]


def test_a_plan_that_makes_no_sense_is_refused():
    station = make.station()
    for wrong in (
        {"occasion": "WELCOME"},
        {"occasion": "WAKE", "points": 5},
        {"occasion": "BIRTHDAY", "points": 5, "days": 61},
    ):
        with pytest.raises(GiftRefused):
            plan(station, **wrong)
    plan(station, "WELCOME", points=5)
    with pytest.raises(GiftRefused, match="已有方案"):
        plan(station, "WELCOME", points=6)


@pytest.mark.req("CPN-07", "PTS-05")
def test_a_plan_with_many_points_wants_a_second_person_on_its_form():
    station = make.station()
    boss, maker = make.manager(station), make.marketer(station)
    client, new = make.signed_in(maker), reverse("members:gift_plans-new")
    form = {"occasion": "WELCOME", "points": "101", "active": "on"}
    assert "审批人账号" in client.get(new).content.decode()
    for signed_by in ({}, {"approver": maker.username, "approver_secret": make.PASSWORD}):
        assert client.post(new, {**form, **signed_by}).status_code == 422
    assert not GiftPlan.objects.exists()
    by_boss = {"approver": boss.username, "approver_secret": make.PASSWORD}
    assert client.post(new, {**form, **by_boss}).status_code == 302
    row = GiftPlan.objects.get()
    noted = AuditEntry.objects.get(action="members.gift.plan_saved")
    assert (noted.actor, noted.after["审批"]) == (maker, boss.name)
    edit = reverse("members:gift_plans-edit", args=[row.pk])
    assert client.post(edit, form).status_code == 422
    assert client.post(edit, {**form, "active": ""}).status_code == 302  # to stop it he needs none
    values = {"occasion": "WAKE", "tier": None, "template": "", "points": 101, "days": 30}
    with pytest.raises(AdjustmentRefused):
        gifts.save_plan(
            row=None,
            values={**values, "valid_days": None, "active": True},
            at=make.NOW,
            actor=boss,
            station=station,
            approver=boss,
        )


def test_the_database_keeps_gifts_calls_and_marks():
    station = make.station()
    plan(station, "WELCOME", points=5)
    make.member(station)
    for act in (
        lambda: Gift.objects.update(points=9),
        lambda: Gift.objects.all().delete(),
        lambda: PersonMark.objects.all().delete(),
        lambda: Gift.objects.update(state="GIVEN"),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            act()


@pytest.mark.req("CPN-07", "MEM-01")
def test_customer_service_sees_used_or_not_and_records_the_call():
    till = make.session()
    service = make.user("SERVICE", till.station, name="客服 Sun")
    lead = make.signed_in(make.manager(till.station))
    answer = lead.post(
        reverse("members:gift_plans-new"),
        {"occasion": "WELCOME", "template": "", "points": "20", "active": "on"},
    )
    assert answer.status_code == 302
    assert (
        lead.post(
            reverse("members:gift_plans-new"), {"occasion": "WAKE", "active": "on"}
        ).status_code
        == 422
    )
    assert "入会礼" in lead.get(reverse("members:gift_plans")).content.decode()
    member = make.member(till.station)
    giving.give_waiting(at=make.NOW)
    desk = make.signed_in(service)
    page = desk.get(reverse("marketing:gifts"), {"used": "0", "called": "0"}).content.decode()
    assert member.number in page
    gift = Gift.objects.get()
    url = reverse("marketing:gift", args=[gift.pk])
    assert "没有同意" in desk.get(url).content.decode()
    assert desk.post(url, {"outcome": "COMPLAINT"}).status_code == 422
    assert desk.post(url, {"outcome": "COMING", "words": "周末来"}).status_code == 302
    assert GiftCall.objects.get().actor == service
    page = desk.get(reverse("marketing:gifts"), {"called": "0"}).content.decode()
    assert member.number not in page
    assert make.signed_in(till.cashier).get(reverse("marketing:gifts")).status_code == 403
