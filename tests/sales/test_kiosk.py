"""The terminal for customers: whose it is, who stands there, and what he may do."""

from __future__ import annotations

import threading
from datetime import date, timedelta

import pytest
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils.timezone import now

from devices.models import Card, Kiosk, KioskPairing, Line, Reader, Swipe
from devices.services import kiosks
from devices.services.kiosks import NotPaired, TooManyAsking
from members.models import Consent, KioskVisit, Member, Redemption, RiskCase, SignInCode, TopUpPlan
from members.queries.value import account_of_member
from members.services import profiles, value_accounts
from sales.models import KioskOrder, Receipt, TopUp
from sales.services import kiosk as services
from sales.services.kiosk import NotOpen
from sales.services.printing import print_waiting
from sales.views.kiosk_guard import TERMINAL, VISIT
from station.channels import texts
from station.errors import Refusal
from station.models import AuditEntry
from tests import make
from tests.members import rewards as mall
from tests.sales.kiosk import PHONE, Screen, hidden, sent

pytestmark = [pytest.mark.django_db, pytest.mark.req("CHN-01")]


@pytest.fixture(autouse=True)
def demo(settings):
    settings.DEMO, settings.TEXT_CHANNEL = True, "local"
    cache.delete(texts.KEY)


def plan(amount: str = "1000.00", bonus: str = "50.00", **fields: object) -> TopUpPlan:
    return TopUpPlan.objects.create(
        **{
            "name": f"充{amount}送{bonus}",
            "amount": amount,
            "bonus": bonus,
            "audience": "ALL",
            "since": date(2026, 1, 1),
            **fields,
        }
    )


def member_with_papers(station, **fields):
    member = make.member(station, **fields)
    make.value_account(member)
    return member


# ------------------------------------------------------------------------------ the terminal


def test_a_screen_becomes_a_terminal_by_the_code_it_shows():
    station = make.station()
    screen, office = Client(), make.signed_in(make.manager(station))
    assert "还没有登记" in screen.get("/kiosk/").content.decode()
    shown = screen.post("/kiosk/pairing/").content.decode()
    code = KioskPairing.objects.get().code
    assert code in shown
    assert screen.get("/kiosk/paired/").status_code == 204
    assert screen.post("/kiosk/phone/").status_code == 302  # nothing is open to it yet
    refused = office.post("/devices/kiosks/new/", {"code": "000000", "name": "门口"})
    assert refused.status_code == 422
    assert "没有终端显示这个配对码" in refused.content.decode()
    done = office.post("/devices/kiosks/new/", {"code": code, "name": "门口"})
    assert done.status_code == 302
    assert screen.get("/kiosk/paired/", headers={"HX-Request": "true"})["HX-Redirect"] == "/kiosk/"
    start = screen.get("/kiosk/")
    assert "欢迎使用自助终端" in start.content.decode()
    assert "no-store" in start["Cache-Control"]
    assert "门口" in office.get("/devices/kiosks/").content.decode()
    made = Kiosk.objects.get()
    assert "停用" in office.get(f"/devices/kiosks/{made.pk}/").content.decode()
    office.post(f"/devices/kiosks/{made.pk}/revoke/")
    office.post(f"/devices/kiosks/{made.pk}/revoke/")
    assert "还没有登记" in screen.get("/kiosk/").content.decode()
    assert screen.post("/kiosk/phone/", {"phone": PHONE}).status_code == 302
    acts = AuditEntry.objects.filter(action__startswith="devices.kiosk").values_list("action")
    assert sorted(acts) == [("devices.kiosk.paired",), ("devices.kiosk.revoked",)]


