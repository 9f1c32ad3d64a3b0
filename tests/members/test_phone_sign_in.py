"""A member comes to his own pages: by a code to his phone, within limits, into a session of his own."""

from __future__ import annotations

import re
import threading
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils.timezone import now

from members.models import Consent, Member, MemberNotice, MemberSession, SignInCode
from members.queries.cards import card_of
from members.queries.signins import read_ticket, session_of
from members.services import closing, sessions, signins
from members.services.signins import TooManyCodes, WrongCode
from members.tasks import forget_codes
from members.views.guard import COOKIE, own_page
from station.channels import texts
from station.models import AuditEntry, Setting
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.req("CHN-02")]
PHONE, OTHER = "13887654321", "13912345678"
SIGN_IN = SignInCode.Purpose.SIGN_IN


@pytest.fixture(autouse=True)
def demo(settings):
    settings.DEMO, settings.TEXT_CHANNEL = True, "local"
    cache.delete(texts.KEY)


def code_sent(to: str = PHONE) -> str:
    """The code of the last text to a phone."""
    last = next(text for text in texts.lately() if text.phone == to)
    return re.search(r"验证码 (\d{6})", last.text)[1]


def ticket_of(answer) -> str:
    return re.search(r'name="ticket" value="([^"]+)"', answer.content.decode())[1]


def asked(client: Client, phone: str = PHONE) -> str:
    answer = client.post("/m/sign-in/", {"phone": phone})
    assert answer.status_code == 200, answer.content.decode()
    return ticket_of(answer)


def signed_in(phone: str = PHONE) -> Client:
    client = Client()
    client.post("/m/sign-in/code/", {"ticket": asked(client, phone), "code": code_sent(phone)})
    return client


def test_a_member_signs_in_by_a_code_and_finds_his_page():
    make.member(phone=PHONE)
    client = Client()
    ticket = asked(client, "138 8765 4321")
    answer = client.post("/m/sign-in/code/", {"ticket": ticket, "code": code_sent()})
    assert (answer.status_code, answer["Location"]) == (302, "/m/")
    cookie = answer.cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/m/")
    page = client.get("/m/")
    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]
    assert cookie.value not in {row.token_hash for row in MemberSession.objects.all()}
    assert "sessionid" not in client.cookies  # no session of a user was begun


def test_a_code_and_a_token_are_kept_as_digests_only():
    make.member(phone=PHONE)
    signed_in()
    with connection.cursor() as cursor:
        for table in ("members_signincode", "members_membersession"):
            cursor.execute(f"SELECT {table}::text FROM {table}")
            told = " ".join(row for (row,) in cursor.fetchall())
            assert code_sent() not in re.findall(r"\d+", told)
            assert PHONE not in told


def test_a_strangers_phone_gets_the_same_answer_as_a_members():
    make.member(phone=PHONE)

    def seen(phone: str) -> str:
        text = Client().post("/m/sign-in/", {"phone": phone}).content.decode()
        text = re.sub(
            r'(name="(?:ticket|csrfmiddlewaretoken)" value=|X-CSRFToken": )"[^"]+"', "", text
        )
        return text.replace(phone, "")

    assert seen(PHONE) == seen(OTHER)
    assert len(texts.lately()) == 2


def test_a_wrong_code_is_refused_five_times_and_then_the_right_one_too():
    make.member(phone=PHONE)
    client = Client()
    ticket = asked(client)
    right = code_sent()
    wrong = f"{(int(right) + 1) % 10**6:06d}"
    for left in (4, 3, 2, 1):
        answer = client.post("/m/sign-in/code/", {"ticket": ticket, "code": wrong})
        assert answer.status_code == 422
        assert f"还可以试 {left} 次" in answer.content.decode()
    client.post("/m/sign-in/code/", {"ticket": ticket, "code": wrong})
    answer = client.post("/m/sign-in/code/", {"ticket": ticket, "code": right})
    assert answer.status_code == 422
    assert "重新获取" in answer.content.decode()
    assert not MemberSession.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_thirty_guesses_at_once_are_five():
    ticket = signins.send_code(phone=PHONE, purpose=SIGN_IN, address="1.2.3.4", at=now())
    right = int(code_sent())
    gate, told = threading.Barrier(10), []

    def guess(number: int) -> None:
        gate.wait()
        for step in range(3):
            code = f"{(right + 1 + number * 3 + step) % 10**6:06d}"
            try:
                signins.pass_code(ticket=ticket, code=code, purpose=SIGN_IN, address="", at=now())
            except WrongCode as refusal:
                told.append("验证码不对" in str(refusal))
        connection.close()

    threads = [threading.Thread(target=guess, args=[number]) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(told), sum(told)) == (30, 5)
    assert SignInCode.objects.get().tries == 5


