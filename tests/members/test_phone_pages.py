"""What a member sees on his phone, and that nobody sees it but himself."""

from __future__ import annotations

import json
import re
import threading
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils.timezone import now

from devices.models import ReadRule
from devices.queries.swipes import decide
from members.models import (
    Consent,
    Member,
    MemberNotice,
    Presence,
    ProfileChange,
    SignInCode,
    Tier,
)
from members.queries import phone as pages
from members.queries.cards import card_of
from members.queries.present_codes import code_for, is_present, read_code
from members.services import closing, merging, notices, present_codes
from members.services.present_codes import CodeRefused
from sales.services import refunds
from station.channels import texts
from station.models import AuditEntry, Setting
from station.services.sealing import unseal
from tests import make
from tests.members import rewards as mall
from tests.members.test_phone_sign_in import OTHER, PHONE, code_sent, ticket_of
from tests.test_role_matrix import addresses

pytestmark = [pytest.mark.django_db, pytest.mark.req("CHN-02")]


@pytest.fixture
def demo(settings):
    settings.DEMO, settings.TEXT_CHANNEL = True, "local"
    cache.delete(texts.KEY)


# --------------------------------------------------------------------------- the member's code


@pytest.mark.req("PAY-05")
def test_a_code_is_good_for_a_minute_and_says_nothing_of_its_member():
    code = code_for(member_id=7, at=make.NOW)
    assert re.fullmatch(r"HY[A-Z2-7]{28}", code)
    shown = read_code(code.lower())
    assert shown.member_id == 7
    for seconds, fresh in ((0, True), (60, True), (61, False), (-1, False)):
        assert shown.is_fresh(make.NOW + timedelta(seconds=seconds)) is fresh
    next_one = code_for(member_id=7, at=make.NOW + timedelta(seconds=1))
    assert sum(a == b for a, b in zip(code[8:], next_one[8:], strict=True)) < 12


@pytest.mark.req("PAY-05")
def test_a_forged_code_is_no_code():
    code = code_for(member_id=7, at=make.NOW)
    for place in range(2, 30):
        changed = "A" if code[place] != "A" else "B"
        forged = read_code(code[:place] + changed + code[place + 1 :])
        assert forged is None
    for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567":  # its last bits are no part of what it says
        if last != code[-1]:
            assert read_code(code[:-1] + last) is None
    for text in ("", "HY", "HY" + "1" * 28, "M00000001", code + "A", "HY" + "=" * 28):
        assert read_code(text) is None


@pytest.mark.req("PAY-05", "MEM-01")
def test_the_till_reads_a_code_once_and_the_member_is_present():
    station = make.station()
    make.session(station)
    member = make.member(station)
    till = make.signed_in(make.cashier(station))
    code = code_for(member_id=member.pk, at=now())

    def read(text: str):
        body = json.dumps({"code": text})
        return till.post("/sales/till/members/present/", body, content_type="application/json")

    answer = read(code)
    assert answer.json()["member"]["id"] == member.pk
    assert answer.json()["member"]["phone"].count("*") == 4
    again = read(code)
    assert (again.status_code, "已经用过" in again.json()["error"]) == (422, True)
    assert "已经用过" in read(f" {code.lower()} ").json()["error"]
    old = read(code_for(member_id=member.pk, at=now() - timedelta(seconds=62)))
    assert (old.status_code, "已过期" in old.json()["error"]) == (422, True)
    assert read("HY").status_code == read("").status_code == 422
    half = timedelta(minutes=10)
    here = {"member_id": member.pk, "at": now(), "within": half}
    assert is_present(station_id=station.pk, **here)
    assert not is_present(station_id=make.station().pk, **here)
    assert not is_present(
        station_id=station.pk, member_id=member.pk, at=now() + half * 2, within=half
    )


@pytest.mark.req("PAY-05")
@pytest.mark.parametrize("status", ["FROZEN", "CLOSED"])
def test_a_member_who_is_frozen_or_gone_is_not_taken_by_his_code(status):
    member = make.member()
    if status == "CLOSED":
        lead = make.manager(member.home_station)
        closing.forget(member=member, reason="要求", at=make.NOW, actor=lead)
    else:
        Member.objects.filter(pk=member.pk).update(status=status)
    code = code_for(member_id=member.pk, at=make.NOW)
    with pytest.raises(CodeRefused, match="冻结或注销"):
        present_codes.arrive(code=code, station=member.home_station, at=make.NOW, actor=None)
    stranger = code_for(member_id=10**9, at=make.NOW)
    with pytest.raises(CodeRefused):
        present_codes.arrive(code=stranger, station=member.home_station, at=make.NOW, actor=None)


