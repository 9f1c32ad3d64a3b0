"""Signing in: lock-out, second factor, one-time passwords, and what a session carries over."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.contrib.auth.hashers import identify_hasher
from django.test import Client, override_settings
from django.urls import reverse
from django.utils.timezone import now
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from station.models import AuditEntry, User
from station.services import second_factor
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.req("SEC-01")]

SIGN_IN = "/sign-in/"


def sign_in(client: Client, who: User, password: str = make.PASSWORD, **more: str):
    return client.post(SIGN_IN, {"username": who.username, "password": password, **more})


def code_of(device: TOTPDevice) -> str:
    return second_factor.code_now(device)


def test_a_cashier_signs_in_with_name_and_password():
    li = make.cashier(make.station())
    client = Client()
    answer = sign_in(client, li, next="/account/")
    assert answer.status_code == 302
    assert answer["Location"] == "/account/"
    assert "我的账户" in client.get("/account/").content.decode()
    entry = AuditEntry.objects.get(action="station.sign_in")
    assert (entry.actor, entry.reason, entry.address) == (li, "密码", "127.0.0.1")


def test_the_account_name_may_be_typed_in_capitals():
    li = make.user("CASHIER", make.station(), username="li")
    answer = Client().post(SIGN_IN, {"username": " LI ", "password": make.PASSWORD})
    assert answer.status_code == 302
    assert li.last_login is None  # the row was read before


def test_nobody_is_sent_to_another_host_after_signing_in():
    answer = sign_in(Client(), make.cashier(make.station()), next="https://example.com/")
    assert answer["Location"] == "/"


def test_five_wrong_passwords_lock_the_account_for_a_quarter_of_an_hour():
    li = make.cashier(make.station())
    start = now()
    client = Client()
    with time_machine.travel(start, tick=False):
        for _ in range(4):
            answer = sign_in(client, li, "wrong-password")
            assert answer.status_code == 422
            assert "账号或密码不对" in answer.content.decode()
        answer = sign_in(client, li, "wrong-password")
        assert answer.status_code == 422
        assert "已锁定 15 分钟" in answer.content.decode()
    entry = AuditEntry.objects.get(action="station.sign_in.locked")
    assert entry.document == f"user:{li.username}"
    assert "密码连续输错 5 次" in entry.reason
    with time_machine.travel(start + timedelta(minutes=14), tick=False):
        answer = sign_in(client, li)
        assert answer.status_code == 422
        assert "已锁定" in answer.content.decode()
    with time_machine.travel(start + timedelta(minutes=15, seconds=1), tick=False):
        assert sign_in(client, li).status_code == 302
    assert AuditEntry.objects.filter(action="station.sign_in.locked").count() == 1


def test_a_lock_of_one_account_leaves_others_at_the_same_address_alone():
    station = make.station()
    li, sun = make.cashier(station), make.attendant(station)
    client = Client()
    for _ in range(5):
        sign_in(client, li, "wrong-password")
    assert sign_in(Client(), sun).status_code == 302


def test_unknown_names_are_refused_like_wrong_passwords_and_leave_no_audit():
    client = Client()
    for _ in range(6):
        answer = client.post(SIGN_IN, {"username": "nobody", "password": "wrong-password"})
    assert answer.status_code == 422
    assert not AuditEntry.objects.exists()


def test_passwords_and_pins_are_argon2_and_no_page_returns_them():
    station = make.station()
    wang = make.manager(station)
    wang.set_password("another-Secret-1")
    assert identify_hasher(wang.password).algorithm == "argon2"
    assert settings.PASSWORD_HASHERS == ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    client = make.signed_in(wang)
    for name in ("account", "people", "audit"):
        text = client.get(reverse(f"station:{name}")).content.decode()
        assert "argon2" not in text
        assert make.PASSWORD not in text


def test_signing_in_gives_a_fresh_session():
    li = make.cashier(make.station())
    client = Client()
    client.get(SIGN_IN)
    session = client.session
    session["planted"] = "yes"
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = planted = session.session_key
    sign_in(client, li)
    assert client.cookies[settings.SESSION_COOKIE_NAME].value != planted


def test_a_deactivated_account_is_out_at_once():
    li = make.cashier(make.station())
    client = make.signed_in(li)
    User.objects.filter(pk=li.pk).update(is_active=False)
    assert client.get("/account/")["Location"].startswith(SIGN_IN)
    assert sign_in(Client(), li).status_code == 422


def test_a_person_without_any_role_opens_nothing_but_may_leave():
    nobody = User.objects.create_user("nobody", make.PASSWORD, name="无岗位")
    client = make.signed_in(nobody)
    assert client.get("/").status_code == 403
    assert client.post("/sign-out/")["Location"] == SIGN_IN


def test_a_part_of_a_page_is_told_by_its_status_that_the_session_ended():
    answer = Client().get(
        "/account/", headers={"HX-Request": "true", "HX-Current-URL": "http://h/x/"}
    )
    assert answer.status_code == 401
    assert answer["HX-Redirect"] == "/sign-in/?next=%2Fx%2F"
    assert Client().get("/account/", headers={"Accept": "application/json"}).status_code == 401


# ------------------------------------------------------------------------- second factor


@pytest.mark.parametrize("role", ["OWNER", "MANAGER"])
def test_owner_and_manager_bind_a_phone_before_anything_else(role):
    boss = make.user(role, make.station())
    client = Client()
    sign_in(client, boss)
    answer = client.get("/account/")
    assert answer["Location"] == "/sign-in/verify/?next=/account/"
    answer = client.get(answer["Location"])
    assert answer["Location"] == "/sign-in/phone/?next=%2Faccount%2F"
    page = client.get(answer["Location"]).content.decode()
    device = TOTPDevice.objects.get(user=boss, confirmed=False)
    assert second_factor.seed_of(device) in page
    assert client.post(answer["Location"], {"code": "000000"}).status_code == 422
    device.throttle_reset()
    done = client.post(answer["Location"], {"code": code_of(device)})
    assert done.status_code == 200
    assert len(done.context["codes"]) == 10
    assert client.get("/account/").status_code == 200
    assert AuditEntry.objects.filter(action="station.second_factor.bound", actor=boss).exists()


def bound(boss: User) -> TOTPDevice:
    return TOTPDevice.objects.create(user=boss, name="手机", confirmed=True)


def test_the_password_alone_opens_nothing_for_a_manager():
    wang = make.manager(make.station())
    device = bound(wang)
    client = Client()
    sign_in(client, wang)
    for page in ("/", "/account/", "/people/", "/account/pin/", "/account/password/"):
        assert client.get(page)["Location"].startswith("/sign-in/verify/"), page
    before = client.session.session_key
    answer = client.post("/sign-in/verify/?next=/account/", {"code": code_of(device)})
    assert answer["Location"] == "/account/"
    assert client.session.session_key != before
    assert client.get("/account/").status_code == 200


def test_a_second_phone_cannot_be_bound_by_who_knows_only_the_password():
    wang = make.manager(make.station())
    bound(wang)
    client = Client()
    sign_in(client, wang)
    assert client.get("/sign-in/phone/").status_code == 409


def test_a_code_is_good_once():
    wang = make.manager(make.station())
    device = bound(wang)
    code = code_of(device)
    first, second = Client(), Client()
    sign_in(first, wang)
    sign_in(second, wang)
    assert first.post("/sign-in/verify/", {"code": code}).status_code == 302
    answer = second.post("/sign-in/verify/", {"code": code})
    assert answer.status_code == 422
    assert "验证码不对" in answer.content.decode()


def test_a_recovery_code_lets_in_once_and_is_stored_as_a_digest():
    wang = make.manager(make.station())
    device = bound(wang)
    codes = second_factor.renew_recovery_codes(user=wang, at=make.NOW)
    stored = set(
        second_factor.StaticToken.objects.filter(device__user=wang).values_list("token", flat=True)
    )
    assert len(stored) == 10
    assert not stored & {code.replace("-", "") for code in codes}
    assert second_factor.verify(user=wang, code=codes[0].lower()).user == wang
    with pytest.raises(second_factor.WrongCode):
        second_factor.verify(user=wang, code=codes[0])
    assert second_factor.recovery_codes_left(wang) == 9
    assert device.confirmed


def test_wrong_codes_make_the_next_try_wait():
    wang = make.manager(make.station())
    device = bound(wang)
    with pytest.raises(second_factor.WrongCode):
        second_factor.verify(user=wang, code="000000")
    with pytest.raises(second_factor.WrongCode):  # right, but too soon
        second_factor.verify(user=wang, code=code_of(device))


def test_the_demo_station_shows_its_code_and_no_other_does():
    wang = make.manager(make.station())
    TOTPDevice.objects.create(user=wang, key="48656c6c6f21deadbeef", confirmed=True)
    client = Client()
    sign_in(client, wang)
    code = f"{totp(bytes.fromhex('48656c6c6f21deadbeef')):06d}"
    assert code not in client.get("/sign-in/verify/").content.decode()
    with override_settings(DEMO=True):
        assert code in client.get("/sign-in/verify/").content.decode()
    assert client.post("/sign-in/verify/", {"code": code}).status_code == 302


# ----------------------------------------------------------------------- own password, PIN


def test_a_one_time_password_is_changed_before_anything_else():
    li = make.user("CASHIER", make.station(), must_change_password=True)
    client = Client()
    sign_in(client, li)
    assert client.get("/")["Location"] == "/account/password/?next=/"
    new = "my-Own-Secret-9"
    answer = client.post("/account/password/", {"old": make.PASSWORD, "new": new, "again": new})
    assert answer.status_code == 302
    assert client.get("/account/").status_code == 200
    assert AuditEntry.objects.filter(action="station.password.changed").count() == 1


@pytest.mark.parametrize(
    ("new", "why"),
    [
        ("short1", "8"),
        ("28374650192", "数字"),
        ("password123", "常"),
        ("cashier-li-88", "相似"),
        (make.PASSWORD, "一样"),
    ],
)
def test_weak_passwords_are_refused_in_chinese(new, why):
    li = make.user("CASHIER", make.station(), username="cashier-li")
    answer = make.signed_in(li).post(
        "/account/password/", {"old": make.PASSWORD, "new": new, "again": new}
    )
    assert answer.status_code == 422
    assert why in "".join(answer.context["form"].non_field_errors())


def test_changing_the_password_ends_the_other_sessions():
    li = make.cashier(make.station())
    here, elsewhere = make.signed_in(li), make.signed_in(li)
    new = "my-Own-Secret-9"
    here.post("/account/password/", {"old": make.PASSWORD, "new": new, "again": new})
    assert here.get("/account/").status_code == 200
    assert elsewhere.get("/account/").status_code == 302


@pytest.mark.parametrize("pin", ["12345", "1234567", "abcdef", "111111", "123456", "１２３４５６"])
def test_a_pin_is_six_digits_that_are_not_guessed(pin):
    li = make.cashier(make.station())
    answer = make.signed_in(li).post(
        "/account/pin/", {"password": make.PASSWORD, "pin": pin, "again": pin}
    )
    assert answer.status_code == 422


def test_a_pin_is_set_with_the_password_to_vouch():
    li = make.cashier(make.station())
    client = make.signed_in(li)
    wrong = {"password": "wrong-password", "pin": "739104", "again": "739104"}
    assert client.post("/account/pin/", wrong).status_code == 422
    right = {**wrong, "password": make.PASSWORD}
    assert client.post("/account/pin/", right).status_code == 302
    li.refresh_from_db()
    assert li.pin_hash.startswith("argon2")
    assert AuditEntry.objects.filter(action="station.pin.set", actor=li).count() == 1