def test_a_code_is_good_for_five_minutes_and_once():
    make.member(phone=PHONE)
    at = now()
    ticket = signins.send_code(phone=PHONE, purpose=SIGN_IN, address="", at=at)
    with pytest.raises(WrongCode):
        signins.pass_code(
            ticket=ticket,
            code=code_sent(),
            purpose=SIGN_IN,
            address="",
            at=at + timedelta(minutes=5),
        )
    passed = signins.pass_code(ticket=ticket, code=code_sent(), purpose=SIGN_IN, address="", at=at)
    assert sessions.sign_in(ticket=passed, device="", at=at)
    with pytest.raises(WrongCode):
        signins.pass_code(ticket=ticket, code=code_sent(), purpose=SIGN_IN, address="", at=at)
    with pytest.raises(WrongCode):
        sessions.sign_in(ticket=passed, device="", at=at)
    assert MemberSession.objects.count() == 1


def test_a_code_for_another_purpose_opens_nothing():
    member = make.member(phone=PHONE)
    ticket = signins.send_code(
        phone=PHONE, purpose=SignInCode.Purpose.PHONE, address="", at=now(), member=member
    )
    answer = Client().post("/m/sign-in/code/", {"ticket": ticket, "code": code_sent()})
    assert answer.status_code == 422


def test_codes_to_a_phone_are_one_a_minute_five_an_hour_ten_a_day():
    at = now()

    def ask(after: timedelta) -> None:
        signins.send_code(phone=PHONE, purpose=SIGN_IN, address="9.9.9.9", at=at + after)

    ask(timedelta())
    with pytest.raises(TooManyCodes, match="等一分钟"):
        ask(timedelta(seconds=59))
    for minute in range(2, 6):
        ask(timedelta(minutes=minute))
    with pytest.raises(TooManyCodes, match="一小时"):
        ask(timedelta(minutes=10))
    for minute in range(5):
        ask(timedelta(hours=2, minutes=2 * minute))
    with pytest.raises(TooManyCodes, match="今天"):
        ask(timedelta(hours=10))
    assert len(texts.lately()) == 10


def test_codes_from_an_address_are_sixty_an_hour_and_wrong_ones_thirty():
    at = now()
    for number in range(60):
        signins.send_code(phone=f"139{number:08d}", purpose=SIGN_IN, address="a", at=at)
    with pytest.raises(TooManyCodes, match="网络"):
        signins.send_code(phone=PHONE, purpose=SIGN_IN, address="a", at=at)
    ticket = signins.send_code(phone=PHONE, purpose=SIGN_IN, address="b", at=at)
    SignInCode.objects.filter(pk__lte=SignInCode.objects.order_by("pk")[5].pk).update(tries=5)
    with pytest.raises(TooManyCodes, match="输错"):
        signins.pass_code(ticket=ticket, code="1", purpose=SIGN_IN, address="a", at=at)


@pytest.mark.django_db(transaction=True)
def test_ten_askers_at_once_send_one_text():
    gate, refused = threading.Barrier(10), []

    def ask() -> None:
        gate.wait()
        try:
            signins.send_code(phone=PHONE, purpose=SIGN_IN, address="", at=now())
        except TooManyCodes:
            refused.append(1)
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (SignInCode.objects.count(), len(refused)) == (1, 9)


def test_without_a_channel_the_page_says_so_and_nothing_breaks(settings):
    settings.TEXT_CHANNEL = "none"
    answer = Client().post("/m/sign-in/", {"phone": PHONE})
    assert answer.status_code == 422
    assert "还没有接通短信" in answer.content.decode()
    assert Client().get("/m/texts/").status_code == 404