@pytest.mark.req("PAY-05")
@pytest.mark.django_db(transaction=True)
def test_two_tills_that_read_one_code_take_it_once():
    member = make.member()
    code = code_for(member_id=member.pk, at=make.NOW)
    gate, refused = threading.Barrier(4), []

    def read() -> None:
        gate.wait()
        try:
            present_codes.arrive(code=code, station=member.home_station, at=make.NOW, actor=None)
        except CodeRefused:
            refused.append(1)
        connection.close()

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (Presence.objects.count(), len(refused)) == (1, 3)


def test_that_a_member_was_there_stays():
    member = make.member()
    code = code_for(member_id=member.pk, at=make.NOW)
    present_codes.arrive(code=code, station=member.home_station, at=make.NOW, actor=None)
    for act in (Presence.objects.all().delete, lambda: Presence.objects.update(station=1)):
        with pytest.raises(DatabaseError), transaction.atomic():
            act()


def test_a_read_rule_knows_the_code():
    station = make.station()
    code = code_for(member_id=1, at=make.NOW)
    ReadRule.objects.create(
        station=station, position=1, medium="CODE", pattern="HY[A-Z2-7]{28}", meaning="MEMBER_CODE"
    )
    assert decide(station=station, medium="CODE", text=code).meaning == "MEMBER_CODE"


@pytest.mark.req("PAY-05")
def test_the_phone_draws_a_fresh_code_each_time():
    member = make.member()
    client = make.phone_of(member)
    page = client.get("/m/code/").content.decode()
    code = re.search(r'data-code="(HY\w{28})"', page)[1]
    assert "<svg" in page and "style=" not in page
    shown = read_code(code)
    assert (shown.member_id, shown.is_fresh(now())) == (member.pk, True)
    assert client.get("/m/code/")["Cache-Control"].count("no-store") == 1


# ---------------------------------------------------------------------------------- the pages


@pytest.mark.req("CHN-03")
def test_purchases_show_time_station_lines_and_money_and_refunds_too():
    station = make.station()
    session = make.session(station)
    member = make.member(station)
    client = make.phone_of(member)
    assert "还没有消费记录" in client.get("/m/purchases/").content.decode()
    water = make.item(on_hand=10)
    fill = make.fill_at(station)
    sale = make.sale(session, [fill], [(water, 2)], member=member.pk)
    make.sale(session, [make.fill_at(station, "9.99")])  # somebody else's
    page = client.get("/m/purchases/").content.decode()
    for words in (sale.number, station.name, "92#", "25.48 升", "农夫山泉 550ml × 2", "¥4.00"):
        assert words in page
    assert "¥204.02" in page
    assert "9.99" not in page
    line = sale.lines.get(kind="GOODS")
    refund_one(sale, line, session)
    page = client.get("/m/purchases/").content.decode()
    assert page.count("退款") == 1
    assert page.index("-¥4.00") < page.index(sale.number)


def refund_one(sale, line, session):
    """The goods of a sale brought back for cash."""
    refunds.refund(
        sale=sale,
        lines=[refunds.RefundLine(line.position, quantity=line.quantity)],
        reason="不要了",
        session=session,
        actor=make.manager(sale.station),
        at=make.NOW,
        key="r1",
    )


def test_purchases_page_on_by_key_with_the_same_statements(django_assert_num_queries):
    station = make.station()
    session = make.session(station)
    member = make.member(station)
    water = make.item(on_hand=100)
    for number in range(3):
        make.sale(session, [], [(water, 1)], member=member.pk, at=make.at(10, number))
        if number != 1:
            with django_assert_num_queries(4):
                pages.purchases(member=member)
    for number in range(22):
        make.sale(session, [], [(water, 1)], member=member.pk, at=make.at(11, number))
    client = make.phone_of(member)
    first = client.get("/m/purchases/").content.decode()
    older = re.search(r"\?before=(\d+)", first)[1]
    second = client.get(f"/m/purchases/?before={older}").content.decode()
    assert (first.count("my-lines"), second.count("my-lines")) == (20, 5)
    assert "更早的" not in second
    for rubbish in ("x", "9" * 40, "-1", "²"):
        assert client.get("/m/purchases/", {"before": rubbish}).status_code == 200