def test_a_pairing_runs_out_pairs_one_screen_and_is_rationed():
    station = make.station()
    who, at = make.manager(station), now()
    told = {"station": station, "printer": None, "reader": None, "actor": who}
    old = kiosks.ask(at=at - timedelta(minutes=11))
    with pytest.raises(NotPaired):
        kiosks.pair(name="一号", code=old.code, at=at, **told)
    new = kiosks.ask(at=at)
    assert KioskPairing.objects.count() == 1  # what ran out is gone
    kiosks.pair(name="一号", code=new.code, at=at, **told)
    with pytest.raises(NotPaired):
        kiosks.pair(name="二号", code=new.code, at=at, **told)
    again = kiosks.ask(at=at)
    with pytest.raises(NotPaired, match="已有终端"):
        kiosks.pair(name="一号", code=again.code, at=at, **told)
    for _ in range(19):
        kiosks.ask(at=at)
    with pytest.raises(TooManyAsking):
        kiosks.ask(at=at)


def test_no_account_of_the_staff_and_no_other_terminal_opens_a_visit():
    station = make.station()
    screen, other = Screen(station), Screen(station, name="二号终端")
    member = make.member(station)
    screen.shows(member)
    assert make.signed_in(make.owner(station)).post("/kiosk/home/").status_code == 302
    other.client.cookies[VISIT] = screen.client.cookies[VISIT].value
    answer = other.touch("home")
    assert answer.status_code == 422
    assert member.number not in answer.content.decode()
    assert "会员页面已关闭" in answer.content.decode()


# ------------------------------------------------------------------------------ who stands there


@pytest.mark.req("MAL-11")
def test_the_start_has_three_numbered_steps_and_the_code_of_a_phone_opens_what_one_has():
    station = make.station()
    screen, member = Screen(station), make.member(station, name="张建国")
    mall.give(member, 1234)
    start = screen.client.get("/kiosk/").content.decode()
    assert start.index("表明身份") < start.index("选择要办的") < start.index("拿单据")
    assert start.count('class="k-step"') == 3
    home = screen.shows(member)
    assert "1,234" in home.content.decode()
    assert "张*国" in home.content.decode()
    for words in ("待生效积分", "30 天内过期", "储值余额"):
        assert words in home.content.decode()
    assert "no-store" in home["Cache-Control"]
    assert home.cookies[VISIT]["httponly"]
    assert home.cookies[VISIT]["path"] == "/kiosk/"


def test_a_phone_code_is_taken_once_and_an_old_one_not_at_all():
    station = make.station()
    screen, member = Screen(station), make.member(station)
    old = screen.shows(member, now() - timedelta(seconds=61))
    assert old.status_code == 422
    assert "已过期" in old.content.decode()
    assert screen.visit is None
    at = now()
    assert screen.shows(member, at).status_code == 200
    screen.touch("again")
    assert screen.shows(member, at).status_code == 422  # a picture of it
    assert screen.touch("scan", code="HY123").status_code == 422


def test_a_phone_number_alone_opens_nothing_and_wrong_codes_run_out():
    station = make.station()
    screen = Screen(station)
    make.member(station, phone=PHONE)
    ticket, code = screen.code_to(PHONE)
    assert screen.visit is None
    wrong = "000000" if code != "000000" else "111111"
    for left in (4, 3, 2, 1):
        answer = screen.touch("code", ticket=ticket, code=wrong)
        assert f"还可以试 {left} 次" in answer.content.decode()
    screen.touch("code", ticket=ticket, code=wrong)
    late = screen.touch("code", ticket=ticket, code=code)
    assert late.status_code == 422
    assert screen.visit is None
    assert screen.touch("phone", phone="123").status_code == 422
    too_soon = screen.touch("phone", phone=PHONE)
    assert "请等一分钟" in too_soon.content.decode()


def test_the_answer_to_a_strangers_number_is_that_to_a_members():
    station = make.station()
    screen = Screen(station)
    make.member(station, phone=PHONE)
    mine = screen.touch("phone", phone=PHONE).content.decode()
    other = screen.touch("phone", phone="13900001111").content.decode()
    assert "请输入验证码" in mine
    assert "请输入验证码" in other
    assert SignInCode.objects.filter(purpose="KIOSK", member=None).count() == 2


