"""The points mall on a member's own phone: found, redeemed once, shown, cancelled."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils.timezone import localdate, now

from members.models import Member, ProfileChange, Redemption, Reward
from members.services import redemption_endings
from tests import make
from tests.members import rewards as mall
from tests.members.points import violations
from tests.members.test_redemptions import together

pytestmark = pytest.mark.django_db


def opened(points: int = 1000) -> Member:
    """A member with so many points at a station whose day is open."""
    member = make.member(make.session().station)
    if points:
        mall.give(member, points, at=now() - timedelta(hours=1))
    return member


def redeem(client: Client, reward: Reward, key: str = "", **more: str):
    told = {"key": key or uuid.uuid4().hex, **more}
    return client.post(f"/m/mall/{reward.pk}/redeem/", told)


# ------------------------------------------------------------------------------ what there is


@pytest.mark.req("MAL-01")
@pytest.mark.parametrize(("points", "words"), [(1000, ""), (999, "还差 1 分"), (0, "还差 1000 分")])
def test_the_button_says_what_is_missing(points, words):
    member, reward = opened(points), mall.reward()
    client = make.phone_of(member)
    pages = client.get("/m/mall/"), client.get(f"/m/mall/{reward.pk}/")
    for page in (one.content.decode() for one in pages):
        disabled = re.findall(r"<button[^>]*\bdisabled[^>]*>([^<]+)</button>", page)
        assert disabled == ([words] if words else [])
    answer = redeem(client, reward)
    assert answer.status_code == (422 if words else 302)
    assert words in answer.content.decode()
    assert Redemption.objects.count() == (0 if words else 1)


@pytest.mark.req("MAL-06")
def test_it_is_found_by_name_pinyin_category_and_what_he_can_afford():
    member = opened(500)
    wash = mall.reward("标准洗车一次", 400, "SERVICE", pinyin="biaozhunxicheyici bzxcyc")
    oil = mall.reward(
        "食用油 5 升", 900, "SERVICE", pinyin="shiyongyou syy", category=mall.category("生活用品")
    )
    rice = mall.reward("大米", 450, "SERVICE", pinyin="dami dm", category=mall.category("生活用品"))
    client = make.phone_of(member)

    def found(**asked: object) -> list[str]:
        page = client.get("/m/mall/", asked).content.decode()
        return re.findall(r'my-reward-name"[^>]*><b>([^<]+)</b>', page)

    assert found() == [wash.name, rice.name, oil.name]
    assert found(sort="down") == [oil.name, rice.name, wash.name]
    assert found(q="bzxc") == found(q="洗车") == [wash.name]
    assert found(mine=1) == [wash.name, rice.name]
    assert found(category=oil.category_id) == [rice.name, oil.name]
    assert found(category=oil.category_id, mine=1, q="d") == [rice.name]
    assert found(q="没有", category="x", sort="?", mine="?") == []


@pytest.mark.req("MAL-05")
def test_a_reward_off_the_shelf_is_not_there():
    member = opened()
    client = make.phone_of(member)
    for fields in ({"active": False}, {"visible_from": now() + timedelta(days=1)}):
        reward = mall.reward(**fields)
        assert client.get(f"/m/mall/{reward.pk}/").status_code == 404
        assert redeem(client, reward).status_code == 404
    assert not Redemption.objects.exists()


# ------------------------------------------------------------------------------------ redeeming


@pytest.mark.req("MAL-03", "MAL-05")
def test_a_service_is_redeemed_at_home_and_its_code_verified_once_at_the_station():
    member = opened()
    reward = mall.reward("标准洗车一次", 600, "SERVICE", days_valid=30)
    client = make.phone_of(member)
    answer = redeem(client, reward)
    order = Redemption.objects.get()
    assert answer["Location"] == f"/m/orders/{order.pk}/"
    assert (order.state, order.channel, order.presence) == ("RESERVED", "APP", "APP")
    assert order.presence_ref.startswith("session:")
    assert order.number.startswith("DH")
    page = client.get(answer["Location"]).content.decode()
    assert order.code in page and "data:image/svg" in page
    assert str(localdate() + timedelta(days=30)) in page
    assert mall.balance(member) == 400
    till = make.cashier(member.home_station)
    station = member.home_station
    redemption_endings.verify(code=order.code, station=station, at=now(), actor=till)
    with pytest.raises(redemption_endings.AlreadyEnded):
        redemption_endings.verify(code=order.code, station=station, at=now(), actor=till)
    page = client.get(answer["Location"]).content.decode()
    assert "核销码已使用" in page and "data:image/svg" not in page
    assert "取消兑换" not in page


@pytest.mark.req("MAL-05")
def test_a_double_tap_is_one_order():
    member, reward = opened(3000), mall.reward()
    client, key = make.phone_of(member), uuid.uuid4().hex
    assert len({redeem(client, reward, key)["Location"] for _ in range(3)}) == 1
    assert (Redemption.objects.count(), mall.balance(member)) == (1, 2000)
    assert redeem(client, reward).status_code == 302  # the page opened anew: another order
    assert Redemption.objects.count() == 2
    other = mall.reward("别的", 10, "SERVICE")
    assert redeem(client, other, key).status_code == 422
    for wrong in ("", "x" * 32, key.upper(), key + "0"):
        assert client.post(f"/m/mall/{reward.pk}/redeem/", {"key": wrong}).status_code == 422
    assert Redemption.objects.count() == 2


@pytest.mark.req("MAL-05", "PTS-17")
@pytest.mark.django_db(transaction=True)
def test_eight_taps_at_once_are_one_order_and_eight_phones_spend_what_there_is():
    member, reward = opened(2500), mall.reward()
    key = uuid.uuid4().hex
    phones = [make.phone_of(member) for _ in range(8)]
    places = together(8, lambda place: redeem(phones[place], reward, key)["Location"])
    assert len(set(places)) == 1
    assert mall.balance(member) == 1500
    codes = together(8, lambda place: redeem(phones[place], reward).status_code)
    assert sorted(codes) == [302, *[422] * 7]  # type: ignore[type-var]
    assert mall.balance(member) == 500
    assert not violations()


@pytest.mark.req("MAL-05")
def test_who_is_frozen_or_just_moved_to_another_phone_redeems_nothing():
    member, other, reward = opened(), opened(), mall.reward()
    for who, hours in ((member, 23), (other, 25)):
        ProfileChange.objects.create(
            member=who, field="PHONE", channel="APP", at=now() - timedelta(hours=hours)
        )
    answer = redeem(make.phone_of(member), reward)
    assert answer.status_code == 422
    assert "换过手机号" in answer.content.decode()
    client = make.phone_of(other)
    Member.objects.filter(pk=other.pk).update(status="FROZEN")
    answer = redeem(client, reward)
    assert "已冻结" in answer.content.decode()
    Member.objects.filter(pk=other.pk).update(status="ACTIVE")
    assert redeem(client, reward).status_code == 302


@pytest.mark.req("MAL-02", "MAL-05")
def test_goods_are_picked_up_at_the_station_that_was_chosen():
    member = opened()
    other = make.session(make.station(name="昆明西站加油站")).station
    scent = make.item("香水", "30.00", on_hand="2", at=other)
    reward = mall.reward("车载香水", 300, "GOODS", item=scent)
    client = make.phone_of(member)
    assert "本站已兑完" in client.get(f"/m/mall/{reward.pk}/").content.decode()
    assert redeem(client, reward).status_code == 422
    page = client.get(f"/m/mall/{reward.pk}/?station={other.code}").content.decode()
    assert "昆明西站加油站" in page and "2 件" in page
    assert redeem(client, reward, station=other.code).status_code == 302
    order = Redemption.objects.get()
    assert (order.station, order.state) == (other, "RESERVED")
    assert "收银员发放" in client.get(f"/m/orders/{order.pk}/").content.decode()


# -------------------------------------------------------------------------------- his orders


@pytest.mark.req("MAL-05", "MAL-10")
def test_he_cancels_what_the_rules_let_him_and_has_his_points_back_once():
    member = opened(2000)
    client = make.phone_of(member)
    redeem(client, mall.reward("洗车", 600, "SERVICE"))
    order = Redemption.objects.get()
    where = f"/m/orders/{order.pk}/"
    assert "取消兑换，退回积分" in client.get(where).content.decode()
    assert client.post(where + "cancel/").status_code == 302
    assert mall.balance(member) == 2000
    again = client.post(where + "cancel/")
    assert (again.status_code, mall.balance(member)) == (422, 2000)
    assert "600 分已退回" in client.get(where).content.decode()
    money = make.item("加价款", "9.90")
    redeem(client, mall.reward("大洗车", 500, "SERVICE", surcharge_item=money))
    redeem(client, mall.reward("保险", 300, "PARTNER", partner="COUNTER"))
    for order in Redemption.objects.filter(state="RESERVED"):
        page = client.get(f"/m/orders/{order.pk}/").content.decode()
        assert "取消兑换" not in page
        assert client.post(f"/m/orders/{order.pk}/cancel/").status_code == 422
    assert mall.balance(member) == 1200
    assert not violations()


@pytest.mark.req("MAL-05", "SEC-06")
def test_nobody_sees_or_ends_anothers_order():
    member, other = opened(), opened()
    redeem(make.phone_of(member), mall.reward("洗车", 600, "SERVICE"))
    order = Redemption.objects.get()
    stranger = make.phone_of(other)
    for answer in (
        stranger.get(f"/m/orders/{order.pk}/"),
        stranger.post(f"/m/orders/{order.pk}/cancel/"),
    ):
        assert answer.status_code == 404
    assert order.number not in stranger.get("/m/orders/").content.decode()
    order.refresh_from_db()
    assert order.state == "RESERVED"


@pytest.mark.req("MAL-10")
def test_the_list_of_orders_pages_by_key():
    member = opened(3000)
    reward, client = mall.reward("洗车", 100, "SERVICE"), make.phone_of(member)
    for _ in range(23):
        redeem(client, reward)
    first = client.get("/m/orders/").content.decode()
    older = re.search(r"\?before=(\d+)", first)[1]
    second = client.get("/m/orders/", {"before": older}).content.decode()
    # Whole numbers, and no part of the picture of a code that happens to read like one.
    numbers = [re.findall(r"\bDH\w+-\w+-\d{8}-\d{4}\b", page) for page in (first, second)]
    assert [len(set(one)) for one in numbers] == [20, 3]
    assert not set(numbers[0]) & set(numbers[1])