@pytest.mark.req("CHN-03")
def test_prices_are_the_tills_and_follow_a_change():
    station = make.station()
    make.price(station, make.grade("92#"), "7.85")
    make.price(station, make.grade("0#"), "7.50")
    client = make.phone_of(make.member(station))
    page = client.get("/m/prices/").content.decode()
    assert "¥7.85" in page and "¥7.50" in page
    seen = re.search(r"prices/\?station=\w+&seen=(\w+)", page)[1]
    part = {"headers": {"HX-Request": "true"}}
    asked = f"/m/prices/?station={station.code}&seen={seen}"
    assert client.get(asked, **part).status_code == 204
    make.price(station, make.grade("92#"), "7.99", since=now() - timedelta(seconds=1))
    answer = client.get(asked, **part)
    assert (answer.status_code, "¥7.99" in answer.content.decode()) == (200, True)


def test_stations_give_hours_phone_and_the_phones_own_map():
    station = make.station(address="昆明市东风东路 1 号", phone="0871-1234567")
    there = make.station(name="西站")
    Setting.objects.create(station=there, name="members.coordinates", value="25.05, 102.70")
    Setting.objects.create(station=there, name="members.opening_hours", value="7 至 23 点")
    page = make.phone_of(make.member(station)).get("/m/stations/").content.decode()
    for words in ("24 小时营业", "7 至 23 点", "tel:0871-1234567", "geo:25.05,102.70?q="):
        assert words in page
    assert "geo:0,0?q=%E6%98%86" in page
    assert page.index(station.name) < page.index("西站")


def test_coordinates_that_are_none_are_not_put_into_an_address():
    station = make.station(address="")
    rubbish = Setting.objects.create(
        station=station, name="members.coordinates", value='"><script>'
    )
    assert [place.map_href for place in pages.places(home=station)] == [""]
    rubbish.delete()


@pytest.mark.req("CHN-06")
def test_a_message_is_there_at_the_next_asking_and_read_once():
    member = make.member()
    client = make.phone_of(member)
    assert client.get("/m/bell/?seen=0").status_code == 204
    for _ in range(2):
        notices.tell(member=member, key="k", subject="开票好了", text="请查看。", at=make.NOW)
    bell = client.get("/m/bell/?seen=0").content.decode()
    assert "1 条未读" in bell
    page = client.get("/m/inbox/").content.decode()
    assert "开票好了" in page and "未读" in page
    notices.tell(member=make.member(), key="k", subject="别人", text="", at=make.NOW)
    assert MemberNotice.objects.count() == 2  # a key is one message to each
    newest = re.search(r'name="newest" value="(\d+)"', page)[1]
    notices.tell(member=member.pk, key="k2", subject="又一条", text="", at=make.NOW)
    client.post("/m/inbox/read/", {"newest": newest})
    assert MemberNotice.objects.get(member=member, read_at=None).subject == "又一条"
    assert client.post("/m/inbox/read/", {"newest": "x" * 50}).status_code == 302


def test_the_first_page_shows_the_figures_of_every_floor(settings):
    member = make.member()
    Tier.objects.create(code="BASE", name="普通", rank=0)
    client = make.phone_of(member)
    page = client.get("/m/").content.decode()
    assert "普通" in page and "消费记录" in page
    seen = re.search(r"/m/facts/\?seen=(\w+)", page)[1]
    assert client.get(f"/m/facts/?seen={seen}").status_code == 204
    settings.PHONE_FACTS = [*settings.PHONE_FACTS, "tests.members.test_phone_pages.points"]
    assert "积分" in client.get(f"/m/facts/?seen={seen}").content.decode()


def points(*, member: Member, at: object) -> list[pages.Fact]:
    return [pages.Fact("积分", "120")]


def test_a_frozen_member_is_told_and_shows_no_code():
    member = make.member()
    Member.objects.filter(pk=member.pk).update(status="FROZEN")
    page = make.phone_of(member).get("/m/").content.decode()
    assert "会员已冻结" in page and "/m/code/" not in page


@pytest.mark.req("PTS-04")
def test_the_first_page_says_what_points_and_stored_value_a_member_has():
    member = make.member()
    client = make.phone_of(member)
    page = client.get("/m/facts/").content.decode()
    assert '<dt>可用积分</dt><dd><a href="/m/points/">0</a></dd>' in page
    assert "储值余额" not in page
    mall.give(member, 1200, at=now() - timedelta(hours=1))
    make.top_up(make.session(member.home_station), make.value_account(member), "500.00", "50.00")
    page = client.get("/m/facts/").content.decode()
    assert '<dt>可用积分</dt><dd><a href="/m/points/">1,200</a></dd>' in page
    assert '<dt>储值余额</dt><dd><a href="/m/value/">550.00 元</a></dd>' in page