@pytest.mark.req("MEM-01")
def test_who_is_no_member_joins_with_phone_code_birthday_and_consent():
    station = make.station()
    screen = Screen(station)
    ticket, code = screen.code_to(PHONE)
    form = screen.touch("code", ticket=ticket, code=code)
    assert "还不是会员" in form.content.decode()
    told = {"ticket": ticket, "born": "19900501", "policy": "1"}
    for wrong, words in (
        ({"policy": ""}, "隐私政策"),
        ({"born": "19901301"}, "八位数字"),
        ({"born": "２０００0101"}, "八位数字"),
        ({"born": f"{now().year - 5}0101"}, "监护人"),
    ):
        answer = screen.touch("join", **{**told, **wrong})
        assert answer.status_code == 422
        assert words in answer.content.decode()
    assert not Member.objects.exists()
    done = screen.touch("join", consent="1", **told)
    assert "入会成功" in done.content.decode()
    member = Member.objects.get()
    given = Consent.objects.filter(member=member).values_list("purpose", "given_channel")
    assert {("POLICY", "KIOSK"), ("SMS", "KIOSK")} == set(given)
    assert screen.visit.member == member
    again = screen.touch("join", **told)  # the code was used
    assert again.status_code == 422
    assert Member.objects.count() == 1


def test_a_code_that_was_never_right_joins_nobody():
    station = make.station()
    screen = Screen(station)
    ticket, _ = screen.code_to(PHONE)
    answer = screen.touch("join", ticket=ticket, born="19900501", policy="1")
    assert answer.status_code == 422
    assert not Member.objects.exists()


def reader_at(station) -> Reader:
    line = Line.objects.create(
        station=station, name="终端读卡", url="/dev/ttyS7", protocol="RDM6300"
    )
    return Reader.objects.create(line=line)


def swipe(reader, card, outcome="KNOWN", **fields):
    return Swipe.objects.create(
        **{
            "station": reader.line.station,
            "reader": reader,
            "key": f"kiosk-{Swipe.objects.count()}",
            "medium": "CARD",
            "text": card.number,
            "meaning": "MEMBER_CARD",
            "outcome": outcome,
            "card": card,
            "occurred_at": now(),
            **fields,
        }
    )


def test_a_card_opens_the_balance_but_shows_nobody_to_be_there():
    station = make.station()
    reader, member = reader_at(station), make.member(station)
    screen = Screen(station, reader=reader)
    card = Card.objects.create(
        station=station,
        number="7700112233",
        meaning="MEMBER_CARD",
        document=member.number,
        issued_at=now(),
    )
    before = swipe(reader, card)
    assert screen.touch("read", after=before.pk).status_code == 204
    swipe(reader, card, "LOST")
    assert "已挂失" in screen.touch("read", after=before.pk).content.decode()
    late = swipe(reader, card, occurred_at=now() - timedelta(minutes=1))
    assert screen.touch("read", after=late.pk - 1).status_code == 204
    last = swipe(reader, card)
    home = screen.touch("read", after=last.pk - 1)
    assert "可用积分" in home.content.decode()
    assert screen.visit.proof == ""
    reward = mall.reward()
    mall.give(member, 2000)
    make.day(station)
    order = mall.order(member, mall.reward("洗车", 100, "SERVICE"), station)
    home = screen.touch("home").content.decode()
    assert "洗车" in home and order.code not in home  # a found card learns no code
    asked = screen.touch("reward", reward=reward.pk).content.decode()
    assert "请证明是您本人" in asked
    refused = screen.touch("redeem", reward=reward.pk, key="k1")
    assert refused.status_code == 422
    assert Redemption.objects.get() == order
    screen.touch("end")
    again = screen.touch("read", after=last.pk - 1)  # the same read opens nothing a second time
    assert again.status_code == 422
    assert screen.visit is None