def test_the_counterpart_masks_phones_and_is_the_demos_alone(settings):
    asked(Client())
    page = Client().get("/m/texts/").content.decode()
    assert code_sent() in page
    assert PHONE not in page
    settings.DEMO = False
    assert Client().get("/m/texts/").status_code == 404


def test_an_adapter_of_ones_own_is_named_by_its_path(settings):
    settings.TEXT_CHANNEL = "station.channels.texts.Local"
    settings.DEMO = False
    asked(Client())
    assert code_sent()


# ---------------------------------------------------------------------------------- joining


def join_form(ticket: str, **fields: str) -> dict[str, str]:
    told = {"ticket": ticket, "name": "李小龙", "born": "1990-05-01", "policy": "on"}
    return {**told, **fields}


@pytest.mark.req("MEM-01", "SEC-06")
def test_a_stranger_joins_on_his_own_phone_at_the_station_whose_code_he_scanned():
    make.station("A01")
    there = make.station("B02")
    client = Client()
    page = client.get("/m/sign-in/?station=B02").content.decode()
    assert 'name="station" value="B02"' in page
    ticket = asked(client)
    form = {"ticket": ticket, "code": code_sent(), "station": "B02"}
    page = client.post("/m/sign-in/code/", form).content.decode()
    assert "还不是会员" in page
    assert 'name="station" value="B02"' in page
    form = join_form(ticket, station="B02", consent="on", plate="云A7K3M9")
    answer = client.post("/m/sign-in/join/", form)
    assert (answer.status_code, answer["Location"]) == (302, "/m/")
    member = Member.objects.get()
    assert member.home_station == there
    agreed = Consent.objects.filter(member=member, policy_version="2026-01")
    assert {one.purpose for one in agreed} == {"POLICY", "SMS"}
    assert {(one.given_channel, one.given_by) for one in agreed} == {("APP", None)}
    card = card_of(member, full=True)
    assert (card.name, card.phone, card.plates[0].plate) == ("李小龙", PHONE, "云A7K3M9")
    told = AuditEntry.objects.filter(document=member.number)
    assert {one.actor_name for one in told} == {"会员本人"}
    assert client.get("/m/").status_code == 200
    assert MemberNotice.objects.get(member=member).subject == "欢迎入会"
    again = client.post("/m/sign-in/join/", form)  # pressed twice
    assert again.status_code == 422
    assert Member.objects.count() == 1


@pytest.mark.req("MEM-01")
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"policy": ""}, "隐私政策"),
        ({"born": "2014-01-01"}, "监护人"),
        ({"born": "2999-01-01"}, "生日不对"),
        ({"plate": "XX"}, "车牌不对"),
        ({"name": ""}, "必填"),
    ],
)
def test_joining_is_refused_and_can_be_mended(fields, words):
    make.station()
    client = Client()
    ticket = asked(client)
    client.post("/m/sign-in/code/", {"ticket": ticket, "code": code_sent()})
    answer = client.post("/m/sign-in/join/", join_form(ticket, **fields))
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Member.objects.exists()
    assert client.post("/m/sign-in/join/", join_form(ticket)).status_code == 302


@pytest.mark.req("MEM-01")
def test_who_is_fourteen_today_joins():
    make.station()
    at = now()
    for days, status in ((1, 422), (0, 302)):
        client = Client()
        SignInCode.objects.all().delete()
        ticket = asked(client)
        client.post("/m/sign-in/code/", {"ticket": ticket, "code": code_sent()})
        today = at.astimezone(make.SHANGHAI).date()
        born = today.replace(year=today.year - 14) + timedelta(days=days)
        answer = client.post("/m/sign-in/join/", join_form(ticket, born=str(born)))
        assert answer.status_code == status


def test_nobody_joins_with_a_phone_that_he_did_not_prove():
    make.station()
    client = Client()
    ticket = asked(client)
    answer = client.post("/m/sign-in/join/", join_form(ticket))  # the code was never typed
    assert answer.status_code == 422
    assert client.post("/m/sign-in/join/", join_form("forged")).status_code == 302
    assert not Member.objects.exists()


def test_a_ticket_cannot_be_changed_and_grows_old(monkeypatch):
    ticket = signins.send_code(phone=PHONE, purpose=SIGN_IN, address="", at=now())
    assert read_ticket(ticket).phone == PHONE
    assert read_ticket(ticket[:-1] + ("A" if ticket[-1] != "A" else "B")) is None
    later = now().timestamp() + 901
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)
    assert read_ticket(ticket) is None