# ------------------------------------------------------------------------------------- 我的


@pytest.mark.req("CRM-02")
def test_a_member_corrects_his_name_and_the_audit_says_himself():
    member = make.member(name="张建国")
    client = make.phone_of(member)
    assert client.post("/m/me/profile/", {"name": ""}).status_code == 302
    assert not AuditEntry.objects.filter(action="members.member.changed").exists()
    assert client.post("/m/me/profile/", {"name": "张建军"}).status_code == 302
    member.refresh_from_db()
    assert card_of(member, full=True).name == "张建军"
    told = AuditEntry.objects.get(action="members.member.changed")
    assert (told.actor, told.actor_name, told.before) == (None, "会员本人", {"姓名": "张*国"})


@pytest.mark.req("CRM-02")
def test_a_changed_phone_is_proved_first_then_the_others_are_out_and_the_old_one_told(demo):
    member = make.member(phone=PHONE)
    mine, lost = make.phone_of(member), make.phone_of(member)
    ticket = ticket_of(mine.post("/m/me/phone/", {"phone": OTHER}))
    code = code_sent(OTHER)
    stranger = make.phone_of(make.member(member.home_station))
    form = {"ticket": ticket, "code": code}
    assert stranger.post("/m/me/phone/code/", form).status_code == 422
    assert mine.post("/m/me/phone/code/", {**form, "code": "x"}).status_code == 422
    member.refresh_from_db()
    assert card_of(member, full=True).phone == PHONE
    assert mine.post("/m/me/phone/code/", form).status_code == 302
    assert mine.post("/m/me/phone/code/", form).status_code == 422  # once
    member.refresh_from_db()
    assert card_of(member, full=True).phone == OTHER
    assert (mine.get("/m/").status_code, lost.get("/m/").status_code) == (200, 302)
    assert texts.lately()[0].phone == PHONE
    assert MemberNotice.objects.get(member=member).subject == "手机号已更换"


@pytest.mark.req("CRM-02")
def test_a_phone_of_another_member_is_not_taken(demo):
    member = make.member(phone=PHONE)
    make.member(member.home_station, phone=OTHER)
    mine = make.phone_of(member)
    ticket = ticket_of(mine.post("/m/me/phone/", {"phone": OTHER}))
    answer = mine.post("/m/me/phone/code/", {"ticket": ticket, "code": code_sent(OTHER)})
    assert (answer.status_code, "已是会员" in answer.content.decode()) == (422, True)
    assert SignInCode.objects.get().spent_at is None


def test_a_member_adds_and_removes_his_car_and_takes_back_his_consent():
    member = make.member(consent=True)
    client = make.phone_of(member)
    assert client.post("/m/me/vehicles/", {"plate": "x"}).status_code == 422
    assert client.post("/m/me/vehicles/", {"plate": "云A7K3M9", "model": "轩逸"}).status_code == 302
    page = client.get("/m/me/vehicles/").content.decode()
    assert "云A***M9" in page or "云A" in page
    remove = re.search(r"/m/me/vehicles/\d+/remove/", page)[0]
    assert make.phone_of(make.member(member.home_station)).post(remove).status_code == 404
    assert client.post(remove).status_code == 302
    assert client.post(remove).status_code == 404
    withdrawn = {"purpose": "SMS", "given": "0"}
    assert client.post("/m/me/consents/", withdrawn).status_code == 302
    assert client.post("/m/me/consents/", withdrawn).status_code == 302
    row = Consent.objects.get(member=member, purpose="SMS")
    assert (row.withdrawn_channel, row.withdrawn_by) == ("APP", None)
    assert AuditEntry.objects.filter(action="members.consent.withdrawn").count() == 1
    for _ in range(2):
        client.post("/m/me/consents/", {"purpose": "SMS", "given": "1"})
    assert Consent.objects.filter(member=member, purpose="SMS", withdrawn_at=None).count() == 1
    for purpose in ("GUARDIAN", "x", ""):
        answer = client.post("/m/me/consents/", {"purpose": purpose, "given": "1"})
        assert (answer.status_code, "没有这种同意" in answer.content.decode()) == (422, True)


