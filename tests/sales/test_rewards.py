"""兑换 at the till: taken in a few taps by a member who is there, printed, handed out, and its code used."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client, override_settings
from django.urls import reverse
from django.utils.timezone import now

from devices.models import Card
from members.models import Member, PointsTxn, Redemption, RiskCase
from members.models import Presence as CodeRead
from members.queries.earning import BasketLine
from members.queries.finding import find
from members.queries.present_codes import code_for
from members.queries.reward_hints import hint_for
from members.services import presence, profiles
from members.services.presence import NotPresent
from sales.models import Receipt
from sales.queries.receipts import set_out
from sales.queries.reward_slips import paper_of_order
from sales.services import printing
from station.models import AuditEntry, TillSession
from station.services import settings
from tests import make
from tests.members import rewards as mall

pytestmark = pytest.mark.django_db


@pytest.fixture
def till() -> TillSession:
    return make.session()


@pytest.fixture
def zhang(till: TillSession) -> Member:
    member = make.member(till.station, phone="13987654321")
    mall.give(member, 1000, at=now() - timedelta(hours=1))
    return member


@pytest.fixture
def card(till: TillSession, zhang: Member) -> Card:
    return mall.card_of(zhang, till.station)


@pytest.fixture
def client(till: TillSession) -> Client:
    return make.signed_in(till.cashier)


def post(client: Client, name: str, *args: object, **body: object) -> Any:
    address = reverse(f"sales:{name}", args=args)
    return client.post(address, body, content_type="application/json")


def redeem(client: Client, member: Member, what: Any, key: str = "k1", **more: object) -> Any:
    return post(client, "till_redeem", key=key, member=member.pk, reward=what.pk, **more)


# ----------------------------------------------------------------------------- the shelf


@pytest.mark.req("MAL-01", "MAL-05")
def test_the_panel_says_what_he_can_have_and_what_is_missing(
    client: Client, till: TillSession, zhang: Member, card: Card
) -> None:
    mall.reward("加油券", 1000)
    mall.reward("大券", 1001)
    mall.swipe(card, till.till, at=now())
    address = reverse("sales:till_mall")
    told = client.get(address, {"member": zhang.pk}).json()
    assert (told["balance"], told["seen"], told["codes"]) == (1000, "刷会员卡", False)
    assert [(one["name"], one["available"], one["told"]) for one in told["rewards"]] == [
        ("加油券", True, ""),
        ("大券", False, "还差 1 分"),
    ]
    told = client.get(address, {"member": zhang.pk, "affordable": "1"}).json()
    assert [one["name"] for one in told["rewards"]] == ["加油券"]
    tile = client.get(reverse("sales:till_reward_tile"), {"member": zhang.pk}).json()
    assert tile == {"balance": 1000, "next": "大券", "missing": 1}
    assert client.get(address, {"member": "x"}).status_code == 422


# ------------------------------------------------------------------------------ presence


@pytest.mark.req("MAL-05")
def test_a_member_who_swiped_just_now_redeems_once_and_gets_a_slip(
    client: Client, till: TillSession, zhang: Member, card: Card
) -> None:
    make.printer(till.till)
    coupon = mall.reward(cost=400)
    refused = redeem(client, zhang, coupon)
    assert refused.status_code == 422
    assert "没有刷过这位会员的卡" in refused.json()["error"]
    swipe = mall.swipe(card, till.till, at=now())
    first, again = redeem(client, zhang, coupon), redeem(client, zhang, coupon)
    assert first.status_code == again.status_code == 200
    assert first.json()["number"] == again.json()["number"]
    order = Redemption.objects.get()
    assert (order.presence, order.presence_ref) == ("CARD", f"swipe:{swipe.pk}")
    assert (order.till, order.requested_by) == (till.till, till.cashier)
    assert mall.balance(zhang) == 600
    receipt = Receipt.objects.get(kind="REWARD")
    assert (receipt.document, receipt.copy) == (order.number, 1)
    second = redeem(client, zhang, coupon, key="k2")
    assert second.status_code == 422  # the same read proves nothing twice
    mall.swipe(card, till.till, at=now())
    assert redeem(client, zhang, coupon, key="k2").status_code == 200
    assert mall.balance(zhang) == 200


@pytest.mark.req("PTS-05", "MAL-05")
def test_a_new_phone_is_refused_and_its_case_stays(
    client: Client, till: TillSession, zhang: Member, card: Card
) -> None:
    at = now() - timedelta(hours=1)
    profiles.change(member=zhang, phone="13900001234", at=at, actor=till.cashier)
    mall.swipe(card, till.till, at=now())
    refused = redeem(client, zhang, mall.reward(cost=400))
    assert refused.status_code == 422
    assert "换过手机号" in refused.json()["error"]
    case = RiskCase.objects.get()
    assert (case.metric, case.member, case.staff) == ("PHONE_CHANGED", zhang, till.cashier)
    assert not Redemption.objects.exists()


@pytest.mark.req("MAL-05")
def test_a_read_counts_at_its_till_for_two_minutes_for_its_holder_while_the_card_lives(
    till: TillSession, zhang: Member, card: Card
) -> None:
    def counts(at: datetime = make.NOW, member: Member = zhang, where: Any = till.till) -> bool:
        return presence.card_read(member=member, till=where, at=at) is not None

    mall.swipe(card, till.till, at=make.NOW, outcome="LOST")
    assert not counts()
    mall.swipe(card, till.till, at=make.NOW)
    assert counts()
    assert counts(make.NOW + timedelta(seconds=119))
    assert not counts(make.NOW + timedelta(minutes=2))
    assert not counts(make.NOW - timedelta(seconds=1))
    assert not counts(member=make.member(till.station))
    assert not counts(where=make.till(till.station, number=9))


@pytest.mark.req("MAL-05")
def test_the_code_of_his_phone_read_at_this_till_counts_once(
    client: Client, till: TillSession, zhang: Member
) -> None:
    coupon = mall.reward(cost=400)
    elsewhere = make.signed_in(make.cashier(till.station))
    early = code_for(member_id=zhang.pk, at=now() - timedelta(seconds=9))
    assert post(elsewhere, "till_member_present", code=early).status_code == 200
    refused = redeem(client, zhang, coupon)
    assert (refused.status_code, "手机码" in refused.json()["error"]) == (422, True)
    read = post(client, "till_member_present", code=code_for(member_id=zhang.pk, at=now()))
    assert read.json()["member"]["status"].endswith("本人到场")
    mall_page = client.get(reverse("sales:till_mall"), {"member": zhang.pk}).json()
    assert mall_page["seen"] == "会员手机码"
    first, again = redeem(client, zhang, coupon), redeem(client, zhang, coupon)
    assert first.json()["number"] == again.json()["number"]
    order = Redemption.objects.get()
    row = CodeRead.objects.get(seen_by=till.cashier)
    assert (order.presence, order.presence_ref) == ("PHONE", f"code:{row.pk}")
    assert redeem(client, zhang, coupon, key="k2").status_code == 422  # the same read, once
    other = make.member(till.station)
    mall.give(other, 1000, at=now() - timedelta(hours=1))
    assert redeem(client, other, coupon, key="k3").status_code == 422  # another member
    with pytest.raises(IntegrityError, match="a_swipe_proves_presence_once"), transaction.atomic():
        Redemption.objects.create(
            number="twice",
            client_key="twice",
            station=till.station,
            member=zhang,
            reward=coupon,
            kind=coupon.kind,
            points=400,
            channel=order.channel,
            presence="PHONE",
            presence_ref=order.presence_ref,
            requested_at=now(),
            expires_at=now(),
        )


def right_code(*, member_id: int, code: str, at: datetime) -> bool:
    return code == "246810"


@pytest.mark.req("MAL-05")
def test_the_last_four_of_the_phone_and_a_code_will_do_where_somebody_checks_codes(
    client: Client, zhang: Member
) -> None:
    coupon = mall.reward(cost=400)
    refused = redeem(client, zhang, coupon, tail="4321", code="246810")
    assert "还没有开通验证码" in refused.json()["error"]
    with override_settings(PRESENCE=["tests.sales.test_rewards.right_code"]):
        wrong = redeem(client, zhang, coupon, tail="1234", code="246810")
        assert "尾号不对" in wrong.json()["error"]
        wrong = redeem(client, zhang, coupon, tail="4321", code="111111")
        assert "验证码不对" in wrong.json()["error"]
        assert mall.balance(zhang) == 1000
        assert redeem(client, zhang, coupon, tail="4321", code="246810").status_code == 200
        nobody = make.member(zhang.home_station)
        with pytest.raises(NotPresent):
            presence.by_code(member=nobody, tail="", code="246810", at=make.NOW)
    assert Redemption.objects.get().presence == "CODE"


@pytest.mark.req("MAL-05")
def test_a_second_person_with_the_right_may_vouch_and_it_is_audited(
    client: Client, till: TillSession, zhang: Member
) -> None:
    coupon, boss = mall.reward(cost=400), make.manager(till.station)
    colleague = make.cashier(till.station)
    for who, secret in ((boss, "wrong"), (colleague, make.PIN), (till.cashier, make.PIN)):
        refused = redeem(client, zhang, coupon, approver=who.username, approver_secret=secret)
        assert refused.status_code == 422
    done = redeem(client, zhang, coupon, approver=boss.username, approver_secret=make.PASSWORD)
    assert done.status_code == 200
    order = Redemption.objects.get()
    assert (order.presence, order.presence_ref) == ("VOUCHED", f"user:{boss.username}")
    entry = AuditEntry.objects.get(action="members.redemption.vouched")
    assert (entry.document, entry.actor) == (order.number, till.cashier)
    assert boss.username in entry.reason


# ------------------------------------------------------------ handing out, codes, papers


@pytest.mark.req("MAL-02", "MAL-03")
def test_goods_go_along_or_wait_and_a_code_is_used_once(
    client: Client, till: TillSession, zhang: Member, card: Card
) -> None:
    cloth = make.item("擦车布", "9.00", on_hand="5")
    gift = mall.reward("擦车布", 100, "GOODS", item=cloth)
    wash = mall.reward("洗车", 100, "SERVICE")

    def take(what: Any, key: str, **more: object) -> Any:
        mall.swipe(card, till.till, at=now())
        return redeem(client, zhang, what, key=key, **more).json()

    assert take(gift, "a", hand_out="1")["state"] == "FULFILLED"
    waits = take(gift, "b")
    assert waits["state"] == "RESERVED"
    told = client.get(reverse("sales:till_mall"), {"member": zhang.pk}).json()
    assert [one["number"] for one in told["orders"]] == [waits["number"]]
    done = post(client, "till_hand_out", waits["id"])
    assert done.json()["state"] == "FULFILLED"
    assert post(client, "till_hand_out", waits["id"]).status_code == 422
    code = take(wash, "c")["code"]
    assert post(client, "till_use_code", code=code.lower()).json()["state"] == "FULFILLED"
    assert post(client, "till_use_code", code=code).status_code == 422
    assert post(client, "till_use_code", code="").status_code == 422
    stranger = make.signed_in(make.session(make.station()).cashier)
    assert post(stranger, "till_hand_out", waits["id"]).status_code == 404


def test_the_slip_names_number_points_code_and_last_day_and_is_printed_again_once_per_copy(
    client: Client, till: TillSession, zhang: Member, card: Card
) -> None:
    wash = mall.reward("洗车", 100, "SERVICE")
    mall.swipe(card, till.till, at=now())
    told = redeem(client, zhang, wash).json()
    assert not Receipt.objects.exists()  # no printer is no reason to refuse
    refused = post(client, "till_reward_slip", told["id"])
    assert "没有在用的打印机" in refused.json()["error"]
    make.printer(till.till)
    assert post(client, "till_reward_slip", told["id"]).json() == {"copy": 2}
    assert post(client, "till_reward_slip", told["id"]).json() == {"copy": 3}
    order = Redemption.objects.get()
    paper = paper_of_order(order=order, copy=2)
    text = "\n".join(line for row in paper.rows for line in set_out(row, 32))
    for words in (order.number, "洗车", "100 分", "补打", zhang.number, order.code[:4], "900 分"):
        assert words in text
    assert "1398765" not in text and "**" not in text  # no phone on paper
    assert paper.code == order.code
    receipt = Receipt.objects.order_by("pk")[0]
    assert printing.print_one(receipt_id=receipt.pk, at=make.NOW)
    receipt.refresh_from_db()
    assert receipt.status == "PRINTED"


def test_a_surcharge_comes_on_the_ticket_and_frees_the_gift(
    client: Client, till: TillSession, zhang: Member, card: Card
) -> None:
    mat = make.item("脚垫", "90.00", on_hand="3")
    extra = make.item("加价款", "19.90", kind="SERVICE")
    gift = mall.reward("脚垫", 500, "GOODS", item=mat, surcharge_item=extra)
    mall.swipe(card, till.till, at=now())
    told = redeem(client, zhang, gift, hand_out="1").json()
    assert (told["state"], told["surcharge_item"]) == ("RESERVED", extra.pk)
    assert "要加 19.90 元" in post(client, "till_hand_out", told["id"]).json()["error"]
    make.tenders()
    body = make.basket(items=[(extra, 1)], member=zhang.pk)
    assert post(client, "settle", **body).status_code == 200
    assert post(client, "till_hand_out", told["id"]).json()["state"] == "FULFILLED"


def test_a_card_finds_its_member(zhang: Member, card: Card) -> None:
    assert [one.number for one in find(text=card.number)] == [zhang.number]
    card.status = Card.Status.LOST
    card.save()
    assert find(text=card.number) == []


# -------------------------------------------------------------------------------- PTS-13


@pytest.mark.req("PTS-13")
def test_add_fifty_yuan_and_he_can_have_it(till: TillSession) -> None:
    """100 yuan are 10 points: with 985 points a basket of 100 lacks 5, which are 50 yuan."""
    wang = make.member(till.station)
    mall.give(wang, 985)
    mall.reward("加油券", 1000)
    wash = make.item("洗车", "100.00", kind="SERVICE")
    client = make.signed_in(till.cashier)

    def words(**fields: object) -> str:
        return post(client, "till_reward_hint", **make.basket(**fields)).json()["words"]  # type: ignore[arg-type]

    basket: dict[str, Any] = {"items": [(wash, 1)], "member": wang.pk}
    assert words(**basket) == "再加 50 元可换「加油券」（1000 分）"
    assert words(items=[(wash, 1)]) == ""  # nobody's
    set_limit(till, "49")
    assert words(**basket) == ""
    set_limit(till, "50")
    assert words(**basket).startswith("再加 50 元")
    set_limit(till, "0")
    assert words(**basket) == ""
    assert not PointsTxn.objects.filter(kind="REDEEM").exists()


@pytest.mark.req("PTS-13")
def test_the_hint_passes_over_what_the_basket_reaches_by_itself_and_what_is_sold_out(
    till: TillSession,
) -> None:
    wang = make.member(till.station)
    mall.give(wang, 985)
    mall.reward("够了", 995)
    empty = make.item("香水", "30.00")
    mall.reward("香水", 996, "GOODS", item=empty)
    mall.reward("加油券", 1000)
    told = hint_for(
        member_id=wang.pk,
        lines=[line()],
        station=till.station,
        day=make.TODAY,
        at=make.NOW,
    )
    assert told is not None
    assert (told.yuan, told.reward) == (50, "加油券")
    assert (
        hint_for(member_id=wang.pk, lines=[], station=till.station, day=make.TODAY, at=make.NOW)
        is None
    )


def line() -> Any:
    return BasketLine(
        position=1,
        kind="FUEL",
        product="92#",
        category="汽油",
        quantity=Decimal("12.5"),
        net=Decimal(100),
        list_amount=Decimal(100),
    )


def set_limit(till: TillSession, value: str) -> None:
    settings.change(
        name="members.reward_hint_yuan",
        station=till.station,
        value=value,
        at=make.NOW,
        actor=make.manager(till.station),
    )
