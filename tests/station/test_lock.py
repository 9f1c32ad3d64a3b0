"""A screen left alone, and a till that changes hands by PIN."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils.timezone import now

from station.models import AuditEntry
from station.services import accounts
from station.services.approval import MayNotApprove, NotYourself, check_approver
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.req("SEC-01")]

JSON = {"Accept": "application/json"}


def test_after_a_quarter_of_an_hour_without_a_touch_the_screen_is_locked():
    client = make.signed_in(make.cashier(make.station()))
    assert client.get("/account/").status_code == 200
    with time_machine.travel(now() + timedelta(minutes=16)):
        assert client.get("/account/")["Location"] == "/lock/?next=/account/"
        assert "已锁定" in client.get("/lock/").content.decode()


@pytest.mark.parametrize("told", ["²", "9" * 5000, "-1", "soon"])
def test_an_idle_time_that_is_no_number_is_no_error(told):
    client = make.signed_in(make.cashier(make.station()))
    assert client.get("/account/", headers={"X-Idle-Seconds": told}).status_code == 200


def test_a_page_that_refreshes_itself_keeps_nobody_awake():
    client = make.signed_in(make.cashier(make.station()))
    start = now()
    for minute in range(2, 15, 2):
        with time_machine.travel(start + timedelta(minutes=minute)):
            idle = {"HX-Request": "true", "Accept": "text/html", "X-Idle-Seconds": str(minute * 60)}
            assert client.get("/account/", headers=idle).status_code == 200
    with time_machine.travel(start + timedelta(minutes=16)):
        answer = client.get("/account/", headers={"HX-Request": "true"})
        assert answer.status_code == 423  # the page stays, and is told
        assert answer["HX-Trigger"] == "locked"


def test_a_touch_told_with_a_poll_keeps_the_screen_open():
    client = make.signed_in(make.cashier(make.station()))
    start = now()
    for minute in range(5, 60, 5):
        with time_machine.travel(start + timedelta(minutes=minute)):
            touched = {"HX-Request": "true", "X-Idle-Seconds": "30"}
            assert client.get("/account/", headers=touched).status_code == 200


def test_the_pin_opens_the_lock_over_the_page():
    client = make.signed_in(make.cashier(make.station()))
    assert client.post("/lock/", headers=JSON).status_code == 204
    assert client.get("/account/").status_code == 302
    answer = client.post("/lock/open/", {"secret": "000000"}, headers=JSON)
    assert answer.status_code == 422
    assert "口令不对" in answer.json()["text"]
    assert client.post("/lock/open/", {"secret": make.PIN}, headers=JSON).status_code == 204
    assert client.get("/account/").status_code == 200


def test_five_wrong_pins_lock_the_pin_and_say_so_in_the_audit():
    li = make.cashier(make.station())
    client = make.signed_in(li)
    client.post("/lock/", headers=JSON)
    for _ in range(5):
        client.post("/lock/open/", {"secret": "000000"}, headers=JSON)
    answer = client.post("/lock/open/", {"secret": make.PIN}, headers=JSON)
    assert "已锁定 15 分钟" in answer.json()["text"]
    assert AuditEntry.objects.filter(action="station.pin.locked").count() == 1
    with time_machine.travel(now() + timedelta(minutes=15, seconds=1)):
        assert client.post("/lock/open/", {"secret": make.PIN}, headers=JSON).status_code == 204


def test_a_right_pin_forgets_the_wrong_ones_before():
    li = make.cashier(make.station())
    for _ in range(3):
        for _ in range(4):
            with pytest.raises(accounts.WrongSecret):
                accounts.check_pin(user=li, pin="000000", at=make.NOW)
        accounts.check_pin(user=li, pin=make.PIN, at=make.NOW)


def test_a_colleague_takes_the_till_over_with_his_pin_in_a_session_of_his_own():
    station = make.station()
    li, sun = make.cashier(station), make.user("CASHIER", station, name="收银员 Sun")
    client = make.signed_in(li)
    client.post("/lock/", headers=JSON)
    before = client.session.session_key
    answer = client.post("/lock/change/", {"person": sun.pk, "pin": make.PIN, "next": "/account/"})
    assert answer["Location"] == "/account/"
    assert client.session.session_key != before
    assert "收银员 Sun" in client.get("/account/").content.decode()
    entry = AuditEntry.objects.get(action="station.sign_in")
    assert (entry.actor, entry.reason) == (sun, "口令换班")


def test_a_manager_who_changes_in_by_pin_still_shows_his_second_factor():
    station = make.station()
    li, wang = make.cashier(station), make.manager(station)
    make.signed_in(wang)  # has a phone
    client = make.signed_in(li)
    client.post("/lock/change/", {"person": wang.pk, "pin": make.PIN})
    assert client.get("/account/")["Location"].startswith("/sign-in/verify/")


def test_only_those_who_work_a_till_here_can_change_in():
    station = make.station()
    li, sun = make.cashier(station), make.attendant(station)
    feng = make.user("CASHIER", make.station())
    client = make.signed_in(li)
    for other in (sun, feng):
        answer = client.post("/lock/change/", {"person": other.pk, "pin": make.PIN})
        assert answer.status_code == 422
    assert make.signed_in(sun).post("/lock/change/", {}).status_code == 403


# ------------------------------------------------------------------------------ four eyes


def approver(who, by, station, secret=make.PIN):
    return check_approver(
        username=who.username,
        secret=secret,
        right="sales.refund",
        station=station,
        not_user=by,
        at=make.NOW,
    )


@pytest.mark.req("SEC-02")
def test_a_second_person_with_the_right_approves_with_pin_or_password():
    station = make.station()
    li, wang = make.cashier(station), make.manager(station)
    assert approver(wang, li, station) == wang
    assert approver(wang, li, station, make.PASSWORD) == wang


@pytest.mark.req("SEC-02")
def test_nobody_approves_himself_nor_without_the_right_nor_at_another_station():
    station = make.station()
    li, wang = make.cashier(station), make.manager(station)
    with pytest.raises(NotYourself):
        approver(wang, wang, station)
    with pytest.raises(MayNotApprove):
        approver(make.cashier(station), li, station)
    with pytest.raises(MayNotApprove):
        approver(make.stranger(), li, station)
    with pytest.raises(accounts.WrongSecret):
        approver(wang, li, station, "000000")


@pytest.mark.req("SEC-01")
def test_guessing_an_approvers_pin_locks_it():
    station = make.station()
    li, wang = make.cashier(station), make.manager(station)
    for _ in range(5):
        with pytest.raises(accounts.WrongSecret):
            approver(wang, li, station, "000000")
    with pytest.raises(accounts.SecretLocked):
        approver(wang, li, station)


@pytest.mark.req("SEC-01")
def test_a_wrong_pin_is_never_checked_inside_a_transaction_that_could_forget_it():
    from django.db import transaction

    li = make.cashier(make.station())
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        accounts.check_pin(user=li, pin="000000", at=make.NOW)