def test_a_frozen_member_is_sent_to_the_till():
    station = make.station()
    screen, member = Screen(station), make.member(station, phone=PHONE)
    Member.objects.filter(pk=member.pk).update(status="FROZEN")
    assert "冻结" in screen.shows(member).content.decode()
    ticket, code = screen.code_to(PHONE)
    assert "冻结" in screen.touch("code", ticket=ticket, code=code).content.decode()
    assert screen.visit is None


# ------------------------------------------------------------------------------ nothing is left


@pytest.mark.req("MAL-11", "CHN-01")
def test_a_visit_ends_by_the_button_by_the_clock_and_by_the_next_one():
    station = make.station()
    screen = Screen(station)
    first, second = make.member(station), make.member(station)
    screen.shows(first)
    answer = screen.touch("end", why="idle")
    assert answer["Clear-Site-Data"] == '"storage"'
    assert answer.cookies[VISIT].value == ""
    assert KioskVisit.objects.get().ended_by == "IDLE"
    screen.shows(first, now() - timedelta(seconds=5))
    token = screen.client.cookies[VISIT].value
    screen.client.get("/kiosk/")  # loading the page is leaving it
    assert screen.visit is None
    screen.client.cookies[VISIT] = token
    assert screen.touch("home").status_code == 422
    screen.shows(second, now() - timedelta(seconds=7))
    KioskVisit.objects.filter(ended_at=None).update(idle_until=now() - timedelta(seconds=1))
    gone = screen.touch("home")
    assert gone.status_code == 422
    assert second.number not in gone.content.decode()
    screen.shows(first, now() - timedelta(seconds=9))
    screen.shows(second, now() - timedelta(seconds=11))  # scanned while the first stands there
    assert screen.visit.member == first


def test_touching_keeps_a_visit_and_nothing_keeps_it_for_ever():
    station = make.station()
    screen, member = Screen(station), make.member(station)
    screen.shows(member)
    KioskVisit.objects.update(idle_until=now() + timedelta(seconds=5))
    assert screen.touch("stay").status_code == 204
    assert screen.visit.idle_until > now() + timedelta(seconds=60)
    KioskVisit.objects.update(
        opened_at=now() - timedelta(hours=1), expires_at=now() - timedelta(seconds=1)
    )
    assert screen.touch("home").status_code == 422


# ------------------------------------------------------------------------------ points


@pytest.mark.req("MAL-11", "MAL-05")
def test_what_can_be_had_stands_first_and_the_rest_says_what_is_missing():
    station = make.station()
    make.day(station)
    screen, member = Screen(station), make.member(station)
    mall.give(member, 1500)
    mall.reward("洗车券", 3000)
    mall.reward("玻璃水", 1000)
    mall.reward("抽纸", 500)
    screen.shows(member)
    page = screen.touch("mall").content.decode()
    order = [page.index(name) for name in ("抽纸", "玻璃水", "洗车券")]
    assert order == sorted(order)
    assert "还差 1500 分" in page
    assert page.count("disabled") == 1


@pytest.mark.req("MAL-05")
def test_one_proof_is_one_order_and_the_same_tap_is_the_same_order():
    station = make.station()
    make.day(station)
    member, printer = make.member(station, phone=PHONE), make.printer(make.till(station))
    screen = Screen(station, printer=printer)
    mall.give(member, 5000)
    reward = mall.reward()
    screen.shows(member)
    page = screen.touch("reward", reward=reward.pk)
    key = hidden(page, "key")
    done = screen.touch("redeem", reward=reward.pk, key=key)
    assert "已兑换" in done.content.decode()
    screen.touch("redeem", reward=reward.pk, key=key)
    order = Redemption.objects.get()
    assert (order.channel, order.presence, order.requested_by) == ("KIOSK", "PHONE", None)
    assert order.number in done.content.decode()
    assert mall.balance(member) == 4000
    assert Receipt.objects.filter(kind="REWARD", document=order.number).count() == 1
    assert print_waiting(at=now()) == 1

    refused = screen.touch("redeem", reward=reward.pk, key="another")
    assert "请先证明是您本人" in refused.content.decode()
    SignInCode.objects.update(asked_at=now() - timedelta(minutes=2))
    asked = screen.touch("prove/text", reward=reward.pk)
    ticket = hidden(asked, "ticket")
    wrong = screen.touch("prove/code", reward=reward.pk, ticket=ticket, code="")
    assert wrong.status_code == 422
    proven = screen.touch("prove/code", reward=reward.pk, ticket=ticket, code=sent())
    assert "确认兑换" in proven.content.decode()
    screen.touch("redeem", reward=reward.pk, key=hidden(proven, "key"))
    assert Redemption.objects.filter(presence="CODE").count() == 1