@pytest.mark.req("CRM-02")
def test_what_a_member_corrects_himself_keeps_the_old_value_in_sealed_history():
    member = make.member(name="李小龙")
    client = make.phone_of(member)
    told = {"name": "李大龙", "birthday": "1990-05-04", "preferences": "常加 95#"}
    assert client.post("/m/me/profile/", told).status_code == 302
    assert client.post("/m/me/profile/", told).status_code == 302
    kept = {one.field: one for one in ProfileChange.objects.filter(member=member)}
    assert set(kept) == {"NAME", "BIRTHDAY", "PREFERENCES"}
    assert {(one.channel, one.actor) for one in kept.values()} == {("APP", None)}
    assert unseal(member.key, kept["NAME"].old_sealed) == "李小龙"
    assert ProfileChange.objects.filter(member=member).count() == 3
    for birthday, words in (("2020-05-04", "监护人"), ("2999-01-01", "生日不对")):
        answer = client.post("/m/me/profile/", {"birthday": birthday})
        assert (answer.status_code, words in answer.content.decode()) == (422, True)
    assert "****-05-04" in client.get("/m/me/").content.decode()


@pytest.mark.req("CRM-02")
def test_the_phone_of_a_member_who_was_merged_shows_the_one_he_became():
    survivor = make.member(name="李小龙")
    merged = make.member(survivor.home_station, name="李小龙")
    before = make.phone_of(merged)
    merging.merge(
        survivor=survivor,
        merged=merged,
        reason="同一个人",
        at=make.NOW,
        actor=make.manager(survivor.home_station),
    )
    page = before.get("/m/me/").content.decode()
    assert survivor.number in page
    assert merged.number not in page
    code = read_code(re.search(r"HY[A-Z2-7]{28}", before.get("/m/code/").content.decode())[0])
    assert code.member_id == survivor.pk


@pytest.mark.req("SEC-15")
def test_no_page_of_a_member_reaches_another_members_rows():
    """Every page of a member, opened with the numbers of another's rows and searched for his data."""
    station = make.station()
    session = make.session(station)
    one = make.member(station, name="甲乙丙", plate="云A11111")
    other = make.member(station, name="丁戊己", plate="云A22222")
    sale = make.sale(session, [make.fill_at(station)], member=other.pk)
    notices.tell(member=other, key="n", subject="别人的消息", text="", at=make.NOW)
    theirs = make.phone_of(other)
    assert sale.number in theirs.get("/m/purchases/").content.decode()
    rows = [other.pk, *other.vehicles.values_list("pk", flat=True)]
    rows += other.sessions.values_list("pk", flat=True)
    marks = (sale.number, "别人的消息", other.number, "丁*己")
    tried = 0
    for address in addresses():
        if not address.members:
            continue
        for pk in rows:
            client = make.phone_of(one)
            path = address.path.replace("999999999", str(pk))
            asked = {"member": other.pk, "before": 10**9, "newest": 10**9, "pk": pk}
            for answer in (client.get(path, asked), client.post(path, asked)):
                tried += answer.status_code == 200
                assert answer.status_code != 500
                assert not [mark for mark in marks if mark in answer.content.decode()], path
    assert tried > 20
    assert theirs.get("/m/").status_code == 200  # not signed out
    assert other.vehicles.get().active
    assert MemberNotice.objects.get(member=other, key="n").read_at is None


def test_a_users_sign_in_opens_no_page_of_a_member_and_the_reverse():
    station = make.station()
    boss = make.signed_in(make.owner(station))
    assert boss.get("/m/")["Location"] == "/m/sign-in/"
    assert make.phone_of(make.member(station)).get("/members/")["Location"].startswith("/sign-in/")


# ------------------------------------------------------------------------------------- the app


def test_manifest_worker_and_offline_page_are_open_and_of_one_scope():
    client = Client()
    manifest = client.get("/m/manifest.webmanifest").json()
    assert (manifest["scope"], manifest["start_url"]) == ("/m/", "/m/")
    assert {icon["sizes"] for icon in manifest["icons"]} >= {"192x192", "512x512"}
    assert "javascript" in client.get("/m/worker.js")["Content-Type"]
    assert "没有网络" in client.get("/m/offline/").content.decode()
    assert "2026-01" in _with_station(client)


def _with_station(client: Client) -> str:
    make.station()
    return client.get("/m/privacy/").content.decode()


def test_the_poster_leads_to_the_stations_own_door():
    station = make.station()
    page = make.signed_in(make.cashier(station)).get("/members/poster/").content.decode()
    assert f"/m/sign-in/?station={station.code}" in page and "<svg" in page


def test_every_page_in_the_registry_is_a_members_own():
    members = {one.path for one in addresses() if one.members}
    assert {tile.href for tile in pages.tiles()} <= members