# --------------------------------------------------------------------------------- sessions


def test_signing_out_ends_the_session_and_takes_the_cookie():
    member = make.member()
    client = make.phone_of(member)
    token = client.cookies[COOKIE].value
    answer = client.post("/m/sign-out/")
    assert answer.cookies[COOKIE].value == ""
    assert session_of(token=token, at=now()) is None
    assert client.post("/m/sign-out/").status_code == 302  # twice is once


def test_a_session_ends_when_left_alone_when_too_old_and_with_the_membership():
    member = make.member()
    at = now()
    opened = sessions.open_for(member=member, device="", at=at)

    def lives(days: int) -> bool:
        return session_of(token=opened.token, at=at + timedelta(days=days)) is not None

    assert (lives(29), lives(30)) == (True, False)
    for day in range(20, 200, 20):  # used every twenty days
        found = session_of(token=opened.token, at=at + timedelta(days=day))
        if found:
            sessions.seen(session=found, at=at + timedelta(days=day))
    assert (lives(179), lives(180)) == (True, False)
    lead = make.manager(member.home_station)
    closing.forget(member=member, reason="本人要求", at=at, actor=lead)
    assert not lives(1)


def test_figures_that_make_no_sense_open_a_session_of_a_day():
    member = make.member()
    for name in ("members.session_days", "members.session_idle_days"):
        Setting.objects.create(station=member.home_station, name=name, value="0")
    opened = sessions.open_for(member=member, device="", at=make.NOW)
    assert opened.session.expires_at == make.NOW + timedelta(days=1)


def test_a_member_sees_his_phones_and_sends_one_away():
    member = make.member()
    mine, lost = make.phone_of(member), make.phone_of(member)
    page = mine.get("/m/me/devices/").content.decode()
    assert page.count("安卓手机") == 2
    away = re.search(r"/m/me/devices/(\d+)/end/", page)[0]
    assert mine.post(away).status_code == 302
    assert mine.post(away).status_code == 302
    assert lost.get("/m/").status_code == 302
    assert mine.get("/m/").status_code == 200


def test_a_part_of_a_page_is_told_that_the_session_is_over():
    answer = Client().get("/m/bell/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Redirect"]) == (401, "/m/sign-in/")


def test_after_signing_in_one_comes_back_to_the_phones_own_pages_only():
    assert Client().get("/m/purchases/")["Location"] == "/m/sign-in/?next=%2Fm%2Fpurchases%2F"
    assert own_page("/m/purchases/") == "/m/purchases/"
    for other in ("https://x.cn/", "//x.cn", "/m//x.cn", "/sales/till/", "/m/\n", ""):
        assert own_page(other) == "/m/"


def test_a_post_without_its_token_is_refused():
    member = make.member()
    client = Client(enforce_csrf_checks=True)
    client.cookies[COOKIE] = make.phone_of(member).cookies[COOKIE].value
    for path in ("/m/me/consents/", "/m/sign-out/", "/m/me/profile/", "/m/sign-in/"):
        assert client.post(path, {"given": "1", "name": "x"}).status_code == 403
    assert client.get("/m/").status_code == 200


def test_old_codes_are_forgotten():
    signins.send_code(phone=PHONE, purpose=SIGN_IN, address="", at=now() - timedelta(days=8))
    signins.send_code(phone=OTHER, purpose=SIGN_IN, address="", at=now())
    forget_codes()
    assert SignInCode.objects.count() == 1


def test_the_database_refuses_a_sixth_try_and_a_use_without_the_right_code():
    signins.send_code(phone=PHONE, purpose=SIGN_IN, address="", at=now())
    rows = SignInCode.objects.all()
    with pytest.raises(IntegrityError, match="a_code_is_tried_five_times"), transaction.atomic():
        rows.update(tries=6)
    with pytest.raises(IntegrityError, match="only_a_right_code_is_used"), transaction.atomic():
        rows.update(spent_at=now())
    session = make.phone_of(make.member())
    assert session
    with pytest.raises(IntegrityError, match="a_session_ends_after"), transaction.atomic():
        MemberSession.objects.update(expires_at=make.at(1))