@pytest.mark.req("PTS-05", "MAL-05")
def test_a_new_phone_is_refused_at_the_terminal_and_its_case_stays():
    station = make.station()
    make.day(station)
    screen, member = Screen(station), make.member(station)
    mall.give(member, 5000)
    reward = mall.reward()
    at = now() - timedelta(hours=1)
    profiles.change(member=member, phone=PHONE, at=at, actor=make.manager(station))
    screen.shows(member)
    key = hidden(screen.touch("reward", reward=reward.pk), "key")
    refused = screen.touch("redeem", reward=reward.pk, key=key)
    assert "换过手机号" in refused.content.decode()
    case = RiskCase.objects.get()
    assert (case.metric, case.member, case.staff) == ("PHONE_CHANGED", member, None)
    assert not Redemption.objects.exists()


def test_a_proof_grows_old_and_is_of_this_member():
    station = make.station()
    make.day(station)
    screen, member, other = Screen(station), make.member(station), make.member(station)
    mall.give(member, 5000)
    reward = mall.reward()
    screen.shows(member)
    KioskVisit.objects.update(proof_at=now() - timedelta(seconds=121))
    assert screen.touch("redeem", reward=reward.pk, key="a").status_code == 422
    foreign = screen.shows(other, now() - timedelta(seconds=3), reward=reward.pk)
    assert "另一位会员" in foreign.content.decode()
    assert screen.touch("redeem", reward=reward.pk, key="a").status_code == 422
    own = screen.shows(member, now() - timedelta(seconds=3), reward=reward.pk)
    assert "确认兑换" in own.content.decode()
    assert screen.touch("redeem", reward=reward.pk, key="a").status_code == 200
    assert Redemption.objects.count() == 1


def test_a_pin_shows_the_holder_and_wrong_ones_lock_it():
    station = make.station()
    make.day(station)
    screen, member = Screen(station), member_with_papers(station)
    account = account_of_member(member.pk)
    value_accounts.set_pin(account=account, pin="482913", at=now(), actor=make.manager(station))
    mall.give(member, 5000)
    reward = mall.reward()
    screen.shows(member)
    KioskVisit.objects.update(proof="", proof_ref="", proof_at=None)
    assert "六位支付密码" in screen.touch("reward", reward=reward.pk, by="pin").content.decode()
    wrong = screen.touch("prove/pin", reward=reward.pk, pin="111222")
    assert "没有核验：支付密码不对" in wrong.content.decode()
    right = screen.touch("prove/pin", reward=reward.pk, pin="482913")
    assert "确认兑换" in right.content.decode()
    for _ in range(5):
        screen.touch("prove/pin", reward=reward.pk, pin="111222")
    locked = screen.touch("prove/pin", reward=reward.pk, pin="482913")
    assert "锁定 15 分钟" in locked.content.decode()


@pytest.mark.django_db(transaction=True)
def test_two_taps_at_once_are_one_order():
    station = make.station()
    make.day(station)
    screen, member = Screen(station), make.member(station)
    mall.give(member, 5000)
    reward = mall.reward()
    screen.shows(member)
    statuses: list[int] = []
    start = threading.Barrier(2)

    def tap() -> None:
        client = Client()
        client.cookies[TERMINAL] = screen.token
        client.cookies[VISIT] = screen.client.cookies[VISIT].value
        start.wait()
        answer = client.post("/kiosk/redeem/", {"reward": reward.pk, "key": "same"})
        statuses.append(answer.status_code)
        connection.close()

    threads = [threading.Thread(target=tap) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert statuses == [200, 200]
    assert Redemption.objects.count() == 1
    assert mall.balance(member) == 4000


# ------------------------------------------------------------------------------ topping up


def ordered(screen: Screen, chosen: TopUpPlan, key: str = "") -> KioskOrder:
    page = screen.touch("plans")
    screen.touch("order", plan=chosen.pk, key=key or hidden(page, "key"))
    return KioskOrder.objects.order_by("-pk").first()


def test_an_order_is_paid_at_the_till_in_one_step_and_once():
    station = make.station()
    session, cards = make.session(station), make.tenders()
    printer = make.printer(session.till)
    screen, member = Screen(station, printer=printer), member_with_papers(station)
    chosen = plan()
    screen.shows(member)
    shown = screen.touch("plans").content.decode()
    assert "这台终端不收钱" in shown
    order = ordered(screen, chosen)
    again = ordered(screen, chosen, order.client_key)
    assert again == order
    page = screen.touch("order", number=order.number).content.decode()
    assert order.number in page
    assert "请到收银台付" in page
    assert print_waiting(at=now()) == 1
    assert not TopUp.objects.exists()

    till = make.signed_in(session.cashier)
    found = till.get("/sales/till/value/", {"text": order.number.lower()}).json()
    assert found["order"]["amount"] == "1000.00"
    assert found["member"]["number"] == member.number
    body = {"number": order.number, "tender": "CASH", "reference": ""}
    paid = till.post("/sales/till/value/kiosk-order/", body).json()
    assert (paid["amount"], paid["bonus"], paid["balance"]) == ("1000.00", "50.00", "1050.00")
    twice = till.post("/sales/till/value/kiosk-order/", body).json()
    assert twice["number"] == paid["number"]
    assert TopUp.objects.count() == 1
    order.refresh_from_db()
    assert order.state == "PAID"
    assert "已经充值" in till.get("/sales/till/value/", {"text": order.number}).json()["error"]
    assert "已充值" in screen.touch("order", number=order.number).content.decode()
    assert paid["number"] in till.get("/sales/kiosk-orders/").content.decode()
    assert cards


def test_an_order_runs_out_is_replaced_and_can_be_given_up():
    station = make.station()
    session = make.session(station)
    make.tenders()
    screen, member = Screen(station), member_with_papers(station)
    chosen = plan()
    screen.shows(member)
    first = ordered(screen, chosen, "k1")
    second = ordered(screen, chosen, "k2")
    first.refresh_from_db()
    assert (first.state, second.state) == ("CANCELLED", "OPEN")
    told = {
        "tender": make.tenders()["CASH"],
        "reference": "",
        "session": session,
        "actor": session.cashier,
    }
    with pytest.raises(NotOpen, match="已取消"):
        services.take(number=first.number, at=now(), **told)
    with pytest.raises(NotOpen, match="已过期"):
        services.take(number=second.number, at=now() + timedelta(minutes=31), **told)
    with pytest.raises(NotOpen, match="没有自助充值单"):
        services.take(number="ZC99-0-20260422-0001", at=now(), **told)
    assert "已取消" in screen.touch("cancel", number=second.number).content.decode()
    with pytest.raises(NotOpen):
        services.take(number=second.number, at=now(), **told)
    assert not TopUp.objects.exists()


def test_what_the_till_would_refuse_is_refused_before_anybody_queues():
    station = make.station()
    make.session(station)
    screen = Screen(station)
    poor, rich = make.member(station), member_with_papers(station)
    screen.shows(poor)
    page = screen.touch("order", plan=plan().pk, key="k1").content.decode()
    assert "没有下单" in page
    assert "身份证" in page
    screen.touch("end")
    screen.shows(rich, now() - timedelta(seconds=2))
    much = screen.touch("order", plan=plan("6000.00", "0").pk, key="k2").content.decode()
    assert "限额" in much
    late = plan(active=False)
    assert "不在有效期" in screen.touch("order", plan=late.pk, key="k3").content.decode()
    assert "请选一个档位" in screen.touch("order", plan="x", key="k4").content.decode()
    assert not KioskOrder.objects.exists()


def test_the_key_of_an_order_is_its_members():
    station = make.station()
    make.session(station)
    screen = Screen(station)
    one, other = member_with_papers(station), make.member(station)
    chosen = plan()
    screen.shows(one)
    ordered(screen, chosen, "k1")
    screen.touch("end")
    screen.shows(other, now() - timedelta(seconds=2))
    assert "没有下单" in screen.touch("order", plan=chosen.pk, key="k1").content.decode()
    assert KioskOrder.objects.count() == 1
    mine = KioskOrder.objects.get()
    assert screen.touch("order", number=mine.number).status_code == 404
    screen.touch("cancel", number=mine.number)
    mine.refresh_from_db()
    assert mine.state == "OPEN"


@pytest.mark.django_db(transaction=True)
def test_two_tills_take_one_order_once():
    station = make.station()
    sessions = [make.session(station), make.session(station, till=make.till(station, number=7))]
    cash = make.tenders()["CASH"]
    screen, member = Screen(station), member_with_papers(station)
    screen.shows(member)
    order = ordered(screen, plan())
    done: list[object] = []
    start = threading.Barrier(2)

    def take(session) -> None:
        start.wait()
        try:
            top = services.take(
                number=order.number,
                tender=cash,
                reference="",
                session=session,
                actor=session.cashier,
                at=now(),
            )
            done.append(top.number)
        except Refusal as refusal:
            done.append(refusal)
        connection.close()

    threads = [threading.Thread(target=take, args=(one,)) for one in sessions]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    top = TopUp.objects.get()
    assert top.number in done
    (told,) = [one for one in done if one != top.number]
    assert isinstance(told, NotOpen)  # the slower cashier takes no money
    assert top.number in str(told)


def test_the_database_keeps_an_order_that_ended():
    station = make.station()
    make.session(station)
    screen, member = Screen(station), member_with_papers(station)
    screen.shows(member)
    order = ordered(screen, plan())
    rows = KioskOrder.objects.filter(pk=order.pk)
    for change in ({"amount": "1.00"}, {"state": "PAID"}):
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        rows.delete()
    rows.update(state="CANCELLED")
    with pytest.raises(DatabaseError), transaction.atomic():
        rows.update(state="OPEN")
    twin = {f.attname: getattr(order, f.attname) for f in KioskOrder._meta.concrete_fields}
    for name in ("id", "number", "client_key"):
        twin.pop(name)
    KioskOrder.objects.create(number="ZC-1", client_key="x1", **{**twin, "state": "OPEN"})
    with pytest.raises(DatabaseError), transaction.atomic():
        KioskOrder.objects.create(number="ZC-2", client_key="x2", **{**twin, "state": "OPEN"})


# ------------------------------------------------------------------------------ rubbish


@pytest.mark.parametrize("text", ["", "x", "9" * 40, "²", "\ud800", "-1", "HY" + "A" * 28])
def test_rubbish_is_never_an_error(text):
    station = make.station()
    make.session(station)
    screen, member = Screen(station), make.member(station)
    screen.shows(member)
    names = (
        "scan", "read", "phone", "code", "join", "home", "stay", "mall", "reward", "prove/code",
        "prove/pin", "redeem", "plans", "order", "cancel", "paired", "ping",
    )  # fmt: skip
    fields = ("code", "after", "phone", "ticket", "born", "reward", "key", "plan", "number", "pin")
    for name in names:
        if name in ("paired", "ping"):
            answer = screen.client.get(f"/kiosk/{name}/", {"x": "1"})
        else:
            answer = screen.touch(name, **{one: text.encode("utf-8", "replace") for one in fields})
        assert answer.status_code < 500, name
